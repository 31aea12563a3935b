//! What is done about cases, in jobs: at once where nobody has to decide, again after a failure, and once in the end.

use crate::{
    erasure,
    package::{self, Reach},
    receipt::Receipt,
};
use kernel::AccountId;
use store::{
    Store, StoreError,
    jobs::{self, Lease},
    rights::{Kind, State, cases, decide, erase, erase::Targets, restrict, rows::Counts},
};

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is done, and off the queue.
    Finished,
    /// It is of another kind.
    NotOurs,
}

/// Does the job, if it is about a case.
///
/// # Errors
/// Whatever stopped it; the caller gives it back, to be tried again.
pub async fn run(store: &Store, lease: &Lease) -> Result<Done, StoreError> {
    let (scoped, job) = jobs::begin(store, lease).await?;
    let unreadable = || StoreError::Unexpected(format!("a job of the kind {} without its ids", job.kind));
    match job.kind.as_str() {
        erase::ERASE | cases::ANSWER => {
            let [case, account] = job.ids.as_slice() else { return Err(unreadable()) };
            let account = AccountId::from(*account);
            if job.kind == cases::ANSWER {
                let Some(found) = cases::by_id(store, *case).await? else { return Err(StoreError::NotFound) };
                return answer(store, scoped, lease, found, account).await;
            }
            drop(scoped);
            if cases::letter_waits(store, account, *case).await? {
                jobs::put_off(store, lease, store.clock().now() + cases::LOOKS).await?;
            } else {
                erasure::begin(store, lease, *case, account).await?;
            }
        }
        erase::FINISH => {
            drop(scoped);
            let targets = Targets::from_ids(&job.ids).ok_or_else(unreadable)?;
            erasure::finish(store, lease, &targets).await?;
        }
        _ => return Ok(Done::NotOurs),
    }
    Ok(Done::Finished)
}

/// Does every job about cases that is due, one after another. Yields how many.
///
/// # Errors
/// The first that could not be done; it is given back.
pub async fn drain(store: &Store) -> Result<usize, StoreError> {
    let mut done = 0;
    while let Some(lease) = jobs::lease(store).await? {
        if let Err(error) = run(store, &lease).await {
            jobs::retry(store, &lease).await.map(drop).or_else(lost)?;
            return Err(error);
        }
        done += 1;
    }
    Ok(done)
}

/// Somebody else has it by now: then it is theirs to do.
fn lost(error: StoreError) -> Result<(), StoreError> {
    if matches!(error, StoreError::LostLease) { Ok(()) } else { Err(error) }
}

/// How many rows of which table the package holds that is given.
async fn in_package(store: &Store, account: AccountId, reach: Reach) -> Result<Counts, StoreError> {
    let package = package::gather(store, account, reach).await?;
    Ok(package.counts().into_iter().map(|(section, rows)| (format!("wordbond.{section}"), rows as u64)).collect())
}

/// Answers what is not an erasure.
async fn answer(
    store: &Store,
    scoped: store::Scoped,
    lease: &Lease,
    case: cases::Case,
    account: AccountId,
) -> Result<Done, StoreError> {
    if case.state != State::Open {
        jobs::finish(scoped, lease).await?;
        return Ok(Done::Finished);
    }
    let rows = match case.kind {
        Kind::Access => in_package(store, account, Reach::Access).await?,
        Kind::Portability => in_package(store, account, Reach::Portability).await?,
        Kind::Restriction | Kind::Objection => {
            restrict::set(store, account, true, Some(case.id)).await?;
            Counts::new()
        }
        Kind::Erasure => return Ok(Done::NotOurs),
    };
    if case.kind == Kind::Objection {
        // Somebody has to weigh it. Until then nothing is done with the data.
        jobs::finish(scoped, lease).await?;
        return Ok(Done::Finished);
    }
    drop(scoped);
    let receipt = Receipt::of_answer(&case, store.clock().now(), rows);
    decide::done(store, lease, case.id, &receipt.to_json()).await?;
    Ok(Done::Finished)
}
