//! Where copies of a name and an address may be, beyond the account's own row.

use crate::{Role, Store, StoreError};
use kernel::AccountId;
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

/// Some accounts, drawn anew each time, or all where there are no more.
///
/// # Errors
/// When the database cannot be asked.
pub async fn sample(store: &Store, most: u32) -> Result<Vec<AccountId>, StoreError> {
    const SQL: &str = "SELECT account_id FROM wordbond.account ORDER BY random() LIMIT $1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar(SQL).bind(i64::from(most)).fetch_all(&mut backup).await?;
    backup.close().await?;
    Ok(ids.into_iter().map(AccountId::from).collect())
}

/// How many accounts there are, and how many of them have another number of addresses to sign in by than one: what is left of
/// an old address would be such a one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn stale_addresses(store: &Store) -> Result<(u64, u64), StoreError> {
    const SQL: &str = "SELECT count(*), count(*) FILTER (WHERE known <> 1) FROM (
            SELECT (SELECT count(*) FROM wordbond.sign_in AS s WHERE s.kind = 'email' AND s.account_id = a.account_id) AS known
            FROM wordbond.account AS a) AS each";
    let mut backup = store.connect_as(Role::Backup).await?;
    let row = sqlx::query(SQL).fetch_one(&mut backup).await?;
    backup.close().await?;
    let count =
        |at: usize| -> Result<u64, StoreError> { Ok(u64::try_from(row.try_get::<i64, _>(at)?).unwrap_or_default()) };
    Ok((count(0)?, count(1)?))
}
