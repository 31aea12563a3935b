//! The page of changes: what was promised when, and what was weakened.

use crate::{
    assets,
    document::{Document, RenderError},
    model::{Change, Snapshot},
    words,
};
use askama::Template;

/// The template of the page of changes.
#[derive(Template)]
#[template(path = "changes.html")]
struct Page<'a> {
    page: &'a Snapshot,
    changes: Vec<Entry>,
}

/// One change in words.
struct Entry {
    leaf: u64,
    at: String,
    iso: String,
    hash: String,
    previous: Option<String>,
    lines: Vec<Line>,
}

/// One line of a diff: its first word says what happened.
struct Line {
    class: &'static str,
    text: String,
}

/// Renders `/trust/changes`.
///
/// # Errors
/// When the template engine fails.
pub fn render(snapshot: &Snapshot) -> Result<Document, RenderError> {
    Document::html(&Page { page: snapshot, changes: snapshot.changes.iter().map(entry).collect() })
}

fn entry(change: &Change) -> Entry {
    Entry {
        leaf: change.leaf,
        at: words::minute(change.at),
        iso: words::iso(change.at),
        hash: words::plain(&change.hash),
        previous: change.previous.as_deref().map(words::plain),
        lines: change.lines.iter().map(|text| line(text)).collect(),
    }
}

fn line(text: &str) -> Line {
    let class = ["added", "removed", "stronger", "weaker", "reworded"];
    let class = class.into_iter().find(|word| text.split(' ').next() == Some(word)).unwrap_or("other");
    Line { class, text: words::plain(text) }
}
