//! Erasing a person: what goes and what stays, doing it, looking again, and the receipt.
//!
//! `plan` reads the map and where the person is. [`begin`] runs in a job: invitations to the address go first, team by team,
//! while the address is still known; then one transaction takes the rows. [`finish`] destroys the keys, searches every place
//! again, and closes the case only when nothing is left. Each step may be cut short and begun again.

use crate::receipt::Receipt;
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use store::{
    DataMap, Store, StoreError, accounts, blobs,
    data_map::{OnErase, Table},
    jobs::Lease,
    rights::{
        cases, decide,
        erase::{self, Executed, Targets},
        footprint::{self, Footprint, Seat},
        holds, invitations, places,
        rows::Counts,
        tombstones::Erased,
        verify::{self, Verified},
    },
};
use tokio::task::spawn_blocking;
use uuid::Uuid;

/// What an erasure does with the rows of one table that are the person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// The table.
    pub table: String,
    /// What it holds.
    pub about: String,
    /// How many rows name the person now.
    pub rows: u64,
    /// What happens to them.
    pub what: OnErase,
    /// The same in words.
    pub words: String,
}

/// What an erasure would do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Table by table: only those with rows that name the person.
    pub fates: Vec<Fate>,
    /// Who they are in which teams, and what becomes of these.
    pub seats: Vec<Seat>,
    /// Why it cannot be done yet.
    pub obstacle: Option<String>,
}

/// What an erasure would do now to the person behind an account.
///
/// # Errors
/// When the database cannot be asked.
pub async fn plan(store: &Store, account: AccountId) -> Result<Plan, StoreError> {
    let map = DataMap::own()?;
    let rows = places::held(store, account).await?;
    let fates = rows.iter().filter_map(|(name, rows)| Some(fate(map.table(name)?, *rows))).collect();
    let found = footprint::ever(store, account).await?;
    let obstacle = words(store, &found).await?;
    Ok(Plan { fates, seats: found.seats, obstacle })
}

fn fate(table: &Table, rows: u64) -> Fate {
    Fate {
        table: table.name.clone(),
        about: table.about.clone(),
        rows,
        what: table.on_erase,
        words: table.erasure.clone(),
    }
}

/// Why an account cannot be erased yet, in the words that its person reads.
///
/// # Errors
/// When the database cannot be asked.
pub async fn obstacle(store: &Store, account: AccountId) -> Result<Option<String>, StoreError> {
    words(store, &footprint::ever(store, account).await?).await
}

async fn words(store: &Store, found: &Footprint) -> Result<Option<String>, StoreError> {
    let needing: BTreeSet<_> = found.needing().collect();
    let names: Vec<String> = store::team::memberships(store, found.account)
        .await?
        .into_iter()
        .filter(|membership| needing.contains(&membership.tenant))
        .map(|membership| membership.name)
        .collect();
    Ok((!names.is_empty()).then(|| footprint::hand_over(&names)))
}

/// Carries an erasure out up to the commit. Afterwards another job goes on.
///
/// # Errors
/// When the database refuses; the job is then tried again.
pub async fn begin(store: &Store, lease: &Lease, case: Uuid, account: AccountId) -> Result<Executed, StoreError> {
    let found = footprint::ever(store, account).await?;
    let waits = found.needing().next().is_some() || holds::until(store, account, &found.seats).await?.is_some();
    let open = cases::by_id(store, case).await?.is_some_and(|case| case.state == store::rights::State::Open);
    if open
        && !waits
        && let Some(who) = accounts::by_id(store, account).await?
    {
        forget_address(store, &found, &who.email).await?;
    }
    erase::execute(store, lease, case, &found).await
}

/// Deletes invitations to the address, and looks for it by the index of every team: behind the commit nobody knows it any more.
/// Other people of teams who have it are erased with its owner, or, where nobody proved it, are none of theirs.
async fn forget_address(store: &Store, found: &Footprint, address: &str) -> Result<(), StoreError> {
    invitations::to_address(store, found.account, address).await?;
    if found.address.is_none() {
        return Ok(());
    }
    let theirs: Vec<Uuid> = found.seats.iter().map(|seat| seat.person.uuid()).collect();
    let left = verify::address(store, address, &theirs).await?;
    if left.is_empty() {
        return Ok(());
    }
    let places: Vec<&str> = left.keys().map(String::as_str).collect();
    Err(StoreError::Unexpected(format!("an address that is to be erased is still in {}", places.join(", "))))
}

/// Goes on behind the commit: destroys the keys and the files, searches every place, and closes the case when nothing is left.
///
/// # Errors
/// When a key cannot be destroyed, or something is left; the job is then tried again.
pub async fn finish(store: &Store, lease: &Lease, targets: &Targets) -> Result<Receipt, StoreError> {
    let keys = destroy(store, targets).await?;
    for what in &targets.erased {
        if let Erased::Person(tenant, person) = what {
            blobs::erase(store, *tenant, *person).await?;
        }
    }
    let found = search(store, lease, targets).await?;
    let case = cases::by_id(store, targets.case).await?.ok_or(StoreError::NotFound)?;
    let gone: Counts = case.receipt.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let receipt = Receipt::of_erasure(&case, store.clock().now(), gone, &found, keys);
    decide::done(store, lease, case.id, &receipt.to_json()).await?;
    Ok(receipt)
}

/// Yields how many keys there were, those included that were destroyed before this was begun again. Files are synchronised to
/// disk: not on a thread that serves.
async fn destroy(store: &Store, targets: &Targets) -> Result<usize, StoreError> {
    let (keys, erased) = (store.keys().clone(), targets.erased.clone());
    let destroyed = spawn_blocking(move || {
        erased.into_iter().try_fold(0, |count, what| {
            let (tenant, subject) = what.key();
            let before = keys.is_destroyed(tenant, subject)?;
            Ok::<_, vault::VaultError>(count + usize::from(keys.destroy(tenant, subject)? || before))
        })
    });
    let done = destroyed.await.map_err(|_| StoreError::Unexpected("destroying keys panicked".to_owned()))?;
    Ok(done?)
}

/// Searches; where something is left, deletes it once more and searches again.
async fn search(store: &Store, lease: &Lease, targets: &Targets) -> Result<Verified, StoreError> {
    let found = verify::verify(store, targets, Some(lease.job)).await?;
    if found.is_clean() {
        return Ok(found);
    }
    erase::again(store, targets).await?;
    let found = verify::verify(store, targets, Some(lease.job)).await?;
    if found.is_clean() {
        return Ok(found);
    }
    let places: Vec<&str> = found.left.keys().map(String::as_str).collect();
    Err(StoreError::Unexpected(format!("an erasure left something in {}", places.join(", "))))
}
