//! The batches: each commits on its own, and is noted before it does.

use super::queue::{Lane, PEOPLE, Piece, Queue, ROWS};
use crate::foreign::{
    error::ForeignError,
    find::{Subject, handles},
    plan::steps,
    state::{Case, Folder, Pending, Progress},
    territory::Territory,
};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use store::{
    StoreError,
    foreign::{
        Ended, Foreign, Part, Step,
        change::{is_passing, is_pointed_at, is_slow},
    },
};

/// How often a batch is tried when somebody is in the way.
const TRIES: u32 = 12;

/// How often everything is gone through again because rows came behind us.
const ROUNDS: u32 = 3;

/// Finds out how the transactions ended that were about to commit when the process died.
pub(super) async fn settle(foreign: &mut Foreign, progress: &mut Progress) -> Result<(), ForeignError> {
    while let Some(pending) = progress.pending.last() {
        if committed(foreign, &pending.xid).await? {
            let rows = pending.rows.clone();
            progress.count(&rows);
        }
        progress.pending.pop();
    }
    Ok(())
}

async fn committed(foreign: &mut Foreign, xid: &str) -> Result<bool, ForeignError> {
    for _ in 0..60 {
        match foreign.ended(xid).await? {
            Ended::Committed => return Ok(true),
            Ended::Aborted => return Ok(false),
            Ended::InProgress => tokio::time::sleep(Duration::from_millis(500)).await,
            Ended::Forgotten => break,
        }
    }
    Err(ForeignError::Refused(
        "the server cannot say whether the last transaction of this erasure was committed: end it there, then run this again"
            .to_owned(),
    ))
}

/// What both connections work on.
struct Shared<'a> {
    territory: &'a Territory,
    subjects: &'a [Subject],
    folder: &'a Folder,
    state: Mutex<State<'a>>,
}

struct State<'a> {
    progress: &'a mut Progress,
    queue: Queue,
    /// One of them has given up: the other stops where it is.
    stopped: bool,
}

/// Does every step that is not done. What is about few rows is one transaction, so that it is there as a whole or not at all.
pub(super) async fn work(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    territory: &Territory,
    case: &Case,
    folder: &Folder,
    progress: &mut Progress,
) -> Result<(), ForeignError> {
    let planned = planned(case);
    if other.is_none() && planned > ROWS {
        *other = foreign.another().await.ok();
    }
    let is_new = progress.round == 0 && progress.at.is_empty() && progress.again == 0;
    if is_new && planned <= ROWS && case.subjects.len() as u64 <= PEOPLE {
        match at_once(foreign, territory, &case.subjects, folder, progress).await {
            Err(ForeignError::Store(error)) if is_passing(&error) || is_pointed_at(&error) => {
                settle(foreign, progress).await?;
            }
            other => return other,
        }
    }
    if progress.round >= territory.rounds().len() {
        // It came to its end before, and something was left.
        from_the_start(progress, folder)?;
    }
    loop {
        match in_batches((foreign, other), territory, case, folder, progress).await {
            // Somebody wrote rows behind us that point at what is to go now.
            Err(ForeignError::Store(error)) if is_pointed_at(&error) && progress.again < ROUNDS => {
                settle(foreign, progress).await?;
                from_the_start(progress, folder)?;
            }
            done => return done,
        }
    }
}

fn planned(case: &Case) -> u64 {
    case.plan.lines.iter().map(|line| line.rows).sum()
}

/// From the first step again, now looking for rows wherever they are.
fn from_the_start(progress: &mut Progress, folder: &Folder) -> Result<(), ForeignError> {
    progress.again += 1;
    progress.round = 0;
    progress.at.clear();
    folder.note(progress)
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
    let part = Part::AtMost(u32::try_from(ROWS).unwrap_or(u32::MAX));
    for (number, step) in steps(territory).into_iter().enumerate() {
        loop {
            let done = batch.run(step, &handles, &part).await?;
            rows.extend((done > 0).then_some((number, done)));
            if done < ROWS {
                break;
            }
        }
    }
    if !rows.is_empty() {
        progress.pending.push(Pending { xid: batch.xid().await?, rows: rows.clone() });
        folder.note(progress)?;
        batch.commit().await?;
        progress.pending.clear();
        progress.count(&rows);
    }
    progress.round = territory.rounds().len();
    folder.note(progress)
}

