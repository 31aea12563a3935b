//! Why the store did not do what was asked.

use crate::{house::Breach, server::ServerError};
use vault::VaultError;

/// Why the store did not do what was asked, and with it what the caller can do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is nothing of that id, or nothing that the actor may see. The two look alike on purpose.
    #[error("there is nothing here")]
    NotFound,
    /// The input breaks a rule; the text says which and may be shown.
    #[error("{0}")]
    Invalid(String),
    /// Somebody else in the tenant has this already.
    #[error("{0}")]
    Taken(&'static str),
    /// Only a person can own rows, and the actor is none.
    #[error("only a person can do this")]
    NoPerson,
    /// Whoever asked has been erased since they began.
    #[error("whoever asked is here no more")]
    Gone,
    /// Another worker holds the job now.
    #[error("the lease of this job has passed to somebody else")]
    LostLease,
    /// A rule of the house is broken: the system does not serve.
    #[error("refusing to serve: {}", list(.0))]
    House(Vec<Breach>),
    /// The `--database` URL is not one that can be used.
    #[error("--database: {0}")]
    Url(String),
    /// The child server does not serve.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The keys are not those of the database.
    #[error(
        "{0}: put the root key and the folder `keys` of that system back (docs/KEYS.md), or begin with an empty database; nothing was touched"
    )]
    ForeignKeys(&'static str),
    /// The vault cannot help.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The ledger refused an entry.
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    /// A migration failed.
    #[error("the database cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused, or cannot be reached.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// Blobs cannot be stored or read.
    #[error("blobs: {0}")]
    Blobs(String),
    /// What the database holds cannot be read as what it should be.
    #[error("the database holds something unexpected: {0}")]
    Unexpected(String),
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        Self::Blobs(error.to_string())
    }
}

impl StoreError {
    /// Whether a unique constraint refused the row.
    pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
        error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }

    /// Whether a foreign key refused the row.
    pub(crate) fn is_dangling(error: &sqlx::Error) -> bool {
        error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
    }
}

fn list(breaches: &[Breach]) -> String {
    breaches.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
