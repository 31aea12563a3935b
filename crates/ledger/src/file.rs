//! Files that are there whole or not at all.

use crate::error::LedgerError;
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Writes a file, and the directories above it. A crash leaves the old file or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let whole = || -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let draft = path.with_extension("new");
        let mut file = fs::File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(draft, path)
    };
    whole().map_err(|cause| LedgerError::File { path: path.display().to_string(), cause })
}

/// The text of a file; `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, LedgerError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(LedgerError::File { path: path.display().to_string(), cause }),
    }
}
