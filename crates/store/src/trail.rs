//! Whether every change that the operator can make has its event, and every entry of the ledger too: looked up for every
//! tenant at once, not for those that a probe planted.

use crate::{Role, Store, StoreError, audit, team::nobody};
use kernel::{Actor, PersonId, TenantId};
use ledger::{Leaf, audit::Commitment};
use sqlx::{Connection as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use vault::KeyRing;

/// In how many teams somebody's view of the log is taken.
const SAMPLE: i64 = 40;

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
    /// How many kept events cannot be opened, or are not what their entry commits to.
    pub unopened: usize,
    /// How many events are hidden from their own team, of a sample of teams.
    pub hidden: usize,
    /// How many entries of the ledger commit to an event that is not kept, or is kept more than once.
    pub untold: usize,
}

/// Compares tenants, events and ledger, as the backup reads them at one instant. A row's last change and the entry that
/// tells of it must be one transaction, whose number the database itself stamps on both; every event must open to the
/// commitment of its entry, and every entry must have its event.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store) -> Result<Trail, StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let (tenants, entries) = (tenants(&mut tx).await?, entries(&mut tx).await?);
    let events = events(&mut tx, store.keys()).await?;
    drop(tx);
    connection.close().await?;
    let hidden = hidden(store, &events).await?;
    Ok(Trail { hidden, ..compare(&tenants, &entries, &events) })
}

/// How many of these events their own team does not see, for some teams drawn anew each time: a log only grows, so that who
/// reads it now must see all that was there before. The log of a team that is being erased is handed over meanwhile.
async fn hidden(store: &Store, events: &[Kept]) -> Result<usize, StoreError> {
    const SEEN: &str = "SELECT count(*) FROM wordbond.audit_event WHERE tenant_id = $1";
    const SOMEBODY: &str = "SELECT t.tenant_id, (SELECT p.person_id FROM wordbond.person AS p
            WHERE p.tenant_id = t.tenant_id AND p.removed_at IS NULL ORDER BY random() LIMIT 1)
        FROM wordbond.tenant AS t ORDER BY random() LIMIT $1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let teams: Vec<(Uuid, Option<Uuid>)> = sqlx::query_as(SOMEBODY).bind(SAMPLE).fetch_all(&mut backup).await?;
    let mut hidden = 0;
    for (tenant, person) in teams {
        let actor = person.map_or_else(nobody, |id| Actor::Person { id: PersonId::from(id) });
        let mut scoped = store.scoped(TenantId::from(tenant), &actor).await?;
        let seen: i64 = sqlx::query_scalar(SEEN).bind(tenant).fetch_one(scoped.conn()).await?;
        drop(scoped);
        let before = events.iter().filter(|event| event.tenant == tenant).count();
        let after: i64 = sqlx::query_scalar(SEEN).bind(tenant).fetch_one(&mut backup).await?;
        let (seen, after) = (usize::try_from(seen).unwrap_or_default(), usize::try_from(after).unwrap_or_default());
        hidden += before.min(after).saturating_sub(seen);
    }
    backup.close().await?;
    Ok(hidden)
}

/// An entry about an event.
struct Entry {
    /// The transaction that appended it, cut to the 32 bits that rows carry.
    by: i64,
    /// `None` where it is no commitment at all.
    commitment: Option<Commitment>,
}

/// An event that is kept.
struct Kept {
    tenant: Uuid,
    entry: i64,
    /// What it commits to, once opened; `None` where it cannot be.
    commitment: Option<Commitment>,
}

fn compare(tenants: &BTreeMap<Uuid, i64>, entries: &BTreeMap<i64, Entry>, events: &[Kept]) -> Trail {
    let explained: BTreeSet<(Uuid, i64)> =
        events.iter().filter_map(|event| Some((event.tenant, entries.get(&event.entry)?.by))).collect();
    let opens = |event: &Kept| match entries.get(&event.entry) {
        Some(entry) => event.commitment.is_some() && event.commitment == entry.commitment,
        // Counted as unanchored.
        None => true,
    };
    let mut told: BTreeMap<i64, usize> = BTreeMap::new();
    for event in events {
        *told.entry(event.entry).or_default() += 1;
    }
    Trail {
        tenants: tenants.len(),
        events: events.len(),
        unexplained: tenants.iter().filter(|(id, by)| !explained.contains(&(**id, **by))).count(),
        unanchored: events.iter().filter(|event| !entries.contains_key(&event.entry)).count(),
        unopened: events.iter().filter(|event| !opens(event)).count(),
        // No erasure removes an event: the log of a team that goes as a whole is handed over to the operator's.
        hidden: 0,
        untold: entries.keys().filter(|entry| told.get(entry) != Some(&1)).count(),
    }
}

/// Every tenant with the transaction that last wrote its row.
async fn tenants(conn: &mut PgConnection) -> Result<BTreeMap<Uuid, i64>, StoreError> {
    let rows = sqlx::query("SELECT tenant_id, xmin::text::bigint FROM wordbond.tenant").fetch_all(conn).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?)
}

/// The ledger's entries about events, by what they are labelled and by what they say.
async fn entries(conn: &mut PgConnection) -> Result<BTreeMap<i64, Entry>, StoreError> {
    const SQL: &str = "SELECT id, (xact::text::numeric % 4294967296)::bigint, body FROM ledger.entry
        WHERE kind = 'audit' OR substring(body FROM 1 FOR 15) = '{\"kind\":\"audit\"'::bytea";
    let rows = sqlx::query(SQL).fetch_all(conn).await?;
    let entry = |row: &sqlx::postgres::PgRow| {
        let commitment = match Leaf::from_bytes(row.try_get(2)?) {
            Ok(Leaf::Audit { commitment, .. }) => Some(commitment),
            _ => None,
        };
        Ok((row.try_get(0)?, Entry { by: row.try_get(1)?, commitment }))
    };
    Ok(rows.iter().map(entry).collect::<Result<_, sqlx::Error>>()?)
}

/// Every event of every tenant, opened.
async fn events(conn: &mut PgConnection, keys: &KeyRing) -> Result<Vec<Kept>, StoreError> {
    const SQL: &str = "SELECT tenant_id, event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event";
    let rows = sqlx::query(SQL).fetch_all(conn).await?;
    let kept = |row: &sqlx::postgres::PgRow| {
        let (tenant, entry) = (row.try_get("tenant_id")?, row.try_get("entry_id")?);
        let commitment = audit::read(keys, TenantId::from(tenant), row).ok().map(|opened| opened.commitment);
        Ok(Kept { tenant, entry, commitment })
    };
    Ok(rows.iter().map(kept).collect::<Result<_, sqlx::Error>>()?)
}
