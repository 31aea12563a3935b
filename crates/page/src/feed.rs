//! Changes of verdicts as an Atom feed (RFC 4287). Computed from the observations: an entry that was published once comes
//! back with the same id for as long as its observation is in the ledger.

use crate::{
    document::{Document, RenderError},
    model::Snapshot,
    turn::Turn,
    words,
};
use askama::Template;

/// How many changes the feed carries.
const ENTRIES: usize = 100;

/// The feed's template.
#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed<'a> {
    page: &'a Snapshot,
    operator: String,
    updated: String,
    entries: Vec<Entry>,
}

/// One change in words.
struct Entry {
    id: String,
    title: String,
    updated: String,
    link: String,
    summary: String,
    slug: &'static str,
}

/// Renders `/trust/feed.atom`.
///
/// # Errors
/// When the template engine fails.
pub fn render(snapshot: &Snapshot) -> Result<Document, RenderError> {
    let mut turns: Vec<(&Turn, String)> =
        snapshot.rows.iter().flat_map(|row| row.turns.iter().map(|turn| (turn, row.words()))).collect();
    turns.sort_by_key(|(turn, _)| std::cmp::Reverse((turn.at, turn.leaf)));
    turns.truncate(ENTRIES);
    let feed = Feed {
        page: snapshot,
        operator: words::plain(&snapshot.service.operator),
        updated: words::iso(turns.first().map_or(snapshot.generated_at, |(turn, _)| turn.at)),
        entries: turns.iter().map(|(turn, words)| entry(snapshot, turn, words)).collect(),
    };
    Ok(Document::new("application/atom+xml; charset=utf-8", feed.render()?))
}

fn entry(snapshot: &Snapshot, turn: &Turn, promise: &str) -> Entry {
    let link = format!("{}/trust/observations/{}", snapshot.public_url, turn.leaf);
    let was = turn.from.map_or_else(String::new, |from| format!(" (was {from})"));
    Entry {
        // One leaf can cause two changes: what it saw, and later that it ran out.
        id: format!("{link}#{}", turn.to.slug()),
        title: format!("{}: {promise}{was}", turn.to),
        updated: words::iso(turn.at),
        link,
        summary: turn.saw.clone(),
        slug: turn.to.slug(),
    }
}
