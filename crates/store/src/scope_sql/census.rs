//! What there is to attack, as the backup role knows it: the only one that sees every row.

use crate::{
    DataMap, StoreError,
    data_map::{Scope, Table},
    scope::operator_tenant,
};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, Row as _};
use uuid::Uuid;

/// From how many tenants attacks are made, at either end of their age. All tenants' rows are attacked by each.
const ENDS: usize = 12;

/// A tenant with people in it, from whose seats attacks are made.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) tenant: TenantId,
    pub(super) person: PersonId,
    /// Their account, or one that is nobody's for who only has a token.
    pub(super) account: AccountId,
}

/// A table and how full it is.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    pub(super) table: Table,
    pub(super) rows: i64,
    /// The columns of its primary key.
    pub(super) key: Vec<String>,
}

/// Everything there is to attack.
#[derive(Clone, Debug, Default)]
pub(super) struct Census {
    pub(super) tables: Vec<Crowd>,
    pub(super) tenants: Vec<TenantId>,
    /// Up to two people of each attacking tenant, the oldest and the newest tenants first.
    pub(super) seats: Vec<Seat>,
}

impl Census {
    pub(super) async fn take(backup: &mut PgConnection, map: &DataMap) -> Result<Self, StoreError> {
        let mut tables = Vec::new();
        for table in map.scoped() {
            let count = format!("SELECT count(*) FROM {}", table.name);
            let rows = backup.fetch_one(AssertSqlSafe(count)).await?.try_get(0)?;
            let key = key(backup, &table.name).await?;
            tables.push(Crowd { table: table.clone(), rows, key });
        }
        let tenants =
            sqlx::query_scalar("SELECT tenant_id FROM wordbond.tenant ORDER BY tenant_id").fetch_all(&mut *backup);
        let tenants: Vec<TenantId> = tenants.await?.into_iter().map(|id: Uuid| TenantId::from(id)).collect();
        let mut seats = Vec::new();
        for tenant in ends(&tenants) {
            seats.extend(people(backup, tenant).await?);
        }
        Ok(Self { tables, tenants, seats })
    }

    pub(super) fn rows(&self) -> i64 {
        self.tables.iter().map(|crowd| crowd.rows).sum()
    }
}

/// The oldest and the newest tenants, alternating, so that whoever takes the first few has both.
fn ends(tenants: &[TenantId]) -> Vec<TenantId> {
    let mut out = Vec::new();
    for (old, new) in tenants.iter().zip(tenants.iter().rev()).take(ENDS) {
        out.push(*old);
        out.push(*new);
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|tenant| seen.insert(*tenant));
    out
}

/// The first and the last person of a tenant.
async fn people(backup: &mut PgConnection, tenant: TenantId) -> Result<Vec<Seat>, StoreError> {
    const SQL: &str =
        "(SELECT person_id, account_id FROM wordbond.person WHERE tenant_id = $1 ORDER BY person_id LIMIT 1)
        UNION (SELECT person_id, account_id FROM wordbond.person WHERE tenant_id = $1 ORDER BY person_id DESC LIMIT 1)";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(backup).await?;
    rows.iter()
        .map(|row| {
            let account = row.try_get::<Option<Uuid>, _>(1)?.map_or_else(AccountId::new, AccountId::from);
            Ok(Seat { tenant, person: PersonId::from(row.try_get::<Uuid, _>(0)?), account })
        })
        .collect()
}

async fn key(backup: &mut PgConnection, table: &str) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)";
    Ok(sqlx::query_scalar(SQL).bind(table).fetch_all(backup).await?)
}

/// The condition under which the row `t` of a table is the seat's to read.
pub(super) fn own(table: &Table, seat: &Seat) -> String {
    let Seat { tenant, person, account } = seat;
    let tenant = format!("t.tenant_id = '{tenant}'");
    match (&table.owner, table.scope) {
        (_, Scope::Account) => format!("(t.account_id = '{account}')"),
        (Some(owner), Scope::Lookup) => format!(
            "((t.account_id = '{account}' OR (t.account_id IS NULL AND {tenant} AND t.{owner} = '{person}')) IS TRUE)"
        ),
        (Some(owner), Scope::Owner) => {
            let readers = table.readers.as_deref().unwrap_or("false").replace(":actor", &format!("'{person}'"));
            format!("({tenant} AND (t.{owner} = '{person}' OR {readers}))")
        }
        _ => format!("({tenant})"),
    }
}

/// The condition under which the row `t` is the seat's to change.
pub(super) fn owned(table: &Table, seat: &Seat) -> String {
    own(&Table { readers: None, ..table.clone() }, seat)
}

/// The condition under which the row `t` is the eraser's to delete from the seat: whatever names the person.
pub(super) fn erasable(table: &Table, seat: &Seat) -> String {
    let named = table.people.iter().filter(|column| *column != "account_id");
    let named: Vec<String> = named.map(|column| format!("t.{column} = :actor")).collect();
    if table.scope != Scope::Owner || named.is_empty() {
        return owned(table, seat);
    }
    own(&Table { readers: Some(named.join(" OR ")), ..table.clone() }, seat)
}

/// A row that is not the seat's, as JSON: of another tenant or account, or of a colleague. The newest and the oldest are at
/// the ends of the key; `newest` says which end to begin at.
pub(super) async fn foreign_row(
    backup: &mut PgConnection,
    table: &Table,
    seat: &Seat,
    colleague: bool,
    newest: bool,
) -> Result<Option<String>, StoreError> {
    let (tenant, account) = (seat.tenant, seat.account);
    let (whose, by) = match (table.scope, colleague) {
        // An account has no colleagues.
        (Scope::Account, true) => return Ok(None),
        (Scope::Account, false) => (format!("t.account_id <> '{account}'"), "account_id"),
        // Whoever may read a row may not therefore write one like it.
        (_, true) => (format!("t.tenant_id = '{tenant}' AND NOT {}", owned(table, seat)), "tenant_id"),
        (Scope::Lookup, false) => {
            (format!("t.tenant_id IS DISTINCT FROM '{tenant}' AND NOT {}", own(table, seat)), "tenant_id")
        }
        (_, false) => (format!("t.tenant_id <> '{tenant}' AND t.tenant_id <> '{}'", operator_tenant()), "tenant_id"),
    };
    let order = if newest { "DESC" } else { "ASC" };
    let sql =
        format!("SELECT to_jsonb(t)::text FROM {} AS t WHERE {whose} ORDER BY t.{by} {order} LIMIT 1", table.name);
    let row = backup.fetch_optional(AssertSqlSafe(sql)).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// How many rows of these tables are of the seat's tenant and not theirs.
pub(super) async fn colleague_rows<'a>(
    backup: &mut PgConnection,
    tables: impl Iterator<Item = &'a Table>,
    seat: &Seat,
) -> Result<i64, StoreError> {
    let count = |table: &Table| {
        let own = own(table, seat);
        format!("(SELECT count(*) FROM {} AS t WHERE t.tenant_id = '{}' AND NOT {own})", table.name, seat.tenant)
    };
    // An account has no colleagues.
    let counts: Vec<String> = tables.filter(|table| table.scope != Scope::Account).map(count).collect();
    let sql = format!("SELECT {}", if counts.is_empty() { "0::bigint".to_owned() } else { counts.join(" + ") });
    Ok(backup.fetch_one(AssertSqlSafe(sql)).await?.try_get(0)?)
}
