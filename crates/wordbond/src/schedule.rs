//! When which promise is attacked next.

use crate::{board::Board, catalogue, recorder, system::System};
use promises::Promise;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How often the scheduler looks what is due.
const LOOK: Duration = Duration::from_secs(1);

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
