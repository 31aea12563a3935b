//! When verdicts changed, computed from the observations alone.

use jiff::Timestamp;
use promises::{Promise, Recorded, Verdict, story::outcome_verdict, verdict::expiry};

/// A change of one promise's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The promise.
    pub promise: String,
    /// The leaf of the observation that caused it: the one that saw something new, or the one that ran out.
    pub leaf: u64,
    /// When.
    pub at: Timestamp,
    /// What the verdict was; `None` before the first attack under a profile.
    pub from: Option<Verdict>,
    /// What it became.
    pub to: Verdict,
    /// What was seen.
    pub saw: String,
}

/// The changes that the next observation of a promise brings: that the one before ran out first, and what it saw itself.
pub(crate) fn next(promise: &Promise, before: Option<&Recorded>, recorded: &Recorded) -> Vec<Turn> {
    let about = &recorded.observation.about;
    let lapse = before.and_then(|before| lapse(promise, before, about.observed_at));
    // Another profile may say other words: what was proven of the old ones proves nothing of the new.
    let before = before.filter(|before| before.observation.about.profile == about.profile);
    let from = match &lapse {
        Some(lapse) => before.map(|_| lapse.to),
        None => before.map(|before| outcome_verdict(before.observation.outcome)),
    };
    let to = outcome_verdict(recorded.observation.outcome);
    let seen =
        (from != Some(to)).then(|| turn(promise, recorded, about.observed_at, from, to, &recorded.observation.saw));
    lapse.into_iter().chain(seen).collect()
}

/// The change by which an observation ran out before `by`, if it did.
pub(crate) fn lapse(promise: &Promise, recorded: &Recorded, by: Timestamp) -> Option<Turn> {
    let end = expiry(promise, recorded);
    let verdict = outcome_verdict(recorded.observation.outcome);
    let runs_out = matches!(verdict, Verdict::Kept | Verdict::Error) && end <= by;
    let saw = "no newer attack was observed in time";
    runs_out.then(|| turn(promise, recorded, end, Some(verdict), Verdict::Unproven, saw))
}

fn turn(promise: &Promise, r: &Recorded, at: Timestamp, from: Option<Verdict>, to: Verdict, saw: &str) -> Turn {
    Turn { promise: promise.id.clone(), leaf: r.leaf, at, from, to, saw: crate::words::plain(saw) }
}
