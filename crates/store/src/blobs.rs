//! Blobs: files of any size, sealed in chunks under their owner's key, in a folder or a bucket.
//!
//! A blob is an object under `team/owner/blob` and a row in `wordbond.blob`. The object comes first, whole or not at all,
//! and durably; then the caller's transaction makes it count, with whatever consists of it ([`keep`]). A crash in between
//! leaves an object that nobody's row names: [`sweep`] clears it away once it is an hour old. Deleting goes the other way:
//! the row first, the object by a job, and by the sweep where that is lost.

mod cloud;
mod disk;
mod file;
mod read;
mod sweep;
mod write;

pub use cloud::{CloudError, Credentials};
pub use read::Reader;
pub use sweep::{Swept, due, sweep};
pub use write::{Writer, put};

use crate::{Scoped, Store, StoreError, jobs, time::At};
use futures_util::TryStreamExt as _;
use kernel::{PersonId, TenantId};
use object_store::{ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path as Location};
use outbound::Dialler;
use sqlx::Row as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};
use uuid::Uuid;
use vault::{Place, Subject, stream::sealed_length};

/// The job that deletes objects. It names the owner first, then the blobs.
pub const DELETE: &str = "blob-delete";

/// Where blobs lie.
#[derive(Clone)]
pub enum BlobPlace {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket: `s3://bucket` or `gs://bucket`, with options as in a query.
    Bucket {
        /// Its address.
        url: String,
        /// The way there. The bucket's host must be in the register.
        dialler: Dialler,
        /// Who calls.
        credentials: Credentials,
    },
}

impl fmt::Debug for BlobPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "BlobPlace({})", folder.display()),
            Self::Bucket { url, .. } => write!(f, "BlobPlace({})", url.split('?').next().unwrap_or_default()),
        }
    }
}

/// The objects of a system. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    objects: Arc<dyn ObjectStore>,
    /// The folder, where it is one.
    folder: Option<Arc<Path>>,
    /// In what portions an object is written.
    part: usize,
}

impl Blobs {
    /// Opens the place. A folder is created.
    ///
    /// # Errors
    /// [`StoreError::Blobs`] when it cannot be used.
    pub fn open(place: &BlobPlace) -> Result<Self, StoreError> {
        match place {
            BlobPlace::Folder(folder) => Self::folder(folder),
            BlobPlace::Bucket { url, dialler, credentials } => {
                let objects =
                    cloud::bucket(url, dialler, credentials).map_err(|error| StoreError::Blobs(error.to_string()))?;
                // A bucket takes parts of 5 MiB and more.
                Ok(Self { objects, folder: None, part: 8 * 1024 * 1024 })
            }
        }
    }

    /// The objects in a folder.
    ///
    /// # Errors
    /// As [`Blobs::open`].
    pub fn folder(folder: &Path) -> Result<Self, StoreError> {
        disk::make_dir(folder).map_err(|error| StoreError::Blobs(format!("{}: {error}", folder.display())))?;
        let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { objects: Arc::new(objects), folder: Some(folder.into()), part: file::PART })
    }

    /// The folder in which they lie, where it is one.
    #[must_use]
    pub fn lie_in(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The objects as they lie there, for whoever looks at them from outside.
    pub(crate) fn raw(&self) -> &dyn ObjectStore {
        &*self.objects
    }

    /// Deletes objects of one owner for good. One that is not there is no error.
    async fn delete(&self, tenant: TenantId, owner: PersonId, blobs: &[Uuid]) -> Result<(), StoreError> {
        for blob in blobs {
            match self.objects.delete(&location(tenant, owner, *blob)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(folder) = &self.folder {
            disk::sync(folder, tenant, owner)?;
        }
        Ok(())
    }

    /// The objects of one owner, whatever the rows say.
    async fn of(&self, tenant: TenantId, owner: PersonId) -> Result<Vec<Uuid>, StoreError> {
        let below = Location::from(format!("{tenant}/{owner}"));
        let found: Vec<_> = self.objects.list(Some(&below)).try_collect().await?;
        Ok(found.iter().filter_map(|object| parse(&object.location)).map(|(.., blob)| blob).collect())
    }
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blobs({})", self.objects)
    }
}

/// Which blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Of which team.
    pub tenant: TenantId,
    /// Whose key seals it.
    pub owner: PersonId,
    /// Its id.
    pub id: Uuid,
}

impl Blob {
    pub(crate) fn location(self) -> Location {
        location(self.tenant, self.owner, self.id)
    }

    fn place(self) -> Place {
        let subject = Subject::Person(self.owner);
        Place { tenant: self.tenant, subject, table: "blob", column: "content", row: self.id, version: 1 }
    }
}

/// An object that is stored and that no row names yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what nobody keeps is cleared away"]
pub struct Staged {
    /// Which blob it becomes.
    pub blob: Blob,
    /// How long it is, unsealed.
    pub size: u64,
}

