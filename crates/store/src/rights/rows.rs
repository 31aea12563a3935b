//! Statements made from the data map: in which order tables are emptied, and which rows name whom.

use crate::{
    Scoped, StoreError,
    data_map::{DataMap, OnErase, Scope, Table},
};
use kernel::{DataClass, PersonId};
use sqlx::{AssertSqlSafe, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many rows of which table.
pub type Counts = BTreeMap<String, u64>;

/// The tables, each before those that it refers to: so nothing is left dangling, and what goes is counted before it would go
/// with something else.
pub(super) fn order(map: &DataMap) -> Vec<&Table> {
    let mut rest: Vec<&Table> = map.tables.iter().filter(|table| table.name.starts_with("wordbond.")).collect();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let named: BTreeSet<&str> =
            rest.iter().flat_map(|table| refers(table).filter(|to| *to != table.name.as_str())).collect();
        let (free, held): (Vec<&Table>, Vec<&Table>) =
            rest.into_iter().partition(|table| !named.contains(table.name.as_str()));
        if free.is_empty() {
            // Tables in a circle: none of ours are, and a foreign key would stop the deletion.
            out.extend(held);
            break;
        }
        out.extend(free);
        rest = held;
    }
    out
}

/// The tables that a table's foreign keys lead to.
fn refers(table: &Table) -> impl Iterator<Item = &str> {
    table.foreign_keys.iter().filter_map(|key| key.split_once("REFERENCES ")?.1.split_once('(').map(|(name, _)| name))
}

/// Whether the column holds several ids.
fn is_list(table: &Table, column: &str) -> bool {
    table.name == "wordbond.job" && column == "ids"
}

/// The columns by which a person of a team is named: all but those that name accounts.
pub(super) fn of_people(table: &Table) -> impl Iterator<Item = &str> {
    let accounts = matches!(table.scope, Scope::Account);
    table.people.iter().map(String::as_str).filter(move |column| !accounts && *column != "account_id")
}

/// The condition under which a row names the id that is bound second.
pub(super) fn names(table: &Table, column: &str, bound: &str) -> String {
    if is_list(table, column) { format!("{bound} = ANY({column})") } else { format!("{column} = {bound}") }
}

/// Runs a statement with the scope's tenant bound first and one id second. Yields how many rows it touched.
async fn run(scoped: &mut Scoped, sql: String, id: Uuid) -> Result<u64, StoreError> {
    let tenant = scoped.tenant();
    let done = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(id).execute(scoped.conn()).await?;
    Ok(done.rows_affected())
}

/// Does with the rows of the scope's tenant that name a person what the map says. Their rows must be in scope.
pub(super) async fn of_person(
    scoped: &mut Scoped,
    order: &[&Table],
    person: PersonId,
    gone: &mut Counts,
) -> Result<(), StoreError> {
    for table in order.iter().filter(|table| matches!(table.scope, Scope::Owner | Scope::Tenant)) {
        let name = &table.name;
        let rows = match table.on_erase {
            OnErase::Keep => 0,
            OnErase::Anonymise => {
                let mut rows = 0;
                for column in &table.anonymise {
                    let sql = format!("UPDATE {name} SET {column} = NULL WHERE tenant_id = $1 AND {column} = $2");
                    rows += run(scoped, sql, person.uuid()).await?;
                }
                rows
            }
            OnErase::Delete => {
                let named: Vec<String> = of_people(table).map(|column| names(table, column, "$2")).collect();
                if named.is_empty() {
                    continue;
                }
                let sql = format!("DELETE FROM {name} WHERE tenant_id = $1 AND ({})", named.join(" OR "));
                run(scoped, sql, person.uuid()).await?
            }
        };
        *gone.entry(name.clone()).or_default() += rows;
    }
    const INDEX: &str = "DELETE FROM wordbond.sign_in WHERE tenant_id = $1 AND person_id = $2 AND account_id IS NULL";
    *gone.entry("wordbond.sign_in".to_owned()).or_default() += run(scoped, INDEX.to_owned(), person.uuid()).await?;
    Ok(())
}

/// Deletes every row of the account in scope, and every job about it.
pub(super) async fn of_account(
    scoped: &mut Scoped,
    order: &[&Table],
    account: Uuid,
    gone: &mut Counts,
) -> Result<(), StoreError> {
    of_account_rows(scoped, order, account, gone).await?;
    const JOBS: &str = "DELETE FROM wordbond.job WHERE tenant_id = $1 AND $2 = ANY(ids)";
    *gone.entry("wordbond.job".to_owned()).or_default() += run(scoped, JOBS.to_owned(), account).await?;
    Ok(())
}

/// Deletes every row of the account in scope.
pub(super) async fn of_account_rows(
    scoped: &mut Scoped,
    order: &[&Table],
    account: Uuid,
    gone: &mut Counts,
) -> Result<(), StoreError> {
    let scopes = |table: &&&Table| matches!(table.scope, Scope::Account | Scope::Lookup);
    for table in order.iter().filter(scopes).filter(|table| table.on_erase == OnErase::Delete) {
        let sql = format!("DELETE FROM {} WHERE account_id = $1", table.name);
        let done = sqlx::query(AssertSqlSafe(sql)).bind(account).execute(scoped.conn()).await?;
        *gone.entry(table.name.clone()).or_default() += done.rows_affected();
    }
    Ok(())
}

/// Deletes whatever is the scope's tenant's, but for its log, which is handed over before.
pub(super) async fn of_tenant(scoped: &mut Scoped, order: &[&Table], gone: &mut Counts) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    for table in order.iter().filter(|table| table.scope == Scope::Tenant && table.name != "wordbond.audit_event") {
        let sql = format!("DELETE FROM {} WHERE tenant_id = $1", table.name);
        let done = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).execute(scoped.conn()).await?;
        *gone.entry(table.name.clone()).or_default() += done.rows_affected();
    }
    Ok(())
}

/// Adds up the rows of one table that fulfil a condition, over whatever is in scope.
pub(super) async fn count(scoped: &mut Scoped, table: &str, condition: &str, id: Uuid) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {table} WHERE {condition}");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_one(scoped.conn()).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default())
}

/// The columns of a table that hold ids of any kind.
pub(super) fn pseudonyms(table: &Table) -> impl Iterator<Item = &str> {
    let ids = table.columns.iter().filter(|(_, class)| **class == DataClass::Pseudonym);
    ids.map(|(column, _)| column.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refers_goes_before_what_it_refers_to() {
        let map = DataMap::own().unwrap();
        let order = order(&map);
        let at = |name: &str| order.iter().position(|table| table.name == name).unwrap();
        for table in &order {
            for to in refers(table).filter(|to| *to != table.name) {
                assert!(at(&table.name) < at(to), "{} before {to}", table.name);
            }
        }
        assert_eq!(order.len(), map.tables.iter().filter(|table| table.name.starts_with("wordbond.")).count());
    }

    #[test]
    fn every_table_that_names_people_is_reached() {
        // Through a person, an account, or the row that it hangs on.
        for table in &DataMap::own().unwrap().tables {
            if table.on_erase == OnErase::Delete && table.people.is_empty() {
                assert!(refers(table).next().is_some(), "{} would stay", table.name);
            }
            if table.on_erase == OnErase::Anonymise {
                assert!(matches!(table.scope, Scope::Tenant | Scope::Owner), "{}", table.name);
            }
        }
    }
}
