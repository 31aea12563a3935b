//! The jobs: what was enqueued in the transactions that wanted it is done here, at least once, by whichever instance comes
//! first. What the program could not do at once, or did not live to do, is done here too.

use accounts::Accounts;
use privacy::work::Done;
use std::{convert::Infallible, time::Duration};
use store::{
    Store, StoreError, blobs,
    jobs::{self, Job, Lease},
    mails,
    rights::{recipients, retention},
};
use tokio::{task::JoinSet, time::sleep};

/// How often the queue is looked at while it is empty.
const LOOK: Duration = Duration::from_millis(500);

/// How many jobs are done at the same time, besides mails that are on their way.
const HANDS: usize = 2;

/// How often what has run out by the data map goes.
const RETENTION: Duration = Duration::from_secs(3_600);

/// Does what is due, for as long as it is not dropped.
pub(crate) async fn run(accounts: Accounts) {
    let mut hands = JoinSet::new();
    for _ in 0..HANDS {
        hands.spawn(hand(accounts.clone()));
    }
    hands.spawn(sweep(accounts.store().clone()));
    // None of them ends by itself.
    while hands.join_next().await.is_some() {}
}

async fn hand(accounts: Accounts) {
    loop {
        match next(&accounts).await {
            Ok(true) => {}
            Ok(false) => sleep(LOOK).await,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                sleep(LOOK).await;
            }
        }
    }
}

/// Does the job that has been due longest. Yields whether there was one. A mail goes its way alone, and so does what a recipient is
/// told: a server that is slow to take it keeps nothing else waiting.
async fn next(accounts: &Accounts) -> Result<bool, StoreError> {
    let store = accounts.store();
    let Some(turn) = accounts.turn().await else { return Ok(false) };
    let Some(lease) = jobs::lease(store).await? else { return Ok(false) };
    let job = match jobs::begin(store, &lease).await {
        Ok((_, job)) => job,
        Err(StoreError::LostLease) => return Ok(true),
        Err(error) => return Err(error),
    };
    match job.kind.as_str() {
        mails::KIND => {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.deliver(&lease, &job, turn).await });
        }
        recipients::TELL => accounts.tell_aside(lease, job).await?,
        _ => {
            drop(turn);
            one(accounts, &lease, &job).await;
        }
    }
    Ok(true)
}

/// One job. What fails is due again later; whoever lost the lease leaves it to the other.
async fn one(accounts: &Accounts, lease: &Lease, job: &Job) {
    let store = accounts.store();
    let done = tokio::select! {
        done = handle(accounts, lease, job) => done,
        never = keep(store, lease) => match never {},
    };
    let failed = match done {
        Ok(()) => return,
        Err(StoreError::LostLease) => {
            tracing::warn!(attempts = lease.attempts, "a job was taken over by somebody else before it was done");
            return;
        }
        Err(error) => error,
    };
    match jobs::retry(store, lease).await {
        Ok(due) => tracing::error!(error = %failed, attempts = lease.attempts, %due, "a job failed"),
        Err(StoreError::LostLease) => {}
        Err(error) => tracing::error!(%error, "a job could not be given back"),
    }
}

/// Keeps the job for as long as it is being done.
async fn keep(store: &Store, lease: &Lease) -> Infallible {
    loop {
        sleep(jobs::RENEWS).await;
        if let Err(error) = jobs::renew(store, lease).await {
            tracing::error!(%error, "a job that is being done could not be kept");
        }
    }
}

/// Whose job it is, by its kind.
async fn handle(accounts: &Accounts, lease: &Lease, job: &Job) -> Result<(), StoreError> {
    if accounts.work(lease, job).await? == Done::Finished {
        return Ok(());
    }
    let store = accounts.store();
    match job.kind.as_str() {
        blobs::DELETE => {
            blobs::delete_job(store, lease.tenant, &job.ids).await?;
            let (scoped, _) = jobs::begin(store, lease).await?;
            jobs::finish(scoped, lease).await
        }
        other => Err(StoreError::Unexpected(format!("a job of the kind {other}, which this build does not know"))),
    }
}

/// Lets go what has run out, now and then.
async fn sweep(store: Store) {
    loop {
        match retention::sweep(&store).await {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(rows = gone.values().sum::<u64>(), "what had run out is gone"),
            Err(error) => tracing::error!(%error, "what has run out could not be let go"),
        }
        sleep(RETENTION).await;
    }
}