async fn in_batches(
    (foreign, other): (&mut Foreign, &mut Option<Foreign>),
    territory: &Territory,
    case: &Case,
    folder: &Folder,
    progress: &mut Progress,
) -> Result<(), ForeignError> {
    let all = steps(territory);
    for (number, round) in territory.rounds().into_iter().enumerate().skip(progress.round) {
        if number != progress.round {
            progress.round = number;
            progress.at.clear();
        }
        let mut lanes = Vec::new();
        for step in round {
            let Some(it) = all.get(step) else { continue };
            let planned = case.plan.lines.get(step).map_or(0, |line| line.rows);
            let planned = if progress.again > 0 { 0 } else { planned };
            let size = (planned, foreign.pages(&it.table).await?, case.subjects.len() as u64);
            lanes.push(Lane::new(step, size, territory.weight(it), progress.at.get(&step).copied()));
        }
        let state = State { progress: &mut *progress, queue: Queue::new(lanes), stopped: false };
        let shared = Shared { territory, subjects: &case.subjects, folder, state: Mutex::new(state) };
        match other.as_mut() {
            Some(other) => {
                let (one, another) = tokio::join!(pieces(foreign, &shared), pieces(other, &shared));
                one.and(another)?;
            }
            None => pieces(foreign, &shared).await?,
        }
    }
    progress.round = territory.rounds().len();
    progress.at.clear();
    folder.note(progress)
}

/// Takes pieces until none is left.
async fn pieces(foreign: &mut Foreign, shared: &Shared<'_>) -> Result<(), ForeignError> {
    let all = steps(shared.territory);
    loop {
        let piece = {
            let mut state = shared.state();
            if state.stopped { None } else { state.queue.take() }
        };
        let Some(mut piece) = piece else { return Ok(()) };
        let Some(step) = all.get(piece.step) else { continue };
        if let Err(error) = whole(foreign, shared, step, &mut piece).await {
            shared.state().stopped = true;
            return Err(error);
        }
        let state = &mut *shared.state();
        if let Some(at) = state.queue.done(&piece) {
            state.progress.at.insert(piece.step, at);
        }
    }
}

/// One piece, in as many batches as it takes.
async fn whole(foreign: &mut Foreign, shared: &Shared<'_>, step: &Step, piece: &mut Piece) -> Result<(), ForeignError> {
    let mut tries = 0;
    while !piece.range.is_empty() && !shared.state().stopped {
        let rows = shared.state().queue.rows();
        let begun = Instant::now();
        match batch(foreign, shared, step, piece, rows).await {
            Ok(done) => {
                shared.state().queue.took(done, piece, begun.elapsed());
                tries = 0;
            }
            Err(ForeignError::Store(error)) if is_passing(&error) && tries < TRIES => {
                tries += 1;
                shared.state().queue.smaller();
                tokio::time::sleep(Duration::from_millis(50 << tries.min(6))).await;
            }
            Err(ForeignError::Store(error)) => return Err(stopped(step, &error).unwrap_or(ForeignError::Store(error))),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// One batch of a piece, which is shorter by it afterwards. Says how many rows it was.
async fn batch(
    foreign: &mut Foreign,
    shared: &Shared<'_>,
    step: &Step,
    piece: &mut Piece,
    rows: u64,
) -> Result<u64, ForeignError> {
    let first = piece.first(rows);
    if piece.by_page {
        let done = attempt(foreign, shared, (piece.step, step), shared.subjects, &Part::Pages(first.clone())).await?;
        piece.range.start = first.end;
        return Ok(done);
    }
    let index = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let some = shared.subjects.get(index(first.start)..index(first.end)).unwrap_or_default();
    let most = piece.rows(rows);
    let part = Part::AtMost(u32::try_from(most).unwrap_or(u32::MAX));
    let done = attempt(foreign, shared, (piece.step, step), some, &part).await?;
    if done < most {
        piece.range.start = first.end;
    }
    Ok(done)
}

async fn attempt(
    foreign: &mut Foreign,
    shared: &Shared<'_>,
    (number, step): (usize, &Step),
    subjects: &[Subject],
    part: &Part,
) -> Result<u64, ForeignError> {
    let handles = handles(shared.territory, subjects);
    let mut batch = foreign.begin().await?;
    let done = batch.run(step, &handles, part).await?;
    if done == 0 {
        return Ok(0);
    }
    let pending = Pending { xid: batch.xid().await?, rows: vec![(number, done)] };
    {
        let state = &mut *shared.state();
        state.progress.pending.push(pending.clone());
        shared.folder.note(state.progress)?;
    }
    let ended = batch.commit().await;
    if ended.is_ok() || committed(foreign, &pending.xid).await? {
        shared.state().progress.committed(&pending.xid);
        return Ok(done);
    }
    shared.state().progress.pending.retain(|other| *other != pending);
    ended.map(|()| done).map_err(ForeignError::Store)
}

impl<'a> Shared<'a> {
    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