/// Makes a stored object count, if and only if the transaction commits. It must be the actor's own.
///
/// # Errors
/// [`StoreError::NotFound`] for somebody else's; [`StoreError::Gone`] when the actor was erased while it was on its way.
pub async fn keep(scoped: &mut Scoped, staged: &Staged) -> Result<Blob, StoreError> {
    let (blob, now) = (staged.blob, At(scoped.now()));
    if scoped.tenant() != blob.tenant || scoped.person()? != blob.owner {
        return Err(StoreError::NotFound);
    }
    const SQL: &str = "INSERT INTO wordbond.blob (tenant_id, blob_id, owner_id, created_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(SQL)
        .bind(blob.tenant.uuid())
        .bind(blob.id)
        .bind(blob.owner.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_dangling(&error) { StoreError::Gone } else { error.into() })?;
    Ok(blob)
}

/// Gives up a blob of the actor's own, with whatever consists of it; a job deletes the object once this is committed.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn discard(scoped: &mut Scoped, id: Uuid) -> Result<(), StoreError> {
    let (tenant, owner, now) = (scoped.tenant(), scoped.person()?, scoped.now());
    let done = sqlx::query("DELETE FROM wordbond.blob WHERE tenant_id = $1 AND blob_id = $2 AND owner_id = $3")
        .bind(tenant.uuid())
        .bind(id)
        .bind(owner.uuid())
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    jobs::enqueue(scoped, DELETE, &[owner.uuid(), id], now).await.map(drop)
}

/// Does the job [`DELETE`]: its objects go. Doing so again does nothing.
///
/// # Errors
/// When the place cannot be reached; the job is tried again.
pub async fn delete_job(store: &Store, tenant: TenantId, ids: &[Uuid]) -> Result<(), StoreError> {
    let [owner, blobs @ ..] = ids else { return Err(StoreError::Unexpected("a job without an owner".to_owned())) };
    store.blobs().delete(tenant, (*owner).into(), blobs).await
}

/// The blobs whose objects lie there for an owner, by the place itself and not by any row.
///
/// # Errors
/// When the place cannot be reached.
pub async fn objects_of(store: &Store, tenant: TenantId, owner: PersonId) -> Result<Vec<Uuid>, StoreError> {
    store.blobs().of(tenant, owner).await
}

/// Deletes every object of an owner, for an erasure. Yields how many there were.
///
/// # Errors
/// When the place cannot be reached.
pub async fn erase(store: &Store, tenant: TenantId, owner: PersonId) -> Result<usize, StoreError> {
    let found = objects_of(store, tenant, owner).await?;
    store.blobs().delete(tenant, owner, &found).await?;
    Ok(found.len())
}

/// What became of the objects that rows name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// How many rows name one.
    pub rows: usize,
    /// The objects that are not there, or not in their whole length.
    pub lost: Vec<Blob>,
}

/// Compares every row with its object, of everybody, by one listing of the place: no object is read.
///
/// # Errors
/// When database or place cannot be asked.
pub async fn kept(store: &Store) -> Result<Kept, StoreError> {
    // The rows first: an object is there before its row and goes after it.
    let rows = named(store).await?;
    let mut there: BTreeMap<Uuid, (Blob, u64)> = BTreeMap::new();
    let mut objects = store.blobs().objects.list(None);
    while let Some(object) = objects.try_next().await? {
        if let Some((tenant, owner, id)) = parse(&object.location) {
            there.insert(id, (Blob { tenant, owner, id }, object.size));
        }
    }
    let is_lost = |(blob, size): &(Blob, Option<u64>)| match there.get(&blob.id) {
        Some((found, length)) => found != blob || size.is_some_and(|size| *length != sealed_length(size)),
        None => true,
    };
    let mut lost: Vec<Blob> = rows.iter().filter(|row| is_lost(row)).map(|(blob, _)| *blob).collect();
    if !lost.is_empty() {
        // What was deleted meanwhile has no row any more.
        let still: BTreeSet<Uuid> = named(store).await?.iter().map(|(blob, _)| blob.id).collect();
        lost.retain(|blob| still.contains(&blob.id));
    }
    Ok(Kept { rows: rows.len(), lost })
}

/// The blobs that rows name, with how long each is, unsealed, where that is known.
async fn named(store: &Store) -> Result<Vec<(Blob, Option<u64>)>, StoreError> {
    const SQL: &str = "SELECT b.tenant_id, b.owner_id, b.blob_id, d.size FROM wordbond.blob AS b
        LEFT JOIN wordbond.drawing AS d
            ON d.tenant_id = b.tenant_id AND d.blob_id = b.blob_id AND d.owner_id = b.owner_id";
    let mut backup = store.connect_as(crate::Role::Backup).await?;
    let rows = sqlx::query(SQL).fetch_all(&mut backup).await?;
    rows.iter()
        .map(|row| {
            let (tenant, owner): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?);
            let blob = Blob { tenant: tenant.into(), owner: owner.into(), id: row.try_get(2)? };
            let size: Option<i64> = row.try_get(3)?;
            Ok((blob, size.and_then(|size| u64::try_from(size).ok())))
        })
        .collect()
}

fn location(tenant: TenantId, owner: PersonId, blob: Uuid) -> Location {
    Location::from(format!("{tenant}/{owner}/{blob}"))
}

/// Whose object it is; `None` for what is none of ours.
pub(crate) fn parse(location: &Location) -> Option<(TenantId, PersonId, Uuid)> {
    let mut parts = location.as_ref().split('/');
    let (tenant, owner, blob) = (parts.next()?, parts.next()?, parts.next()?);
    let found = (tenant.parse().ok()?, owner.parse().ok()?, blob.parse().ok()?);
    parts.next().is_none().then_some(found)
}
