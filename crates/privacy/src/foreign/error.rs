//! Why nothing came of it.

use store::StoreError;

/// Why a command against a foreign database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// The map cannot be read.
    #[error("the map: {0}")]
    Map(String),
    /// The map does not fit the database; the findings were told.
    #[error("the map does not fit the database: {}", .0.join("; "))]
    Unfit(Vec<String>),
    /// Who is meant cannot be made out.
    #[error("{0}")]
    Subject(String),
    /// Somebody else is at it, or the database does not let us.
    #[error("{0}")]
    Refused(String),
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ForeignError {
    /// What went wrong with a file.
    pub(crate) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |error| Self::File { path: path.display().to_string(), error }
    }
}
