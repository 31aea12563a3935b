//! Storing a large object in a folder: beside its name first, and past the page cache where the file system can.
//!
//! Through the page cache the kernel finds a page for every 4 KiB, copies into it and writes it back later, which is several
//! times the work of sealing. Past it the disk takes the buffer as it was sealed. There are two: one is filled while the
//! other is written.

use super::{Blob, StoreError, disk};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
};

/// How much is written at once.
pub(super) const PART: usize = 4 * 1024 * 1024;

/// By how much a portion may be longer than that.
const ROOM: usize = super::write::PIECE + 256 * 1024;

/// Past the page cache, a write begins and ends at a multiple of this, in memory and in the file. It is one of every disk's
/// blocks.
const BLOCK: usize = 4096;

/// How often a folder is made that a deletion of its last file takes away again.
const TRIES: u32 = 20;

/// What is sealed and not written yet.
#[derive(Debug, Default)]
pub(super) struct Portion {
    /// What is sealed, after as many bytes as it takes to begin at a block.
    pub(super) bytes: Vec<u8>,
    lead: usize,
    /// Whether it was made for the disk.
    aligned: bool,
}

impl Portion {
    /// One that begins at a block, and still does when it is full.
    fn aligned() -> Self {
        let mut bytes: Vec<u8> = Vec::with_capacity(BLOCK + PART + ROOM);
        // Where it cannot be told, writing says so and goes through the page cache.
        let lead = Some(bytes.as_ptr().align_offset(BLOCK)).filter(|lead| *lead < BLOCK).unwrap_or_default();
        bytes.resize(lead, 0);
        Self { bytes, lead, aligned: true }
    }

    /// The same bytes where the disk can take them. The first portion was sealed before anybody knew how long it would be.
    fn for_the_disk(self) -> Self {
        if self.aligned {
            return self;
        }
        let mut moved = Self::aligned();
        moved.bytes.extend_from_slice(self.held());
        moved
    }

    pub(super) const fn len(&self) -> usize {
        self.bytes.len() - self.lead
    }

    fn held(&self) -> &[u8] {
        self.bytes.get(self.lead..).unwrap_or_default()
    }

    /// The whole blocks of it, and what is behind them.
    fn blocks(&self) -> (&[u8], &[u8]) {
        let held = self.held();
        held.split_at_checked(held.len() - held.len() % BLOCK).unwrap_or_default()
    }
}

/// An object on its way. Dropped before [`FileUpload::complete`] it goes.
#[derive(Debug)]
pub(super) struct FileUpload {
    folder: Arc<Path>,
    blob: Blob,
    /// Where it is written.
    beside: PathBuf,
    file: Option<Arc<File>>,
    /// How much of it is written, or being written.
    at: u64,
    writing: Option<JoinHandle<io::Result<Portion>>>,
}

impl FileUpload {
    pub(super) async fn begin(folder: &Arc<Path>, blob: Blob) -> Result<Self, StoreError> {
        let to = path(folder, blob);
        let mut beside = to.clone().into_os_string();
        // As `object_store` names what is unfinished: listings leave it out, and the sweep knows it.
        beside.push("#1");
        let beside = PathBuf::from(beside);
        let named = beside.clone();
        let file = blocking(move || create(&named)).await?;
        Ok(Self { folder: Arc::clone(folder), blob, beside, file: Some(Arc::new(file)), at: 0, writing: None })
    }

    /// Begins to write what there is, once what came before is written. Yields what it is to go on with.
    pub(super) async fn write(&mut self, portion: Portion) -> Result<Portion, StoreError> {
        let portion = portion.for_the_disk();
        let mut next = match self.writing.take() {
            Some(writing) => joined(writing.await)?,
            None => Portion::aligned(),
        };
        next.bytes.truncate(next.lead);
        let (blocks, rest) = portion.blocks();
        next.bytes.extend_from_slice(rest);
        let (file, at) = (self.open()?, self.at);
        self.at += blocks.len() as u64;
        self.writing = Some(spawn_blocking(move || {
            write_at(&file, portion.blocks().0, at)?;
            Ok(portion)
        }));
        Ok(next)
    }

    /// Writes the last of it. The object is there then, and lasts.
    pub(super) async fn complete(mut self, last: Portion) -> Result<(), StoreError> {
        if let Some(writing) = self.writing.take() {
            joined(writing.await)?;
        }
        let (file, at, beside, to) = (self.open()?, self.at, self.beside.clone(), path(&self.folder, self.blob));
        blocking(move || {
            let (blocks, rest) = last.blocks();
            write_at(&file, blocks, at)?;
            cached(&file)?;
            file.write_all_at(rest, at + blocks.len() as u64)?;
            file.sync_all()?;
            fs::rename(beside, to)
        })
        .await?;
        self.file = None;
        let (folder, blob) = (Arc::clone(&self.folder), self.blob);
        let synced = spawn_blocking(move || disk::sync(&folder, blob.tenant, blob.owner)).await;
        synced.map_err(|_| StoreError::Blobs("writing panicked".to_owned()))?
    }

