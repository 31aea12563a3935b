//! Limits that hold over all instances: one bucket per key, in the database, refilled evenly.
//!
//! A bucket is one number, the instant at which it will be full again (GCRA). A draw is one statement, so that two instances
//! never grant the same request twice. The table is unlogged: after a crash of the database every bucket is full again.

mod limiter;

pub use limiter::{Limiter, Verdict};

use crate::{Store, StoreError};
use kernel::{Span, Timestamp};
use sqlx::Row as _;
use std::time::Duration;
use vault::BlindIndex;

/// How much is granted: `burst` at once, refilled evenly in `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// The size of the bucket. None is none at all.
    pub burst: u32,
    /// In what time an empty one is full again.
    pub per: Span,
}

impl Quota {
    /// Microseconds until one more, rounded up: never more than the quota.
    fn step(self) -> i64 {
        let per = i64::try_from(self.per.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000_000).max(1);
        let burst = i64::from(self.burst.max(1));
        per / burst + i64::from(per % burst != 0)
    }
}

/// What a draw came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// How many were granted.
    pub granted: u32,
    /// How many are left.
    pub left: u32,
    /// How long until there is one more.
    pub reset_in: Duration,
    /// How long until the bucket is full.
    pub full_in: Duration,
}

/// The key of a bucket: says nothing about the address or actor without the system's own key.
#[must_use]
pub fn key(store: &Store, kind: &'static str, value: &[u8]) -> [u8; 32] {
    Keys::of(store).key(kind, value)
}

/// Makes keys of buckets; with the system's own key at hand, so that a key costs one hash.
pub struct Keys(BlindIndex);

impl Keys {
    /// The keys of this system.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self(BlindIndex::new(&store.keys().derive("limit-buckets")))
    }

    /// As [`key`].
    #[must_use]
    pub fn key(&self, kind: &'static str, value: &[u8]) -> [u8; 32] {
        self.0.named(kind, value)
    }
}

/// Draws up to `want` from a bucket.
///
/// # Errors
/// When the database cannot be asked. Which way the door then goes, the route says.
pub async fn draw(store: &Store, key: &[u8; 32], want: u32, quota: Quota, now: Timestamp) -> Result<Drawn, StoreError> {
    let (now, step) = (now.as_microsecond(), quota.step());
    let whole = step.saturating_mul(i64::from(quota.burst));
    let want = want.min(i32::MAX.unsigned_abs());
    // $2 now, $3 step, $4 the whole bucket, $5 wanted. What is granted is what fits between when it is full and now.
    const SQL: &str = "INSERT INTO wordbond.limit_bucket AS b (key, full_at, granted)
        VALUES ($1, $2 + least($5, $4 / $3) * $3, least($5, $4 / $3)::integer)
        ON CONFLICT (key) DO UPDATE SET
            granted = least($5, greatest(($2 + $4 - greatest(b.full_at, $2)) / $3, 0))::integer,
            full_at = greatest(b.full_at, $2) + least($5, greatest(($2 + $4 - greatest(b.full_at, $2)) / $3, 0)) * $3
        RETURNING full_at, granted";
    let mut system = store.system().await?;
    let row = sqlx::query(SQL)
        .bind(key.as_slice())
        .bind(now)
        .bind(step)
        .bind(whole)
        .bind(i64::from(want))
        .fetch_one(system.conn())
        .await?;
    system.commit().await?;
    let (full_at, granted): (i64, i32) = (row.try_get(0)?, row.try_get(1)?);
    Ok(told(full_at, u32::try_from(granted).unwrap_or_default(), now, step, whole))
}

/// Gives back what was drawn for something that turned out not to count. A bucket is never fuller than full.
///
/// # Errors
/// When the database cannot be asked.
pub async fn give_back(store: &Store, key: &[u8; 32], count: u32, quota: Quota) -> Result<(), StoreError> {
    let back = quota.step().saturating_mul(i64::from(count));
    let mut system = store.system().await?;
    sqlx::query("UPDATE wordbond.limit_bucket SET full_at = full_at - $2 WHERE key = $1")
        .bind(key.as_slice())
        .bind(back)
        .execute(system.conn())
        .await?;
    system.commit().await
}

fn told(full_at: i64, granted: u32, now: i64, step: i64, whole: i64) -> Drawn {
    let used = (full_at - now).max(0);
    let left = ((whole - used) / step).max(0);
    // The next one is there when enough of what is used has run off.
    let next = used - (whole - step * (left + 1));
    let micros = |span: i64| Duration::from_micros(u64::try_from(span).unwrap_or_default());
    Drawn {
        granted,
        left: u32::try_from(left).unwrap_or_default(),
        reset_in: if used == 0 { Duration::ZERO } else { micros(next) },
        full_in: micros(used),
    }
}

/// How many full buckets one statement forgets.
const FORGOTTEN: u64 = 5_000;

/// Forgets the buckets that are full. Yields how many.
///
/// # Errors
/// When the database cannot be asked.
pub async fn prune(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    // Buckets that somebody draws from are left alone: neither waits for the other, nor for another instance's pruning.
    const SQL: &str = "DELETE FROM wordbond.limit_bucket WHERE full_at < $1 AND key IN (
        SELECT key FROM wordbond.limit_bucket WHERE full_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
    let mut all = 0;
    loop {
        let mut system = store.system().await?;
        let done = sqlx::query(SQL)
            .bind(now.as_microsecond())
            .bind(i64::try_from(FORGOTTEN).unwrap_or(i64::MAX))
            .execute(system.conn())
            .await?;
        system.commit().await?;
        all += done.rows_affected();
        if done.rows_affected() < FORGOTTEN {
            return Ok(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_never_grants_more_than_the_quota() {
        assert_eq!(Quota { burst: 10, per: Span::seconds(10) }.step(), 1_000_000);
        assert_eq!(Quota { burst: 3, per: Span::seconds(1) }.step(), 333_334);
        assert_eq!(Quota { burst: 0, per: Span::seconds(1) }.step(), 1_000_000);
    }

    #[test]
    fn what_is_left_and_when_there_is_more() {
        let second = |n: i64| n * 1_000_000;
        // Four of ten used at one a second: six left, the seventh in a second.
        let drawn = told(second(104), 4, second(100), second(1), second(10));
        assert_eq!((drawn.left, drawn.reset_in, drawn.full_in), (6, Duration::from_secs(1), Duration::from_secs(4)));
        let empty = told(second(110), 0, second(100), second(1), second(10));
        assert_eq!((empty.left, empty.reset_in), (0, Duration::from_secs(1)));
        let soon = told(second(110) - 400_000, 0, second(100), second(1), second(10));
        assert_eq!((soon.left, soon.reset_in), (0, Duration::from_micros(600_000)));
        let full = told(second(90), 0, second(100), second(1), second(10));
        assert_eq!((full.left, full.reset_in, full.full_in), (10, Duration::ZERO, Duration::ZERO));
    }
}
