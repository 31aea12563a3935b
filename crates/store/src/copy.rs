//! What the database holds about an account, table by table as the data map lists them: what a person is given a copy of.
//!
//! Which rows are somebody's follows from the map's `people` columns, so that a table that is added to the map is in the copy
//! without anybody's thinking of it. Sealed columns are opened; where one belongs stands in [`sealed`], which a test holds
//! against the map. Hashes of secrets and look-up keys stay out: nobody can read them.

pub mod blind;
mod log;
mod sealed;
pub mod walk;

pub use sealed::{KEPT_BACK, is_known};

use crate::{
    DataMap, Scoped, Store, StoreError, accounts, data_map::Scope, data_map::Table, open::self_actor, operator_tenant,
    rights::footprint, team,
};
use kernel::{AccountId, Actor, DataClass, PersonId, TenantId, Timestamp};
use sealed::Whose;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A person of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
}

/// One row: its readable columns by name.
pub type Row = Map<String, Value>;

/// What one table holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The table, with its schema.
    pub table: String,
    /// What it holds, as the map says.
    pub about: String,
    /// The columns that name people.
    pub people: BTreeSet<String>,
    /// The rows, the oldest first.
    pub rows: Vec<Row>,
}

/// Everything that is held about an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Holdings {
    /// The account.
    pub account: AccountId,
    /// Who they are or were in which team.
    pub seats: Vec<Seat>,
    /// Every table of the map that can hold something of somebody's, in the map's order.
    pub held: Vec<Held>,
}

impl Holdings {
    /// The ids that are the person's own.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<Uuid> {
        self.seats.iter().map(|seat| seat.person.uuid()).chain([self.account.uuid()]).collect()
    }
}

/// Everything that is held about `account`.
///
/// # Errors
/// [`StoreError::NotFound`]; and when something cannot be opened, rather than leave it out.
pub async fn holdings(store: &Store, account: AccountId) -> Result<Holdings, StoreError> {
    let map = DataMap::own()?;
    // A copy of nobody's data is no copy.
    accounts::by_id(store, account).await?.ok_or(StoreError::NotFound)?;
    let found = footprint::ever(store, account).await?;
    let index = match &found.address {
        Some(address) => invited_to(store, account, address).await?,
        None => Index::new(),
    };
    let seats: Vec<Seat> = found.seats.iter().map(|seat| Seat { tenant: seat.tenant, person: seat.person }).collect();
    let mut held = Vec::new();
    for table in map.tables.iter().filter(|table| is_somebodys(table)) {
        let rows = match table.name.as_str() {
            "wordbond.audit_event" => log::rows(store, account, &seats).await?,
            "wordbond.rights_case" => cases(store, account, table).await?,
            _ => rows(store, account, &seats, &index, table).await?,
        };
        held.push(Held { table: table.name.clone(), about: table.about.clone(), people: table.people.clone(), rows });
    }
    Ok(Holdings { account, seats, held })
}

/// Whether a table can hold something of somebody's that can be given as rows. Cases name nobody by themselves; whose they are
/// stands beside them.
#[must_use]
pub fn is_somebodys(table: &Table) -> bool {
    table.scope != Scope::System || table.name == "wordbond.rights_case"
}

/// A team's address index of the account's own address, where the address has been proven.
type Index = BTreeMap<kernel::TenantId, Vec<u8>>;

async fn rows(
    store: &Store,
    account: AccountId,
    seats: &[Seat],
    index: &Index,
    table: &Table,
) -> Result<Vec<Row>, StoreError> {
    let mut out = Vec::new();
    if table.columns.contains_key("account_id") && matches!(table.scope, Scope::Account | Scope::Lookup) {
        let mut scoped = store.account_scope(account).await?;
        let sql = select(table, "t.account_id = $1");
        let found = sqlx::query(AssertSqlSafe(sql)).bind(account.uuid()).fetch_all(scoped.conn()).await?;
        read(&scoped, account, table, &found, &mut out)?;
    }
    if table.scope == Scope::Account {
        return Ok(out);
    }
    for seat in seats {
        let actor = Actor::Person { id: seat.person };
        let mut scoped = store.scope_of(seat.tenant, &actor, Some(account)).await?;
        let sql = select(table, &condition(table));
        let found = sqlx::query(AssertSqlSafe(sql))
            .bind(seat.tenant.uuid())
            .bind(seat.person.uuid())
            .bind(account.uuid())
            .fetch_all(scoped.conn())
            .await?;
        read(&scoped, account, table, &found, &mut out)?;
    }
    if table.name == "wordbond.invitation" {
        invited(store, account, index, table, &mut out).await?;
    }
    Ok(out)
}

/// Which rows of a team are about somebody who is `$2` in team `$1`, and whose account is `$3`.
fn condition(table: &Table) -> String {
    // What is the team's as a whole and about each of its people: what it is called, and who of the operator's looked.
    if matches!(table.name.as_str(), "wordbond.tenant" | "wordbond.admin_look") {
        return "t.tenant_id = $1 AND $2::uuid IS NOT NULL AND $3::uuid IS NOT NULL".to_owned();
    }
    // Each of somebody's seats in a team is looked at by itself.
    if table.name == "wordbond.person" {
        return "t.tenant_id = $1 AND t.person_id = $2 AND $3::uuid IS NOT NULL".to_owned();
    }
    if table.name == "wordbond.sign_in" {
        return "t.tenant_id = $1 AND t.person_id = $2 AND t.account_id IS NULL AND $3::uuid IS NOT NULL".to_owned();
    }
    let names = |column: &String| {
        if column == "ids" {
            format!("t.{column} && ARRAY[$2::uuid, $3::uuid]")
        } else {
            format!("t.{column} IN ($2::uuid, $3::uuid)")
        }
    };
    let any: Vec<String> = table.people.iter().map(names).collect();
    let any = if any.is_empty() { "false".to_owned() } else { any.join(" OR ") };
    format!("t.tenant_id = $1 AND $2::uuid IS NOT NULL AND $3::uuid IS NOT NULL AND ({any})")
}

