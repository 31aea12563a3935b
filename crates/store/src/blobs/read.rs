//! Reading a blob, whole or in part: only the chunks that are asked for are fetched and opened.

use super::{Blob, Blobs, file};
use crate::{Store, StoreError};
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _};
use std::{fmt, ops::Range};
use tokio::{
    spawn,
    task::{JoinHandle, spawn_blocking},
};
use vault::{
    KeyRing, Plain,
    stream::{CHUNK, HEADER, Opener},
};

/// How much is fetched at once when a blob is read from one end to the other.
const PORTION: u64 = 16 * CHUNK as u64;

/// How much of a file the disk is told of before it is read: what was stored past the page cache is not in it.
const EXPECTED: u64 = 8 * PORTION;

/// A blob that is being read.
pub struct Reader {
    blobs: Blobs,
    blob: Blob,
    opener: Opener,
    /// How far [`Reader::next`] has come; nothing was fetched before it has begun.
    at: u64,
    begun: bool,
    /// Where it ends.
    end: u64,
    /// What comes next, on its way already while the portion before is opened.
    ahead: Option<JoinHandle<Result<Vec<u8>, StoreError>>>,
}

impl Reader {
    /// Finds a blob.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when its owner was erased, or what lies there is not what was stored;
    /// [`StoreError::Unexpected`] when nothing lies there. Both name the object.
    pub async fn open(store: &Store, blob: Blob) -> Result<Self, StoreError> {
        Self::of(store.blobs(), store.keys(), blob).await
    }

    /// The same without a database.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn of(blobs: &Blobs, keys: &KeyRing, blob: Blob) -> Result<Self, StoreError> {
        let blobs = blobs.clone();
        let options = GetOptions { range: Some((0..HEADER as u64).into()), ..GetOptions::default() };
        let found = blobs.objects.get_opts(&blob.location(), options).await.map_err(|error| missing(blob, error))?;
        let sealed = found.meta.size;
        let header = found.bytes().await?;
        let name = format!("blob {}", blob.id);
        let opener = Opener::new(keys, &blob.place(), &name, &header, sealed)?;
        let end = opener.length();
        Ok(Self { blobs, blob, opener, at: 0, begun: false, end, ahead: None })
    }

    /// How long it is.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.opener.length()
    }

    /// The same, of which [`Reader::next`] gives this part only.
    #[must_use]
    pub fn part(self, range: Range<u64>) -> Self {
        let end = range.end.min(self.length());
        Self { at: range.start.min(end), begun: false, end, ahead: None, ..self }
    }

    /// A part of it. What lies behind the end is left out.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn range(&self, range: Range<u64>) -> Result<Plain, StoreError> {
        let needed = self.opener.needed(&range);
        if needed.is_empty() {
            return Ok(Plain::default());
        }
        let sealed = fetch(self.blobs.clone(), self.blob, needed).await?;
        self.opened(&range, &sealed)
    }

    /// What lies in the range, out of the chunks that were fetched for it.
    fn opened(&self, range: &Range<u64>, sealed: &[u8]) -> Result<Plain, StoreError> {
        let length = range.end.min(self.length()).saturating_sub(range.start);
        let mut buffer = Plain::default();
        let (first, skip) = Opener::chunk_of(range.start);
        self.opener.open(first, sealed, &mut buffer)?;
        let skip = skip.min(buffer.len());
        buffer.drain(..skip);
        buffer.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(buffer)
    }

    /// The next portion of it, up to a mebibyte; `None` at its end.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn next(&mut self) -> Result<Option<Plain>, StoreError> {
        // An empty blob has a chunk too, and it must be the right one.
        if self.begun && self.at >= self.end {
            return Ok(None);
        }
        let (now, then) = (self.portion(self.at), self.portion(self.at + PORTION));
        self.expect(now.start);
        let sealed = match self.ahead.take() {
            Some(coming) => coming.await.map_err(|_| StoreError::Blobs("reading ahead panicked".to_owned()))??,
            None => fetch(self.blobs.clone(), self.blob, self.opener.needed(&now)).await?,
        };
        if !then.is_empty() {
            self.ahead = Some(spawn(fetch(self.blobs.clone(), self.blob, self.opener.needed(&then))));
        }
        (self.at, self.begun) = (now.end, true);
        Ok(Some(self.opened(&now, &sealed)?))
    }

    /// Tells the disk what is read soon, where it is one: a whole blob is read in portions, too short for it to see that more follow.
    fn expect(&self, at: u64) {
        let Some(folder) = self.blobs.folder.clone().filter(|_| self.end - at > PORTION) else { return };
        let (blob, from) = (self.blob, at - at % EXPECTED);
        // The next stretch is asked for when this one begins, and at the very start both.
        let (from, length) = match (self.begun, at % EXPECTED < PORTION) {
            (false, _) => (from, 2 * EXPECTED),
            (true, true) => (from + EXPECTED, EXPECTED),
            (true, false) => return,
        };
        drop(spawn_blocking(move || file::expect(&folder, blob, from, length)));
    }

    /// What is given at once from there on. Portions end where chunks do, so that none is fetched twice.
    fn portion(&self, at: u64) -> Range<u64> {
        let at = if at == self.at { at } else { at - at % PORTION };
        at..(at - at % PORTION + PORTION).min(self.end)
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn all(&self) -> Result<Plain, StoreError> {
        self.range(0..self.length()).await
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({}, {} bytes)", self.blob.id, self.length())
    }
}

async fn fetch(blobs: Blobs, blob: Blob, needed: Range<u64>) -> Result<Vec<u8>, StoreError> {
    blobs.objects.get_range(&blob.location(), needed).await.map(Vec::from).map_err(|error| missing(blob, error))
}

/// A row whose object is not there is no «nothing here»: something was lost.
fn missing(blob: Blob, error: object_store::Error) -> StoreError {
    match error {
        object_store::Error::NotFound { .. } => {
            StoreError::Unexpected(format!("the object of blob {} is missing", blob.id))
        }
        error => error.into(),
    }
}
