//! The physical scrub: what an erasure leaves in the database's files is taken out of them at night.
//!
//! A deleted row stays in its page until the page is written anew, its keys stay in indexes, its values among the planner's
//! statistics, and everything in the write-ahead log. Ciphertext is all that there is to find there, nearly all of it under
//! keys that are destroyed, so this is the second line and not the first. Tables in which rows were deleted or changed are written anew, statistics
//! too, and the write-ahead log is switched until nothing of before is left. `docs/FORENSICS.md` has the figures.
//!
//! Only on a server of our own: at a managed one the provider's role may do no such thing, and keys that are destroyed are
//! what remains.

mod record;

pub use record::{Night, Nights, is_due, nights};

use crate::{Address, DataMap, Store, StoreError, address::connect, data_map::Table};
use jiff::SignedDuration;
use kernel::{DataClass, Timestamp};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// So that of several instances one scrubs: «scrubbed» in ASCII.
const LOCK: i64 = 0x7363_7275_6262_6564;

/// How long a table is waited for that others use.
const PATIENCE: &str =
    "SET statement_timeout = 0; SET lock_timeout = '20s'; SET idle_in_transaction_session_timeout = 0";

/// How long is waited until nobody looks at the past any more: a row that an old transaction may still see is kept.
const PAST: Duration = Duration::from_secs(90);

/// How often the write-ahead log is switched. The one before the newest checkpoint is kept, and the one before that until the
/// next.
const SWITCHES: usize = 3;

/// What became of a scrub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scrub {
    /// It was done.
    Done(Scrubbed),
    /// Somebody else holds the lock under which one scrubs.
    Taken,
    /// At a managed server there are no files to scrub.
    NoFiles,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// The tables that were written anew.
    pub tables: Vec<String>,
    /// Those that were in use all the while: they are tried again the next time.
    pub busy: Vec<String>,
    /// Whether a transaction outlasted the patience: what it may still see was kept, and every table is written anew the next time.
    pub watched: bool,
    /// Whether somebody has the server keep what was deleted: see [`Nights::kept`].
    pub kept: bool,
    /// Bytes of these tables before and after, indexes included.
    pub bytes: (u64, u64),
    /// Bytes of the write-ahead log before and after.
    pub wal: (u64, u64),
    /// How long it took.
    pub took: Duration,
}

/// Remembers what was scrubbed, so that a table in which nothing has changed since is left alone.
#[derive(Debug)]
pub struct Scrubber {
    /// Table to how many of its rows had been deleted or changed.
    seen: BTreeMap<String, i64>,
    tables: Option<Vec<String>>,
    /// How long is waited for those who look at the past.
    past: Duration,
}

impl Default for Scrubber {
    fn default() -> Self {
        Self { seen: BTreeMap::new(), tables: None, past: PAST }
    }
}

impl Scrubber {
    /// Scrubs these tables and not those of the data map.
    #[must_use]
    pub fn over(tables: Vec<String>) -> Self {
        Self { tables: Some(tables), ..Self::default() }
    }

    /// Waits so long, and no longer, for those who look at the past.
    #[must_use]
    pub const fn waiting(mut self, past: Duration) -> Self {
        self.past = past;
        self
    }

