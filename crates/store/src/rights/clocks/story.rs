//! What the log says of one case, event by event in their order.

use crate::rights::{State, cases::Case};
use jiff::SignedDuration;
use kernel::Timestamp;
use ledger::audit::Event;

/// How far the time of a row may lie from that of its event: both are read within one transaction.
const APART: SignedDuration = SignedDuration::from_secs(5);

/// What the log says of one case.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// When it was opened, and its kind.
    pub(super) opened: Option<(Timestamp, String)>,
    due: Option<String>,
    closed: Option<(Timestamp, String)>,
    /// When its clock stood, for the person had to answer.
    stood: Times,
    /// When a law held it back.
    held: Times,
    /// The holds that were decided at it: when, and until when.
    decided: Vec<(Timestamp, Timestamp)>,
    /// When holds were ended.
    released: Vec<Timestamp>,
}

impl Story {
    /// Goes on with the next event.
    pub(super) fn take(&mut self, event: &Event) {
        let context = |key: &str| event.context.get(key).cloned().unwrap_or_default();
        let until = || context("until").parse().unwrap_or(Timestamp::MAX);
        let at = event.at;
        match event.action.as_str() {
            "rights.open" => self.opened = Some((at, context("kind"))),
            "rights.pause" => self.stood.begin(at, Timestamp::MAX),
            "rights.resume" => self.stood.end(at),
            // One hold more: the longest counts. What the job says is the sum of all.
            "rights.hold" => {
                self.held.begin(at, until().max(self.held.ends_after(at)));
                self.decided.push((at, until()));
            }
            "rights.wait" => self.held.begin(at, until()),
            "rights.release" => {
                self.held.end(at);
                self.released.push(at);
            }
            "rights.erase" => self.held.end(at),
            "rights.close" | "rights.withdraw" => {
                self.closed = Some((at, context("state")));
                self.stood.end(at);
                self.held.end(at);
            }
            _ => {}
        }
        if matches!(event.action.as_str(), "rights.open" | "rights.extend" | "rights.resume") {
            self.due = Some(context("due"));
        }
    }

    /// How long the case took until then, without the time in which its clock stood.
    pub(super) fn took(&self, case: &Case, until: Timestamp) -> SignedDuration {
        length(&[&self.stood], case.opened_at, until)
    }

    /// The same without the time, too, in which a law held it back: nothing could be done then.
    pub(super) fn took_unheld(&self, case: &Case, until: Timestamp) -> SignedDuration {
        length(&[&self.stood, &self.held], case.opened_at, until)
    }

    /// Whether a law holds it back.
    pub(super) fn is_held(&self, now: Timestamp) -> bool {
        self.held.is_on(now)
    }

    /// Whether a hold was decided at this case, with this end.
    pub(super) fn has_decided(&self, at: Timestamp, until: Timestamp) -> bool {
        self.decided.iter().any(|(when, end)| near(*when, at) && near(*end, until))
    }

    /// Whether the holds on whose case this is were ended after that.
    pub(super) fn has_released(&self, since: Timestamp) -> bool {
        self.released.iter().any(|at| *at > since)
    }

    /// Whether a case is as the log says.
    pub(super) fn agrees(&self, case: &Case) -> bool {
        let opened =
            self.opened.as_ref().is_some_and(|(at, kind)| near(case.opened_at, *at) && *kind == case.kind.word());
        let due = self.due.as_deref().and_then(|due| due.parse::<Timestamp>().ok());
        let due = due.is_some_and(|due| near(case.due_at, due));
        let stands = case.paused_at.is_none_or(|since| self.stood.last().is_some_and(|(from, _)| near(since, from)));
        let stood = SignedDuration::from_secs(i64::try_from(case.paused_seconds).unwrap_or(i64::MAX));
        let stood = stood <= self.stood.sum(case.closed_at.unwrap_or(Timestamp::MAX)).saturating_add(APART);
        let held = case.held_until.is_none_or(|until| self.held.last().is_some_and(|(_, end)| until <= end + APART));
        let closed = match (&case.closed_at, &self.closed) {
            (Some(at), Some((told, state))) => near(*at, *told) && state == case.state.word(),
            (None, None) => true,
            _ => false,
        };
        opened && due && stands && (case.state == State::Paused) == case.paused_at.is_some() && stood && held && closed
    }
}

