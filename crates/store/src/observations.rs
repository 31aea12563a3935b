//! What the probes saw: written once into the ledger, read back from there.

use crate::{Store, StoreError, time::At};
use kernel::Timestamp;
use ledger::{EntryId, Leaf, OpenRun};
use promises::{Observation, Recorded};
use sqlx::Row as _;

/// Counts an attack on a promise before it begins, durably, and yields its number: one that leaves no observation leaves
/// a gap that every reader sees.
///
/// # Errors
/// When the database refuses.
pub async fn begin(store: &Store, promise: &str) -> Result<u64, StoreError> {
    let mut system = store.recorder().await?;
    let run = ledger::begin_run(system.conn(), promise).await?;
    system.commit().await?;
    Ok(run)
}

/// Appends an observation to the ledger, durably, and with it ends its run.
///
/// # Errors
/// When it is too long for a leaf, or the database refuses.
pub async fn record(store: &Store, observation: Observation) -> Result<EntryId, StoreError> {
    append(store, &Leaf::Observation(observation)).await
}

/// Appends any other leaf in a transaction of its own: a start, a profile, a sabotage run.
///
/// # Errors
/// As [`record`].
pub async fn append(store: &Store, leaf: &Leaf) -> Result<EntryId, StoreError> {
    let mut system = store.recorder().await?;
    let entry = ledger::append(system.conn(), leaf).await?;
    system.commit().await?;
    Ok(entry)
}

/// The attacks that began and left no observation: those still under way, and those that a crash cut short.
///
/// # Errors
/// When the database refuses.
pub async fn unfinished(store: &Store) -> Result<Vec<OpenRun>, StoreError> {
    Ok(ledger::open_runs(store.auditor().await?.conn()).await?)
}

/// The sealed observations that were appended since `since`, in the order of their leaves.
///
/// # Errors
/// When one cannot be read: what is on record must not silently be less.
pub async fn load(store: &Store, since: Timestamp) -> Result<Vec<Recorded>, StoreError> {
    const SQL: &str = "SELECT idx, body FROM ledger.entry
        WHERE promise IS NOT NULL AND kind = 'observation' AND idx IS NOT NULL AND appended_at >= $1 ORDER BY idx";
    let mut auditor = store.auditor().await?;
    let rows = sqlx::query(SQL).bind(At(since)).fetch_all(auditor.conn()).await?;
    rows.iter()
        .map(|row| {
            let leaf = u64::try_from(row.try_get::<i64, _>("idx")?).unwrap_or_default();
            match Leaf::from_bytes(row.try_get("body")?) {
                Ok(Leaf::Observation(observation)) => Ok(Recorded { leaf, observation }),
                _ => Err(StoreError::Unexpected(format!("leaf {leaf} is no observation"))),
            }
        })
        .collect()
}

/// The sealed leaves of one kind other than audit events and observations, in order, with their indexes: profiles, starts,
/// sabotage runs.
///
/// # Errors
/// As [`load`].
pub async fn leaves(store: &Store, kind: &str) -> Result<Vec<(u64, Leaf)>, StoreError> {
    const SQL: &str = "SELECT idx, body FROM ledger.entry
        WHERE kind = $1 AND kind NOT IN ('audit', 'observation') AND idx IS NOT NULL ORDER BY id";
    let mut auditor = store.auditor().await?;
    let rows = sqlx::query(SQL).bind(kind).fetch_all(auditor.conn()).await?;
    rows.iter()
        .map(|row| {
            let leaf = u64::try_from(row.try_get::<i64, _>("idx")?).unwrap_or_default();
            let body = Leaf::from_bytes(row.try_get("body")?);
            body.map(|body| (leaf, body)).map_err(|_| StoreError::Unexpected(format!("leaf {leaf} cannot be read")))
        })
        .collect()
}
