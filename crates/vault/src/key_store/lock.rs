//! One lock for all processes and threads on the same keys: whoever makes a key holds it together with others, whoever
//! replaces or destroys one holds it alone. It ends with the process, however that ends.

use crate::{VaultError, error::IoContext as _};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// How the lock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// With others who hold it so.
    Together,
    /// With nobody.
    Alone,
}

/// The lock, until it is dropped.
#[derive(Debug)]
#[must_use = "the lock is held only as long as this lives"]
pub struct Held {
    _file: File,
}

/// Waits for the lock in that file. Each call opens the file anew, since a lock belongs to an open file.
pub(super) fn hold(path: &Path, how: How) -> Result<Held, VaultError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).on("open", path)?;
    let operation = match how {
        How::Together => FlockOperation::LockShared,
        How::Alone => FlockOperation::LockExclusive,
    };
    loop {
        match flock(&file, operation) {
            Ok(()) => return Ok(Held { _file: file }),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()).on("lock", path),
        }
    }
}
