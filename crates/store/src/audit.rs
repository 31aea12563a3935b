//! Who did what. Each event is committed to in the ledger, and kept, sealed, beside it, in the transaction that makes the
//! change: no change without its event, and no event without its change.

use crate::{Scoped, StoreError, scope::operator_tenant, time::At};
use kernel::{TenantId, Timestamp};
use ledger::{
    Leaf,
    audit::{Commitment, Event, Salt, commit},
};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use std::collections::BTreeMap;
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// What is kept of an event: its text exactly as committed to, and the salt.
#[derive(Serialize, Deserialize)]
struct Kept {
    event: String,
    salt: String,
}

/// An event with its place in the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// The ledger's entry that commits to it.
    pub entry: i64,
    /// The index of the leaf, once sealed.
    pub leaf: Option<u64>,
    /// The event.
    pub event: Event,
    /// The salt in hexadecimal: with it and the event's text anyone can recompute the commitment.
    pub salt: String,
    /// What stands in the ledger.
    pub commitment: Commitment,
}

/// Records an event in the transaction: a commitment in the ledger, the sealed text in the tenant's log.
///
/// # Errors
/// When the ledger or the database refuses; the transaction must then be given up.
pub async fn record(scoped: &mut Scoped, keys: &KeyRing, event: &Event) -> Result<Uuid, StoreError> {
    let unreadable = |_| StoreError::Unexpected("an event that cannot be written".to_owned());
    let salt = Salt::fresh().map_err(|_| StoreError::Vault(vault::VaultError::NoRandomness))?;
    let text = event.to_json().map_err(unreadable)?;
    let leaf = Leaf::Audit { commitment: commit(&text, &salt), at: event.at };
    let entry = ledger::append(scoped.conn(), &leaf).await?;
    let id = Uuid::now_v7();
    let kept = Kept { event: text, salt: salt.0.iter().map(|byte| format!("{byte:02x}")).collect() };
    let body = Sealed::seal(keys, &place(scoped.tenant(), id), &kept)?;
    const SQL: &str = "INSERT INTO wordbond.audit_event (tenant_id, event_id, entry_id, body, at)
        VALUES ($1, $2, $3, $4, $5) RETURNING body";
    let stored: Option<Vec<u8>> = sqlx::query_scalar(SQL)
        .bind(scoped.tenant().uuid())
        .bind(id)
        .bind(entry.0)
        .bind(body.as_bytes())
        .bind(At(event.at))
        .fetch_optional(scoped.conn())
        .await?;
    // A trigger or rule that somebody slipped in would have the last word otherwise.
    if stored.as_deref() != Some(body.as_bytes()) {
        return Err(StoreError::Unexpected("the database did not keep the event that it was given".to_owned()));
    }
    Ok(id)
}

/// Records what the scope's actor does now. The shape that every change in this crate uses.
pub(crate) async fn note(
    scoped: &mut Scoped,
    action: &str,
    targets: &[String],
    context: &[(&str, &str)],
) -> Result<(), StoreError> {
    let event = Event {
        actor: scoped.actor().clone(),
        action: action.to_owned(),
        targets: targets.to_vec(),
        context: context.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>(),
        at: scoped.now(),
    };
    let keys = scoped.keys().clone();
    record(scoped, &keys, &event).await?;
    // What the operator does to a tenant, the tenant sees; and the operator's own log has it too.
    if scoped.actor() == &kernel::Actor::Operator && scoped.tenant() != operator_tenant() {
        let tenant = scoped.tenant();
        scoped.move_to(operator_tenant()).await?;
        record(scoped, &keys, &event).await?;
        scoped.move_to(tenant).await?;
    }
    Ok(())
}

