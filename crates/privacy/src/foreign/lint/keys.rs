//! Links: every foreign key stands on the map, every link leads somewhere, and nothing points at a row that goes.

use super::Findings;
use crate::foreign::map::{Link, Map, Rule, Table};
use store::foreign::{Catalogue, OnDelete, Table as Live, TableName, sample::comparable};

/// The links of one table, in both directions.
pub(super) fn links(map: &Map, table: &Table, live: &Live, catalogue: &Catalogue, findings: &mut Findings) {
    for key in &live.foreign_keys {
        let is_same =
            |link: &&Link| link.columns == key.columns && link.table == key.target && link.targets == key.targets;
        let link = Link {
            columns: key.columns.clone(),
            table: key.target.clone(),
            targets: key.targets.clone(),
            undeclared: false,
        };
        match table.links().filter(is_same).count() {
            0 => findings.error(
                &table.name,
                format!("the foreign key {link} is not on the map: put it under owned_by, cleared or points_at"),
            ),
            1 => {}
            _ => findings.error(&table.name, format!("{link} is on the map twice")),
        }
    }
    for link in table.links() {
        let is_declared = live
            .foreign_keys
            .iter()
            .any(|key| link.columns == key.columns && link.table == key.target && link.targets == key.targets);
        match (is_declared, link.undeclared) {
            (true, true) => findings.error(&table.name, format!("the schema declares {link}: leave out `undeclared`")),
            (false, false) => findings.error(
                &table.name,
                format!("the schema has no foreign key {link}; if it is one all the same, write `undeclared` after it"),
            ),
            (true, false) => {}
            (false, true) => ends(table, link, live, catalogue, findings),
        }
        if map.table(&link.table).is_none() {
            findings.error(&table.name, format!("{link} leads to a table that is not on the map"));
        }
    }
}

/// Both ends of a link that the schema does not know.
fn ends(table: &Table, link: &Link, live: &Live, catalogue: &Catalogue, findings: &mut Findings) {
    let Some(target) = catalogue.tables.get(&link.table) else { return };
    for (column, to) in link.columns.iter().zip(&link.targets) {
        match (live.column(column), target.column(to)) {
            (Some(one), Some(other)) if comparable(&one.base, &other.base) => {}
            (Some(one), Some(other)) => findings
                .error(&table.name, format!("{link} compares {} with {}, which are never equal", one.kind, other.kind)),
            (None, _) => findings.error(format!("{}.{column}", table.name), "is in a link and not in the database"),
            (_, None) => findings.error(format!("{}.{to}", link.table), "is in a link and not in the database"),
        }
    }
}

/// Whatever points at rows that go.
pub(super) fn deletions(map: &Map, catalogue: &Catalogue, findings: &mut Findings) {
    for table in &map.tables {
        let Some(live) = catalogue.tables.get(&table.name) else { continue };
        for key in &live.foreign_keys {
            if goes(map, &key.target) {
                let what = dangling(table, live, key);
                what.into_iter().for_each(|what| findings.error(&table.name, what));
            }
        }
    }
}

/// Whether rows of the table are deleted.
fn goes(map: &Map, name: &TableName) -> bool {
    let is_owned = |table: &Table| map.is_root(name) || !table.owned_by.is_empty();
    map.table(name).is_some_and(|table| table.on_erase == Rule::Delete && is_owned(table))
}

/// What happens to a row that points at one that goes, if that is not what the map says.
fn dangling(table: &Table, live: &Live, key: &store::foreign::ForeignKey) -> Option<String> {
    let is_same = |link: &Link| link.columns == key.columns && link.table == key.target;
    let columns = key.columns.join(", ");
    if table.cleared.iter().any(is_same) {
        return None;
    }
    let goes_too = table.owned_by.iter().any(is_same) && table.on_erase == Rule::Delete;
    if goes_too {
        return None;
    }
    match key.on_delete {
        OnDelete::Cascade => Some(format!(
            "the database deletes its rows when the row of {} goes, and the map does not say so: put {columns} under owned_by with on_erase = \"delete\", or under cleared",
            key.target
        )),
        OnDelete::Empty if key.columns.iter().all(|column| live.column(column).is_some_and(|c| c.not_null)) => Some(
            format!("the database would empty {columns} when the row of {} goes, and that may not be null", key.target),
        ),
        OnDelete::Empty => None,
        OnDelete::Refuse if empties(table, &key.columns) => None,
        OnDelete::Refuse => Some(format!(
            "its rows stop the deletion of the row of {} that {columns} points at: let them go too (owned_by), or put {columns} under cleared",
            key.target
        )),
    }
}

/// Whether making the rows anonymous empties one of the columns.
fn empties(table: &Table, columns: &[String]) -> bool {
    let is_owner = table.owned_by.iter().any(|link| link.columns == columns);
    let emptied = columns.iter().any(|column| table.anonymise.get(column).is_some_and(|words| words == "null"));
    is_owner && table.on_erase == Rule::Anonymise && emptied
}
