//! What was written and never deleted must be there: the logs tell of both, whoever wrote it and however long ago.

use crate::{Role, Store, StoreError, audit};
use kernel::{Actor, TenantId};
use ledger::audit::Event;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What is written: the event that tells of it, what it is called there, and its table.
const WRITTEN: [(&str, &str, &str); 5] = [
    ("note.create", "note", "wordbond.note"),
    ("drawing.create", "drawing", "wordbond.drawing"),
    ("objective.create", "objective", "wordbond.objective"),
    ("key-result.create", "key-result", "wordbond.key_result"),
    // Events of builds before name no check-in, and nothing is known of theirs.
    ("key-result.check-in", "check-in", "wordbond.check_in"),
];

/// What the logs tell of and no row shows. Only counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lasting {
    /// How many things were written and not deleted, by people who are still there.
    pub written: usize,
    /// How many of them are gone.
    pub gone: usize,
    /// How many people of teams have an account that is not there.
    pub accountless: u64,
}

/// Compares the tables with every log, as the backup reads them at one instant. Teams with an event that cannot be read are not
/// judged, nor is what was written by somebody who was erased since.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store) -> Result<Lasting, StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let written = written(&mut tx, store).await?;
    let mut lasting = Lasting { written: written.values().map(BTreeSet::len).sum(), ..Lasting::default() };
    for (_, kind, table) in WRITTEN {
        let there = there(&mut tx, kind, table).await?;
        lasting.gone += written.get(kind).into_iter().flatten().filter(|one| !there.contains(one)).count();
    }
    const ACCOUNTLESS: &str = "SELECT count(*) FROM wordbond.person AS p WHERE p.account_id IS NOT NULL
        AND p.removed_at IS NULL AND NOT EXISTS (SELECT FROM wordbond.account AS a WHERE a.account_id = p.account_id)";
    let accountless: i64 = sqlx::query_scalar(ACCOUNTLESS).fetch_one(&mut *tx).await?;
    lasting.accountless = u64::try_from(accountless).unwrap_or_default();
    drop(tx);
    connection.close().await?;
    Ok(lasting)
}

/// What a team wrote: the team, and the id.
type Written = BTreeMap<&'static str, BTreeSet<(Uuid, Uuid)>>;

async fn written(conn: &mut PgConnection, store: &Store) -> Result<Written, StoreError> {
    const PEOPLE: &str = "SELECT tenant_id, person_id FROM wordbond.person";
    const EVENTS: &str = "SELECT tenant_id, event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        ORDER BY entry_id";
    let people: BTreeSet<(Uuid, Uuid)> = sqlx::query_as(PEOPLE).fetch_all(&mut *conn).await?.into_iter().collect();
    let (mut written, mut unreadable) = (Written::new(), BTreeSet::new());
    for row in &sqlx::query(EVENTS).fetch_all(conn).await? {
        let tenant: Uuid = row.try_get("tenant_id")?;
        match audit::read(store.keys(), TenantId::from(tenant), row) {
            Ok(entry) => take(&mut written, tenant, &entry.event, &people),
            Err(_) => drop(unreadable.insert(tenant)),
        }
    }
    for all in written.values_mut() {
        all.retain(|(tenant, _)| !unreadable.contains(tenant));
    }
    Ok(written)
}

fn take(written: &mut Written, tenant: Uuid, event: &Event, people: &BTreeSet<(Uuid, Uuid)>) {
    for (made, kind, _) in WRITTEN {
        let is_gone = event.action.strip_suffix(".delete") == Some(kind);
        if !is_gone && event.action != made {
            continue;
        }
        let id = event.targets.iter().find_map(|target| target.strip_prefix(kind)?.strip_prefix(':')?.parse().ok());
        match (id, &event.actor) {
            (Some(id), _) if is_gone => drop(written.entry(kind).or_default().remove(&(tenant, id))),
            (Some(id), Actor::Person { id: by }) if people.contains(&(tenant, by.uuid())) => {
                written.entry(kind).or_default().insert((tenant, id));
            }
            _ => {}
        }
    }
}

async fn there(conn: &mut PgConnection, kind: &str, table: &str) -> Result<BTreeSet<(Uuid, Uuid)>, StoreError> {
    let sql = format!("SELECT tenant_id, {}_id FROM {table}", kind.replace('-', "_"));
    Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(conn).await?.into_iter().collect())
}
