//! The history of an objective and its key results.

use super::at;
use crate::{
    Okrs,
    frame::View,
    parts::owner,
    people::People,
    texts::{self, EN},
};
use axum::{extract, http::StatusCode, response::Response};
use ingress::{Answer, Ids, Query};
use kernel::PersonId;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use store::objectives::{self, Change, Deed, Filter, Revision};
use ui::{Cell, Links, Page, Prose, Table};
use uuid::Uuid;

/// How many changes stand on a page.
const SHOWN: u32 = 50;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    before: Option<Uuid>,
}

pub(super) async fn history(
    extract::State(app): extract::State<Okrs>,
    view: View,
    Ids(id): Ids<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let mut scoped = app.scoped(view.caller).await?;
    let (objective, key_results) = objectives::get(&mut scoped, id).await?;
    let mut told = objectives::revisions(&mut scoped, id, asked.before, SHOWN + 1).await?;
    let all = objectives::tree(&mut scoped, Filter::All).await?.objectives;
    let people = People::of(&mut scoped).await?;
    let more = told.len() > SHOWN as usize;
    told.truncate(SHOWN as usize);

    let mut titles: HashMap<Uuid, String> = all.into_iter().map(|one| (one.id, one.fields.title)).collect();
    titles.extend(key_results.into_iter().map(|one| (one.id, one.fields.title)));
    let names = Names { people: &people, titles: &titles };
    let table = Table::new(EN.history, [EN.when, EN.who, EN.what, EN.changed]).empty(EN.no_history);
    let table = told.iter().fold(table, |table, one| table.row(names.row(one)));
    let here = format!("{}/history", at(id));
    let links = if asked.before.is_some() { Links::new().link(&here, EN.newest) } else { Links::new() };
    let links = match told.last().filter(|_| more) {
        Some(last) => links.link(format!("{here}?before={}", last.id), EN.older),
        None => links,
    };
    let page = Page::new(format!("{}: {}", EN.history, objective.fields.title)).lead(EN.history_lead).wide();
    let page = page.add(table).add(links.link(at(id), EN.back_to_objective));
    app.show(&view, StatusCode::OK, &here, &page).await
}

/// What ids are called.
struct Names<'a> {
    people: &'a People,
    titles: &'a HashMap<Uuid, String>,
}

impl Names<'_> {
    fn row(&self, told: &Revision) -> [Cell; 4] {
        let about = match told.key_result {
            Some(key_result) => {
                let title = self.titles.get(&key_result).map(String::as_str).unwrap_or_default();
                format!("{}: {title}", EN.of_key_result)
            }
            None => EN.of_objective.to_owned(),
        };
        // Of what was written for the first time the whole is new, and empty fields say nothing.
        let changes = told.changes.iter().filter(|change| told.deed != Deed::Created || !is_empty(&change.to));
        let lines: Vec<Prose> = changes.map(|change| Prose::new(self.line(change, told.deed))).collect();
        [
            Cell::moment(told.at),
            Cell::text(owner(self.people, Some(told.person))),
            Cell::lines(texts::deed(told.deed), about),
            Cell::part(lines),
        ]
    }

    fn line(&self, change: &Change, deed: Deed) -> String {
        let (field, to) = (texts::field(&change.field), self.value(&change.field, &change.to));
        if deed == Deed::Created {
            return format!("{field}: {to}");
        }
        format!("{field}: {to} ({}: {})", EN.was, self.value(&change.field, &change.from))
    }

    fn value(&self, field: &str, value: &Value) -> String {
        let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
        match (field, value) {
            ("owner", _) => owner(self.people, id.map(PersonId::from)).to_owned(),
            ("parent", _) => id.and_then(|id| self.titles.get(&id)).map_or(EN.no_parent, String::as_str).to_owned(),
            (_, Value::String(text)) => readable(field, text),
            (_, Value::Null) => "–".to_owned(),
            (_, Value::Bool(yes)) => (if *yes { "yes" } else { "no" }).to_owned(),
            (_, Value::Number(number)) => number.as_f64().map_or_else(|| number.to_string(), |n| n.to_string()),
            (_, other) => other.to_string(),
        }
    }
}

/// A word of ours as people call it, and a text as it is.
fn readable(field: &str, text: &str) -> String {
    use store::objectives::{Direction, Every, Level, Status, Unit};
    let known = match field {
        "level" => Level::parse(text).map(texts::level),
        "status" => Status::parse(text).map(texts::status),
        "check_in_every" => Every::parse(text).map(texts::every),
        "unit" => Unit::parse(text).map(texts::unit),
        "direction" => Direction::parse(text).map(texts::direction),
        _ => None,
    };
    let text = known.unwrap_or(text);
    if text.is_empty() { "–".to_owned() } else { text.to_owned() }
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value.as_str() == Some("")
}
