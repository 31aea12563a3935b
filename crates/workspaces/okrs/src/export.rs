//! Everything there is, as tables.

use crate::{
    Okrs,
    csv::{self, Cell},
    people::People,
    progress::{of_tree, of_value},
};
use ingress::{Answer, Caller};
use kernel::PersonId;
use serde_json::Value;
use store::objectives::{self, Everything, KeyResult, Objective, Revision};

/// A table of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Objectives,
    KeyResults,
    CheckIns,
    History,
}

impl File {
    const ALL: [Self; 4] = [Self::Objectives, Self::KeyResults, Self::CheckIns, Self::History];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Objectives => "objectives.csv",
            Self::KeyResults => "key-results.csv",
            Self::CheckIns => "check-ins.csv",
            Self::History => "history.csv",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

/// The table, of what was there at one instant.
pub(crate) async fn write(app: &Okrs, caller: Caller, file: File) -> Answer<String> {
    // A scope of its own: it must not have read anything before.
    let everything = objectives::everything(&mut app.scoped(caller).await?).await?;
    let people = People::of(&mut app.scoped(caller).await?).await?;
    Ok(match file {
        File::Objectives => of_objectives(&everything, &people),
        File::KeyResults => of_key_results(&everything, &people),
        File::CheckIns => of_check_ins(&everything, &people),
        File::History => of_history(&everything, &people),
    })
}

fn name(people: &People, person: Option<PersonId>) -> Cell {
    person.and_then(|person| people.name(person)).map_or(Cell::Empty, Cell::text)
}

fn share(share: Option<f64>) -> Cell {
    share.map_or(Cell::Empty, Cell::Number)
}

fn of_objectives(everything: &Everything, people: &People) -> String {
    const HEADS: [&str; 17] = [
        "objective",
        "title",
        "description",
        "level",
        "status",
        "owner",
        "owner_name",
        "parent",
        "starts_on",
        "ends_on",
        "weight",
        "check_in_every",
        "progress",
        "version",
        "created_at",
        "updated_at",
        "archived_at",
    ];
    let shares = of_tree(&everything.tree);
    let row = |one: &Objective| {
        let fields = &one.fields;
        [
            Cell::word(one.id),
            Cell::text(&fields.title),
            Cell::text(&fields.description),
            Cell::word(fields.level.word()),
            Cell::word(fields.status.word()),
            Cell::maybe(fields.owner),
            name(people, fields.owner),
            Cell::maybe(fields.parent),
            Cell::word(fields.starts_on),
            Cell::word(fields.ends_on),
            Cell::word(fields.weight),
            Cell::word(fields.check_in_every.word()),
            share(shares.get(&one.id).copied().flatten()),
            Cell::word(one.version),
            Cell::word(one.created_at),
            Cell::word(one.updated_at),
            Cell::maybe(one.archived_at),
        ]
    };
    csv::table(&HEADS, everything.tree.objectives.iter().map(row))
}

fn of_key_results(everything: &Everything, people: &People) -> String {
    const HEADS: [&str; 17] = [
        "key_result",
        "objective",
        "title",
        "owner",
        "owner_name",
        "unit",
        "direction",
        "initial",
        "target",
        "lower",
        "current",
        "progress",
        "weight",
        "version",
        "created_at",
        "updated_at",
        "archived_at",
    ];
    let row = |one: &KeyResult| {
        let fields = &one.fields;
        [
            Cell::word(one.id),
            Cell::word(one.objective),
            Cell::text(&fields.title),
            Cell::maybe(fields.owner),
            name(people, fields.owner),
            Cell::word(fields.unit.word()),
            Cell::word(fields.direction.word()),
            Cell::Number(fields.initial),
            Cell::Number(fields.target),
            share(fields.lower),
            Cell::Number(one.current()),
            Cell::Number(of_value(fields, one.current())),
            Cell::word(fields.weight),
            Cell::word(one.version),
            Cell::word(one.created_at),
            Cell::word(one.updated_at),
            Cell::maybe(one.archived_at),
        ]
    };
    csv::table(&HEADS, everything.tree.key_results.iter().map(row))
}

fn of_check_ins(everything: &Everything, people: &People) -> String {
    const HEADS: [&str; 8] =
        ["check_in", "key_result", "at", "person", "person_name", "value", "confidence", "comment"];
    let rows = everything.check_ins.iter().map(|one| {
        [
            Cell::word(one.id),
            Cell::word(one.key_result),
            Cell::word(one.at),
            Cell::word(one.person),
            name(people, Some(one.person)),
            Cell::Number(one.value),
            Cell::word(one.confidence),
            Cell::text(&one.comment),
        ]
    });
    csv::table(&HEADS, rows)
}

/// One record for each field that was changed, and one for a change of none.
fn of_history(everything: &Everything, people: &People) -> String {
    const HEADS: [&str; 11] = [
        "revision",
        "objective",
        "key_result",
        "at",
        "person",
        "person_name",
        "version",
        "deed",
        "field",
        "from",
        "to",
    ];
    let start = |one: &Revision| {
        [
            Cell::word(one.id),
            Cell::word(one.objective),
            Cell::maybe(one.key_result),
            Cell::word(one.at),
            Cell::word(one.person),
            name(people, Some(one.person)),
            Cell::word(one.version),
            Cell::word(one.deed.word()),
        ]
    };
    let records = |one: &Revision| -> Vec<Vec<Cell>> {
        let ends: Vec<[Cell; 3]> = one
            .changes
            .iter()
            .map(|change| [Cell::word(&change.field), value(&change.from), value(&change.to)])
            .collect();
        let ends = if ends.is_empty() { vec![[Cell::Empty, Cell::Empty, Cell::Empty]] } else { ends };
        ends.into_iter().map(|end| start(one).into_iter().chain(end).collect()).collect()
    };
    csv::table(&HEADS, everything.revisions.iter().flat_map(records))
}

fn value(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::text(text),
        Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
        other => Cell::word(other),
    }
}
