//! When which promise is attacked next.

use crate::{board::Board, catalogue, recorder, system::System};
use kernel::Timestamp;
use promises::Promise;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::sleep;

/// How often the scheduler looks what is due.
const LOOK: Duration = Duration::from_secs(1);

/// Attacks each promise again when its cadence says so, for as long as it is not dropped.
pub(crate) async fn run(system: Arc<System>, board: Arc<Board>, mut last: BTreeMap<String, Timestamp>) {
    loop {
        sleep(LOOK).await;
        let now = system.store.clock().now();
        let due: Vec<Promise> =
            system.in_force.profile.promises.iter().filter(|p| is_due(p, &last, now)).cloned().collect();
        if due.is_empty() {
            continue;
        }
        match recorder::attack(&system, &due, |_| ()).await {
            Ok(lines) => tracing::info!(attacked = lines.len(), "attacked what was due"),
            // Nothing recorded makes nothing green: the verdicts run out by themselves.
            Err(error) => tracing::error!(%error, "the attacks could not be recorded"),
        }
        let ended = system.store.clock().now();
        last.extend(due.into_iter().map(|promise| (promise.id, ended)));
        if let Err(error) = board.refresh().await {
            tracing::error!(%error, "the page could not be brought up to date");
        }
    }
}

fn is_due(promise: &Promise, last: &BTreeMap<String, Timestamp>, now: Timestamp) -> bool {
    let next = last.get(&promise.id).and_then(|last| last.checked_add(promise.cadence.signed()).ok());
    catalogue::is_built(promise) && next.is_none_or(|next| next <= now)
}
