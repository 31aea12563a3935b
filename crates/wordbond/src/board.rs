//! What the pages rest on, kept up to date: every public leaf of the ledger, folded as it is sealed, and the snapshot of
//! this moment. A rendered page is never served past the instant at which one of its verdicts changes by itself.

use jiff::Timestamp;
use kernel::Clock;
use ledger::VerifierKey;
use page::{Court, Document, Inputs, LedgerFacts, Reading, RenderError, Snapshot};
use promises::{Catalogue, Profile};
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use store::Store;

/// How many leaves are read at a time.
const BATCH: u32 = 4_096;

/// The profile in force, as it was read.
#[derive(Debug)]
pub(crate) struct InForce {
    /// What it says.
    pub(crate) profile: Profile,
    /// Its text, byte for byte.
    pub(crate) text: String,
    /// SHA-256 of the text, in hexadecimal.
    pub(crate) hash: String,
}

/// Everything the pages are made from.
pub(crate) struct Board {
    store: Store,
    in_force: Arc<InForce>,
    catalogue: Arc<Catalogue>,
    key: VerifierKey,
    build: String,
    public_url: String,
    clock: Arc<dyn Clock>,
    known: tokio::sync::Mutex<Known>,
    shown: RwLock<Arc<Shown>>,
}

/// What was read from the ledger so far.
#[derive(Default)]
struct Known {
    next: u64,
    reading: Reading,
}

/// A snapshot with the page that most readers want, rendered.
pub(crate) struct Shown {
    /// The snapshot.
    pub(crate) snapshot: Snapshot,
    /// `/trust`.
    pub(crate) trust: Document,
    /// `/trust.json`.
    pub(crate) json: Document,
    made: Instant,
}

impl Shown {
    /// Whether nothing on it can have changed by itself since it was made: by the clock, and by one that no step of the
    /// clock moves.
    fn is_good(&self, now: Timestamp) -> bool {
        let Snapshot { generated_at, expires_at, .. } = self.snapshot;
        let life = Duration::try_from(expires_at.duration_since(generated_at)).unwrap_or_default();
        generated_at <= now && now < expires_at && self.made.elapsed() < life
    }
}

/// Why the board cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BoardError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    /// A page.
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// What a board is made of.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) key: VerifierKey,
    pub(crate) build: String,
    pub(crate) public_url: String,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Board {
    /// A board with everything that is sealed so far.
    pub(crate) async fn set_up(parts: Parts) -> Result<Self, BoardError> {
        let Parts { store, in_force, catalogue, key, build, public_url, clock } = parts;
        let mut known = Known::default();
        known
            .read_on(&store, Court { profile: &in_force.profile, catalogue: &catalogue, public_url: &public_url })
            .await?;
        let make =
            Maker { in_force: &in_force, catalogue: &catalogue, key: &key, build: &build, public_url: &public_url };
        let shown = RwLock::new(Arc::new(make.shown(&known, clock.now())?));
        Ok(Self { store, in_force, catalogue, key, build, public_url, clock, known: known.into(), shown })
    }

    /// Reads what was sealed since, and renews the snapshot if that changed it or its time is over.
    pub(crate) async fn refresh(&self) -> Result<(), BoardError> {
        let mut known = self.known.lock().await;
        let before = known.reading.size;
        let court = Court { profile: &self.in_force.profile, catalogue: &self.catalogue, public_url: &self.public_url };
        known.read_on(&self.store, court).await?;
        let now = self.clock.now();
        if known.reading.size != before || !self.shown().is_good(now) {
            let shown = Arc::new(self.maker().shown(&known, now)?);
            *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
        }
        Ok(())
    }

    /// What may be shown now.
    pub(crate) async fn current(&self) -> Result<Arc<Shown>, BoardError> {
        let shown = self.shown();
        if shown.is_good(self.clock.now()) {
            return Ok(shown);
        }
        self.refresh().await?;
        Ok(self.shown())
    }

    /// The database, for pages that read a single leaf.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The key that checkpoints are verified with.
    pub(crate) const fn key(&self) -> &VerifierKey {
        &self.key
    }

    fn shown(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn maker(&self) -> Maker<'_> {
        Maker {
            in_force: &self.in_force,
            catalogue: &self.catalogue,
            key: &self.key,
            build: &self.build,
            public_url: &self.public_url,
        }
    }
}

struct Maker<'a> {
    in_force: &'a InForce,
    catalogue: &'a Catalogue,
    key: &'a VerifierKey,
    build: &'a str,
    public_url: &'a str,
}

impl Maker<'_> {
    fn shown(&self, known: &Known, now: Timestamp) -> Result<Shown, RenderError> {
        let ledger = LedgerFacts {
            origin: self.key.name().to_owned(),
            vkey: self.key.to_string(),
            checkpoint_size: known.reading.size,
        };
        let snapshot = Snapshot::new(&Inputs {
            profile: &self.in_force.profile,
            profile_text: &self.in_force.text,
            profile_hash: &self.in_force.hash,
            catalogue: self.catalogue,
            evidence: &known.reading.evidence,
            sabotage: known.reading.sabotage.as_ref(),
            changes: &known.reading.changes,
            ledger: &ledger,
            build: self.build,
            public_url: self.public_url,
            now,
        });
        let trust = page::trust::render(&snapshot)?;
        let json = page::wire::render(&snapshot)?;
        Ok(Shown { snapshot, trust, json, made: Instant::now() })
    }
}

impl Known {
    async fn read_on(&mut self, store: &Store, court: Court<'_>) -> Result<(), BoardError> {
        let mut reader = store.auditor().await?;
        // The size first: every leaf below it is then there to be read.
        let size = ledger::read::size(reader.conn()).await?;
        if size == self.reading.size {
            return Ok(());
        }
        loop {
            let leaves = ledger::read::public_leaves(reader.conn(), self.next, BATCH).await?;
            let full = leaves.len() == BATCH as usize;
            for (index, leaf) in leaves.into_iter().filter(|(index, _)| *index < size) {
                self.next = index + 1;
                self.reading.take(court, index, leaf);
            }
            if !full {
                break;
            }
        }
        self.reading.size = size;
        Ok(())
    }
}
