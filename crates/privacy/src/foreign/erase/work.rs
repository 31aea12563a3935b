//! The batches: each commits on its own, and is noted before it does.

use crate::foreign::{
    error::ForeignError,
    find::{Subject, handles},
    plan::steps,
    state::{Case, Folder, Pending, Progress},
    territory::Territory,
};
use std::time::{Duration, Instant};
use store::{
    StoreError,
    foreign::{
        Ended, Foreign, Handle, Step,
        change::{is_passing, is_slow},
    },
};

/// How many people's rows one statement looks for.
const PEOPLE: usize = 1_000;

/// How many rows a batch changes at first, at least and at most.
const ROWS: u32 = 10_000;
const FEWEST: u32 = 250;
const MOST: u32 = 50_000;

/// A batch that took longer than this was too large; one that took less than a quarter may be larger.
const LONG: Duration = Duration::from_millis(800);

/// How often a batch is tried when somebody is in the way.
const TRIES: u32 = 12;

/// Finds out how the transaction ended that was about to commit when the process died.
pub(super) async fn settle(foreign: &mut Foreign, progress: &mut Progress) -> Result<(), ForeignError> {
    let Some(pending) = progress.pending.take() else { return Ok(()) };
    for _ in 0..60 {
        match foreign.ended(&pending.xid).await? {
            Ended::Committed => {
                progress.count(&pending.rows);
                return Ok(());
            }
            Ended::Aborted => return Ok(()),
            Ended::InProgress => tokio::time::sleep(Duration::from_millis(500)).await,
            Ended::Forgotten => break,
        }
    }
    Err(ForeignError::Refused(
        "the server cannot say whether the last transaction of this erasure was committed: end it there, then run this again"
            .to_owned(),
    ))
}

/// Does every step that is not done. What is about few rows is one transaction, so that it is there as a whole or not at all.
pub(super) async fn work(
    foreign: &mut Foreign,
    territory: &Territory,
    case: &Case,
    folder: &Folder,
    progress: &mut Progress,
) -> Result<(), ForeignError> {
    let planned: u64 = case.plan.lines.iter().map(|line| line.rows).sum();
    if progress.step == 0 && planned <= u64::from(ROWS) && case.subjects.len() <= PEOPLE {
        match at_once(foreign, territory, &case.subjects, folder, progress).await {
            Err(ForeignError::Store(error)) if is_passing(&error) => settle(foreign, progress).await?,
            other => return other,
        }
    }
    in_batches(foreign, territory, &case.subjects, folder, progress).await
}

async fn at_once(
    foreign: &mut Foreign,
    territory: &Territory,
    subjects: &[Subject],
    folder: &Folder,
    progress: &mut Progress,
) -> Result<(), ForeignError> {
    let handles = handles(territory, subjects);
    let mut batch = foreign.begin().await?;
    let mut rows = Vec::new();
    for (number, step) in steps(territory).into_iter().enumerate() {
        loop {
            let done = batch.run(step, &handles, ROWS).await?;
            rows.extend((done > 0).then_some((number, done)));
            if done < u64::from(ROWS) {
                break;
            }
        }
    }
    if !rows.is_empty() {
        progress.pending = Some(Pending { xid: batch.xid().await?, rows: rows.clone() });
        folder.note(progress)?;
        batch.commit().await?;
        progress.pending = None;
        progress.count(&rows);
    }
    progress.step = steps(territory).len();
    folder.note(progress)
}

async fn in_batches(
    foreign: &mut Foreign,
    territory: &Territory,
    subjects: &[Subject],
    folder: &Folder,
    progress: &mut Progress,
) -> Result<(), ForeignError> {
    let mut rows = ROWS;
    for (number, step) in steps(territory).into_iter().enumerate().skip(progress.step) {
        if number != progress.step {
            (progress.step, progress.next) = (number, 0);
        }
        while let Some(some) = subjects.get(progress.next..).filter(|rest| !rest.is_empty()) {
            let some = some.get(..PEOPLE).unwrap_or(some);
            let handles = handles(territory, some);
            while one(foreign, step, &handles, &mut rows, folder, progress).await? {}
            progress.next += some.len();
        }
    }
    progress.step = steps(territory).len();
    folder.note(progress)
}

/// One batch. Says whether there may be more.
async fn one(
    foreign: &mut Foreign,
    step: &Step,
    handles: &[Handle],
    rows: &mut u32,
    folder: &Folder,
    progress: &mut Progress,
) -> Result<bool, ForeignError> {
    let mut tries = 0;
    loop {
        let begun = Instant::now();
        match attempt(foreign, step, handles, *rows, folder, progress).await {
            Ok(done) => {
                let is_full = done >= u64::from(*rows);
                *rows = match begun.elapsed() {
                    took if took > LONG => (*rows / 2).max(FEWEST),
                    took if took < LONG / 4 && is_full => (*rows * 2).min(MOST),
                    _ => *rows,
                };
                return Ok(is_full);
            }
            Err(ForeignError::Store(error)) if is_passing(&error) && tries < TRIES => {
                settle(foreign, progress).await?;
                tries += 1;
                *rows = (*rows / 2).max(FEWEST);
                tokio::time::sleep(Duration::from_millis(50 << tries.min(6))).await;
            }
            Err(ForeignError::Store(error)) => return Err(stopped(step, &error).unwrap_or(ForeignError::Store(error))),
            Err(error) => return Err(error),
        }
    }
}

async fn attempt(
    foreign: &mut Foreign,
    step: &Step,
    handles: &[Handle],
    rows: u32,
    folder: &Folder,
    progress: &mut Progress,
) -> Result<u64, ForeignError> {
    let mut batch = foreign.begin().await?;
    let done = batch.run(step, handles, rows).await?;
    if done == 0 {
        return Ok(0);
    }
    let rows = vec![(progress.step, done)];
    progress.pending = Some(Pending { xid: batch.xid().await?, rows: rows.clone() });
    folder.note(progress)?;
    batch.commit().await?;
    progress.pending = None;
    progress.count(&rows);
    Ok(done)
}

/// What to tell whoever waits, where it is worth more than what the database says.
fn stopped(step: &Step, error: &StoreError) -> Option<ForeignError> {
    let table = &step.table;
    if is_slow(error) {
        Some(ForeignError::Refused(format!(
            "{table}: finding the rows takes too long; `wordbond map lint` names the index that is missing. Run this again to go on"
        )))
    } else if is_passing(error) {
        Some(ForeignError::Refused(format!(
            "{table}: somebody else holds the rows. Nothing is lost: run this again to go on"
        )))
    } else {
        None
    }
}
