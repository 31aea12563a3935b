//! Retention: rows that have run out by the map go. What is somebody's who asked to be left alone stays until they lift that.
//!
//! Sessions and what is good for one use go by [`crate::upkeep`], account after account, every minute; what is here runs once
//! an hour.

use super::{footprint::teams, rows::Counts};
use crate::{
    DataMap, Role, Scoped, Store, StoreError, audit,
    data_map::{Scope, Table},
    operator_tenant,
    sign_in::{self, Kind},
    team::nobody,
    time::At,
};
use jiff::SignedDuration;
use kernel::{Actor, PersonId, TenantId, Timestamp};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use uuid::Uuid;

/// How many rows go in one statement.
const BATCH: i64 = 500;

/// How many rows of each table have run out, and are there: the dry run. Tables of which nothing runs out are left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn due(store: &Store) -> Result<Counts, StoreError> {
    due_at(store, store.clock().now()).await
}

/// How many rows of each table had run out `slack` ago, and are still there: a sweep that comes more often would have taken
/// them. What was dated back since is left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn overdue(store: &Store, slack: SignedDuration) -> Result<Counts, StoreError> {
    due_at(store, store.clock().now().checked_sub(slack).unwrap_or(Timestamp::MIN)).await
}

/// What had run out at that instant, of what was there then.
async fn due_at(store: &Store, at: Timestamp) -> Result<Counts, StoreError> {
    let map = DataMap::own()?;
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut due = Counts::new();
    for table in &map.tables {
        let Some((age, before)) = table.runs_out(at) else { continue };
        let sql = format!(
            "SELECT count(*) FROM {} AS t WHERE {age} < $1 AND {} <= $2 {}",
            table.name,
            made(table).unwrap_or(age),
            unless_restricted(table)
        );
        let row = sqlx::query(AssertSqlSafe(sql)).bind(At(before)).bind(At(at)).fetch_one(&mut backup).await?;
        due.insert(table.name.clone(), u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default());
    }
    backup.close().await?;
    Ok(due)
}

/// The column that says when a row was made.
fn made(table: &Table) -> Option<&'static str> {
    ["created_at", "started_at", "first_seen", "opened_at"].into_iter().find(|name| table.columns.contains_key(*name))
}

/// What keeps the rows of whoever asked to be left alone: in their account, and in the teams that they are in.
fn unless_restricted(table: &Table) -> String {
    match table.scope {
        Scope::Account => {
            "AND t.account_id NOT IN (SELECT account_id FROM wordbond.account WHERE restricted_at IS NOT NULL)"
                .to_owned()
        }
        Scope::Tenant if !table.people.is_empty() => {
            let named: Vec<String> = table.people.iter().map(|column| format!("t.{column}")).collect();
            format!(
                "AND NOT EXISTS (SELECT FROM wordbond.person AS p WHERE p.tenant_id = t.tenant_id
                     AND p.person_id IN ({}) AND p.restricted_at IS NOT NULL)",
                named.join(", ")
            )
        }
        _ => String::new(),
    }
}

/// Deletes what has run out and is nobody's or a team's. Yields how many rows of each table went. Each transaction tells what it
/// took.
///
/// # Errors
/// When the database refuses. What went by then is gone, and told.
pub async fn sweep(store: &Store) -> Result<Counts, StoreError> {
    let (map, now) = (DataMap::own()?, store.clock().now());
    let mut gone = Counts::new();
    for table in map.tables.iter().filter(|table| table.name.starts_with("wordbond.")) {
        let Some((age, before)) = table.runs_out(now) else { continue };
        let rows = match table.scope {
            Scope::System => of_nobody(store, table, age, before).await?,
            Scope::Tenant => of_teams(store, table, age, before).await?,
            // An account's go by the upkeep; no table of a person in a team runs out.
            Scope::Account | Scope::Owner | Scope::Lookup => continue,
        };
        gone.insert(table.name.clone(), rows);
    }
    gone.retain(|_, rows| *rows > 0);
    Ok(gone)
}

async fn of_nobody(store: &Store, table: &Table, age: &str, before: Timestamp) -> Result<u64, StoreError> {
    let sql = format!(
        "DELETE FROM {0} WHERE ctid IN (SELECT ctid FROM {0} WHERE {age} < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        table.name
    );
    let mut all = 0;
    loop {
        let mut scoped = store.scoped(operator_tenant(), &actor()).await?;
        let done = sqlx::query(AssertSqlSafe(sql.clone())).bind(At(before)).bind(BATCH).execute(scoped.conn()).await?;
        let rows = done.rows_affected();
        end(scoped, table, &[], rows).await?;
        all += rows;
        if rows < BATCH.unsigned_abs() {
            return Ok(all);
        }
    }
}

async fn of_teams(store: &Store, table: &Table, age: &str, before: Timestamp) -> Result<u64, StoreError> {
    let (mut all, mut after) = (0, None);
    loop {
        let page = teams(store, after).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(*last);
        for tenant in page {
            all += of_team(store, table, tenant, age, before).await?;
        }
    }
}

/// One team's. Invitations are found by look-ups, which go with them; each is its maker's.
async fn of_team(
    store: &Store,
    table: &Table,
    tenant: TenantId,
    age: &str,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let mut scoped = store.scoped(tenant, &actor()).await?;
    // Who of the team is restricted is seen by its people.
    scoped.own_rows_of(nobody().person()).await?;
    let found = table.found_by.as_deref().map(|column| format!("{column}, invited_by"));
    let sql = format!(
        "DELETE FROM {} AS t WHERE tenant_id = $1 AND {age} < $2 {} RETURNING {}",
        table.name,
        unless_restricted(table),
        found.as_deref().unwrap_or("NULL::uuid, NULL::uuid")
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(At(before)).fetch_all(scoped.conn()).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    for row in &rows {
        if let (Some(id), Some(by)) = (row.try_get::<Option<Uuid>, _>(0)?, row.try_get::<Option<Uuid>, _>(1)?) {
            scoped.own_rows_of(Some(PersonId::from(by))).await?;
            sign_in::remove(&mut scoped, Kind::Invitation, &[id]).await?;
        }
    }
    let gone = rows.len() as u64;
    scoped.enter(operator_tenant(), &actor()).await?;
    end(scoped, table, &[format!("tenant:{tenant}")], gone).await?;
    Ok(gone)
}

pub(crate) fn actor() -> Actor {
    Actor::Job { name: "retention".to_owned() }
}

/// Tells how many rows went, if any did, in the scope's tenant, and makes both last.
async fn end(scoped: Scoped, table: &Table, targets: &[String], rows: u64) -> Result<(), StoreError> {
    tell(scoped, targets, &[(&table.name, rows)]).await
}

/// Tells how much went of what, if anything did, in the scope's tenant, and makes both last.
pub(crate) async fn tell(mut scoped: Scoped, targets: &[String], gone: &[(&str, u64)]) -> Result<(), StoreError> {
    let counts: Vec<(&str, String)> =
        gone.iter().filter(|(_, count)| *count > 0).map(|(what, count)| (*what, count.to_string())).collect();
    if !counts.is_empty() {
        let counts: Vec<(&str, &str)> = counts.iter().map(|(what, count)| (*what, count.as_str())).collect();
        audit::note(&mut scoped, "retention.sweep", targets, &counts).await?;
    }
    scoped.commit().await
}