fn near(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= APART
}

/// Spans of time, one behind the other.
#[derive(Debug, Default)]
struct Times(Vec<(Timestamp, Timestamp)>);

impl Times {
    /// Begins at `at`, to end at `until` if nothing ends it before. What is on goes on until then.
    fn begin(&mut self, at: Timestamp, until: Timestamp) {
        match self.0.last_mut() {
            Some((_, end)) if *end > at => *end = until,
            _ => self.0.push((at, until)),
        }
    }

    fn end(&mut self, at: Timestamp) {
        if let Some((_, end)) = self.0.last_mut() {
            *end = at.min(*end);
        }
    }

    fn last(&self) -> Option<(Timestamp, Timestamp)> {
        self.0.last().copied()
    }

    fn is_on(&self, at: Timestamp) -> bool {
        self.last().is_some_and(|(from, end)| from <= at && at < end)
    }

    /// When what is on ends, or `at`.
    fn ends_after(&self, at: Timestamp) -> Timestamp {
        self.last().map_or(at, |(_, end)| end.max(at))
    }

    fn sum(&self, until: Timestamp) -> SignedDuration {
        let spans = self.0.iter().map(|(from, end)| end.min(&until).duration_since(*from.min(&until)));
        spans.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }
}

/// How long it is from one instant to the other, without these times, which may overlap.
fn length(without: &[&Times], from: Timestamp, until: Timestamp) -> SignedDuration {
    let mut spans: Vec<(Timestamp, Timestamp)> = without.iter().flat_map(|times| times.0.iter().copied()).collect();
    spans.sort_unstable();
    let (mut at, mut length) = (from, SignedDuration::ZERO);
    for (begin, end) in spans {
        if begin > at {
            length = length.saturating_add(begin.min(until).duration_since(at.min(until)));
        }
        at = at.max(end);
    }
    length.saturating_add(until.duration_since(at).max(SignedDuration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_overlaps_counts_once() {
        let stood = Times(vec![(at(10), at(20)), (at(40), Timestamp::MAX)]);
        let held = Times(vec![(at(15), at(30))]);
        let seconds = |without: &[&Times]| length(without, at(0), at(50)).as_secs();
        assert_eq!((seconds(&[]), seconds(&[&stood]), seconds(&[&held, &stood])), (50, 30, 20));
        assert_eq!((stood.sum(at(50)).as_secs(), held.sum(at(20)).as_secs(), held.sum(at(5)).as_secs()), (20, 5, 0));
    }

    #[test]
    fn what_is_on_goes_on_and_what_ran_out_begins_anew() {
        let mut held = Times::default();
        held.begin(at(10), at(20));
        held.begin(at(15), at(30));
        assert_eq!(held.0, [(at(10), at(30))]);
        assert!(held.is_on(at(29)) && !held.is_on(at(30)));
        held.begin(at(40), Timestamp::MAX);
        held.end(at(45));
        held.end(at(60));
        assert_eq!(held.0, [(at(10), at(30)), (at(40), at(45))]);
    }

    proptest! {
        #[test]
        fn a_length_is_what_no_time_covers(
            spans in prop::collection::vec((0_i64..60, 0_i64..60), 0..6), from in 0_i64..60, until in 0_i64..60
        ) {
            let times = Times(spans.iter().map(|(one, other)| (at(*one.min(other)), at(*one.max(other)))).collect());
            let open = |second: i64| !spans.iter().any(|(one, other)| (*one.min(other)..*one.max(other)).contains(&second));
            let expected = (from..until).filter(|second| open(*second)).count();
            prop_assert_eq!(length(&[&times], at(from), at(until)).as_secs(), i64::try_from(expected).unwrap());
        }
    }
}
