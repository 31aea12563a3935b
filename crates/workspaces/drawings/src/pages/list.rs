//! The list.

use super::HOME;
use crate::{
    Drawings,
    frame::View,
    people::People,
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Query};
use kernel::Permission;
use serde::Deserialize;
use store::drawings::{self, Drawing, Which};
use ui::{Cell, Links, Notice, Page, Table, Tone};
use uuid::Uuid;

/// How many stand on a page.
const SHOWN: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    which: Option<String>,
    before: Option<Uuid>,
    done: Option<String>,
}

pub(super) async fn list(
    extract::State(app): extract::State<Drawings>,
    view: View,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let which = which(asked.which.as_deref());
    let mut scoped = app.scoped(view.caller).await?;
    let mut found = drawings::list(&mut scoped, which, asked.before, SHOWN + 1).await?;
    let people = People::of(&mut scoped).await?;
    let more = found.len() > SHOWN as usize;
    found.truncate(SHOWN as usize);

    let writes = view.caller.role.may(Permission::DrawingsWrite);
    let done = (asked.done.as_deref() == Some("delete")).then(|| Notice::done(EN.done_delete, ""));
    let table = found.iter().fold(table(which, writes), |table, drawing| table.row(row(drawing, &view, &people)));
    let page = Page::new(EN.drawings).lead(EN.lead).wide().add(done).add(ways(which, writes)).add(table);
    let page = page.add(turn(which, asked.before, found.last().filter(|_| more)));
    app.show(&view, StatusCode::OK, HOME, &page).await
}

fn which(word: Option<&str>) -> Which {
    match word {
        Some("own") => Which::Own,
        Some("shared") => Which::Shared,
        _ => Which::All,
    }
}

const fn word(which: Which) -> &'static str {
    match which {
        Which::All => "all",
        Which::Own => "own",
        Which::Shared => "shared",
    }
}

fn table(which: Which, writes: bool) -> Table {
    let empty = match which {
        Which::Shared => EN.empty_shared,
        _ if writes => EN.empty,
        _ => EN.empty_viewer,
    };
    Table::new(EN.drawings, [EN.name, EN.kind, EN.size, EN.owner, EN.uploaded]).empty(empty)
}

fn row(drawing: &Drawing, view: &View, people: &People) -> [Cell; 5] {
    let owner =
        if drawing.owner == view.caller.person { EN.you } else { people.name(drawing.owner).unwrap_or(EN.former) };
    [
        Cell::link(super::at(drawing.id), &drawing.name),
        Cell::text(texts::kind(drawing.kind)),
        Cell::text(texts::size(drawing.size)),
        Cell::text(owner),
        Cell::moment(drawing.created_at),
    ]
}

/// What there is to do and to see.
fn ways(which: Which, writes: bool) -> Links {
    let links = if writes { Links::row().button("/drawings/new", EN.upload, Tone::Main) } else { Links::row() };
    let all = [(Which::All, EN.all), (Which::Own, EN.own), (Which::Shared, EN.shared)];
    all.into_iter().fold(links, |links, (other, label)| {
        let path = format!("{HOME}?which={}", word(other));
        if other == which { links.here(path, label) } else { links.link(path, label) }
    })
}

/// The way to the next page, and back to the first.
fn turn(which: Which, before: Option<Uuid>, last: Option<&Drawing>) -> Links {
    let here = format!("{HOME}?which={}", word(which));
    let links = if before.is_some() { Links::new().link(&here, EN.newest) } else { Links::new() };
    match last {
        Some(last) => links.link(format!("{here}&before={}", last.id), EN.older),
        None => links,
    }
}
