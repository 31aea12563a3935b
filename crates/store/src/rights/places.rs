//! What is held about somebody: how many rows of which table name them.

use super::{
    footprint,
    rows::{Counts, count, names, of_people},
};
use crate::{DataMap, Store, StoreError, data_map::Scope};
use kernel::AccountId;

/// Counts the rows of every table on the map that name the person behind an account, in the teams that they are or were in. Tables
/// without any are left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn held(store: &Store, account: AccountId) -> Result<Counts, StoreError> {
    let map = DataMap::own()?;
    let seats = footprint::ever(store, account).await?.seats;
    let mut held = Counts::new();
    let mut scoped = store.erasing(Some(account)).await?;
    for table in map.scoped().filter(|table| matches!(table.scope, Scope::Account | Scope::Lookup)) {
        let rows = count(&mut scoped, &table.name, "account_id = $1", account.uuid()).await?;
        *held.entry(table.name.clone()).or_default() += rows;
    }
    for seat in seats {
        scoped.move_to(seat.tenant).await?;
        scoped.own_rows_of(Some(seat.person)).await?;
        for table in map.scoped().filter(|table| matches!(table.scope, Scope::Owner | Scope::Tenant | Scope::Lookup)) {
            let named: Vec<String> = of_people(table).map(|column| names(table, column, "$1")).collect();
            if named.is_empty() {
                continue;
            }
            let whose = if table.scope == Scope::Lookup { " AND account_id IS NULL" } else { "" };
            let condition = format!("tenant_id = '{}' AND ({}){whose}", seat.tenant, named.join(" OR "));
            let rows = count(&mut scoped, &table.name, &condition, seat.person.uuid()).await?;
            *held.entry(table.name.clone()).or_default() += rows;
        }
    }
    held.retain(|_, rows| *rows > 0);
    Ok(held)
}
