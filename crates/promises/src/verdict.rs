//! Observations and a clock in, verdicts out. Pure: anyone with the same observations reaches the same verdict.

use crate::{
    observation::{Outcome, Recorded},
    profile::{Kind, Promise},
    story::Story,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What may be said of a promise now. Only [`Verdict::Kept`] is green.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The last attack failed to break it, and is fresh.
    Kept,
    /// An attack broke it, and none since has held.
    Broken,
    /// The probe itself failed.
    Error,
    /// No control, no observation, or none that is fresh.
    Unproven,
    /// A person said so, until a date.
    Attested,
    /// Not yet true.
    Planned,
    /// Set aside, with a reason and an end date.
    Waived,
}

impl Verdict {
    /// Every verdict, in the order in which a page counts them.
    pub const ALL: [Self; 7] =
        [Self::Kept, Self::Broken, Self::Error, Self::Unproven, Self::Attested, Self::Planned, Self::Waived];

    /// The word on the page.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kept => "Kept",
            Self::Broken => "Broken",
            Self::Error => "Error",
            Self::Unproven => "Unproven",
            Self::Attested => "Attested",
            Self::Planned => "Planned",
            Self::Waived => "Waived",
        }
    }

    /// The word in JSON and in CSS classes.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Broken => "broken",
            Self::Error => "error",
            Self::Unproven => "unproven",
            Self::Attested => "attested",
            Self::Planned => "planned",
            Self::Waived => "waived",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement<'a> {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub why: String,
    /// The observation it rests on: the newest one, fresh or not, or the break that still stands.
    pub rests_on: Option<&'a Recorded>,
    /// Since when the verdict has held without a break, as far as the observations reach.
    pub since: Option<Timestamp>,
    /// When it changes by itself if nothing new is seen.
    pub until: Option<Timestamp>,
}

/// Judges one promise at the instant `now` by its story. A newest observation that was made under another profile than
/// `profile` (its hash) does not count, because it may have tested other words.
#[must_use]
pub fn judge<'a>(promise: &Promise, profile: &str, story: &'a Story, now: Timestamp) -> Judgement<'a> {
    let plain = |verdict, why: String, until| Judgement { verdict, why, rests_on: None, since: None, until };

    if let Some(waiver) = promise.waiver.as_ref().filter(|w| now < w.until) {
        return plain(
            Verdict::Waived,
            format!("waived until {}: {}", day(waiver.until), waiver.reason),
            Some(waiver.until),
        );
    }
    match promise.kind {
        Kind::Planned => {
            let phase = promise.planned.as_ref().map_or_else(String::new, |plan| format!(", {}", plan.phase));
            return plain(Verdict::Planned, format!("not yet true{phase}"), None);
        }
        Kind::Attested => return attested(promise, now),
        Kind::Enforced | Kind::Clocked => {}
    }
    let Some(newest) = story.newest().filter(|newest| newest.observation.about.profile == profile) else {
        let why =
            if promise.control.is_some() { "no attack has been observed yet" } else { "no control stands behind it" };
        return plain(Verdict::Unproven, why.to_owned(), None);
    };
    // A break does not heal by waiting, nor by a probe that fails or finds nothing: only an attack that held ends it.
    if let Some((last, since)) = story.broken().filter(|(last, _)| last.observation.about.profile == profile) {
        let why = last.observation.saw.clone();
        return Judgement { verdict: Verdict::Broken, why, rests_on: Some(last), since: Some(since), until: None };
    }
    unbroken(promise, story, newest, now)
}

/// What the newest observation carries at `now`, where no break stands.
fn unbroken<'a>(promise: &Promise, story: &'a Story, newest: &'a Recorded, now: Timestamp) -> Judgement<'a> {
    let (about, end) = (&newest.observation.about, expiry(promise, newest));
    let early = about.observed_at > now.checked_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
    let fresh = now < end && !early;
    let saw = || newest.observation.saw.clone();
    let (verdict, why, since, until) = match newest.observation.outcome {
        Outcome::Held if fresh => (Verdict::Kept, saw(), story.streak(), Some(end)),
        Outcome::Failed if fresh => (Verdict::Error, saw(), story.streak(), Some(end)),
        Outcome::Broke => (Verdict::Broken, saw(), story.streak(), None),
        Outcome::Nothing => (Verdict::Unproven, saw(), story.streak(), None),
        _ if early => {
            (Verdict::Unproven, format!("the last attack is dated in the future, {}", about.observed_at), None, None)
        }
        _ => (
            Verdict::Unproven,
            format!("the last attack, on {}, is too old to count", about.observed_at),
            Some(end),
            None,
        ),
    };
    Judgement { verdict, why, rests_on: Some(newest), since, until }
}

fn attested<'a>(promise: &Promise, now: Timestamp) -> Judgement<'a> {
    let (verdict, why, until) = match &promise.attested {
        Some(a) if now < a.expires => {
            let why = format!("said by {} in «{}», valid until {}", a.owner, a.document, day(a.expires));
            (Verdict::Attested, why, Some(a.expires))
        }
        Some(a) => (Verdict::Unproven, format!("the statement of {} expired on {}", a.owner, day(a.expires)), None),
        None => (Verdict::Unproven, "nobody has signed this statement".to_owned(), None),
    };
    Judgement { verdict, why, rests_on: None, since: None, until }
}

/// How far in the future an observation may be dated before it counts as none.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// When an observation stops counting: what it says itself, but never longer than the promise's freshness allows.
#[must_use]
pub fn expiry(promise: &Promise, recorded: &Recorded) -> Timestamp {
    let about = &recorded.observation.about;
    let most = about.observed_at.checked_add(promise.freshness.signed()).unwrap_or(Timestamp::MAX);
    about.valid_until.min(most)
}

/// One day of a promise's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The day in UTC, as `2026-11-22`.
    pub date: String,
    /// The worst that was observed on it; `None` where nothing was.
    pub worst: Option<Verdict>,
    /// How many attacks were made on it.
    pub attacks: u64,
}

/// The day of an instant in UTC, as `2026-11-22`.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
