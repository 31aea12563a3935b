//! What can go wrong between the log and its database.

use crate::{checkpoint::CheckpointError, leaf::LeafError, proof::ReceiptError, tile::BundleError};

/// What can go wrong while appending, sealing, serving or exporting.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database. Trying again may help.
    #[error("the ledger's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The leaf cannot be an entry.
    #[error(transparent)]
    Leaf(#[from] LeafError),
    /// Entries cannot be a bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The newest checkpoint, or one about to be signed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A receipt that was just made does not check.
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    /// The database does not keep the times of commits, and without them nothing can be sealed in order.
    #[error("the database runs without track_commit_timestamp; set it to on and restart the server")]
    NoCommitTimes,
    /// What the database holds is not what was signed: somebody changed it, or an older copy was restored. Nothing more is
    /// signed, because the next checkpoint would fork the log.
    #[error("the ledger in the database is not the one that was signed: {0}; nothing more will be signed")]
    Altered(String),
    /// The newest checkpoint was not signed by this key: the origin or the seed is another than the log began with.
    #[error("the newest checkpoint was not signed by the key {key} ({cause}); a log keeps its origin and its key")]
    OtherKey {
        /// The key at hand, as a verifier key.
        key: String,
        /// What the checkpoint says to it.
        cause: CheckpointError,
    },
    /// A file of an export.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// What happened to it.
        cause: std::io::Error,
    },
}
