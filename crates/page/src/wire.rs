//! `/trust.json`: types of its own, so that a new field inside never leaks by default.

use crate::{
    document::{Document, RenderError},
    model::{LedgerFacts, Sabotage, Snapshot, Summary},
    row::Row,
};
use jiff::Timestamp;
use promises::{Kind, Verdict, control::Vantage, profile::Value, verdict::Day};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole page as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// The service's name.
    pub service: String,
    /// SHA-256 of `/promises.toml`.
    pub profile_hash: String,
    /// SHA-256 of the running executable.
    pub build: String,
    /// When the verdicts were computed.
    pub generated_at: Timestamp,
    /// The address that outside attacks go to.
    pub public_url: String,
    /// The ledger that the verdicts rest on.
    pub ledger: LedgerFacts,
    /// How many promises stand at each verdict.
    pub summary: Summary,
    /// The promises in the order of the page.
    pub promises: Vec<Line>,
    /// The sabotage score of the newest run; compare its build with the running one.
    pub sabotage: Option<Sabotage>,
}

/// One promise as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The promise's id.
    pub id: String,
    /// The rows of the published page that it stands for.
    pub claims: Vec<String>,
    /// The heading it stands under.
    pub section: String,
    /// What is promised.
    pub words: String,
    /// `enforced`, `clocked`, `attested` or `planned`.
    pub kind: String,
    /// The control behind it.
    pub control: Option<String>,
    /// The verdict at `generated_at`.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub why: String,
    /// What the last attack saw.
    pub observed: Option<String>,
    /// When it ended.
    pub observed_at: Option<Timestamp>,
    /// When the verdict changes by itself if nothing new is seen.
    pub valid_until: Option<Timestamp>,
    /// Since when the verdict has held.
    pub since: Option<Timestamp>,
    /// How long the last attack took, in milliseconds.
    pub took_ms: Option<u64>,
    /// The ledger leaf of its observation.
    pub leaf: Option<u64>,
    /// How long one observation counts, in seconds.
    pub freshness_seconds: u64,
    /// From where it is attacked.
    pub vantage: Option<Vantage>,
    /// The control's parameters as people write them.
    pub params: BTreeMap<String, serde_json::Value>,
    /// The last ninety days, oldest first.
    pub history: Vec<Day>,
}

/// The whole page as data.
#[must_use]
pub fn trust(snapshot: &Snapshot) -> Trust {
    Trust {
        service: snapshot.service.name.clone(),
        profile_hash: snapshot.profile_hash.clone(),
        build: snapshot.build.clone(),
        generated_at: snapshot.generated_at,
        public_url: snapshot.public_url.clone(),
        ledger: snapshot.ledger.clone(),
        summary: snapshot.summary,
        promises: snapshot.rows.iter().map(line).collect(),
        sabotage: snapshot.sabotage.clone(),
    }
}

fn line(row: &Row) -> Line {
    let promise = &row.promise;
    let about = row.rests_on.as_ref().map(|r| &r.observation.about);
    Line {
        id: promise.id.clone(),
        claims: promise.claims.clone(),
        section: promise.section.clone(),
        words: promise.words.clone(),
        kind: kind(promise.kind).to_owned(),
        control: promise.control.clone(),
        verdict: row.verdict(),
        why: row.why.clone(),
        observed: row.rests_on.as_ref().map(|r| r.observation.saw.clone()),
        observed_at: about.map(|about| about.observed_at),
        valid_until: row.until,
        since: row.since,
        took_ms: about.map(|about| about.took_ms),
        leaf: row.rests_on.as_ref().map(|r| r.leaf),
        freshness_seconds: promise.freshness.as_secs(),
        vantage: row.vantage(),
        params: promise.params.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
        history: row.history.clone(),
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Enforced => "enforced",
        Kind::Clocked => "clocked",
        Kind::Attested => "attested",
        Kind::Planned => "planned",
    }
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}

/// Renders `/trust.json`.
///
/// # Errors
/// When the writer fails.
pub fn render(snapshot: &Snapshot) -> Result<Document, RenderError> {
    Document::json("application/json", &trust(snapshot))
}
