//! The list.

use super::{HOME, at, done};
use crate::{
    Okrs,
    frame::View,
    parts::{Progress, owner},
    people::People,
    progress::{due, of_tree},
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Query};
use jiff::{civil::Date, tz::TimeZone};
use kernel::Permission;
use serde::Deserialize;
use std::collections::HashMap;
use store::objectives::{self, Filter, Level, Objective, Status, Tree};
use ui::{Cell, Heading, Links, Page, Table, Tone};
use uuid::Uuid;

/// How many stand on a page.
const SHOWN: usize = 50;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Asked {
    archived: Option<String>,
    mine: Option<String>,
    page: Option<u32>,
    done: Option<String>,
}

impl Asked {
    /// The address of another page of the same list.
    fn address(&self, archived: bool, mine: bool, page: u32) -> String {
        let flags = [("archived", archived), ("mine", mine)];
        let mut query: Vec<String> =
            flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| format!("{flag}=yes")).collect();
        if page > 1 {
            query.push(format!("page={page}"));
        }
        if query.is_empty() { HOME.to_owned() } else { format!("{HOME}?{}", query.join("&")) }
    }
}

pub(super) async fn list(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let archived = asked.archived.is_some();
    let mut scoped = app.scoped(view.caller).await?;
    let tree = objectives::tree(&mut scoped, if archived { Filter::Archived } else { Filter::Current }).await?;
    let people = People::of(&mut scoped).await?;
    let shares = of_tree(&tree);
    let now = scoped.now().to_zoned(TimeZone::UTC).date();
    let dues = dues(&tree, now);
    let mut shown: Vec<&Objective> = tree.objectives.iter().collect();
    if asked.mine.is_some() {
        shown.retain(|objective| objective.fields.owner == Some(view.caller.person));
    }
    shown.sort_by(|a, b| order(a).cmp(&order(b)));
    let number = asked.page.unwrap_or(1).max(1);
    let skipped = (number as usize - 1).saturating_mul(SHOWN);
    let here: Vec<&Objective> = shown.iter().skip(skipped).take(SHOWN).copied().collect();
    let more = shown.len() > skipped.saturating_add(SHOWN);

    let (title, lead) = if archived { (EN.archived, EN.archived_lead) } else { (EN.objectives, EN.lead) };
    let page = Page::new(title).lead(lead).wide().add(done(asked.done.as_deref())).add(ways(&asked, &view));
    let row = |table: Table, one: &&Objective| table.row(row(one, &shares, &dues, &people));
    let page = if here.is_empty() {
        page.add(table("").empty(if archived { EN.empty_archived } else { EN.empty }))
    } else {
        Level::ALL.iter().fold(page, |page, level| {
            let of_level: Vec<_> = here.iter().copied().filter(|one| one.fields.level == *level).collect();
            if of_level.is_empty() {
                return page;
            }
            let words = texts::level(*level);
            page.add(Heading::new(words)).add(of_level.iter().fold(table(words), row))
        })
    };
    let page = page.add(turn(&asked, number, more));
    app.show(&view, StatusCode::OK, HOME, &page).await
}

/// By level, then by the day on which they end.
fn order(objective: &Objective) -> (Level, Date, &str) {
    (objective.fields.level, objective.fields.ends_on, &objective.fields.title)
}

/// Objectives that are worked on and have a key result about which nobody has said anything for too long.
fn dues(tree: &Tree, today: Date) -> HashMap<Uuid, ()> {
    let overdue = |objective: &Objective, last: Date| due(objective.fields.check_in_every, last) < today;
    let active: HashMap<Uuid, &Objective> = tree
        .objectives
        .iter()
        .filter(|objective| objective.fields.status == Status::Active && objective.archived_at.is_none())
        .map(|objective| (objective.id, objective))
        .collect();
    tree.key_results
        .iter()
        .filter_map(|key_result| {
            let objective = active.get(&key_result.objective)?;
            let last = key_result.latest.as_ref().map(|one| one.at.to_zoned(TimeZone::UTC).date());
            overdue(objective, last.unwrap_or(objective.fields.starts_on)).then_some((objective.id, ()))
        })
        .collect()
}

fn table(caption: &str) -> Table {
    Table::new(caption, [EN.title, EN.status, EN.progress, EN.owner, EN.ends_on])
}

fn row(
    objective: &Objective,
    shares: &HashMap<Uuid, Option<f64>>,
    dues: &HashMap<Uuid, ()>,
    people: &People,
) -> [Cell; 5] {
    let fields = &objective.fields;
    let status = texts::status(fields.status);
    [
        Cell::link(at(objective.id), &fields.title),
        if dues.contains_key(&objective.id) { Cell::lines(status, EN.overdue) } else { Cell::badge(status) },
        Cell::part(Progress(shares.get(&objective.id).copied().flatten())),
        Cell::text(owner(people, fields.owner)),
        Cell::text(fields.ends_on.to_string()),
    ]
}

/// What else there is to see and to do.
fn ways(asked: &Asked, view: &View) -> Links {
    let (archived, mine) = (asked.archived.is_some(), asked.mine.is_some());
    let writes = view.caller.role.may(Permission::ObjectivesWrite);
    let links = if writes { Links::row().button("/objectives/new", EN.new, Tone::Main) } else { Links::row() };
    links
        .link(asked.address(archived, !mine, 1), if mine { EN.everybody } else { EN.mine })
        .link(asked.address(!archived, mine, 1), if archived { EN.current } else { EN.archived })
        .link("/objectives/export", EN.export)
}

fn turn(asked: &Asked, page: u32, more: bool) -> Links {
    let address = |page| asked.address(asked.archived.is_some(), asked.mine.is_some(), page);
    let links = if page > 1 { Links::new().link(address(page - 1), EN.previous_page) } else { Links::new() };
    if more { links.link(address(page.saturating_add(1)), EN.next_page) } else { links }
}
