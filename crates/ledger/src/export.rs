//! The log as a directory of static files, for a web server, a cache or a verifier.

use crate::{
    checkpoint::Checkpoint,
    error::LedgerError,
    file::write,
    note::VerifierKey,
    read,
    tile::{FULL, bundles_of, tiles_of},
};
use sqlx::{Connection, PgConnection};
use std::path::Path;

/// What an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The number of entries in the log.
    pub size: u64,
    /// How many files were written; full tiles and bundles that stood there already are left alone.
    pub written: u64,
}

/// Writes the log as its newest checkpoint describes it into `dir`: `checkpoint`, `tile/…`, and `vkey` with the key. May be
/// repeated; the checkpoint is written last, so a reader never sees one whose files are missing. `None` before the first
/// checkpoint.
///
/// # Errors
/// If the database refuses or lacks something that was signed, or a file cannot be written.
pub async fn export(conn: &mut PgConnection, key: &VerifierKey, dir: &Path) -> Result<Option<Exported>, LedgerError> {
    let mut tx = conn.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let Some(note) = read::checkpoint(&mut tx).await? else { return Ok(None) };
    let size = Checkpoint::open(&note, key)?.size;
    let mut written = 0;
    for tile in tiles_of(size) {
        let path = tile.to_string();
        if tile.width() < FULL || !dir.join(&path).exists() {
            let bytes = read::serve_tile(&mut tx, tile).await?;
            write(&dir.join(&path), &bytes.ok_or_else(|| LedgerError::Altered(format!("{path} is missing")))?)?;
            written += 1;
        }
    }
    for bundle in bundles_of(size) {
        let path = bundle.to_string();
        if bundle.width() < FULL || !dir.join(&path).exists() {
            let bytes = read::serve_bundle(&mut tx, bundle).await?;
            write(&dir.join(&path), &bytes.ok_or_else(|| LedgerError::Altered(format!("{path} is missing")))?)?;
            written += 1;
        }
    }
    tx.rollback().await?;
    write(&dir.join("vkey"), format!("{key}\n").as_bytes())?;
    write(&dir.join("checkpoint"), note.as_bytes())?;
    Ok(Some(Exported { size, written: written + 2 }))
}
