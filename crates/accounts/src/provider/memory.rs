//! What a probe remembers of its plants: a file of the operator's, replaced as a whole.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// What the file holds; `None` where there is none, or another form of it.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Writes the file. It holds what lets somebody in, so it is the operator's alone.
pub(crate) fn write<T: Serialize>(file: &Path, what: &T) -> io::Result<()> {
    let staged = file.with_extension("new");
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut out = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&staged)?;
    out.write_all(&serde_json::to_vec(what)?)?;
    fs::rename(staged, file)
}
