//! Storing a blob as it comes.

use super::{
    Blob, Blobs, Staged,
    file::{FileUpload, Portion},
};
use crate::{Store, StoreError};
use kernel::{PersonId, TenantId};
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use std::fmt;
use uuid::Uuid;
use vault::{KeyRing, VaultError, stream::Sealer};

/// So much is sealed at a time: a long piece is not in memory twice.
pub(super) const PIECE: usize = 1024 * 1024;

/// Where the parts of a blob go.
enum Upload {
    Bucket(Box<dyn MultipartUpload>),
    Folder(FileUpload),
}

/// A blob that is being stored. Dropped before [`Writer::finish`] it leaves nothing that anybody sees.
pub struct Writer {
    blobs: Blobs,
    blob: Blob,
    sealer: Sealer,
    /// What is sealed and not sent yet.
    sealed: Portion,
    /// Begun with the first full portion: a short blob is one message.
    upload: Option<Upload>,
}

impl Writer {
    /// Begins a blob of that person's.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when the person's key was destroyed; [`StoreError::Vault`].
    pub fn begin(store: &Store, tenant: TenantId, owner: PersonId) -> Result<Self, StoreError> {
        Self::to(store.blobs(), store.keys(), tenant, owner)
    }

    /// The same without a database.
    ///
    /// # Errors
    /// As [`Writer::begin`].
    pub fn to(blobs: &Blobs, keys: &KeyRing, tenant: TenantId, owner: PersonId) -> Result<Self, StoreError> {
        let blob = Blob { tenant, owner, id: Uuid::now_v7() };
        let mut sealed = Portion::default();
        let place = blob.place();
        let sealer = match Sealer::begin(keys, &place, &mut sealed.bytes) {
            Err(VaultError::NoKey(_)) if keys.is_destroyed(place.tenant, place.subject)? => {
                return Err(StoreError::Gone);
            }
            other => other?,
        };
        Ok(Self { blobs: blobs.clone(), blob, sealer, sealed, upload: None })
    }

    /// Takes more of it.
    ///
    /// # Errors
    /// When the place refuses. The blob is lost then.
    pub async fn push(&mut self, plain: &[u8]) -> Result<(), StoreError> {
        for piece in plain.chunks(PIECE) {
            self.sealer.push(piece, &mut self.sealed.bytes)?;
            if self.sealed.len() >= self.blobs.part {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// How long it is so far.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.sealer.length()
    }

    /// Ends it: the object is there as a whole and lasts.
    ///
    /// # Errors
    /// As [`Writer::push`].
    pub async fn finish(mut self) -> Result<Staged, StoreError> {
        let size = self.sealer.finish(&mut self.sealed.bytes)?;
        match self.upload {
            Some(Upload::Folder(upload)) => upload.complete(self.sealed).await?,
            Some(Upload::Bucket(mut upload)) => {
                upload.put_part(PutPayload::from(self.sealed.bytes)).await?;
                upload.complete().await?;
            }
            None => {
                let all = PutPayload::from(self.sealed.bytes);
                self.blobs.objects.put(&self.blob.location(), all).await?;
            }
        }
        Ok(Staged { blob: self.blob, size })
    }

    /// Gives it up, and with it what is stored of it already.
    ///
    /// # Errors
    /// When the place refuses; it forgets unfinished uploads by its own rules then.
    pub async fn abort(self) -> Result<(), StoreError> {
        match self.upload {
            Some(Upload::Folder(upload)) => upload.abort().await,
            Some(Upload::Bucket(mut upload)) => Ok(upload.abort().await?),
            None => Ok(()),
        }
    }

    /// Sends what is sealed, or as much of it as the place takes at once.
    async fn send(&mut self) -> Result<(), StoreError> {
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => match &self.blobs.folder {
                Some(folder) => Upload::Folder(FileUpload::begin(folder, self.blob).await?),
                None => Upload::Bucket(self.blobs.objects.put_multipart(&self.blob.location()).await?),
            },
        };
        let sealed = std::mem::take(&mut self.sealed);
        match &mut upload {
            Upload::Folder(upload) => self.sealed = upload.write(sealed).await?,
            Upload::Bucket(upload) => {
                let mut part = sealed.bytes;
                // Every part but the last is as long as the others.
                self.sealed.bytes = part.split_off(self.blobs.part);
                upload.put_part(PutPayload::from(part)).await?;
            }
        }
        self.upload = Some(upload);
        Ok(())
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({}, {} bytes)", self.blob.id, self.length())
    }
}

/// Stores what is in memory already.
///
/// # Errors
/// As [`Writer`].
pub async fn put(store: &Store, tenant: TenantId, owner: PersonId, content: &[u8]) -> Result<Staged, StoreError> {
    let mut writer = Writer::begin(store, tenant, owner)?;
    writer.push(content).await?;
    writer.finish().await
}
