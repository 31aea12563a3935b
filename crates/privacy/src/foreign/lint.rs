//! What is wrong with a map: everything that would make an erasure incomplete, or stop it half way.

mod keys;
mod rules;

use super::{
    map::{Class, Map, Table},
    territory::Territory,
};
use serde::Serialize;
use std::fmt;
use store::foreign::{Catalogue, Foreign, TableName};

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gravity {
    /// Nothing is erased with such a map.
    Error,
    /// It works, and could work better.
    Advice,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How grave it is.
    pub gravity: Gravity,
    /// The table, or the table's column.
    pub place: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gravity = match self.gravity {
            Gravity::Error => "error",
            Gravity::Advice => "advice",
        };
        write!(f, "{gravity}: {}: {}", self.place, self.what)
    }
}

/// What was found so far.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, place: impl fmt::Display, what: impl Into<String>) {
        self.0.push(Finding { gravity: Gravity::Error, place: place.to_string(), what: what.into() });
    }

    fn advice(&mut self, place: impl fmt::Display, what: impl Into<String>) {
        self.0.push(Finding { gravity: Gravity::Advice, place: place.to_string(), what: what.into() });
    }
}

/// Compares a map with a schema, in both directions. The gravest findings come first.
#[must_use]
pub fn lint(map: &Map, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Findings::default();
    tables(map, catalogue, &mut findings);
    subject(map, catalogue, &mut findings);
    for table in &map.tables {
        if let Some(live) = catalogue.tables.get(&table.name) {
            columns(table, live, &mut findings);
            keys::links(map, table, live, catalogue, &mut findings);
            rules::rules(map, table, live, &mut findings);
        }
    }
    keys::deletions(map, catalogue, &mut findings);
    match Territory::of(map, catalogue) {
        Ok(territory) => indexes(map, catalogue, &territory, &mut findings),
        Err(wrong) => wrong.into_iter().for_each(|what| findings.error("paths", what)),
    }
    findings.0.sort();
    findings.0.dedup();
    findings.0
}

/// The errors alone, as sentences.
#[must_use]
pub fn errors(findings: &[Finding]) -> Vec<String> {
    let grave = findings.iter().filter(|finding| finding.gravity == Gravity::Error);
    grave.map(|finding| format!("{}: {}", finding.place, finding.what)).collect()
}

fn tables(map: &Map, catalogue: &Catalogue, findings: &mut Findings) {
    let mut seen = std::collections::BTreeSet::new();
    for table in &map.tables {
        if !catalogue.tables.contains_key(&table.name) {
            findings.error(&table.name, "is on the map and not in the database");
        }
        if !seen.insert(&table.name) {
            findings.error(&table.name, "is on the map twice");
        }
    }
    for name in catalogue.tables.keys().filter(|name| !seen.contains(name)) {
        findings.error(name, "is in the database and not on the map");
    }
}

fn subject(map: &Map, catalogue: &Catalogue, findings: &mut Findings) {
    let root = &map.subject.table;
    let Some(live) = catalogue.tables.get(root) else {
        return findings.error(root, "is to hold the people and is not in the database");
    };
    if map.table(root).is_none() {
        findings.error(root, "is to hold the people and is not on the map");
    }
    if !live.is_unique(&map.subject.key) {
        findings.error(
            format!("{root}.{}", map.subject.key),
            "is to tell people apart, and the database lets values come twice",
        );
    }
    for column in map.subject.email.iter().filter(|column| live.column(column).is_none()) {
        findings.error(format!("{root}.{column}"), "is to hold addresses and is not in the database");
    }
    match map.identifiers() {
        Err(what) => findings.error("subject.identifiers", what),
        Ok(identifiers) if identifiers.is_empty() => {
            findings.error("subject.identifiers", "names nothing that could be looked for in texts afterwards");
        }
        Ok(identifiers) => identifiers.iter().for_each(|place| identifier(map, catalogue, place, findings)),
    }
}

fn identifier(map: &Map, catalogue: &Catalogue, (table, column): &(TableName, String), findings: &mut Findings) {
    let place = format!("{table}.{column}");
    let live = catalogue.tables.get(table).and_then(|live| live.column(column));
    let is_owned = map.is_root(table) || map.table(table).is_some_and(|table| !table.owned_by.is_empty());
    match live {
        None => findings.error(place, "is to identify people and is not in the database"),
        Some(_) if !is_owned => {
            findings.error(place, "is to identify people, and nothing leads from its table to them")
        }
        Some(_) => {}
    }
}

fn columns(table: &Table, live: &store::foreign::Table, findings: &mut Findings) {
    let name = &table.name;
    for column in &live.columns {
        match table.columns.get(&column.name) {
            None => findings.error(format!("{name}.{}", column.name), "is in the database and has no class"),
            Some(Class::Unclassified) => findings.error(
                format!("{name}.{}", column.name),
                "is unclassified: say system, pseudonym, credential, personal or content",
            ),
            Some(Class::Known(_)) => {}
        }
    }
    let gone = table.columns.keys().filter(|column| live.column(column).is_none());
    gone.for_each(|column| findings.error(format!("{name}.{column}"), "is on the map and not in the database"));
    for column in table.mentions.keys() {
        match live.column(column) {
            Some(column) if column.is_searchable() => {}
            Some(_) => findings.error(format!("{name}.{column}"), "holds no text in which somebody could be named"),
            None => findings.error(format!("{name}.{column}"), "is under `mentions` and not in the database"),
        }
    }
}

/// Links that an erasure follows and that no index serves.
fn indexes(map: &Map, catalogue: &Catalogue, territory: &Territory, findings: &mut Findings) {
    // Below this, reading it all is as fast.
    const SMALL: i64 = 10_000;
    for (name, columns) in unserved(map, catalogue, territory) {
        if catalogue.tables.get(&name).is_some_and(|live| live.rows > SMALL) {
            let command = Foreign::index_command(&name, &columns);
            findings.advice(&name, format!("every batch reads the whole table: {command}"));
        }
    }
}

/// Columns by which rows are looked for and which no index leads with: those of the map's own links, and those by which the
/// database checks that nothing points at a row that goes.
#[must_use]
pub fn unserved(map: &Map, catalogue: &Catalogue, territory: &Territory) -> Vec<(TableName, Vec<String>)> {
    let mut out = Vec::new();
    for table in &map.tables {
        let Some(live) = catalogue.tables.get(&table.name) else { continue };
        let followed = table.owned_by.iter().chain(&table.cleared).map(|link| &link.columns);
        let checked =
            live.foreign_keys.iter().filter(|key| territory.owned.contains_key(&key.target)).map(|key| &key.columns);
        for columns in followed.chain(checked) {
            if !live.has_index(columns) && !out.contains(&(table.name.clone(), columns.clone())) {
                out.push((table.name.clone(), columns.clone()));
            }
        }
    }
    out
}
