//! Clearing away what a crash has left: objects that no row names, and files that were being written.

use super::{disk, parse};
use crate::{Store, StoreError, operator_tenant, rights::retention};
use futures_util::TryStreamExt as _;
use jiff::SignedDuration;
use kernel::{Actor, PersonId, TenantId, Timestamp};
use object_store::ObjectStore as _;
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How old an object without a row must be: whoever stores one commits its row within the time of a request.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// How many objects are compared at a time.
const AT_ONCE: usize = 500;

/// What was cleared away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Objects that no row named.
    pub orphans: usize,
    /// Files whose writing was cut short.
    pub unfinished: usize,
    /// Objects that were looked at.
    pub seen: usize,
}

/// Clears away everything that is an hour old at `now` and nobody's, and tells how much that was.
///
/// # Errors
/// When place or database cannot be asked. Nothing is deleted on a doubt.
pub async fn sweep(store: &Store, now: Timestamp) -> Result<Swept, StoreError> {
    let done = look(store, now, false).await?;
    let gone = [("objects", done.orphans as u64), ("unfinished files", done.unfinished as u64)];
    let scoped = store.scoped(operator_tenant(), &retention::actor()).await?;
    retention::tell(scoped, &[], &gone).await?;
    Ok(done)
}

/// What a sweep would clear away: the dry run.
///
/// # Errors
/// When place or database cannot be asked.
pub async fn due(store: &Store, now: Timestamp) -> Result<Swept, StoreError> {
    look(store, now, true).await
}

async fn look(store: &Store, now: Timestamp, dry: bool) -> Result<Swept, StoreError> {
    let (blobs, mut done) = (store.blobs().clone(), Swept::default());
    let before = now.checked_sub(GRACE).unwrap_or(Timestamp::MIN);
    if let Some(folder) = blobs.folder.clone() {
        let removed = tokio::task::spawn_blocking(move || disk::remove_unfinished(&folder, before, dry)).await;
        let removed = removed.map_err(|_| StoreError::Blobs("the sweep panicked".to_owned()))?;
        done.unfinished = removed.map_err(|error| StoreError::Blobs(error.to_string()))?;
    }
    let mut objects = blobs.objects.list(None);
    let (mut whose, mut old) = (None, Vec::new());
    while let Some(object) = objects.try_next().await? {
        done.seen += 1;
        let Some((tenant, owner, blob)) = parse(&object.location) else { continue };
        if object.last_modified.timestamp() >= before.as_second() {
            continue;
        }
        // A listing goes by name, so that what is one owner's comes together.
        if whose != Some((tenant, owner)) || old.len() >= AT_ONCE {
            done.orphans += settle(store, whose, std::mem::take(&mut old), dry).await?;
            whose = Some((tenant, owner));
        }
        old.push(blob);
    }
    done.orphans += settle(store, whose, old, dry).await?;
    Ok(done)
}

/// Deletes those of an owner's objects that no row names. With `dry` it only counts.
async fn settle(
    store: &Store,
    whose: Option<(TenantId, PersonId)>,
    objects: Vec<Uuid>,
    dry: bool,
) -> Result<usize, StoreError> {
    let Some((tenant, owner)) = whose.filter(|_| !objects.is_empty()) else { return Ok(0) };
    let mut scoped = store.scoped(tenant, &Actor::Person { id: owner }).await?;
    const SQL: &str = "SELECT blob_id FROM wordbond.blob WHERE tenant_id = $1 AND owner_id = $2 AND blob_id = ANY($3)";
    let kept: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(owner.uuid()).bind(&objects).fetch_all(scoped.conn()).await?;
    drop(scoped);
    let kept: BTreeSet<Uuid> = kept.into_iter().collect();
    let orphans: Vec<Uuid> = objects.into_iter().filter(|blob| !kept.contains(blob)).collect();
    if !dry {
        store.blobs().delete(tenant, owner, &orphans).await?;
    }
    Ok(orphans.len())
}
