//! What is done with keys and blobs while the system serves: a new epoch when one is due, and clearing away what a crash left.

use kernel::Span;
use std::time::Duration;
use store::{Store, StoreError, blobs};
use tokio::{task::spawn_blocking, time::sleep};
use vault::VaultError;

/// How often it is looked whether something is to be done.
const LOOK: Duration = Duration::from_secs(600);
/// How often blobs are swept: objects without a row are an hour old then.
const SWEEP: i64 = 3600;

/// Rotates and sweeps for as long as it is not dropped. Several instances may do so at once.
pub(crate) async fn upkeep(store: Store, epoch: Span) {
    let mut swept = None;
    loop {
        let now = store.clock().now();
        if let Err(error) = rotate(&store, now.as_second(), epoch).await {
            // The old epoch stays in force and everything opens; the next look tries again.
            tracing::error!(%error, "the keys could not be rotated");
        }
        if swept.is_none_or(|last| now.as_second() - last >= SWEEP) {
            match blobs::sweep(&store, now).await {
                Ok(done) => {
                    swept = Some(now.as_second());
                    tracing::info!(orphans = done.orphans, unfinished = done.unfinished, "swept the blobs");
                }
                Err(error) => tracing::error!(%error, "the blobs could not be swept"),
            }
        }
        sleep(LOOK).await;
    }
}

/// Ends what was cut short, and begins a new epoch when the newest is old enough.
async fn rotate(store: &Store, now: i64, epoch: Span) -> Result<(), StoreError> {
    let keys = store.keys().clone();
    let age = i64::try_from(epoch.as_secs()).unwrap_or(i64::MAX);
    let work = spawn_blocking(move || {
        keys.resume()?;
        if now.saturating_sub(keys.epoch_began()?) < age {
            return Ok(None);
        }
        keys.rotate().map(Some)
    });
    let done: Result<_, VaultError> =
        work.await.map_err(|_| StoreError::Unexpected("the rotation panicked".to_owned()))?;
    if let Some(done) = done? {
        tracing::warn!(epoch = done.epoch, keys = done.keys, ended = done.ended, "began a new epoch of keys");
    }
    Ok(())
}
