//! When which promise is attacked next, and when what has run out is cleared away.

use crate::{board::Board, catalogue, recorder, system::System};
use accounts::Accounts;
use kernel::TenantId;
use promises::Promise;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Store, StoreError, upkeep};
use tokio::time::sleep;

/// How often the scheduler looks what is due.
const LOOK: Duration = Duration::from_secs(1);

/// How often what has run out is cleared away.
const SWEEP: Duration = Duration::from_secs(60);

/// How many teams' accounts are looked through each time.
const TEAMS: u32 = 200;

/// Attacks each promise again when its cadence says so, for as long as it is not dropped.
pub(crate) async fn run(system: Arc<System>, board: Arc<Board>, mut last: BTreeMap<String, Instant>) {
    loop {
        sleep(LOOK).await;
        let due: Vec<Promise> = system.in_force.profile.promises.iter().filter(|p| is_due(p, &last)).cloned().collect();
        if due.is_empty() {
            continue;
        }
        match recorder::attack(&system, &due, |_| ()).await {
            Ok(lines) => tracing::info!(attacked = lines.len(), "attacked what was due"),
            // Nothing recorded makes nothing green: the verdicts run out by themselves.
            Err(error) => tracing::error!(%error, "the attacks could not be recorded"),
        }
        let ended = Instant::now();
        last.extend(due.into_iter().map(|promise| (promise.id, ended)));
        if let Err(error) = board.refresh().await {
            tracing::error!(%error, "the page could not be brought up to date");
        }
    }
}

/// By a clock that only goes forward: a step of the system's clock must not put an attack off.
fn is_due(promise: &Promise, last: &BTreeMap<String, Instant>) -> bool {
    catalogue::is_built(promise)
        && last.get(&promise.id).is_none_or(|last| last.elapsed() >= promise.cadence.duration())
}

/// Clears away what has run out, a part of all accounts after another, for as long as it is not dropped. Several instances
/// may do so at once. The first time it goes through all of them without a rest: the system may have been down for long.
pub(crate) async fn sweep(store: Store, accounts: Accounts) {
    let (mut after, mut caught_up) = (None, false);
    loop {
        match step(&store, after).await {
            Ok(next @ Some(_)) if !caught_up => {
                after = next;
                continue;
            }
            Ok(next) => (after, caught_up) = (next, true),
            // What has run out is refused all the same; it only lies there for longer.
            Err(error) => tracing::error!(%error, "what has run out could not be cleared away"),
        }
        let (mailer, now) = (Arc::clone(&accounts.settings().mailer), accounts.now());
        // Files: not for the threads that answer.
        drop(tokio::task::spawn_blocking(move || mailer.tidy(now)).await);
        sleep(SWEEP).await;
    }
}

/// One part. Yields behind which team the next one begins.
async fn step(store: &Store, after: Option<TenantId>) -> Result<Option<TenantId>, StoreError> {
    let gone = upkeep::of_visitors(store).await?;
    tracing::debug!(gone, "cleared away what had run out");
    upkeep::of_accounts(store, after, TEAMS).await
}
