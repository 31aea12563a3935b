//! The package as an archive: the page, the document that can be read back, the tables, and the files by their names.

use super::{
    Files, Package, files, html,
    json::{self, Pieces, Take, gone, unwritable},
    tables,
};
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    sync::{Arc, Mutex, PoisonError},
};
use store::{Store, StoreError};
use tokio::sync::mpsc;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

/// How many pieces wait for whoever reads them.
const WAITING: usize = 4;

/// The package as a ZIP file. It is written as it is read: no more than a chunk of a file is in memory.
#[must_use]
pub fn zip(store: &Store, package: Package) -> Pieces {
    let (to, pieces) = mpsc::channel(WAITING);
    let store = store.clone();
    tokio::spawn(async move {
        let mut archive = Archive::new(to.clone());
        let written = archive.write(&store, &package).await;
        let done = match written {
            Ok(()) => archive.finish().await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            let _ = to.send(Err(error)).await;
        }
    });
    pieces
}

/// Every file in an archive, by its path; `None` for what is none, or holds more than `most` bytes.
#[must_use]
pub fn unzip(archive: &[u8], most: u64) -> Option<BTreeMap<String, Vec<u8>>> {
    unzip_some(archive, most, |_| true)
}

/// The files in an archive whose paths are wanted; the others are not unpacked and do not count.
pub(super) fn unzip_some(
    archive: &[u8],
    most: u64,
    wanted: impl Fn(&str) -> bool,
) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut archive = ZipArchive::new(io::Cursor::new(archive)).ok()?;
    let (mut out, mut left) = (BTreeMap::new(), most);
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).ok()?;
        let (name, mut content) = (file.name().ok()?.into_owned(), Vec::new());
        if !wanted(&name) {
            continue;
        }
        let read = file.by_ref().take(left.saturating_add(1)).read_to_end(&mut content).ok()?;
        left = left.checked_sub(u64::try_from(read).ok()?)?;
        out.insert(name, content);
    }
    Some(out)
}

/// What the archive's writer has written and nobody has fetched.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<u8>>>);

impl Shelf {
    fn fetch(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl io::Write for Shelf {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Archive {
    zip: ZipWriter<StreamWriter<Shelf>>,
    shelf: Shelf,
    to: mpsc::Sender<Result<Vec<u8>, StoreError>>,
}

impl Take for Archive {
    async fn take(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.zip.write_all(piece).map_err(unwritable)?;
        self.hand_on().await
    }
}

impl Archive {
    fn new(to: mpsc::Sender<Result<Vec<u8>, StoreError>>) -> Self {
        let shelf = Shelf::default();
        Self { zip: ZipWriter::new_stream(shelf.clone()), shelf, to }
    }

    async fn write(&mut self, store: &Store, package: &Package) -> Result<(), StoreError> {
        self.begin("package.html")?;
        self.take(html(package).map_err(unwritable)?.as_bytes()).await?;
        self.begin("package.json")?;
        json::write(store, package, self).await?;
        for table in tables(package) {
            self.begin(&format!("tables/{}", table.name))?;
            self.take(table.csv.as_bytes()).await?;
        }
        let mut names = Files::default();
        for file in &package.files {
            self.begin(&names.path(file))?;
            let mut content = files::content(store, file).await?;
            while let Some(chunk) = content.next().await? {
                self.take(&chunk).await?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> Result<(), StoreError> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).large_file(true);
        self.zip.start_file(name, options).map_err(unwritable)
    }

    async fn hand_on(&self) -> Result<(), StoreError> {
        let piece = self.shelf.fetch();
        if piece.is_empty() { Ok(()) } else { self.to.send(Ok(piece)).await.map_err(|_| gone()) }
    }

    async fn finish(self) -> Result<(), StoreError> {
        let Self { zip, shelf, to } = self;
        zip.finish().map_err(unwritable)?;
        to.send(Ok(shelf.fetch())).await.map_err(|_| gone())
    }
}
