//! Erasing: plan, work in short transactions, look everywhere, write a receipt. Begun again with the same words after its
//! process died, it goes on where it was.

mod again;
mod queue;
mod sweep;
mod work;

use super::{
    error::ForeignError,
    find::{Selector, Subject, find, identifiers, rows},
    map::Map,
    plan::{self, Plan, left, plan, steps, what},
    receipt::{Done, Orphaned, Receipt, SCHEMA_VERSION, Searched, Took},
    state::{Case, Folder, Progress, hex},
    territory::Territory,
};
use kernel::Clock;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::{Duration, Instant},
};
use store::foreign::{Catalogue, Foreign, Identity};
use uuid::Uuid;

/// How long to wait for another erasure of the same database; a dead one's place is free once the server notices.
const PATIENCE: usize = 40;
const PAUSE: Duration = Duration::from_millis(250);

/// For so few people one connection does everything but the search.
const ALONE: usize = 100;

/// What is needed to erase somebody.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The map, as it is written.
    pub text: &'a str,
    /// The same, read.
    pub map: &'a Map,
    /// The schema.
    pub catalogue: &'a Catalogue,
    /// Who owns what.
    pub territory: &'a Territory,
    /// Who is meant.
    pub selectors: &'a [Selector],
    /// What else identifies them in texts, besides what the map says.
    pub also: &'a [String],
    /// Where the states of erasures lie.
    pub states: &'a Path,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// What an erasure would do.
///
/// # Errors
/// When somebody is not there, or the database refuses.
pub async fn rehearse(foreign: &mut Foreign, request: Request<'_>) -> Result<Plan, ForeignError> {
    let subjects = find(foreign, request.map, request.catalogue, request.territory, request.selectors).await?;
    plan((foreign, &mut None), request.map, request.territory, &subjects).await
}

/// Erases. The receipt says whether anything is left; the state lies in its folder until [`Finished::close`].
///
/// # Errors
/// When somebody is not there, or the database refuses. What was done until then stays done, and the same words go on.
pub async fn erase(foreign: &mut Foreign, request: Request<'_>) -> Result<Finished, ForeignError> {
    take_turn(foreign).await?;
    let database = foreign.identity().await?;
    let mut watch = Instant::now();
    let mut took = Took::default();
    // What takes long is done by two connections, on different tables. One will do, where the server takes no more.
    let mut other = if request.selectors.len() > ALONE { foreign.another().await.ok() } else { None };
    let folder = Folder::of(request.states, &database, request.selectors)?;
    let (case, mut progress) = match folder.case()? {
        Some(case) => again::go_on((&mut *foreign, &mut other), request, &folder, case).await?,
        None => {
            let case = begin((&mut *foreign, &mut other), request, &folder, database).await?;
            let way = case.way.clone();
            (case, Progress { way, ..Progress::default() })
        }
    };
    progress.done.resize(steps(request.territory).len(), 0);
    took.plan_ms = lap(&mut watch);
    work::work((&mut *foreign, &mut other), request.territory, &case, &folder, &mut progress).await?;
    took.rows_ms = lap(&mut watch);
    if other.is_none() {
        other = foreign.another().await.ok();
    }
    let searched =
        sweep::sweep((&mut *foreign, &mut other), request, &case.identifiers, &folder, &mut progress).await?;
    took.search_ms = lap(&mut watch);
    let mut left = left((&mut *foreign, &mut other), request.territory, &case.subjects).await?;
    if left.iter().any(|rows| *rows > 0) {
        // Rows that came behind us.
        work::work((&mut *foreign, &mut other), request.territory, &case, &folder, &mut progress).await?;
        left = plan::left((&mut *foreign, &mut other), request.territory, &case.subjects).await?;
    }
    let mut receipt = receipt(foreign, request, &case, &progress, (left, searched)).await?;
    receipt.took = Took { recount_ms: lap(&mut watch), ..took };
    Ok(Finished { receipt, folder })
}

/// Refuses a place for the receipt where something else is: another case's receipt may be the only proof of what was done.
///
/// # Errors
/// [`ForeignError::Refused`]; what the database or the file system says.
pub async fn spare(foreign: &mut Foreign, request: Request<'_>, path: &Path) -> Result<(), ForeignError> {
    let there = match fs::read(path) {
        Ok(there) => there,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ForeignError::file(path)(error)),
    };
    let case = Folder::of(request.states, &foreign.identity().await?, request.selectors)?.case()?.map(|case| case.id);
    match serde_json::from_slice::<Receipt>(&there) {
        Ok(receipt) if Some(receipt.case) == case => Ok(()),
        _ => Err(ForeignError::Refused(format!(
            "{} is there and is not the receipt of this case: name another file. Nothing was changed",
            path.display()
        ))),
    }
}

/// Milliseconds since the last time.
fn lap(watch: &mut Instant) -> u64 {
    let took = watch.elapsed();
    *watch = Instant::now();
    u64::try_from(took.as_millis()).unwrap_or(u64::MAX)
}

/// An erasure that came to its end.
#[derive(Debug)]
pub struct Finished {
    /// What was done.
    pub receipt: Receipt,
    folder: Folder,
}

