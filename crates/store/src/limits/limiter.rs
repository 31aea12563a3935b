//! The limiter of one instance: takes small batches from the database's buckets, so that a busy route does not ask the
//! database at every request, and remembers refusals until they end.

use super::{Drawn, Quota, draw};
use crate::{Store, StoreError};
use kernel::Timestamp;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a batch may lie about: what is drawn now is used now, so that no instance hoards.
const LEASE: Duration = Duration::from_secs(1);

/// How many keys are remembered. Beyond that those that have run out are forgotten, and then all.
const REMEMBERED: usize = 50_000;

/// How many draws of one instance can be under way.
const TURNS: usize = 256;

/// What the limiter says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may go on.
    pub allowed: bool,
    /// How many more may, as far as is known.
    pub left: u32,
    /// How long until there is one more.
    pub reset_in: Duration,
}

/// The limiter of one instance. Cheap to clone.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    store: Store,
    known: Mutex<HashMap<([u8; 32], Quota), Lease>>,
    /// Whose turn it is to ask the database, by the first byte of the key.
    turns: Vec<tokio::sync::Mutex<()>>,
}

/// A batch, or a refusal.
#[derive(Clone, Copy)]
struct Lease {
    /// How many of the batch are left. None of a refusal.
    here: u32,
    /// How many were left in the database.
    there: u32,
    reset_in: Duration,
    since: Instant,
    /// How long this holds.
    holds: Duration,
    /// How many were asked for.
    size: u32,
    /// Whether the batch was used up: that says nothing about the next, except that it may be larger.
    used_up: bool,
}

impl Lease {
    fn holds(&self) -> bool {
        self.since.elapsed() < self.holds
    }
}

impl Limiter {
    /// A limiter that has drawn nothing yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::new(())).collect();
        Self(Arc::new(Inner { store, known: Mutex::default(), turns }))
    }

    /// Asks for one request, of the batch that is there; `None` where the database must be asked.
    #[must_use]
    pub fn remembered(&self, key: &[u8; 32], quota: Quota) -> Option<Verdict> {
        self.0.remembered(&(*key, quota))
    }

    /// Asks for one request.
    ///
    /// # Errors
    /// When the database must be asked and cannot be. Which way the door then goes, the route says.
    pub async fn take(&self, key: &[u8; 32], quota: Quota, now: Timestamp) -> Result<Verdict, StoreError> {
        let known = (*key, quota);
        if let Some(verdict) = self.0.remembered(&known) {
            return Ok(verdict);
        }
        // One draw of a key at a time: others find what it brought, instead of emptying the bucket beside it.
        let [first, ..] = *key;
        let turn = self.0.turns.get(usize::from(first) % TURNS);
        let _turn = match turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        if let Some(verdict) = self.0.remembered(&known) {
            return Ok(verdict);
        }
        let want = self.0.next_size(&known);
        let drawn = draw(&self.0.store, key, want, quota, now).await?;
        Ok(self.0.keep(known, drawn, want))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limiter(..)")
    }
}

impl Inner {
    fn remembered(&self, key: &([u8; 32], Quota)) -> Option<Verdict> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What has run out still tells how much the next batch may hold.
        let lease = known.get_mut(key)?;
        let age = lease.since.elapsed();
        let reset_in = lease.reset_in.saturating_sub(age);
        if age >= lease.holds || lease.used_up {
            return None;
        }
        if lease.here == 0 {
            return Some(Verdict { allowed: false, left: 0, reset_in });
        }
        lease.here -= 1;
        let verdict = Verdict { allowed: true, left: lease.here.saturating_add(lease.there), reset_in };
        lease.used_up = lease.here == 0;
        Some(verdict)
    }

    /// How many to ask for: twice as many as were just used up, half as many as were used of a batch that has run out since,
    /// and one where none were. So a caller who is slow leaves next to nothing lying about, and a busy one seldom asks.
    fn next_size(&self, key: &([u8; 32], Quota)) -> u32 {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let size = match known.get(key) {
            Some(lease) if lease.since.elapsed() >= LEASE * 2 => 1,
            Some(lease) if lease.used_up && lease.holds() => lease.size.saturating_mul(2),
            Some(lease) => lease.size.saturating_sub(lease.here) / 2,
            None => 1,
        };
        size.min(key.1.burst / 8).max(1)
    }

    fn keep(&self, key: ([u8; 32], Quota), drawn: Drawn, size: u32) -> Verdict {
        let (allowed, here) = (drawn.granted > 0, drawn.granted.saturating_sub(1));
        let fresh = Lease {
            here,
            there: drawn.left,
            reset_in: drawn.reset_in,
            since: Instant::now(),
            holds: if allowed { LEASE } else { drawn.reset_in },
            // A refusal is no batch.
            size: if allowed { size.min(drawn.granted) } else { 0 },
            used_up: allowed && here == 0,
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.retain(|_, lease| lease.holds());
            if known.len() >= REMEMBERED {
                known.clear();
            }
        }
        known.insert(key, fresh);
        Verdict { allowed, left: here.saturating_add(drawn.left), reset_in: drawn.reset_in }
    }
}
