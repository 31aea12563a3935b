//! One promise as the page shows it.

use crate::{
    bar::{Bar, bar},
    evidence::Evidence,
    turn::{self, Turn},
    words,
};
use jiff::Timestamp;
use promises::{
    Catalogue, ControlSpec, Judgement, Kind, Promise, Recorded, Story, Verdict, control::Vantage, judge, verdict::Day,
};

/// How many days the history bar covers.
pub const DAYS: u16 = 90;

/// Why a promise is Unproven whose control has no probe in this build.
const UNBUILT: &str = "Its control is announced and not built yet.";

/// One promise with its verdict and what it rests on. Made by [`Row::new`] only, so that the verdict can come from nowhere
/// but [`promises::judge`].
#[derive(Clone, Debug)]
pub struct Row {
    /// The promise.
    pub promise: Promise,
    /// The control behind it, where the catalogue knows it.
    pub control: Option<ControlSpec>,
    /// Whether this build has a probe for it.
    pub built: bool,
    /// Why the verdict is what it is, in one sentence.
    pub why: String,
    /// Since when the verdict has held.
    pub since: Option<Timestamp>,
    /// When the verdict changes by itself if nothing new is seen.
    pub until: Option<Timestamp>,
    /// The observation it rests on: the newest one, fresh or not.
    pub rests_on: Option<Recorded>,
    /// The last [`DAYS`] days, oldest first.
    pub history: Vec<Day>,
    /// The newest observations, newest first.
    pub recent: Vec<Recorded>,
    /// The changes of its verdict, oldest first.
    pub turns: Vec<Turn>,
    verdict: Verdict,
}

impl Row {
    /// Judges a promise and gathers what its line shows.
    #[must_use]
    pub fn new(promise: &Promise, profile: &str, catalogue: &Catalogue, evidence: &Evidence, now: Timestamp) -> Self {
        let untold = Story::default();
        let story = evidence.story(&promise.id).unwrap_or(&untold);
        let Judgement { verdict, why, rests_on, since, until } = judge(promise, profile, story, now);
        let control = promise.control.as_deref();
        let built = control.is_some_and(|id| catalogue.is_built(id));
        let unbuilt = verdict == Verdict::Unproven && rests_on.is_none() && control.is_some() && !built;
        let lapse = story.newest().and_then(|newest| turn::lapse(promise, newest, now));
        Self {
            promise: promise.clone(),
            control: control.and_then(|id| catalogue.get(id)).copied(),
            built,
            why: if unbuilt { UNBUILT.to_owned() } else { words::sentence(&why) },
            since,
            until,
            rests_on: rests_on.cloned(),
            history: story.history(now, DAYS),
            recent: evidence.recent(&promise.id).cloned().collect(),
            turns: evidence.turns(&promise.id).cloned().chain(lapse).collect(),
            verdict,
        }
    }

    /// The verdict.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The promise's words, safe to show.
    #[must_use]
    pub fn words(&self) -> String {
        words::plain(&self.promise.words)
    }

    /// The rows of the published page that it stands for: `L14, M18`.
    #[must_use]
    pub fn claims(&self) -> String {
        words::plain(&self.promise.claims.join(", "))
    }

    /// From where it is attacked; `None` where nothing is.
    #[must_use]
    pub fn vantage(&self) -> Option<Vantage> {
        self.rests_on
            .as_ref()
            .map(|r| r.observation.about.vantage)
            .or_else(|| self.control.map(|control| control.vantage))
    }

    /// The vantage in words.
    #[must_use]
    pub fn vantage_words(&self) -> &'static str {
        match self.vantage() {
            Some(Vantage::Outside) => "from outside: anyone can repeat it",
            Some(Vantage::Inside) => "from inside, with the operator’s credentials",
            None => "from nowhere yet",
        }
    }

    /// How it becomes true, in words.
    #[must_use]
    pub const fn kind_words(&self) -> &'static str {
        match self.promise.kind {
            Kind::Enforced => "enforced by a control and attacked by a probe",
            Kind::Clocked => "kept by people before a deadline, timed by a clock",
            Kind::Attested => "stated by a person; nothing attacks it",
            Kind::Planned => "on the roadmap; not yet true",
        }
    }

    /// The name of the control.
    #[must_use]
    pub fn control_name(&self) -> Option<&str> {
        self.promise.control.as_deref()
    }

    /// The history as a drawing; `None` where there is nothing to draw.
    #[must_use]
    pub fn bar(&self) -> Option<Bar> {
        self.history.iter().any(|day| day.attacks > 0).then(|| bar(&self.history))
    }

    /// The lines of what the last attack tried.
    #[must_use]
    pub fn tried(&self) -> Vec<String> {
        self.rests_on.iter().flat_map(|r| &r.observation.tried).map(|line| words::plain(line)).collect()
    }

    /// What the last attack covered: `31 routes, 4 tables`.
    #[must_use]
    pub fn covered(&self) -> Option<String> {
        self.rests_on.as_ref().and_then(coverage)
    }

    /// The parameters, name and value.
    #[must_use]
    pub fn params(&self) -> Vec<(String, String)> {
        self.promise.params.iter().map(|(name, value)| (words::plain(name), words::value(value))).collect()
    }
}

/// What an observation covered: `31 routes, 4 tables`.
pub(crate) fn coverage(recorded: &Recorded) -> Option<String> {
    let parts: Vec<_> =
        recorded.observation.coverage.iter().map(|(what, count)| format!("{count} {}", words::plain(what))).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
