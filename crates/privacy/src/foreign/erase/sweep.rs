//! Looking everywhere: every text of every table on the map, for what identifies the person.

use super::Request;
use crate::foreign::{
    error::ForeignError,
    map::{Mention, Rule, Table},
    needles::{DISTINCT, ERASED, Needles},
    receipt::Searched,
    state::{Folder, Progress},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::foreign::{
    Foreign, Kind, TableName,
    change::{is_about_data, is_passing},
    search::{Found, Reader, Searched as Column},
};
use uuid::Uuid;

/// How often a table is read again because something in it was redacted. A row that names somebody in several columns is
/// changed one column at a time.
const PASSES: usize = 24;

/// How often a change is tried when somebody is in the way.
const TRIES: u32 = 8;

/// How many random signs tell one placeholder from another, at most and at least.
const MOST_RANDOM: usize = 12;
const LEAST_RANDOM: usize = 8;

/// A column, and what stands there instead of an identifier.
#[derive(Clone, Debug)]
struct Place {
    column: Column,
    /// Whether no value may come twice, so that what stands there instead must not either.
    unique: bool,
    /// The longest text that fits.
    longest: usize,
    /// Whether it holds JSON, or several values that are.
    json: bool,
    several: bool,
}

/// What was found in one column.
#[derive(Clone, Debug, Default)]
struct Count {
    redacted: u64,
    kept: u64,
    left: u64,
}

/// What both connections read by.
struct Sweep<'a> {
    request: Request<'a>,
    needles: Needles,
    marks: Vec<String>,
    folder: &'a Folder,
    progress: Mutex<&'a mut Progress>,
    /// The tables, the largest first.
    tables: Vec<(usize, &'a Table)>,
    next: AtomicUsize,
    found: Mutex<BTreeMap<usize, Vec<Searched>>>,
}

/// Reads every text, redacts what the map says, and counts what is left.
pub(super) async fn sweep<'a>(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    request: Request<'a>,
    identifiers: &BTreeSet<String>,
    folder: &'a Folder,
    progress: &'a mut Progress,
) -> Result<Vec<Searched>, ForeignError> {
    let needles = Needles::new(identifiers.iter().cloned())
        .ok_or_else(|| ForeignError::Refused("there is too much to look for at once: erase fewer people".to_owned()))?;
    let live = &request.catalogue.tables;
    for (name, table) in live {
        if table.kind == Kind::Materialized && request.map.table(name).is_some_and(|t| t.on_erase == Rule::Refresh) {
            foreign.refresh(name).await?;
        }
    }
    let mut tables: Vec<(usize, &Table)> =
        request.map.tables.iter().enumerate().filter(|_| !needles.is_empty()).collect();
    tables.sort_by_key(|(_, table)| Reverse(live.get(&table.name).map_or(0, |live| live.rows)));
    let sweep = Sweep {
        request,
        marks: needles.marks(),
        needles,
        folder,
        progress: Mutex::new(progress),
        tables,
        next: AtomicUsize::new(0),
        found: Mutex::default(),
    };
    match other.as_mut() {
        Some(other) => {
            let (one, another) = tokio::join!(sweep.tables(foreign), sweep.tables(other));
            one.and(another)?;
        }
        None => sweep.tables(foreign).await?,
    }
    let found = sweep.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(found.into_values().flatten().collect())
}

impl Sweep<'_> {
    /// Takes tables until none is left.
    async fn tables(&self, foreign: &mut Foreign) -> Result<(), ForeignError> {
        while let Some((number, table)) = self.tables.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let columns = searchable(self.request, table);
            let counts = self.of_table(foreign, table, &columns).await?;
            let searched = columns.into_iter().zip(counts).map(|(column, count)| Searched {
                table: table.name.clone(),
                column: column.column.column,
                redacted: count.redacted,
                kept: count.kept,
                left: count.left,
            });
            self.found.lock().unwrap_or_else(PoisonError::into_inner).insert(*number, searched.collect());
        }
        Ok(())
    }

    async fn of_table(
        &self,
        foreign: &mut Foreign,
        table: &Table,
        columns: &[Place],
    ) -> Result<Vec<Count>, ForeignError> {
        let mut counts = vec![Count::default(); columns.len()];
        if columns.is_empty() {
            return Ok(counts);
        }
        let leaves = self.request.catalogue.tables.get(&table.name).map_or(&[][..], |live| live.leaves.as_slice());
        for leaf in leaves {
            for pass in 1..=PASSES {
                let before: u64 = counts.iter().map(|count| count.redacted).sum();
                let mut here = vec![Count::default(); columns.len()];
                let searched = columns.iter().map(|place| place.column.clone()).collect();
                let mut reader = Reader::new(leaf.clone(), searched, self.needles.few(), self.marks.clone());
                while let Some(rows) = foreign.read_on(&mut reader).await? {
                    let redact = pass < PASSES;
                    of_page(foreign, (table, leaf), columns, &self.needles, &rows, redact, &mut here).await?;
                }
                for (sum, count) in counts.iter_mut().zip(&here) {
                    sum.redacted += count.redacted;
                }
                let now: u64 = counts.iter().map(|count| count.redacted).sum();
                if now == before {
                    // Nothing was changed any more: what this pass counted is what stands there.
                    for (sum, count) in counts.iter_mut().zip(here) {
                        sum.kept += count.kept;
                        sum.left += count.left;
                    }
                    break;
                }
                let progress = &mut **self.progress.lock().unwrap_or_else(PoisonError::into_inner);
                progress.redacted += now - before;
                self.folder.note(progress)?;
            }
        }
        Ok(counts)
    }
}