/// The teams in which an address is invited, with its index there.
async fn invited_to(store: &Store, account: AccountId, address: &str) -> Result<Index, StoreError> {
    let (mut index, mut after) = (Index::new(), None);
    loop {
        let page = footprint::teams(store, after).await?;
        let Some(last) = page.last() else { return Ok(index) };
        after = Some(*last);
        let mut scoped = store.account_scope(account).await?;
        for tenant in page {
            // A team that goes at this instant has no key any more, and nobody in it.
            let Ok(key) = store.keys().blind_index(tenant) else { continue };
            scoped.enter(tenant, &team::nobody()).await?;
            const INVITED: &str =
                "SELECT EXISTS (SELECT FROM wordbond.invitation WHERE tenant_id = $1 AND email_index = $2)";
            let hash = key.email(address).to_vec();
            let query = sqlx::query_scalar(INVITED).bind(tenant.uuid()).bind(hash.as_slice());
            if query.fetch_one(scoped.conn()).await? {
                index.insert(tenant, hash);
            }
        }
    }
}

/// Invitations to the account's own address, in whichever team.
async fn invited(
    store: &Store,
    account: AccountId,
    index: &Index,
    table: &Table,
    out: &mut Vec<Row>,
) -> Result<(), StoreError> {
    let seen: BTreeSet<Option<Uuid>> = out.iter().map(|row| id(row, "invitation_id")).collect();
    for (tenant, address) in index {
        let mut scoped = store.scope_of(*tenant, &self_actor(account), Some(account)).await?;
        let sql = select(table, "t.tenant_id = $1 AND t.email_index = $2");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(address.as_slice());
        let found = query.fetch_all(scoped.conn()).await?;
        let mut more = Vec::new();
        read(&scoped, account, table, &found, &mut more)?;
        out.extend(more.into_iter().filter(|row| !seen.contains(&id(row, "invitation_id"))));
    }
    Ok(())
}

async fn cases(store: &Store, account: AccountId, table: &Table) -> Result<Vec<Row>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let own = "t.case_id IN (SELECT r.case_id FROM wordbond.rights_request AS r WHERE r.account_id = $1)";
    let found = sqlx::query(AssertSqlSafe(select(table, own))).bind(account.uuid()).fetch_all(scoped.conn()).await?;
    let mut out = Vec::new();
    read(&scoped, account, table, &found, &mut out)?;
    Ok(out)
}

/// The readable columns as one JSON object, and the sealed ones as they are. Names come from the map of this build.
fn select(table: &Table, condition: &str) -> String {
    let plain = |class: &DataClass| matches!(class, DataClass::System | DataClass::Pseudonym);
    let readable = table.columns.iter().filter(|(_, class)| plain(class));
    let pairs: Vec<String> = readable.map(|(column, _)| format!("'{column}', t.{column}")).collect();
    let sealed: String = table.sealed().map(|column| format!(", t.{column}")).collect();
    let age = ["created_at", "at", "opened_at"].into_iter().find(|column| table.columns.contains_key(*column));
    let order = age.map(|column| format!(" ORDER BY t.{column}")).unwrap_or_default();
    format!(
        "SELECT json_build_object({})::text AS plain{sealed} FROM {} AS t WHERE {condition}{order}",
        pairs.join(", "),
        table.name
    )
}

fn read(
    scoped: &Scoped,
    account: AccountId,
    table: &Table,
    found: &[PgRow],
    out: &mut Vec<Row>,
) -> Result<(), StoreError> {
    for row in found {
        let plain: String = row.try_get("plain")?;
        let unreadable = |_| StoreError::Unexpected(format!("a row of {}", table.name));
        let mut columns: Row = serde_json::from_str(&plain).map_err(unreadable)?;
        columns.values_mut().for_each(instant);
        for column in table.sealed() {
            if sealed::is_kept_back(&table.name, column) {
                continue;
            }
            let bytes: Option<Vec<u8>> = row.try_get(column)?;
            let whose = Whose { tenant: tenant_of(&columns), account };
            let value = bytes.map(|bytes| sealed::open(scoped.keys(), whose, &table.name, column, &columns, bytes));
            columns.insert(column.to_owned(), value.transpose()?.unwrap_or(Value::Null));
        }
        out.push(columns);
    }
    Ok(())
}

fn tenant_of(row: &Row) -> kernel::TenantId {
    id(row, "tenant_id").map_or_else(operator_tenant, kernel::TenantId::from)
}

fn id(row: &Row, column: &str) -> Option<Uuid> {
    row.get(column)?.as_str()?.parse().ok()
}

/// Instants are written as everywhere else in the house, whatever zone the database is set to.
fn instant(value: &mut Value) {
    let parsed = value.as_str().filter(|text| text.len() > 18 && text.contains('T')).map(str::parse::<Timestamp>);
    if let Some(Ok(at)) = parsed {
        *value = Value::String(at.to_string());
    }
}

/// The rows of one table of a team that are about one person of it.
///
/// # Errors
/// [`StoreError::NotFound`] for a table that is not on the map; and when a row cannot be opened.
pub async fn own(
    store: &Store,
    account: AccountId,
    tenant: kernel::TenantId,
    person: kernel::PersonId,
    table: &str,
) -> Result<Vec<Row>, StoreError> {
    let map = DataMap::own()?;
    let table = map.table(table).ok_or(StoreError::NotFound)?;
    rows(store, account, &[Seat { tenant, person }], &Index::new(), table).await
}
