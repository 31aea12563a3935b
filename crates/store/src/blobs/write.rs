//! Storing a blob as it comes.

use super::{Blob, Blobs, Staged};
use crate::{Store, StoreError};
use kernel::{PersonId, TenantId};
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use std::fmt;
use uuid::Uuid;
use vault::{KeyRing, VaultError, stream::Sealer};

/// A blob that is being stored. Dropped before [`Writer::finish`] it leaves nothing that anybody sees.
pub struct Writer {
    blobs: Blobs,
    blob: Blob,
    sealer: Sealer,
    /// What is sealed and not sent yet.
    sealed: Vec<u8>,
    /// Begun with the first full portion: a short blob is one message.
    upload: Option<Box<dyn MultipartUpload>>,
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
        let mut sealed = Vec::new();
        let place = blob.place();
        let sealer = match Sealer::begin(keys, &place, &mut sealed) {
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
        // In portions, so that a long piece is not in memory twice.
        for piece in plain.chunks(self.blobs.part) {
            self.sealer.push(piece, &mut self.sealed)?;
            while self.sealed.len() >= self.blobs.part {
                let rest = self.sealed.split_off(self.blobs.part);
                let part = std::mem::replace(&mut self.sealed, rest);
                self.send(part).await?;
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
        let size = self.sealer.finish(&mut self.sealed)?;
        let last = PutPayload::from(self.sealed);
        match self.upload.as_mut() {
            Some(upload) => {
                upload.put_part(last).await?;
                upload.complete().await?;
            }
            None => {
                self.blobs.objects.put(&self.blob.location(), last).await?;
            }
        }
        Ok(Staged { blob: self.blob, size })
    }

    /// Gives it up, and with it what is stored of it already.
    ///
    /// # Errors
    /// When the place refuses; it forgets unfinished uploads by its own rules then.
    pub async fn abort(mut self) -> Result<(), StoreError> {
        match self.upload.as_mut() {
            Some(upload) => Ok(upload.abort().await?),
            None => Ok(()),
        }
    }

    async fn send(&mut self, part: Vec<u8>) -> Result<(), StoreError> {
        if self.upload.is_none() {
            self.upload = Some(self.blobs.objects.put_multipart(&self.blob.location()).await?);
        }
        if let Some(upload) = self.upload.as_mut() {
            upload.put_part(PutPayload::from(part)).await?;
        }
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
