//! What was done, in figures. No value of anybody's stands in it, so that it can be kept and shown.

use super::plan::{Kept, What};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use store::foreign::TableName;
use uuid::Uuid;

/// The version of the receipt's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this schema.
    pub schema_version: u32,
    /// The case.
    pub case: Uuid,
    /// The name of the database.
    pub database: String,
    /// The map by which it was done, as a SHA-256.
    pub map: String,
    /// How many people were erased.
    pub people: usize,
    /// When it began and ended.
    pub started: String,
    /// When it ended.
    pub finished: String,
    /// How often its process died and went on.
    pub resumed: u32,
    /// How long each part took, of the process that ended it.
    pub took: Took,
    /// What was done to each table.
    pub steps: Vec<Done>,
    /// What stays, and why.
    pub kept: Vec<Kept>,
    /// Where identifiers were looked for in texts, and what came of it.
    pub searched: Vec<Searched>,
    /// Where rows lost their owner meanwhile.
    pub orphaned: Vec<Orphaned>,
    /// Whether nothing is left that should not be.
    pub complete: bool,
}

/// How long the parts of an erasure took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// Finding the people and counting their rows.
    pub plan_ms: u64,
    /// Changing rows.
    pub rows_ms: u64,
    /// Searching every text.
    pub search_ms: u64,
    /// Counting again.
    pub recount_ms: u64,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The table.
    pub table: TableName,
    /// What was done.
    pub what: What,
    /// How many rows were found when it was planned.
    pub planned: u64,
    /// How many rows were changed.
    pub done: u64,
    /// How many were counted as left afterwards.
    pub left: u64,
}

/// The texts of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// The table.
    pub table: TableName,
    /// The column.
    pub column: String,
    /// In how many texts an identifier was replaced.
    pub redacted: u64,
    /// In how many one stays, for the table's reason.
    pub kept: u64,
    /// In how many one stands and should not.
    pub left: u64,
}

/// Rows without the row that they point at, where no foreign key prevents that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphaned {
    /// The table.
    pub table: TableName,
    /// The link.
    pub link: String,
    /// How many lost it while the erasure ran.
    pub rows: u64,
}

impl Receipt {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let left = self.steps.iter().all(|step| step.left == 0);
        left && self.searched.iter().all(|place| place.left == 0) && self.orphaned.iter().all(|place| place.rows == 0)
    }

    /// The receipt for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!(
            "case {}: {} {} erased from {} between {} and {}\n",
            self.case,
            self.people,
            if self.people == 1 { "person" } else { "people" },
            self.database,
            self.started,
            self.finished
        );
        for step in self.steps.iter().filter(|step| step.planned + step.done + step.left > 0) {
            let left = if step.left == 0 { String::new() } else { format!(", {} LEFT", step.left) };
            let _ = writeln!(
                out,
                "  {:<44} {:<14} {:>9} of {}{left}",
                step.table.to_string(),
                word(step.what),
                step.done,
                step.planned
            );
        }
        for kept in self.kept.iter().filter(|kept| kept.rows > 0) {
            let _ = writeln!(out, "  {:<44} {:<14} {:>9}: {}", kept.table.to_string(), "kept", kept.rows, kept.reason);
        }
        for place in self.searched.iter().filter(|place| place.redacted + place.kept + place.left > 0) {
            let name = format!("{}.{}", place.table, place.column);
            let _ = writeln!(
                out,
                "  {name:<44} texts: {} redacted, {} kept, {} left",
                place.redacted, place.kept, place.left
            );
        }
        for place in self.orphaned.iter().filter(|place| place.rows > 0) {
            let _ = writeln!(
                out,
                "  {:<44} {} rows lost what they point at: {}",
                place.table.to_string(),
                place.rows,
                place.link
            );
        }
        out += if self.complete { "nothing is left" } else { "NOT COMPLETE: something is left" };
        out
    }
}

/// What a step does, as a word.
#[must_use]
pub const fn word(what: What) -> &'static str {
    match what {
        What::Delete => "deleted",
        What::Anonymise => "anonymised",
        What::Clear => "links emptied",
    }
}
