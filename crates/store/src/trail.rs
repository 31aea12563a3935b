//! Whether every change that the operator can make has its event: looked up for every tenant at once, not for those that a
//! probe planted.

use crate::{Role, Store, StoreError};
use sqlx::{Connection as _, Row as _};
use std::collections::{BTreeMap, BTreeSet};

/// What was found. Only counts: whose change it was stands in no public place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// How many tenants there are.
    pub tenants: usize,
    /// How many events are kept.
    pub events: usize,
    /// How many tenants were last changed in a transaction that appended no event of theirs.
    pub unexplained: usize,
    /// How many kept events have no entry in the ledger.
    pub unanchored: usize,
}

/// Compares tenants, events and ledger. A row's last change and the entry that tells of it must be one transaction; the
/// database itself stamps both with its number.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store) -> Result<Trail, StoreError> {
    // The ledger last: it holds at least what the rows seen before it point to.
    let (tenants, events) = rows(store).await?;
    let ledger = entries(store).await?;
    let explains = |entries: &BTreeSet<i64>, by: i64| entries.iter().any(|entry| ledger.get(entry) == Some(&by));
    let kept: BTreeSet<i64> = events.values().flatten().copied().collect();
    Ok(Trail {
        tenants: tenants.len(),
        events: kept.len(),
        unexplained: tenants
            .iter()
            .filter(|(tenant, by)| !events.get(*tenant).is_some_and(|entries| explains(entries, **by)))
            .count(),
        unanchored: kept.iter().filter(|entry| !ledger.contains_key(entry)).count(),
    })
}

/// The ledger's entries about events, and the transaction of each, cut to the 32 bits that rows carry.
async fn entries(store: &Store) -> Result<BTreeMap<i64, i64>, StoreError> {
    const SQL: &str = "SELECT id, (xact::text::numeric % 4294967296)::bigint FROM ledger.entry WHERE kind = 'audit'";
    let rows = sqlx::query(SQL).fetch_all(store.auditor().await?.conn()).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?)
}

type Tenants = BTreeMap<uuid::Uuid, i64>;
type Events = BTreeMap<uuid::Uuid, BTreeSet<i64>>;

/// Every tenant with the transaction that last wrote its row, and every event's entry by tenant, at one instant.
async fn rows(store: &Store) -> Result<(Tenants, Events), StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let written = sqlx::query("SELECT tenant_id, xmin::text::bigint FROM wordbond.tenant").fetch_all(&mut *tx).await?;
    let told = sqlx::query("SELECT tenant_id, entry_id FROM wordbond.audit_event").fetch_all(&mut *tx).await?;
    let tenants =
        written.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
    let mut events = Events::new();
    for row in &told {
        events.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?);
    }
    drop(tx);
    connection.close().await?;
    Ok((tenants, events))
}
