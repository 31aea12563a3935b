//! The archive: the document and the tables, as a ZIP file.

use super::Document;
use ingress::{Answer, problem::internal};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _, Write as _},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// What the document is called in it.
const DOCUMENT: &str = "objectives.json";

/// The archive of a document and of tables by their names.
pub(super) fn pack(document: &Document, tables: &[(&str, String)]) -> Answer<Vec<u8>> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file(DOCUMENT, options).map_err(internal)?;
    archive.write_all(&serde_json::to_vec(document).map_err(internal)?).map_err(internal)?;
    for (name, table) in tables {
        archive.start_file(*name, options).map_err(internal)?;
        archive.write_all(table.as_bytes()).map_err(internal)?;
    }
    Ok(archive.finish().map_err(internal)?.into_inner())
}

/// The document's text in an archive, if there is one that is no longer than `longest`, whatever the archive says of itself.
pub(super) fn document(archive: &[u8], longest: usize) -> Option<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).ok()?;
    let file = archive.by_name(DOCUMENT).ok()?;
    let mut text = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX);
    file.take(most.saturating_add(1)).read_to_end(&mut text).ok()?;
    (text.len() <= longest).then_some(text)
}

/// An archive that was exported.
pub(crate) struct Archived {
    /// The document.
    pub(crate) document: Document,
    /// The tables by their names.
    pub(crate) tables: BTreeMap<String, String>,
}

/// Everything in an archive of ours; `None` for any other.
pub(crate) fn read(archive: &[u8]) -> Option<Archived> {
    let text = document(archive, super::LARGEST)?;
    let mut archive = ZipArchive::new(Cursor::new(archive)).ok()?;
    let mut tables = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).ok()?;
        let name = file.name().ok()?.into_owned();
        if name == DOCUMENT {
            continue;
        }
        let mut table = String::new();
        file.by_ref().take(u64::try_from(super::LARGEST).ok()?).read_to_string(&mut table).ok()?;
        tables.insert(name, table);
    }
    Some(Archived { document: serde_json::from_slice(&text).ok()?, tables })
}
