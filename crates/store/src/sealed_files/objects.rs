//! Objects as they lie there, for whoever holds the store.

use super::Stop;
use crate::{
    Role, Store, StoreError,
    blobs::{Blob, Reader, parse},
    forensics::{self, Needles},
};
use aws_lc_rs::rand;
use futures_util::TryStreamExt as _;
use kernel::{PersonId, TenantId, Timestamp};
use object_store::{ObjectMeta, ObjectStoreExt as _, path::Path as Location};
use sqlx::{Connection as _, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;
use vault::{
    VaultError,
    stream::{HEADER, MARK, sealed_length},
};

/// The most objects that are opened.
const MOST: usize = 200;
/// How much is opened in one attack of objects as a whole. Of each that comes after that, its beginning.
const PLENTY: u64 = 512 << 20;
/// See [`PLENTY`].
const BEGINNING: u64 = 4 << 20;

/// The object that an upload became.
pub(super) async fn of_drawing(store: &Store, drawing: Uuid) -> Result<Blob, Stop> {
    const SQL: &str = "SELECT tenant_id, owner_id, blob_id FROM wordbond.drawing WHERE drawing_id = $1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let row = sqlx::query(SQL).bind(drawing).fetch_optional(&mut backup).await.map_err(StoreError::from)?;
    backup.close().await.map_err(StoreError::from)?;
    let row = row.ok_or_else(|| Stop::Failed("an uploaded file is in no table".to_owned()))?;
    let id = |at: usize| row.try_get::<Uuid, _>(at).map_err(StoreError::from);
    Ok(Blob { tenant: TenantId::from(id(0)?), owner: PersonId::from(id(1)?), id: id(2)? })
}

/// An object as it lies there.
pub(super) async fn raw(store: &Store, blob: Blob) -> Result<Vec<u8>, Stop> {
    let found = store.blobs().raw().get(&blob.location()).await;
    let found = found.map_err(|_| Stop::Failed("an uploaded file became no object".to_owned()))?;
    Ok(found.bytes().await.map_err(StoreError::from)?.to_vec())
}

/// What tells at a glance that an object of `plain` bytes is not sealed.
pub(super) fn looks_open(bytes: &[u8], plain: u64) -> Option<&'static str> {
    if !bytes.starts_with(&MARK) {
        return Some("without the header of sealed objects");
    }
    (bytes.len() as u64 != sealed_length(plain)).then_some("in another length than that of its ciphertext")
}

/// The positive control: an object in the clear is fetched as any other, and the search finds what is in it.
pub(super) async fn mark_is_found(store: &Store) -> Result<(), String> {
    let mut random = [0; 64];
    rand::fill(&mut random).map_err(|_| "the operating system gives no random numbers".to_owned())?;
    let objects = store.blobs().raw();
    let nobody = Uuid::nil();
    let place = Location::from(format!("{nobody}/{nobody}/{}", Uuid::new_v4()));
    let text = |error: object_store::Error| format!("the mark cannot be put beside the objects: {error}");
    objects.put(&place, [b"a mark ".as_slice(), &random].concat().into()).await.map_err(text)?;
    let bytes = async { objects.get(&place).await?.bytes().await }.await;
    objects.delete(&place).await.map_err(text)?;
    let needles = Needles::new().bytes("the mark", &random);
    match forensics::first_in(&bytes.map_err(text)?, &needles) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("the search does not even find a mark in the clear in an object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// How many objects there are.
    pub(super) seen: usize,
    /// How many were opened.
    pub(super) opened: usize,
    /// What is no sealed object, in words, at most a hundred.
    pub(super) open: Vec<String>,
}

/// Opens everybody's objects, or some of them drawn anew.
pub(super) async fn walk(store: &Store) -> Result<Walked, StoreError> {
    let all: Vec<ObjectMeta> = store.blobs().raw().list(None).try_collect().await?;
    let mut walked = Walked { seen: all.len(), ..Walked::default() };
    let mut left = PLENTY;
    for at in drawn(all.len())? {
        let Some(object) = all.get(at) else { continue };
        if is_mark(object, store.clock().now()) {
            continue;
        }
        let Some((tenant, owner, id)) = parse(&object.location) else {
            let name = object.location.filename().unwrap_or_default();
            walked.open.push(format!("`{name}` is none of this system's"));
            continue;
        };
        let enough = left.max(BEGINNING);
        left = left.saturating_sub(object.size);
        match opens(store, Blob { tenant, owner, id }, enough).await {
            Ok(true) => walked.opened += 1,
            Ok(false) => {}
            Err(why) => walked.open.push(format!("object {id} {why}")),
        }
        if walked.open.len() >= 100 {
            break;
        }
    }
    Ok(walked)
}

/// Whether it is the mark of another attack that is just being made: nobody's, short, and of this minute.
fn is_mark(object: &ObjectMeta, now: Timestamp) -> bool {
    let nobody =
        parse(&object.location).is_some_and(|(tenant, owner, _)| tenant.uuid().is_nil() && owner.uuid().is_nil());
    nobody && object.size < 100 && now.as_second() - object.last_modified.timestamp() < 120
}

/// Whether an object opens where it belongs, as far as `enough` bytes. One that has gone meanwhile, or whose owner's key is destroyed, need not.
async fn opens(store: &Store, blob: Blob, enough: u64) -> Result<bool, String> {
    let head = match store.blobs().raw().get_range(&blob.location(), 0..MARK.len() as u64).await {
        Ok(head) => head,
        Err(object_store::Error::NotFound { .. }) => return Ok(false),
        Err(_) => return Err("is shorter than any sealed object".to_owned()),
    };
    if head.as_ref() != MARK.as_slice() {
        return Err("has not the header of sealed objects".to_owned());
    }
    let read = async {
        let mut reader = Reader::open(store, blob).await?;
        let mut opened = 0;
        while let Some(part) = reader.next().await? {
            opened += part.len() as u64;
            if opened >= enough {
                break;
            }
        }
        Ok::<(), StoreError>(())
    };
    match read.await {
        Ok(()) => Ok(true),
        // Its owner was erased: nobody opens it any more, and it must at least look like that.
        Err(StoreError::Vault(VaultError::NoKey(_))) => unreadable(store, blob).await.map(|()| false),
        Err(_) => match store.blobs().raw().head(&blob.location()).await {
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            _ => Err("does not open under its owner's key".to_owned()),
        },
    }
}

async fn unreadable(store: &Store, blob: Blob) -> Result<(), String> {
    const SOME: u64 = 4096;
    let body = store.blobs().raw().get_range(&blob.location(), HEADER as u64..HEADER as u64 + SOME).await;
    match body {
        Ok(body) if forensics::reads_as_text(&body) => Err("reads as text behind its header".to_owned()),
        _ => Ok(()),
    }
}

/// Which of so many are opened.
fn drawn(count: usize) -> Result<BTreeSet<usize>, StoreError> {
    if count <= MOST {
        return Ok((0..count).collect());
    }
    let mut drawn = BTreeSet::new();
    while drawn.len() < MOST {
        let mut random = [0; 8];
        rand::fill(&mut random).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
        let place = u64::from_le_bytes(random) % u64::try_from(count).unwrap_or(u64::MAX);
        drawn.insert(usize::try_from(place).unwrap_or_default());
    }
    Ok(drawn)
}