fn searchable(request: Request<'_>, table: &Table) -> Vec<Place> {
    let Some(live) = request.catalogue.tables.get(&table.name) else { return Vec::new() };
    let columns = live.columns.iter().filter(|column| column.is_searchable());
    columns
        .map(|column| Place {
            column: Column { column: column.name.clone(), kind: column.kind.clone(), bytes: column.base == "bytea" },
            unique: live.uniques.iter().any(|unique| unique.contains(&column.name)),
            longest: column.longest.and_then(|longest| usize::try_from(longest).ok()).unwrap_or(usize::MAX),
            json: column.is_json(),
            several: column.is_array(),
        })
        .collect()
}

impl Place {
    /// What the text becomes; `None` where it names nobody, may not be changed, or would not fit.
    fn redacted(&self, needles: &Needles, text: &str) -> Option<String> {
        if self.column.bytes || (self.json && self.several) {
            return None;
        }
        let instead = if self.unique { distinct(self.longest)? } else { ERASED.to_owned() };
        let new = match self.json {
            true => needles.redact_json(text, &instead),
            false => needles.redact(text, &instead),
        };
        new.filter(|new| new.chars().count() <= self.longest)
    }
}

/// What stands where no value may come twice: as much that is random as fits.
fn distinct(longest: usize) -> Option<String> {
    let random = Uuid::new_v4().simple().to_string();
    let length = MOST_RANDOM.min(longest.checked_sub(DISTINCT - LEAST_RANDOM)?);
    Some(format!("[erased-{}]", random.get(..length).filter(|random| random.len() >= LEAST_RANDOM)?))
}

async fn of_page(
    foreign: &mut Foreign,
    (table, leaf): (&Table, &TableName),
    columns: &[Place],
    needles: &Needles,
    rows: &[Found],
    redact: bool,
    counts: &mut [Count],
) -> Result<(), ForeignError> {
    for (number, (place, count)) in columns.iter().zip(counts).enumerate() {
        let texts = rows.iter().filter_map(|row| Some((&row.place, row.texts.get(number)?.as_ref()?)));
        let mut changes = Vec::new();
        for (row, text) in texts.filter(|(_, text)| needles.are_in(text)) {
            let rule = table.mentions.get(&place.column.column);
            match (rule, place.redacted(needles, text)) {
                (Some(Mention::Redact), Some(new)) if redact => changes.push((row.clone(), text.clone(), new)),
                (Some(Mention::Keep), _) => count.kept += 1,
                // What is the person's and kept for a reason names them.
                (None, _)
                    if table.on_erase == Rule::Keep && table.keep_reason.is_some() && !table.owned_by.is_empty() =>
                {
                    count.kept += 1;
                }
                _ => count.left += 1,
            }
        }
        for some in changes.chunks(500) {
            let (redacted, refused) = replace(foreign, leaf, &place.column, some).await?;
            count.redacted += redacted;
            count.left += refused;
        }
    }
    Ok(())
}

/// How many were replaced, and how many the database does not take: a rule of its own forbids what would stand there.
async fn replace(
    foreign: &mut Foreign,
    leaf: &TableName,
    column: &Column,
    changes: &[(String, String, String)],
) -> Result<(u64, u64), ForeignError> {
    match try_replace(foreign, leaf, column, changes).await {
        Err(ForeignError::Store(error)) if is_about_data(&error) => {}
        other => return Ok((other?, 0)),
    }
    let (mut redacted, mut refused) = (0, 0);
    for change in changes.chunks(1) {
        match try_replace(foreign, leaf, column, change).await {
            Err(ForeignError::Store(error)) if is_about_data(&error) => refused += 1,
            other => redacted += other?,
        }
    }
    Ok((redacted, refused))
}

async fn try_replace(
    foreign: &mut Foreign,
    leaf: &TableName,
    column: &Column,
    changes: &[(String, String, String)],
) -> Result<u64, ForeignError> {
    let mut tries = 0;
    loop {
        match foreign.replace(leaf, column, changes).await {
            Err(error) if is_passing(&error) && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(50 << tries)).await;
            }
            other => return Ok(other?),
        }
    }
}
