//! What the logs tell of somebody: what they did, and what was done to them.

use super::{Row, Seat};
use crate::{Store, StoreError, audit, open::self_actor, operator_tenant};
use kernel::{AccountId, Actor, TenantId};
use ledger::audit::Event;
use serde_json::{Value, json};
use sqlx::Row as _;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many events are read at once.
const PAGE: i64 = 1_000;

/// The events that name the account or who it is in its teams, the oldest first within each log.
pub(super) async fn rows(store: &Store, account: AccountId, seats: &[Seat]) -> Result<Vec<Row>, StoreError> {
    let own: BTreeSet<Uuid> = seats.iter().map(|seat| seat.person.uuid()).chain([account.uuid()]).collect();
    let own = Own { ids: own, cases: cases(store, account).await? };
    let logs: BTreeSet<TenantId> = seats.iter().map(|seat| seat.tenant).chain([operator_tenant()]).collect();
    let mut out = Vec::new();
    for tenant in logs {
        walk(store, account, tenant, &own, &mut out).await?;
    }
    Ok(out)
}

async fn walk(
    store: &Store,
    account: AccountId,
    tenant: TenantId,
    own: &Own,
    out: &mut Vec<Row>,
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT a.event_id, a.entry_id, a.body, e.idx
        FROM wordbond.audit_event AS a LEFT JOIN ledger.entry AS e ON e.id = a.entry_id
        WHERE a.tenant_id = $1 AND a.event_id > $2 ORDER BY a.event_id LIMIT $3";
    let mut after = Uuid::nil();
    loop {
        let mut scoped = store.scope_of(tenant, &self_actor(account), Some(account)).await?;
        let page = sqlx::query(SQL).bind(tenant.uuid()).bind(after).bind(PAGE).fetch_all(scoped.conn()).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.try_get("event_id")?;
        for row in &page {
            let entry = audit::read(store.keys(), tenant, row)?;
            if let Some(event) = own.part(entry.event) {
                out.push(row_of(tenant, row.try_get("event_id")?, entry.leaf, &event));
            }
        }
    }
}

/// What is somebody's own.
pub(super) struct Own {
    /// The account, and who it is in its teams.
    pub(super) ids: BTreeSet<Uuid>,
    /// What they asked for: its events name the case, and not whose it is.
    pub(super) cases: BTreeSet<Uuid>,
}

impl Own {
    /// An event as far as it is about them; `None` where it is not.
    pub(super) fn part(&self, mut event: Event) -> Option<Event> {
        let by = matches!(&event.actor, Actor::Person { id } if self.ids.contains(&id.uuid()));
        let id = |target: &String| target.split_once(':').and_then(|(_, id)| id.parse::<Uuid>().ok());
        let named = event.targets.iter().filter_map(id).any(|id| self.ids.contains(&id));
        let case = event.targets.iter().filter_map(id).any(|id| self.cases.contains(&id));
        // Whoever decides about what others asked for is named beside it. What was decided is those others' own.
        if named && !by && !case && event.action.starts_with("rights.") {
            event.context.clear();
        }
        (by || named || case).then_some(event)
    }
}

async fn cases(store: &Store, account: AccountId) -> Result<BTreeSet<Uuid>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar("SELECT case_id FROM wordbond.rights_request WHERE account_id = $1")
        .bind(account.uuid())
        .fetch_all(scoped.conn())
        .await?;
    Ok(ids.into_iter().collect())
}

fn row_of(tenant: TenantId, id: Uuid, leaf: Option<u64>, event: &Event) -> Row {
    let by = match &event.actor {
        Actor::Person { id } => json!(format!("person:{id}")),
        other => json!(other.to_string()),
    };
    let columns: [(&str, Value); 8] = [
        ("tenant_id", json!(tenant)),
        ("event_id", json!(id)),
        ("at", json!(event.at)),
        ("actor", by),
        ("action", json!(event.action)),
        ("targets", json!(event.targets)),
        ("context", json!(event.context)),
        ("leaf", json!(leaf)),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
