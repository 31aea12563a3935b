//! Retention: what runs out, by what the map says.

use jiff::Timestamp;
use store::data_map::DataMap;
pub use store::rights::retention::{due, sweep};

/// What runs out in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsOut {
    /// The table.
    pub table: String,
    /// The column from which age counts.
    pub age: String,
    /// Rows older than this have run out.
    pub before: Timestamp,
}

/// Every table of which rows run out.
#[must_use]
pub fn rules(map: &DataMap, now: Timestamp) -> Vec<RunsOut> {
    let of = |table: &store::data_map::Table| {
        let (age, before) = table.runs_out(now)?;
        Some(RunsOut { table: table.name.clone(), age: age.to_owned(), before })
    };
    map.tables.iter().filter_map(of).collect()
}
