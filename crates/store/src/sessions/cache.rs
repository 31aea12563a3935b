//! Sessions in memory, for at most a second, and only while this instance hears of every revocation.

use super::{Lifetimes, LiveSession, find};
use crate::{Store, StoreError, revocation::CHANNEL};
use aws_lc_rs::digest::{SHA256, digest};
use kernel::Timestamp;
use sqlx::postgres::PgListener;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How long an answer is used again.
const FRESH: Duration = Duration::from_secs(1);

/// After how long an answer is asked for again, by one of those who use it and without anybody waiting.
const RIPE: Duration = Duration::from_millis(600);

/// How many sessions of this instance can be looked up at the same time; of one session, one.
const TURNS: usize = 256;

/// How many are kept. Beyond that all are forgotten.
const REMEMBERED: usize = 20_000;

/// How long to wait before listening is tried again, and how often the listener looks whether anybody still wants it.
const PAUSE: Duration = Duration::from_millis(500);

/// Answers of [`find`], kept for a second. Every revocation, here or on another instance, makes all of them void; while the
/// database's word about revocations cannot be heard, nothing is kept, and every request asks the database.
#[derive(Clone)]
pub struct Cache(Arc<Inner>);

struct Inner {
    store: Store,
    listening: AtomicBool,
    known: Mutex<HashMap<[u8; 32], Entry>>,
    /// Whose turn it is to ask the database, by the first byte of the key.
    turns: Vec<tokio::sync::Mutex<()>>,
}

struct Entry {
    session: LiveSession,
    read: Instant,
    /// How many revocations had been heard of before it was read.
    revocations: u64,
    /// Whether somebody asks for it again already.
    asked: bool,
}

/// An answer that is still good.
struct Known {
    session: LiveSession,
    /// Whether whoever got it is to ask for it again.
    ripe: bool,
}

impl Known {
    /// The row may have said so before the clock moved on.
    fn alive(self, lifetimes: Lifetimes, now: Timestamp) -> Option<LiveSession> {
        Some(self.session).filter(|session| session.is_alive(lifetimes, now))
    }
}

impl Cache {
    /// A cache that listens, in a task of the current runtime, for as long as it exists.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::new(())).collect();
        let inner = Arc::new(Inner { store, listening: AtomicBool::new(false), known: Mutex::default(), turns });
        tokio::spawn(listen(Arc::downgrade(&inner)));
        Self(inner)
    }

    /// Whether revocations on other instances are heard of.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.0.listening.load(Ordering::SeqCst)
    }

    /// The live session of a token, where [`find`] had it within the last second; `None` where it must be asked. Must be
    /// called within a runtime, where it may be asked again.
    #[must_use]
    pub fn remembered(&self, token: &str, lifetimes: Lifetimes, now: Timestamp) -> Option<LiveSession> {
        let key = key(token);
        let known = self.0.remembered(&key)?;
        if known.ripe {
            let (inner, token) = (Arc::clone(&self.0), token.to_owned());
            tokio::spawn(async move {
                if let Err(error) = inner.ask(&key, &token, lifetimes, now).await {
                    tracing::debug!(%error, "a session could not be looked up again");
                }
            });
        }
        known.alive(lifetimes, now)
    }

    /// The live session of a token, as [`find`] has it, or had it within the last second.
    ///
    /// # Errors
    /// As [`find`].
    pub async fn find(
        &self,
        token: &str,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StoreError> {
        if let Some(session) = self.remembered(token, lifetimes, now) {
            return Ok(Some(session));
        }
        let key = key(token);
        // Whoever asks for the same session meanwhile waits for this answer, instead of asking beside it.
        let [first, ..] = key;
        let _turn = match self.0.turns.get(usize::from(first) % TURNS) {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        match self.0.remembered(&key) {
            Some(known) => Ok(known.alive(lifetimes, now)),
            None => self.0.ask(&key, token, lifetimes, now).await,
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache(..)")
    }
}

impl Inner {
    fn revocations(&self) -> u64 {
        self.store.revocations().load(Ordering::SeqCst)
    }

    fn remembered(&self, key: &[u8; 32]) -> Option<Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = known.get_mut(key)?;
        let age = entry.read.elapsed();
        let good = entry.revocations == self.revocations() && age < FRESH && self.listening.load(Ordering::SeqCst);
        let ripe = good && age >= RIPE && !entry.asked;
        entry.asked |= ripe;
        good.then(|| Known { session: entry.session.clone(), ripe })
    }

    /// Asks the database, and remembers what it says.
    async fn ask(
        &self,
        key: &[u8; 32],
        token: &str,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, StoreError> {
        let (revocations, read) = (self.revocations(), Instant::now());
        let session = find(&self.store, token, lifetimes, now).await?;
        match &session {
            Some(session) if self.listening.load(Ordering::SeqCst) => {
                self.remember(*key, Entry { session: session.clone(), read, revocations, asked: false });
            }
            _ => drop(self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key)),
        }
        Ok(session)
    }

    fn remember(&self, key: [u8; 32], entry: Entry) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, entry);
    }

    /// Makes everything void that was read before.
    fn void(&self) {
        self.store.revocations().fetch_add(1, Ordering::SeqCst);
    }

    fn hear(&self, listening: bool) {
        // In this order, nothing that was read unheard is ever taken for good.
        if listening {
            self.void();
        }
        self.listening.store(listening, Ordering::SeqCst);
        if !listening {
            self.void();
        }
    }
}

/// Listens until nobody has the cache any more.
async fn listen(inner: Weak<Inner>) {
    while let Some(strong) = inner.upgrade() {
        let listener = connect(&strong.store).await;
        if let Ok(listener) = listener {
            strong.hear(true);
            drop(strong);
            hear(listener, &inner).await;
            if let Some(strong) = inner.upgrade() {
                strong.hear(false);
            }
        } else {
            drop(strong);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn connect(store: &Store) -> Result<PgListener, StoreError> {
    let pool = store.listening()?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

/// Voids the cache at every word; returns when the connection is lost, or nobody has the cache any more.
async fn hear(mut listener: PgListener, inner: &Weak<Inner>) {
    // A lost connection must be known at once, not once another stands.
    listener.eager_reconnect(false);
    loop {
        let word = listener.try_recv();
        tokio::pin!(word);
        let word = loop {
            match tokio::time::timeout(PAUSE, word.as_mut()).await {
                Ok(word) => break word,
                Err(_) if inner.strong_count() == 0 => return,
                Err(_) => {}
            }
        };
        match (word, inner.upgrade()) {
            (Ok(Some(_)), Some(strong)) => strong.void(),
            // What is said from here on is not heard.
            _ => return,
        }
    }
}

fn key(token: &str) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()) {
        *to = *from;
    }
    out
}
