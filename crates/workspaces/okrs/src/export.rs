//! Everything there is: as tables, as one document, and as an archive of both.

mod archive;
mod document;
mod read;

pub(crate) use archive::read as read_archive;
pub use document::{Canonical, Document, FORMAT, SCHEMA_VERSION};
pub(crate) use read::{LARGEST, import, parse};

use crate::{
    Okrs,
    csv::{self, Cell},
    people::People,
    progress::{of_tree, of_value},
};
use document::Workspace;
use ingress::{Answer, Caller};
use kernel::{PersonId, Timestamp};
use serde_json::Value;
use store::{
    objectives::{self, Everything, KeyResult, Objective, Revision},
    tenancy,
};

/// A table of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Objectives,
    KeyResults,
    CheckIns,
    History,
    People,
}

impl File {
    const ALL: [Self; 5] = [Self::Objectives, Self::KeyResults, Self::CheckIns, Self::History, Self::People];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Objectives => "objectives.csv",
            Self::KeyResults => "key-results.csv",
            Self::CheckIns => "check-ins.csv",
            Self::History => "history.csv",
            Self::People => "people.csv",
        }
    }

    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.name() == name)
    }
}

/// The table, of what was there at one instant.
pub(crate) async fn write(app: &Okrs, caller: Caller, file: File) -> Answer<String> {
    Ok(Gathered::of(app, caller).await?.table(file))
}

/// The document, of what was there at one instant.
pub(crate) async fn document(app: &Okrs, caller: Caller) -> Answer<Document> {
    let Gathered { workspace, everything, people, now } = Gathered::of(app, caller).await?;
    Ok(Document::of(workspace, everything, &people, now))
}

/// The document and every table, as one file.
pub(crate) async fn archive(app: &Okrs, caller: Caller) -> Answer<Vec<u8>> {
    let gathered = Gathered::of(app, caller).await?;
    let tables = File::ALL.map(|file| (file.name(), gathered.table(file)));
    let Gathered { workspace, everything, people, now } = gathered;
    archive::pack(&Document::of(workspace, everything, &people, now), &tables)
}

/// What was there at one instant.
struct Gathered {
    workspace: Workspace,
    everything: Everything,
    people: People,
    now: Timestamp,
}

impl Gathered {
    async fn of(app: &Okrs, caller: Caller) -> Answer<Self> {
        // The scope must not have read anything before; whatever it reads is of the same instant.
        let mut scoped = app.scoped(caller).await?;
        let everything = objectives::everything(&mut scoped).await?;
        let people = People::of(&mut scoped).await?;
        let workspace = Workspace { id: caller.tenant, name: tenancy::name(&mut scoped).await? };
        Ok(Self { workspace, everything, people, now: scoped.now() })
    }

    fn table(&self, file: File) -> String {
        match file {
            File::Objectives => of_objectives(&self.everything, &self.people),
            File::KeyResults => of_key_results(&self.everything, &self.people),
            File::CheckIns => of_check_ins(&self.everything, &self.people),
            File::History => of_history(&self.everything, &self.people),
            File::People => of_people(&self.people),
        }
    }
}

fn of_people(people: &People) -> String {
    csv::table(&["person", "person_name"], people.iter().map(|(id, name)| [Cell::word(id), Cell::text(name)]))
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
