//! Appending in the caller's transaction, and counting attacks.

use crate::{error::LedgerError, leaf::Leaf};
use jiff::Timestamp;
use sqlx::{PgConnection, PgExecutor, Row};
use std::time::Duration;

/// Names an appended entry before it has a place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub i64);

/// Appends a leaf in the transaction that `conn` is in: it is in the log if and only if the transaction commits. An
/// observation also closes its run (see [`begin_run`]).
///
/// # Errors
/// If the leaf does not fit in an entry, or the database refuses, or stores something else than it was given.
pub async fn append(conn: &mut PgConnection, leaf: &Leaf) -> Result<EntryId, LedgerError> {
    let body = leaf.to_bytes()?;
    const SQL: &str = "INSERT INTO ledger.entry (kind, promise, body) VALUES ($1, $2, $3) RETURNING id, body";
    let (id, stored): (i64, Vec<u8>) =
        sqlx::query_as(SQL).bind(leaf.kind()).bind(leaf.promise()).bind(&body).fetch_one(&mut *conn).await?;
    // A trigger or rule that somebody slipped in would have the last word otherwise.
    if stored != body {
        return Err(LedgerError::Altered("the database stored another entry than it was given".to_owned()));
    }
    if let Leaf::Observation(observation) = leaf {
        sqlx::query("DELETE FROM ledger.open_run WHERE promise = $1 AND n = $2")
            .bind(&observation.about.promise)
            .bind(i64::try_from(observation.about.run).unwrap_or(i64::MAX))
            .execute(conn)
            .await?;
    }
    Ok(EntryId(id))
}

/// The index of an entry's leaf, once it is sealed.
///
/// # Errors
/// If the database refuses.
pub async fn index_of(conn: impl PgExecutor<'_>, id: EntryId) -> Result<Option<u64>, LedgerError> {
    let idx: Option<Option<i64>> =
        sqlx::query_scalar("SELECT idx FROM ledger.entry WHERE id = $1").bind(id.0).fetch_optional(conn).await?;
    Ok(idx.flatten().and_then(|idx| u64::try_from(idx).ok()))
}

/// Waits until an entry is sealed and yields its index; `None` if it is not within `most`.
///
/// # Errors
/// If the database refuses.
pub async fn wait_sealed(conn: &mut PgConnection, id: EntryId, most: Duration) -> Result<Option<u64>, LedgerError> {
    let end = tokio::time::Instant::now() + most;
    loop {
        let index = index_of(&mut *conn, id).await?;
        if index.is_some() || tokio::time::Instant::now() >= end {
            return Ok(index);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Counts an attack on a promise before it begins, and yields its number, from 1. Durable when it returns, if `conn` is in
/// no transaction: an attack that leaves no observation leaves a gap that readers see.
///
/// # Errors
/// If the database refuses.
pub async fn begin_run(conn: &mut PgConnection, promise: &str) -> Result<u64, LedgerError> {
    const SQL: &str = "WITH counted AS (
            INSERT INTO ledger.run AS r (promise, n) VALUES ($1, 1)
            ON CONFLICT (promise) DO UPDATE SET n = r.n + 1 RETURNING promise, n)
        INSERT INTO ledger.open_run (promise, n) SELECT promise, n FROM counted RETURNING n";
    let n: i64 = sqlx::query_scalar(SQL).bind(promise).fetch_one(conn).await?;
    Ok(u64::try_from(n).unwrap_or_default())
}

/// An attack that has begun and left no observation yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRun {
    /// The promise that is attacked.
    pub promise: String,
    /// The number of the attack.
    pub n: u64,
    /// When it began.
    pub began_at: Timestamp,
}

/// The attacks that have begun and left no observation. Those older than any deadline were interrupted, and each needs an
/// observation that says so: otherwise the gap in the numbers stays.
///
/// # Errors
/// If the database refuses.
pub async fn open_runs(conn: impl PgExecutor<'_>) -> Result<Vec<OpenRun>, LedgerError> {
    const SQL: &str = "SELECT promise, n, (extract(epoch FROM began_at) * 1000000)::bigint AS began
        FROM ledger.open_run ORDER BY promise, n";
    let rows = sqlx::query(SQL).fetch_all(conn).await?;
    let run = |row: &sqlx::postgres::PgRow| -> Result<OpenRun, sqlx::Error> {
        Ok(OpenRun {
            promise: row.try_get("promise")?,
            n: u64::try_from(row.try_get::<i64, _>("n")?).unwrap_or_default(),
            began_at: Timestamp::from_microsecond(row.try_get("began")?).unwrap_or(Timestamp::MIN),
        })
    };
    Ok(rows.iter().map(run).collect::<Result<_, _>>()?)
}
