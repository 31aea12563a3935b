//! What is done to the disk by the clock: the physical scrub at night, and the end of logs.

use kernel::Span;
use promises::Profile;
use std::{path::PathBuf, time::Duration};
use store::{
    Store, log_retention,
    scrub::{self, Scrub},
};
use tokio::time::sleep;

/// How long after a scrub that could not be done it is tried again.
const AGAIN: Duration = Duration::from_secs(3_600);

/// How long logs are kept, as the profile promises.
pub(crate) fn keep(profile: &Profile) -> Span {
    let promised = profile.promises.iter().filter(|p| p.control.as_deref() == Some(log_retention::SPEC.id));
    promised.filter_map(|promise| promise.span("keep")).next().unwrap_or(log_retention::KEEP)
}

/// Scrubs each night and sweeps logs each hour, for as long as it is not dropped.
pub(crate) async fn run(store: Store, data_dir: PathBuf, keep: Span) {
    tokio::join!(scrubs(store.clone()), logs(store, data_dir, keep));
}

/// Each night, and at once where a night was missed: the system was off then.
async fn scrubs(store: Store) {
    let mut scrubber = scrub::Scrubber::default();
    loop {
        let wait = match scrub(&mut scrubber, &store).await {
            Ok(()) => scrub::until_next(store.clock().now()),
            Err(why) => {
                tracing::error!(why, "the database's files could not be scrubbed; it is tried again in an hour");
                AGAIN
            }
        };
        sleep(wait).await;
    }
}

/// Scrubs if it is time to and nobody did. What keeps it from that is an error.
async fn scrub(scrubber: &mut scrub::Scrubber, store: &Store) -> Result<(), String> {
    if !scrub::is_due(store).await.map_err(|error| error.to_string())? {
        return Ok(());
    }
    match scrubber.scrub(store).await.map_err(|error| error.to_string())? {
        Scrub::Done(done) => {
            let (tables, busy, seconds) = (done.tables.len(), done.busy.len(), done.took.as_secs());
            tracing::info!(tables, busy, seconds, watched = done.watched, "the database's files are scrubbed");
            Ok(())
        }
        Scrub::Taken => Err("another session holds the lock under which one scrubs".to_owned()),
        Scrub::NoFiles => Ok(()),
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
