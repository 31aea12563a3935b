//! What is kept between visits: the key and the last checkpoint. Trust on first use; from then on the log can only grow.

use ledger::VerifierKey;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Why a memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// It cannot be read or written.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// It holds something else.
    #[error("{0} holds no memory of a ledger; remove it to begin anew, and what was seen before is forgotten")]
    Content(PathBuf),
    /// It is of another service.
    #[error("{0} remembers {1}, not {2}")]
    Other(PathBuf, String, String),
}

/// What was seen at the last visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    pub(super) url: String,
    pub(super) vkey: String,
    pub(super) checkpoint: String,
}

impl Memory {
    /// What the file remembers; `None` where there is no file yet.
    pub(super) fn read(file: &Path, url: &str) -> Result<Option<Self>, MemoryError> {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(MemoryError::File(file.to_owned(), error)),
        };
        let memory: Self = serde_json::from_slice(&text).map_err(|_| MemoryError::Content(file.to_owned()))?;
        if memory.url == url {
            Ok(Some(memory))
        } else {
            Err(MemoryError::Other(file.to_owned(), memory.url, url.to_owned()))
        }
    }

    /// Replaces the file, whole or not at all.
    pub(super) fn write(file: &Path, url: &str, key: &VerifierKey, note: &str) -> Result<(), MemoryError> {
        let memory = Self { url: url.to_owned(), vkey: key.to_string(), checkpoint: note.to_owned() };
        let failed = |error| MemoryError::File(file.to_owned(), error);
        let text = serde_json::to_vec_pretty(&memory).map_err(|error| failed(io::Error::other(error)))?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let staged = file.with_extension("new");
        fs::write(&staged, text).and_then(|()| fs::rename(&staged, file)).map_err(failed)
    }
}