impl Finished {
    /// Removes the state, once the receipt is safe. An erasure that left something keeps it, so that the same words try
    /// again.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn close(self) -> Result<(), ForeignError> {
        if self.receipt.complete { self.folder.close() } else { Ok(()) }
    }
}

async fn take_turn(foreign: &mut Foreign) -> Result<(), ForeignError> {
    for _ in 0..PATIENCE {
        if foreign.take_turn().await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(ForeignError::Refused("another erasure is running in this database".to_owned()))
}

async fn begin(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    request: Request<'_>,
    folder: &Folder,
    database: Identity,
) -> Result<Case, ForeignError> {
    let subjects = find(foreign, request.map, request.catalogue, request.territory, request.selectors).await?;
    nobody_twice(folder, &database, &subjects)?;
    let sources = request.map.identifiers().map_err(ForeignError::Map)?;
    let case = Case {
        id: Uuid::new_v4(),
        database,
        map: hex(request.text.as_bytes()),
        way: again::way(request),
        selectors: request.selectors.to_vec(),
        table: request.map.subject.table.clone(),
        people: rows(foreign, request.map, request.catalogue, request.territory, &subjects).await?,
        identifiers: who(foreign, request, &subjects).await?,
        sources: sources.into_iter().map(|(table, column)| format!("{table}.{column}")).collect(),
        plan: plan((&mut *foreign, other), request.map, request.territory, &subjects).await?,
        orphans: orphans(foreign, request.map).await?,
        subjects,
        started: request.clock.now().to_string(),
    };
    folder.begin(&case)?;
    Ok(case)
}

/// What a case that is not ended looks for, one with other words would not: by now the person's row may name nobody.
fn nobody_twice(folder: &Folder, database: &Identity, subjects: &[Subject]) -> Result<(), ForeignError> {
    let keys: BTreeSet<&str> = subjects.iter().map(Subject::key).collect();
    for case in folder.others()? {
        let is_here = (&case.database.database, case.database.oid) == (&database.database, database.oid);
        if is_here && case.subjects.iter().any(|subject| keys.contains(subject.key())) {
            return Err(ForeignError::Refused(format!(
                "an erasure of one of these people was begun with other words and is not ended: say the same words again, \
                 those of case {}",
                case.id
            )));
        }
    }
    Ok(())
}

async fn who(
    foreign: &mut Foreign,
    request: Request<'_>,
    subjects: &[Subject],
) -> Result<BTreeSet<String>, ForeignError> {
    let mut out = identifiers(foreign, request.map, request.territory, subjects).await?;
    out.extend(request.also.iter().cloned());
    Ok(out)
}

/// For each link that no foreign key guards and that leads to a table other than that of the people, how many rows point at
/// nothing.
async fn orphans(foreign: &mut Foreign, map: &Map) -> Result<BTreeMap<String, u64>, ForeignError> {
    let mut out = BTreeMap::new();
    for (table, link) in unguarded(map) {
        let rows = foreign.orphans(&table.name, &link.columns, &link.table, &link.targets).await?;
        out.insert(format!("{} {link}", table.name), rows);
    }
    Ok(out)
}

fn unguarded(map: &Map) -> impl Iterator<Item = (&super::map::Table, &super::map::Link)> {
    let links = map.tables.iter().flat_map(|table| table.owned_by.iter().map(move |link| (table, link)));
    links.filter(|(_, link)| link.undeclared && !map.is_root(&link.table))
}

async fn receipt(
    foreign: &mut Foreign,
    request: Request<'_>,
    case: &Case,
    progress: &Progress,
    (left, searched): (Vec<u64>, Vec<Searched>),
) -> Result<Receipt, ForeignError> {
    let mut done = Vec::new();
    for (number, step) in steps(request.territory).into_iter().enumerate() {
        done.push(Done {
            table: step.table.clone(),
            what: what(step),
            planned: case.plan.lines.get(number).map_or(0, |line| line.rows),
            done: progress.done.get(number).copied().unwrap_or_default(),
            left: left.get(number).copied().unwrap_or_default(),
        });
    }
    let after = orphans(foreign, request.map).await?;
    let orphaned = unguarded(request.map)
        .map(|(table, link)| {
            let name = format!("{} {link}", table.name);
            let rows = |of: &BTreeMap<String, u64>| of.get(&name).copied().unwrap_or_default();
            let lost = rows(&after).saturating_sub(rows(&case.orphans));
            Orphaned { table: table.name.clone(), link: link.to_string(), rows: lost }
        })
        .collect();
    let mut receipt = Receipt {
        schema_version: SCHEMA_VERSION,
        case: case.id,
        database: case.database.database.clone(),
        map: case.map.clone(),
        people: case.subjects.len(),
        started: case.started.clone(),
        finished: request.clock.now().to_string(),
        resumed: progress.resumed,
        took: Took::default(),
        steps: done,
        kept: case.plan.kept.clone(),
        searched,
        orphaned,
        complete: false,
    };
    receipt.complete = receipt.is_complete();
    Ok(receipt)
}
