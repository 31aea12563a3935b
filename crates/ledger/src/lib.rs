//! The append-only transparency log: append in the caller's transaction, seal, checkpoint, prove, verify.
//!
//! The formats are those of C2SP (tlog-tiles, tlog-checkpoint, signed-note, tlog-proof) over the Merkle tree of RFC 6962, so
//! that any verifier of these formats can read the log. `docs/LEDGER.md` describes them as used here.

pub mod append;
pub mod audit;
pub mod checkpoint;
pub mod error;
pub mod export;
mod file;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod read;
pub mod sealer;
pub mod tile;
pub mod verify;

pub use append::{EntryId, OpenRun, append, begin_run, index_of, open_runs, wait_sealed};
pub use checkpoint::Checkpoint;
pub use error::LedgerError;
pub use export::export;
pub use leaf::Leaf;
pub use note::{SigningKey, VerifierKey};
pub use proof::Receipt;
pub use read::{receipt, serve};
pub use sealer::Sealer;
pub use verify::{Fetch, FetchError, Log, VerifyError, read_all};

/// The SQL that makes the schema `ledger`. Run by the owner; the roles `wordbond_app`, `wordbond_recorder`, `wordbond_auditor` and
/// `wordbond_sealer` must exist.
pub const MIGRATION: &str = include_str!("../migrations/0001_ledger.sql");
