//! What is remembered of a promise's observations: enough for its verdict, its history and its changes, in bounded
//! memory however many attacks were made.

use crate::{
    observation::{Outcome, Recorded},
    profile::Promise,
    verdict::{Day, Verdict, day, expiry},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How many changes of outcome are remembered.
const TURNS: usize = 64;
/// How many days are remembered.
const DAYS: usize = 90;

/// The observations of one promise, folded in the order of their runs.
#[derive(Clone, Debug, Default)]
pub struct Story {
    newest: Option<Recorded>,
    streak: Option<Timestamp>,
    broken: Option<Broken>,
    days: BTreeMap<String, (Verdict, u64)>,
    turns: VecDeque<Recorded>,
}

/// A break that no later attack has failed to repeat.
#[derive(Clone, Debug)]
struct Broken {
    since: Timestamp,
    last: Recorded,
}

impl Story {
    /// The story that these observations tell. Those of other promises are passed over.
    #[must_use]
    pub fn of(promise: &Promise, observations: &[Recorded]) -> Self {
        let mut own: Vec<_> = observations.iter().filter(|r| r.observation.about.promise == promise.id).collect();
        own.sort_by_key(|r| r.observation.about.run);
        let mut story = Self::default();
        for recorded in own {
            story.tell(promise, recorded.clone());
        }
        story
    }

    /// Adds the next observation.
    pub fn tell(&mut self, promise: &Promise, recorded: Recorded) {
        let about = &recorded.observation.about;
        let seen = outcome_verdict(recorded.observation.outcome);
        let mark = self.days.entry(day(about.observed_at)).or_insert((seen, 0));
        mark.1 += 1;
        if badness(seen) > badness(mark.0) {
            mark.0 = seen;
        }
        while self.days.len() > DAYS + 1 {
            self.days.pop_first();
        }
        let unbroken = self.newest.as_ref().is_some_and(|last| {
            let in_time = last.observation.outcome == Outcome::Broke || about.observed_at <= expiry(promise, last);
            last.observation.outcome == recorded.observation.outcome
                && last.observation.about.profile == about.profile
                && in_time
        });
        if !unbroken {
            self.streak = Some(about.observed_at);
            self.turns.push_back(recorded.clone());
            while self.turns.len() > TURNS {
                self.turns.pop_front();
            }
        }
        self.keep_break(&recorded);
        self.newest = Some(recorded);
    }

    /// A crashed probe, or one that found nothing to attack, says nothing about a break: only an attack that held ends it.
    fn keep_break(&mut self, recorded: &Recorded) {
        let about = &recorded.observation.about;
        match recorded.observation.outcome {
            Outcome::Broke => {
                let earlier =
                    self.broken.take().filter(|broken| broken.last.observation.about.profile == about.profile);
                let since = earlier.map_or(about.observed_at, |broken| broken.since);
                self.broken = Some(Broken { since, last: recorded.clone() });
            }
            Outcome::Held => self.broken = None,
            Outcome::Failed | Outcome::Nothing => {}
        }
    }

    /// The newest observation.
    #[must_use]
    pub const fn newest(&self) -> Option<&Recorded> {
        self.newest.as_ref()
    }

    /// Since when attacks have ended the way the newest one did, without a gap.
    #[must_use]
    pub const fn streak(&self) -> Option<Timestamp> {
        self.streak
    }

    /// The last break that no later attack has failed to repeat, and since when it stands.
    #[must_use]
    pub fn broken(&self) -> Option<(&Recorded, Timestamp)> {
        self.broken.as_ref().map(|broken| (&broken.last, broken.since))
    }

    /// The observations that ended differently from the one before, or came after a gap; oldest first, at most 64.
    pub fn turns(&self) -> impl Iterator<Item = &Recorded> {
        self.turns.iter()
    }

    /// The last `days` days, oldest first: for each the worst outcome and the number of attacks. At most 90 are known.
    #[must_use]
    pub fn history(&self, now: Timestamp, days: u16) -> Vec<Day> {
        (0..i64::from(days))
            .rev()
            .map(|back| {
                let date = day(now.saturating_sub(SignedDuration::from_hours(24 * back)).unwrap_or(Timestamp::MIN));
                let known = self.days.get(&date);
                Day { worst: known.map(|(worst, _)| *worst), attacks: known.map_or(0, |(_, attacks)| *attacks), date }
            })
            .collect()
    }
}

/// What a day's mark shows for an outcome.
#[must_use]
pub const fn outcome_verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Held => Verdict::Kept,
        Outcome::Broke => Verdict::Broken,
        Outcome::Failed => Verdict::Error,
        Outcome::Nothing => Verdict::Unproven,
    }
}

const fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Broken => 3,
        Verdict::Error => 2,
        Verdict::Unproven => 1,
        Verdict::Kept | Verdict::Attested | Verdict::Planned | Verdict::Waived => 0,
    }
}