    /// Scrubs once, and tells that in the operator's log.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn scrub(&mut self, store: &Store) -> Result<Scrub, StoreError> {
        if matches!(store.address(), Address::Url { .. }) {
            return Ok(Scrub::NoFiles);
        }
        let mut superuser = connect(&store.address().bootstrap()).await?;
        superuser.execute(PATIENCE).await?;
        let locked: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut superuser).await?;
        let done = if locked { Scrub::Done(self.with(&mut superuser).await?) } else { Scrub::Taken };
        superuser.close().await?;
        if let Scrub::Done(done) = &done {
            record::tell(store, done).await?;
        }
        Ok(done)
    }

    async fn with(&mut self, superuser: &mut PgConnection) -> Result<Scrubbed, StoreError> {
        let begun = Instant::now();
        let watched = !nobody_looks_back(superuser, self.past).await?;
        let kept = record::keepers(superuser).await? > 0;
        let mut done = Scrubbed { wal: (wal(superuser).await?, 0), watched, kept, ..Scrubbed::default() };
        for (table, changed) in self.changes(superuser).await? {
            if self.seen.get(&table) == Some(&changed) {
                continue;
            }
            done.bytes.0 += size(superuser, &table).await?;
            match superuser.execute(AssertSqlSafe(format!("VACUUM (FULL, ANALYZE) {table}"))).await {
                Ok(_) => {
                    if !watched {
                        self.seen.insert(table.clone(), changed);
                    }
                    done.bytes.1 += size(superuser, &table).await?;
                    done.tables.push(table);
                }
                Err(error) if is_busy(&error) => done.busy.push(table),
                Err(error) => return Err(error.into()),
            }
        }
        // What was sampled of rows that are gone.
        for catalogue in ["pg_statistic", "pg_statistic_ext_data"] {
            superuser.execute(AssertSqlSafe(format!("VACUUM FULL pg_catalog.{catalogue}"))).await?;
        }
        for _ in 0..SWITCHES {
            superuser.execute("SELECT pg_switch_wal()").await?;
            superuser.execute("CHECKPOINT").await?;
        }
        done.wal.1 = wal(superuser).await?;
        done.took = begun.elapsed();
        Ok(done)
    }

    /// The tables of somebody's rows, and how many of their rows were deleted or changed since the server counts.
    async fn changes(&mut self, superuser: &mut PgConnection) -> Result<Vec<(String, i64)>, StoreError> {
        const SQL: &str = "SELECT schemaname || '.' || relname, n_tup_del + n_tup_upd
            FROM pg_stat_user_tables WHERE schemaname || '.' || relname = ANY ($1)
                AND (NOT $2 OR n_tup_del + n_tup_upd > 0 OR n_dead_tup > 0
                -- A server that lost its counts in a crash knows of nothing.
                OR pg_relation_size(relid) > 0 AND coalesce(last_vacuum, last_autovacuum) IS NULL)
            ORDER BY pg_total_relation_size(relid)";
        let tables = match &self.tables {
            Some(tables) => tables.clone(),
            None => DataMap::own()?.tables.into_iter().filter(is_scrubbed).map(|table| table.name).collect(),
        };
        let counts: bool =
            sqlx::query_scalar("SELECT current_setting('track_counts')::bool").fetch_one(&mut *superuser).await?;
        if !counts {
            // A server that does not count says of every table that nothing has changed.
            self.seen.clear();
        }
        let rows = sqlx::query(SQL).bind(&tables).bind(counts).fetch_all(superuser).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

/// Whether rows of somebody lie in a table: also where the operator writes of them, who are in no scope there.
fn is_scrubbed(table: &Table) -> bool {
    table.is_scoped() || table.columns.values().any(|class| matches!(class, DataClass::Personal | DataClass::Content))
}

/// Waits until every transaction that began before now has ended. One that does not end in time keeps what it may see. Yields
/// whether all did.
async fn nobody_looks_back(superuser: &mut PgConnection, past: Duration) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_xmin IS NOT NULL AND xact_start < $1::text::timestamptz";
    let now: String = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&mut *superuser).await?;
    let end = Instant::now() + past;
    loop {
        let looking: i64 = sqlx::query_scalar(SQL).bind(&now).fetch_one(&mut *superuser).await?;
        if looking == 0 || Instant::now() > end {
            return Ok(looking == 0);
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn size(superuser: &mut PgConnection, table: &str) -> Result<u64, StoreError> {
    let bytes: i64 = sqlx::query_scalar("SELECT pg_total_relation_size($1::text::regclass)")
        .bind(table)
        .fetch_one(superuser)
        .await?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

async fn wal(superuser: &mut PgConnection) -> Result<u64, StoreError> {
    let bytes: i64 =
        sqlx::query_scalar("SELECT coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()").fetch_one(superuser).await?;
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// Others hold the table.
fn is_busy(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("55P03")
}

const DAY: i64 = 24 * 60 * 60;
/// A quarter past three in the night, in UTC.
const AT: i64 = 3 * 60 * 60 + 15 * 60;

/// How long after `now` the next scrub begins: a quarter past three in the night, in UTC.
#[must_use]
pub fn until_next(now: Timestamp) -> Duration {
    let left = (AT - now.as_second()).rem_euclid(DAY);
    Duration::from_secs(u64::try_from(if left == 0 { DAY } else { left }).unwrap_or_default())
}

/// When the newest scrub was to begin.
fn newest(now: Timestamp) -> Timestamp {
    now.checked_sub(SignedDuration::from_secs((now.as_second() - AT).rem_euclid(DAY))).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_night_once_a_day() {
        let hours = |text: &str| until_next(text.parse().unwrap()).as_secs() as f64 / 3600.0;
        assert_eq!(hours("2026-11-22T03:00:00Z"), 0.25);
        assert_eq!(hours("2026-11-22T03:15:00Z"), 24.0);
        assert_eq!(hours("2026-11-22T04:15:00Z"), 23.0);
        assert_eq!(hours("1969-12-31T03:14:00Z") * 60.0, 1.0);
        for now in ["2026-11-22T03:15:00Z", "2026-11-22T23:00:00Z", "2026-11-23T03:14:59Z"] {
            assert_eq!(newest(now.parse().unwrap()), "2026-11-22T03:15:00Z".parse().unwrap(), "{now}");
        }
    }
}
