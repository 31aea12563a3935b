//! What is done to the disk by the clock: the physical scrub at night, and the end of logs.

use kernel::Span;
use promises::Profile;
use std::{path::PathBuf, time::Duration};
use store::{Store, log_retention, scrub};
use tokio::time::sleep;

/// How long logs are kept, as the profile promises.
pub(crate) fn keep(profile: &Profile) -> Span {
    let promised = profile.promises.iter().filter(|p| p.control.as_deref() == Some(log_retention::SPEC.id));
    promised.filter_map(|promise| promise.span("keep")).next().unwrap_or(log_retention::KEEP)
}

/// Scrubs each night and sweeps logs each hour, for as long as it is not dropped.
pub(crate) async fn run(store: Store, data_dir: PathBuf, keep: Span) {
    tokio::join!(scrubs(store.clone()), logs(store, data_dir, keep));
}

async fn scrubs(store: Store) {
    let mut scrubber = scrub::Scrubber::default();
    loop {
        sleep(scrub::until_next(store.clock().now())).await;
        match scrubber.scrub(&store).await {
            Ok(Some(done)) => {
                let (tables, busy, seconds) = (done.tables.len(), done.busy.len(), done.took.as_secs());
                tracing::info!(tables, busy, seconds, "the database's files are scrubbed");
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "the database's files could not be scrubbed"),
        }
    }
}

async fn logs(store: Store, data_dir: PathBuf, keep: Span) {
    loop {
        match log_retention::sweep(&store, &data_dir, keep, false).await {
            Ok(swept) => tracing::debug!(?swept, "logs that had run out are gone"),
            Err(error) => tracing::error!(%error, "logs could not be swept"),
        }
        sleep(Duration::from_secs(log_retention::EVERY.as_secs())).await;
    }
}
