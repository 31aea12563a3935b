//! Sections as tables: CSV as RFC 4180 has it, with no cell that a spreadsheet would run.

use super::Package;
use kernel::csv::{self, Cell};
use serde_json::Value;
use std::collections::BTreeSet;

/// A section as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The name of the file: `notes.csv`.
    pub name: String,
    /// The table.
    pub csv: String,
}

/// Every section that has rows, as a table.
#[must_use]
pub fn tables(package: &Package) -> Vec<Table> {
    let filled = package.sections.iter().filter(|section| !section.rows.is_empty());
    filled
        .map(|section| {
            let flat: Vec<Vec<(String, &Value)>> = section.rows.iter().map(|row| flat(row)).collect();
            let heads: BTreeSet<&str> = flat.iter().flatten().map(|(name, _)| name.as_str()).collect();
            let heads: Vec<&str> = heads.into_iter().collect();
            let rows = flat.iter().map(|row| {
                let find = |head: &&str| {
                    row.iter().find(|(name, _)| name == head).map_or(Cell::Empty, |(_, value)| cell(value))
                };
                heads.iter().map(find).collect::<Vec<_>>()
            });
            Table { name: format!("{}.csv", section.section), csv: csv::table(&heads, rows) }
        })
        .collect()
}

/// A row with the fields of its objects as columns of their own: `body.title`.
fn flat(row: &serde_json::Map<String, Value>) -> Vec<(String, &Value)> {
    let mut out = Vec::new();
    for (name, value) in row {
        match value {
            Value::Object(inner) => {
                out.extend(flat(inner).into_iter().map(|(below, value)| (format!("{name}.{below}"), value)));
            }
            other => out.push((name.clone(), other)),
        }
    }
    out
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::text(text),
        Value::Number(number) => number.as_f64().map_or(Cell::Empty, Cell::Number),
        Value::Bool(flag) => Cell::word(flag),
        other => Cell::text(other.to_string()),
    }
}
