//! What must be true of every team at once, whoever planted it: looked up as the backup reads it, in counts only.

use crate::{Role, Store, StoreError};
use sqlx::{Connection as _, Row as _};

/// What was found about members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many teams have people in them.
    pub teams: u64,
    /// How many of those have no owner.
    pub ownerless: u64,
    /// How many sessions act as somebody who is not their account's member.
    pub strayed: u64,
}

/// Counts teams, their owners, and sessions that act as somebody else.
///
/// # Errors
/// When the database cannot be asked.
pub async fn members(store: &Store) -> Result<Members, StoreError> {
    const SQL: &str = "SELECT
        (SELECT count(DISTINCT tenant_id) FROM wordbond.person WHERE removed_at IS NULL),
        (SELECT count(*) FROM (SELECT FROM wordbond.person WHERE removed_at IS NULL
                               GROUP BY tenant_id HAVING NOT bool_or(role = 'owner')) AS t),
        (SELECT count(*) FROM wordbond.session AS s WHERE s.person_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM wordbond.person AS p WHERE p.tenant_id = s.tenant_id AND p.person_id = s.person_id
                AND p.account_id = s.account_id AND p.removed_at IS NULL))";
    let [teams, ownerless, strayed] = ask(store, SQL).await?;
    Ok(Members { teams, ownerless, strayed })
}

async fn ask<const N: usize>(store: &Store, sql: &'static str) -> Result<[u64; N], StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    let row = sqlx::query(sql).fetch_one(&mut connection).await?;
    let mut counts = [0; N];
    for (at, count) in counts.iter_mut().enumerate() {
        *count = u64::try_from(row.try_get::<i64, _>(at)?).unwrap_or_default();
    }
    connection.close().await?;
    Ok(counts)
}
