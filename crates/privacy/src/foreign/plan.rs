//! What an erasure would do: how many rows of which table go, become anonymous, are emptied, stay.

use super::{
    error::ForeignError,
    find::{Subject, handles},
    map::{Map, Rule},
    territory::Territory,
};
use serde::{Deserialize, Serialize};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};
use store::foreign::{Act, Foreign, Handle, Step, TableName};

/// How many people are counted at a time.
const AT_ONCE: usize = 10_000;

/// What is done to rows, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// They go.
    Delete,
    /// They stay, and nobody can tell whose they were.
    Anonymise,
    /// What pointed at the person is emptied.
    Clear,
}

/// One step, and how many rows it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The table.
    pub table: TableName,
    /// What is done.
    pub what: What,
    /// To how many rows.
    pub rows: u64,
}

impl Line {
    /// Whether it is about that step.
    #[must_use]
    pub fn is_of(&self, step: &Step) -> bool {
        self.table == step.table && self.what == what(step)
    }
}

/// Rows that are the person's and stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The table.
    pub table: TableName,
    /// How many rows.
    pub rows: u64,
    /// Why.
    pub reason: String,
    /// For how long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_for: Option<String>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How many people.
    pub people: usize,
    /// In the order in which it is done.
    pub lines: Vec<Line>,
    /// What stays.
    pub kept: Vec<Kept>,
}

/// The steps in order: what is emptied first, then what goes, children before parents.
#[must_use]
pub fn steps(territory: &Territory) -> Vec<&Step> {
    territory.clear.iter().chain(&territory.change).collect()
}

/// What a step does, in one word.
#[must_use]
pub const fn what(step: &Step) -> What {
    match step.act {
        Act::Delete => What::Delete,
        Act::Anonymise(_) => What::Anonymise,
        Act::Clear(_) => What::Clear,
    }
}

/// Counts.
///
/// # Errors
/// When the database refuses.
pub async fn plan(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    map: &Map,
    territory: &Territory,
    subjects: &[Subject],
) -> Result<Plan, ForeignError> {
    let counts = left((&mut *foreign, other), territory, subjects).await?;
    let line = |(step, rows): (&Step, u64)| Line { table: step.table.clone(), what: what(step), rows };
    let lines = steps(territory).into_iter().zip(counts).map(line).collect();
    let mut kept = Vec::new();
    for table in map.tables.iter().filter(|table| table.on_erase == Rule::Keep && !table.owned_by.is_empty()) {
        let mut rows = 0;
        for some in subjects.chunks(AT_ONCE) {
            rows += foreign.held(&table.name, territory.reaches(&table.name), &handles(territory, some)).await?;
        }
        kept.push(Kept {
            table: table.name.clone(),
            rows,
            reason: table
                .keep_reason
                .clone()
                .unwrap_or_else(|| "nothing in it says anything about a person".to_owned()),
            keep_for: table.keep_for.map(|span| span.to_string()),
        });
    }
    Ok(Plan { people: subjects.len(), lines, kept })
}

/// How many rows each step has left to do, for all these people. Two connections count different tables.
///
/// # Errors
/// When the database refuses.
pub async fn left(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    territory: &Territory,
    subjects: &[Subject],
) -> Result<Vec<u64>, ForeignError> {
    let steps = steps(territory);
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(vec![0; steps.len()]));
    let people: Vec<Vec<Handle>> = subjects.chunks(AT_ONCE).map(|some| handles(territory, some)).collect();
    let count = async |foreign: &mut Foreign| -> Result<(), ForeignError> {
        while let Some((number, step)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|n| Some((n, steps.get(n)?)))
        {
            let mut rows = 0;
            for some in &people {
                rows += foreign.left(step, some).await?;
            }
            if let Some(place) = counts.lock().unwrap_or_else(PoisonError::into_inner).get_mut(number) {
                *place = rows;
            }
        }
        Ok(())
    };
    match other.as_mut() {
        Some(other) => {
            let (one, another) = tokio::join!(count(foreign), count(other));
            one.and(another)?;
        }
        None => count(foreign).await?,
    }
    Ok(counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}