    /// Gives it up.
    pub(super) async fn abort(mut self) -> Result<(), StoreError> {
        if let Some(writing) = self.writing.take() {
            joined(writing.await)?;
        }
        self.file = None;
        let beside = self.beside.clone();
        blocking(move || fs::remove_file(beside)).await
    }

    fn open(&self) -> Result<Arc<File>, StoreError> {
        self.file.clone().ok_or_else(|| StoreError::Blobs("an object is written that has ended".to_owned()))
    }
}

impl Drop for FileUpload {
    fn drop(&mut self) {
        // The file is closed there too: freeing the blocks of a long one takes a while.
        let Some(file) = self.file.take() else { return };
        let beside = std::mem::take(&mut self.beside);
        let remove = move || {
            // What cannot be removed now is removed by the sweep.
            let _ = fs::remove_file(beside);
            drop(file);
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// Tells the disk what of an object will be read next.
pub(super) fn expect(folder: &Path, blob: Blob, at: u64, length: u64) {
    let Ok(file) = File::open(path(folder, blob)) else { return };
    // It is a hint: where it is not taken, reading is slower.
    let _ = rustix::fs::fadvise(&file, at, std::num::NonZeroU64::new(length), rustix::fs::Advice::WillNeed);
}

fn path(folder: &Path, blob: Blob) -> PathBuf {
    folder.join(blob.location().as_ref())
}

fn create(beside: &Path) -> io::Result<File> {
    let mut tries = 0;
    loop {
        if let Some(above) = beside.parent() {
            disk::make_dir(above)?;
        }
        match open(beside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

fn open(beside: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let flags = i32::try_from(OFlags::DIRECT.bits()).unwrap_or_default();
    match options.clone().custom_flags(flags).open(beside) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => options.open(beside),
        other => other,
    }
}

fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    match file.write_all_at(bytes, at) {
        // This file system wants other blocks, or none of this.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            cached(file)?;
            file.write_all_at(bytes, at)
        }
        other => other,
    }
}

/// From now on through the page cache.
fn cached(file: &File) -> io::Result<()> {
    Ok(fcntl_setfl(file, fcntl_getfl(file)?.difference(OFlags::DIRECT))?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, StoreError> {
    joined(spawn_blocking(work).await)
}

fn joined<T>(done: Result<io::Result<T>, tokio::task::JoinError>) -> Result<T, StoreError> {
    let done = done.map_err(|_| StoreError::Blobs("writing panicked".to_owned()))?;
    done.map_err(|error| StoreError::Blobs(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{PersonId, TenantId};
    use uuid::Uuid;

    fn blob() -> Blob {
        Blob { tenant: TenantId::new(), owner: PersonId::new(), id: Uuid::new_v4() }
    }

    /// Everything is written, piece by piece; what is left is for the end.
    async fn written(folder: &Arc<Path>, blob: Blob, content: &[u8]) -> (FileUpload, Portion) {
        let mut upload = FileUpload::begin(folder, blob).await.unwrap();
        let mut portion = Portion::default();
        for some in content.chunks(crate::blobs::write::PIECE) {
            portion.bytes.extend_from_slice(some);
            if portion.len() >= PART {
                portion = upload.write(portion).await.unwrap();
            }
            let moved = portion.aligned && portion.held().as_ptr().align_offset(BLOCK) != 0;
            assert!(!moved, "the disk cannot take it: it has moved in memory");
        }
        (upload, portion)
    }

    #[tokio::test]
    async fn what_was_written_is_there_whole_and_under_its_name_only() {
        // The second is in memory, where there may be no way past the page cache.
        for room in [tempfile::tempdir(), tempfile::tempdir_in("/dev/shm")].into_iter().flatten() {
            let folder: Arc<Path> = room.path().into();
            for length in [1, BLOCK, PART - 1, PART, PART + BLOCK + 1, 3 * PART, 3 * PART + 4321] {
                let content: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
                let blob = blob();
                let (upload, last) = written(&folder, blob, &content).await;
                assert!(!path(&folder, blob).exists(), "it is seen before it is whole");
                upload.complete(last).await.unwrap();
                assert!(fs::read(path(&folder, blob)).unwrap() == content, "{length} bytes");
                let above = path(&folder, blob);
                assert_eq!(fs::read_dir(above.parent().unwrap()).unwrap().count(), 1);
            }
        }
    }

    #[tokio::test]
    async fn what_is_given_up_leaves_nothing() {
        let room = tempfile::tempdir().unwrap();
        let folder: Arc<Path> = room.path().into();
        let content = vec![7; 2 * PART];
        let (upload, _) = written(&folder, blob(), &content).await;
        let beside = upload.beside.clone();
        assert!(beside.exists());
        upload.abort().await.unwrap();
        assert!(!beside.exists());
        let (upload, _) = written(&folder, blob(), &content).await;
        let beside = upload.beside.clone();
        drop(upload);
        while beside.exists() {
            tokio::task::yield_now().await;
        }
    }
}
