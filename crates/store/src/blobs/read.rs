//! Reading a blob, whole or in part: only the chunks that are asked for are fetched and opened.

use super::{Blob, Blobs};
use crate::{Store, StoreError};
use object_store::{GetOptions, ObjectStore as _, ObjectStoreExt as _};
use std::{fmt, ops::Range};
use vault::{
    KeyRing,
    stream::{CHUNK, HEADER, Opener},
};
use zeroize::Zeroizing;

/// How much is fetched at once when a blob is read from one end to the other.
const PORTION: u64 = 16 * CHUNK as u64;

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
        Ok(Self { blobs, blob, opener, at: 0, begun: false, end })
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
        Self { at: range.start.min(end), begun: false, end, ..self }
    }

    /// A part of it. What lies behind the end is left out.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn range(&self, range: Range<u64>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let (needed, length) = (self.opener.needed(&range), range.end.min(self.length()).saturating_sub(range.start));
        if needed.is_empty() {
            return Ok(Zeroizing::default());
        }
        let sealed = self.blobs.objects.get_range(&self.blob.location(), needed).await;
        let mut buffer = Zeroizing::new(Vec::from(sealed.map_err(|error| missing(self.blob, error))?));
        let (first, skip) = Opener::chunk_of(range.start);
        let plain = self.opener.open(first, &mut buffer)?.len();
        buffer.truncate(plain);
        buffer.drain(..skip.min(plain));
        buffer.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(buffer)
    }

    /// The next portion of it, up to a mebibyte; `None` at its end.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        // An empty blob has a chunk too, and it must be the right one.
        if self.begun && self.at >= self.end {
            return Ok(None);
        }
        // Portions end where chunks do, so that none is fetched twice.
        let behind = self.at - self.at % PORTION + PORTION;
        let part = self.range(self.at..behind.min(self.end)).await?;
        (self.at, self.begun) = (behind, true);
        Ok(Some(part))
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub async fn all(&self) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        self.range(0..self.length()).await
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader({}, {} bytes)", self.blob.id, self.length())
    }
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