/// Hands the log of the scope's tenant over to the operator's, event by event and word for word, sealed under the operator's key:
/// a team that is erased takes its key with it, and what was done must stay told. The scope is the tenant's again afterwards.
/// Yields how many events there were.
pub(crate) async fn hand_over(scoped: &mut Scoped) -> Result<u64, StoreError> {
    const TAKE: &str = "DELETE FROM wordbond.audit_event WHERE tenant_id = $1 AND event_id IN (
        SELECT event_id FROM wordbond.audit_event WHERE tenant_id = $1 LIMIT 500)
        RETURNING event_id, entry_id, body, at";
    const GIVE: &str =
        "INSERT INTO wordbond.audit_event (tenant_id, event_id, entry_id, body, at) VALUES ($1, $2, $3, $4, $5)";
    let (tenant, keys, operator) = (scoped.tenant(), scoped.keys().clone(), operator_tenant());
    let mut all = 0;
    loop {
        let rows = sqlx::query(TAKE).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
        if rows.is_empty() {
            return Ok(all);
        }
        scoped.move_to(operator).await?;
        for row in &rows {
            let id: Uuid = row.try_get("event_id")?;
            let kept: Kept = Sealed::from_bytes(row.try_get("body")?)?.open(&keys, &place(tenant, id))?;
            sqlx::query(GIVE)
                .bind(operator.uuid())
                .bind(id)
                .bind(row.try_get::<i64, _>("entry_id")?)
                .bind(Sealed::seal(&keys, &place(operator, id), &kept)?.as_bytes())
                .bind(row.try_get::<At, _>("at")?)
                .execute(scoped.conn())
                .await?;
            all += 1;
        }
        scoped.move_to(tenant).await?;
    }
}

/// The newest events of the scope's tenant, opened, newest first. The operator's own stand under
/// [`crate::scope::operator_tenant`].
///
/// # Errors
/// When one cannot be opened: an event that is lost must not look like one that never was.
pub async fn list(scoped: &mut Scoped, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT a.event_id, a.entry_id, a.body, e.idx
        FROM wordbond.audit_event AS a LEFT JOIN ledger.entry AS e ON e.id = a.entry_id
        WHERE a.tenant_id = $1 ORDER BY a.event_id DESC LIMIT $2";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).bind(i64::from(limit)).fetch_all(scoped.conn()).await?;
    rows.iter().map(|row| read(&keys, tenant, row)).collect()
}

/// Opens the event in a row with the columns `event_id`, `entry_id`, `body` and `idx`.
pub(crate) fn read(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<AuditEntry, StoreError> {
    let id: Uuid = row.try_get("event_id")?;
    let kept: Kept = Sealed::from_bytes(row.try_get("body")?)?.open(keys, &place(tenant, id))?;
    let leaf = row.try_get::<Option<i64>, _>("idx")?.and_then(|idx| u64::try_from(idx).ok());
    open(kept, row.try_get("entry_id")?, leaf)
}

fn open(kept: Kept, entry: i64, leaf: Option<u64>) -> Result<AuditEntry, StoreError> {
    let unreadable = || StoreError::Unexpected(format!("the event of ledger entry {entry}"));
    let mut salt = Salt([0; 32]);
    for (at, byte) in salt.0.iter_mut().enumerate() {
        let pair = kept.salt.get(at * 2..at * 2 + 2).ok_or_else(unreadable)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| unreadable())?;
    }
    let commitment = commit(&kept.event, &salt);
    let event = serde_json::from_str(&kept.event).map_err(|_| unreadable())?;
    Ok(AuditEntry { entry, leaf, event, salt: kept.salt, commitment })
}

fn place(tenant: TenantId, row: Uuid) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "audit_event", column: "body", row, version: 1 }
}

/// An event as [`record`] takes it: `actor` does `action` to `targets` at `at`.
#[must_use]
pub fn event(actor: &kernel::Actor, action: &str, targets: &[String], at: Timestamp) -> Event {
    Event { actor: actor.clone(), action: action.to_owned(), targets: targets.to_vec(), context: BTreeMap::new(), at }
}
