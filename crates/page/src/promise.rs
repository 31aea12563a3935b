//! The page of one promise.

use crate::{
    assets,
    document::{Document, RenderError},
    model::Snapshot,
    row::Row,
    words,
};
use askama::Template;
use promises::{Recorded, Verdict, story::outcome_verdict, verdict::Day};

/// The template of a promise's page.
#[derive(Template)]
#[template(path = "promise.html")]
struct Page<'a> {
    page: &'a Snapshot,
    row: &'a Row,
    about: Vec<String>,
    standards: Vec<(&'static str, String)>,
    recent: Vec<Attack>,
    days: Vec<&'a Day>,
}

/// One attack in the list of the newest.
struct Attack {
    leaf: u64,
    verdict: Verdict,
    at: String,
    iso: String,
    saw: String,
}

/// Renders `/trust/promises/{id}`; `None` when the profile has no such promise.
///
/// # Errors
/// When the template engine fails.
pub fn render(snapshot: &Snapshot, id: &str) -> Result<Option<Document>, RenderError> {
    let Some(row) = snapshot.row(id) else { return Ok(None) };
    let page = Page {
        page: snapshot,
        row,
        about: row.control.map(|control| paragraphs(control.about)).unwrap_or_default(),
        standards: standards(row),
        recent: row.recent.iter().map(attack).collect(),
        days: row.history.iter().rev().filter(|day| day.attacks > 0).collect(),
    };
    Document::html(&page).map(Some)
}

fn attack(recorded: &Recorded) -> Attack {
    let at = recorded.observation.about.observed_at;
    Attack {
        leaf: recorded.leaf,
        verdict: outcome_verdict(recorded.observation.outcome),
        at: words::utc(at),
        iso: words::iso(at),
        saw: words::plain(&recorded.observation.saw),
    }
}

/// The paragraphs of a control's documentation, without the marks of Markdown that would look odd as plain text.
fn paragraphs(markdown: &str) -> Vec<String> {
    let text = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ").replace(['`', '*'], "");
    markdown.split("\n\n").map(text).filter(|part| !part.is_empty()).collect()
}

fn standards(row: &Row) -> Vec<(&'static str, String)> {
    let Some(control) = row.control else { return Vec::new() };
    [
        ("GDPR, articles", control.standards.gdpr),
        ("ISO/IEC 27001:2022, Annex A", control.standards.iso27001),
        ("SOC 2 criteria", control.standards.soc2),
        ("OWASP ASVS 5.0", control.standards.asvs),
    ]
    .into_iter()
    .filter(|(_, clauses)| !clauses.is_empty())
    .map(|(name, clauses)| (name, clauses.join(", ")))
    .collect()
}
