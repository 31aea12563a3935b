//! The jobs: what was enqueued in the transactions that wanted it is done here, at least once, by whichever instance comes
//! first.

use privacy::work::{self, Done};
use std::time::Duration;
use store::{
    Store, StoreError, blobs,
    jobs::{self, Lease},
    rights::retention,
};
use tokio::{task::JoinSet, time::sleep};

/// How often the queue is looked at while it is empty.
const LOOK: Duration = Duration::from_millis(500);

/// How many jobs are done at the same time.
const HANDS: usize = 2;

/// How often what has run out by the data map goes.
const RETENTION: Duration = Duration::from_secs(3_600);

/// Does what is due, for as long as it is not dropped.
pub(crate) async fn run(store: Store) {
    let mut hands = JoinSet::new();
    for _ in 0..HANDS {
        hands.spawn(hand(store.clone()));
    }
    hands.spawn(sweep(store));
    // None of them ends by itself.
    while hands.join_next().await.is_some() {}
}

async fn hand(store: Store) {
    loop {
        match jobs::lease(&store).await {
            Ok(Some(lease)) => one(&store, &lease).await,
            Ok(None) => sleep(LOOK).await,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                sleep(LOOK).await;
            }
        }
    }
}

/// One job. What fails is due again later; whoever lost the lease leaves it to the other.
async fn one(store: &Store, lease: &Lease) {
    let failed = match handle(store, lease).await {
        Ok(()) | Err(StoreError::LostLease) => return,
        Err(error) => error,
    };
    match jobs::retry(store, lease).await {
        Ok(due) => tracing::error!(error = %failed, attempts = lease.attempts, %due, "a job failed"),
        Err(StoreError::LostLease) => {}
        Err(error) => tracing::error!(%error, "a job could not be given back"),
    }
}

/// Whose job it is, by its kind.
async fn handle(store: &Store, lease: &Lease) -> Result<(), StoreError> {
    if work::run(store, lease).await? == Done::Finished {
        return Ok(());
    }
    let (scoped, job) = jobs::begin(store, lease).await?;
    match job.kind.as_str() {
        blobs::DELETE => {
            blobs::delete_job(store, lease.tenant, &job.ids).await?;
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
