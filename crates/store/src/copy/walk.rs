//! What a copy of an account's data must hold, counted by the role that sees every row, whatever the policies show to anybody.

use super::{is_somebodys, log::Own};
use crate::{DataMap, Role, Store, StoreError, audit, data_map::Scope, operator_tenant, rights::footprint};
use kernel::{AccountId, TenantId};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Tables whose rows come to a copy by another way than by a column that names somebody, or come and go by themselves.
const OTHERWISE: &[&str] = &["wordbond.admin_look", "wordbond.job", "wordbond.session", "wordbond.sign_in"];

/// What a copy must hold, and what it must not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// The account, and who it is or was in its teams.
    pub own: BTreeSet<Uuid>,
    /// How many rows of each table name the account or who it is in its teams.
    pub rows: BTreeMap<String, usize>,
    /// The events that name the account or who it is in its teams, in the logs of its teams and in the operator's.
    pub events: BTreeSet<Uuid>,
    /// Whoever else is or was in these teams, but for people without an account who stand there under its address.
    pub others: BTreeSet<Uuid>,
    /// How many people of teams stand as this account although no membership of it leads to them.
    pub unled: usize,
}

/// Counts what a copy of each account's data must hold.
///
/// # Errors
/// When the database cannot be asked.
pub async fn expected(store: &Store, account: AccountId) -> Result<Expected, StoreError> {
    let map = DataMap::own()?;
    let mut backup = store.connect_as(Role::Backup).await?;
    let (own, teams, unled) = seats(&mut backup, account).await?;
    let mut rows = BTreeMap::new();
    for table in map.tables.iter().filter(|table| is_somebodys(table) && table.scope != Scope::System) {
        if table.people.is_empty() || OTHERWISE.contains(&table.name.as_str()) {
            continue;
        }
        let any: Vec<String> = table.people.iter().map(|column| format!("t.{column} = ANY($1)")).collect();
        let sql = format!("SELECT count(*) FROM {} AS t WHERE {}", table.name, any.join(" OR "));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&own).fetch_one(&mut backup).await?;
        rows.insert(table.name.clone(), usize::try_from(count).unwrap_or_default());
    }
    // Who of the operator's looked at a team is told to each of its people.
    const LOOKS: &str = "SELECT count(*) FROM wordbond.admin_look WHERE tenant_id = ANY($1)";
    let looks: i64 = sqlx::query_scalar(LOOKS).bind(&teams).fetch_one(&mut backup).await?;
    rows.insert("wordbond.admin_look".to_owned(), usize::try_from(looks).unwrap_or_default());
    const OTHERS: &str = "SELECT person_id, account_id FROM wordbond.person
        WHERE tenant_id = ANY($1) AND NOT person_id = ANY($2) AND (account_id IS NULL OR NOT account_id = ANY($2))";
    // Whoever has no account and was put down under an address of this one is them, too.
    let seats = footprint::ever(store, account).await?.seats;
    let put_down: BTreeSet<Uuid> = seats.iter().map(|seat| seat.person.uuid()).collect();
    let mut others = BTreeSet::new();
    for row in sqlx::query(OTHERS).bind(&teams).bind(&own).fetch_all(&mut backup).await? {
        let (person, theirs): (Uuid, Option<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
        if theirs.is_some() || !put_down.contains(&person) {
            others.extend([person].into_iter().chain(theirs));
        }
    }
    let events = events(store, &mut backup, account, &own, &teams).await?;
    Ok(Expected { own: own.into_iter().collect(), rows, events, others, unled })
}

/// The events of these teams and of the operator that are about the account. What cannot be read is another promise's.
async fn events(
    store: &Store,
    backup: &mut PgConnection,
    account: AccountId,
    own: &[Uuid],
    teams: &[Uuid],
) -> Result<BTreeSet<Uuid>, StoreError> {
    const CASES: &str = "SELECT case_id FROM wordbond.rights_request WHERE account_id = $1";
    const EVENTS: &str = "SELECT tenant_id, event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        WHERE tenant_id = ANY ($1)";
    let cases: Vec<Uuid> = sqlx::query_scalar(CASES).bind(account.uuid()).fetch_all(&mut *backup).await?;
    let own = Own { ids: own.iter().copied().collect(), cases: cases.into_iter().collect() };
    let logs: Vec<Uuid> = teams.iter().copied().chain([operator_tenant().uuid()]).collect();
    let mut events = BTreeSet::new();
    for row in &sqlx::query(EVENTS).bind(&logs).fetch_all(backup).await? {
        let tenant = TenantId::from(row.try_get::<Uuid, _>("tenant_id")?);
        let told = audit::read(store.keys(), tenant, row).ok().and_then(|entry| own.part(entry.event));
        if told.is_some() {
            events.insert(row.try_get("event_id")?);
        }
    }
    Ok(events)
}

/// The tables whose rows are counted for a copy.
///
/// # Errors
/// When the data map of this build cannot be read.
pub fn counted() -> Result<Vec<String>, StoreError> {
    let tables = DataMap::own()?.tables.into_iter().filter(is_somebodys);
    Ok(tables.map(|table| table.name).collect())
}

/// Every id that is the account's own, the teams that it is or was in, and how many of its people no membership leads to.
async fn seats(backup: &mut PgConnection, account: AccountId) -> Result<(Vec<Uuid>, Vec<Uuid>, usize), StoreError> {
    const SQL: &str = "SELECT p.tenant_id, p.person_id, p.removed_at IS NULL AND NOT EXISTS (
            SELECT FROM wordbond.membership AS m WHERE m.account_id = $1 AND m.tenant_id = p.tenant_id AND m.person_id = p.person_id)
        FROM wordbond.person AS p WHERE p.account_id = $1";
    let (mut own, mut teams, mut unled) = (vec![account.uuid()], Vec::new(), 0);
    for row in sqlx::query(SQL).bind(account.uuid()).fetch_all(backup).await? {
        teams.push(row.try_get(0)?);
        own.push(row.try_get(1)?);
        unled += usize::from(row.try_get::<bool, _>(2)?);
    }
    Ok((own, teams, unled))
}
