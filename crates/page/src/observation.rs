//! The page of one observation, and the leaf itself.

use crate::{
    assets,
    document::{Document, RenderError},
    model::Snapshot,
    row, words,
};
use askama::Template;
use promises::{Recorded, Verdict, control::Vantage, story::outcome_verdict, verdict::expiry};

/// The template of an observation's page.
#[derive(Template)]
#[template(path = "observation.html")]
struct Page<'a> {
    page: &'a Snapshot,
    leaf: u64,
    verdict: Verdict,
    current: bool,
    promise: Option<String>,
    facts: Vec<(&'static str, String)>,
    saw: String,
    tried: Vec<String>,
}

/// Renders `/trust/observations/{leaf}`.
///
/// # Errors
/// When the template engine fails.
pub fn render(snapshot: &Snapshot, recorded: &Recorded) -> Result<Document, RenderError> {
    let about = &recorded.observation.about;
    let row = snapshot.row(&about.promise);
    Document::html(&Page {
        page: snapshot,
        leaf: recorded.leaf,
        verdict: outcome_verdict(recorded.observation.outcome),
        current: row.and_then(|row| row.rests_on.as_ref()).is_some_and(|newest| newest.leaf == recorded.leaf),
        promise: row.map(row::Row::words),
        facts: facts(snapshot, recorded),
        saw: words::sentence(&recorded.observation.saw),
        tried: recorded.observation.tried.iter().map(|line| words::plain(line)).collect(),
    })
}

impl Page<'_> {
    /// The promise's id, where the profile still has it.
    fn promise_id(&self) -> &str {
        self.facts.first().map_or("", |(_, id)| id)
    }
}

fn facts(snapshot: &Snapshot, recorded: &Recorded) -> Vec<(&'static str, String)> {
    let about = &recorded.observation.about;
    let vantage = match about.vantage {
        Vantage::Outside => "outside: anyone can repeat it",
        Vantage::Inside => "inside, with the operator’s credentials",
    };
    let end = snapshot.row(&about.promise).map_or(about.valid_until, |row| expiry(&row.promise, recorded));
    vec![
        ("Promise", words::plain(&about.promise)),
        ("Control", words::plain(&about.control)),
        ("Attack number", about.run.to_string()),
        ("Attacked", words::utc(about.observed_at)),
        ("Counts until", words::utc(end)),
        ("Took", format!("{} ms", about.took_ms)),
        ("From", vantage.to_owned()),
        ("Target", words::plain(&about.target)),
        ("Covered", row::coverage(recorded).unwrap_or_else(|| "nothing".to_owned())),
        ("Attacking build", words::plain(&about.build)),
        ("Profile", words::plain(&about.profile)),
    ]
}

/// Serves `/trust/observations/{leaf}.json`: the leaf's bytes as the ledger has them, so that their hash can be checked.
#[must_use]
pub fn raw(entry: Vec<u8>) -> Document {
    Document::new("application/json", entry)
}

/// Serves `/trust/proofs/{leaf}`: an inclusion proof in the form of C2SP tlog-proof.
#[must_use]
pub fn proof(text: String) -> Document {
    Document::new("text/plain; charset=utf-8", text)
}
