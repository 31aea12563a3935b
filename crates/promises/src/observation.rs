//! What a probe attempted and saw.

use crate::control::Vantage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an attack ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The promise withstood the attack.
    Held,
    /// The attack succeeded: the promise is broken.
    Broke,
    /// The attack reached nothing that it could prove anything about.
    Nothing,
    /// The probe itself failed: it crashed, hung, or could not reach its target.
    Failed,
}

/// What one attack found, before it is dated and recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    outcome: Outcome,
    saw: String,
    tried: Vec<String>,
    coverage: BTreeMap<String, u64>,
}

impl Finding {
    fn new(outcome: Outcome, saw: impl Into<String>) -> Self {
        Self { outcome, saw: saw.into(), tried: Vec::new(), coverage: BTreeMap::new() }
    }

    /// The promise withstood the attack; `saw` says in one sentence what happened. Without [`Finding::covered`] it proves
    /// nothing.
    #[must_use]
    pub fn held(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Held, saw)
    }

    /// The attack succeeded; `saw` says in one sentence how.
    #[must_use]
    pub fn broke(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Broke, saw)
    }

    /// The attack reached nothing; `saw` says what was missing.
    #[must_use]
    pub fn nothing(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Nothing, saw)
    }

    /// The probe failed; `saw` says where, without secrets or personal data.
    #[must_use]
    pub fn failed(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, saw)
    }

    /// Adds one line to the list of what was tried.
    #[must_use]
    pub fn tried(mut self, what: impl Into<String>) -> Self {
        self.tried.push(what.into());
        self
    }

    /// States how much was attacked: `covered("routes", 31)`. A count of zero makes a held promise prove nothing.
    #[must_use]
    pub fn covered(mut self, what: impl Into<String>, count: usize) -> Self {
        self.coverage.insert(what.into(), u64::try_from(count).unwrap_or(u64::MAX));
        self
    }

    /// The same finding under a doubt that makes holding prove nothing. A break stays a break, a failure a failure.
    #[must_use]
    pub fn doubted(mut self, doubt: &str) -> Self {
        if self.outcome == Outcome::Held {
            self.outcome = Outcome::Nothing;
            self.saw = format!("{doubt}; what it saw held: {}", self.saw);
        }
        self
    }

    /// How the attack ended. An attack that held but covered nothing, or covered zero of something, is
    /// [`Outcome::Nothing`]: an attack over zero routes, rows or people proves nothing.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let empty = self.coverage.is_empty() || self.coverage.values().any(|count| *count == 0);
        if self.outcome == Outcome::Held && empty { Outcome::Nothing } else { self.outcome }
    }

    /// One sentence about what was seen.
    #[must_use]
    pub fn saw(&self) -> &str {
        &self.saw
    }

    /// Dates the finding and ties it to the promise that was attacked.
    #[must_use]
    pub fn at(self, about: About) -> Observation {
        let outcome = self.outcome();
        Observation { about, outcome, saw: self.saw, tried: self.tried, coverage: self.coverage }
    }
}

/// Which promise was attacked, when, by which build, and for how long the observation counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The promise's id in the profile.
    pub promise: String,
    /// The control behind it.
    pub control: String,
    /// Counts the attacks on this promise from 1, without a gap: an observation left out is missed.
    pub run: u64,
    /// From where it was attacked.
    pub vantage: Vantage,
    /// The address that was attacked.
    pub target: String,
    /// When the attack ended.
    pub observed_at: Timestamp,
    /// Until when it counts.
    pub valid_until: Timestamp,
    /// How long the attack took, in milliseconds.
    pub took_ms: u64,
    /// SHA-256 of the attacking executable, in hexadecimal.
    pub build: String,
    /// SHA-256 of the profile in force, in hexadecimal. An observation counts only for the profile it was made under.
    pub profile: String,
}

/// What one probe attempted and saw: a ledger leaf, public in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Which promise, when, by whom.
    #[serde(flatten)]
    pub about: About,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence about what was seen.
    pub saw: String,
    /// What was tried, a line each.
    pub tried: Vec<String>,
    /// How much was attacked: routes, tables, rows, plants.
    pub coverage: BTreeMap<String, u64>,
}

/// An observation with its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// The index of its leaf.
    pub leaf: u64,
    /// The observation.
    pub observation: Observation,
}
