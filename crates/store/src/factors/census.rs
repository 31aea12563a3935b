//! Who has a second factor, and whether each of their sessions has given it.

use crate::{Role, Store, StoreError, time::At};
use kernel::Timestamp;
use sqlx::{Connection as _, Row as _};

/// What the second factors of everybody come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorCensus {
    /// Accounts with a second factor.
    pub accounts: u64,
    /// Sessions of theirs that began with a password or at a provider since, live, and owe nothing: there should be none.
    pub skipped: u64,
}

/// Counts every account with a second factor, and the sessions that opened without it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn census(store: &Store, now: Timestamp) -> Result<FactorCensus, StoreError> {
    const SQL: &str = "SELECT (SELECT count(DISTINCT account_id) FROM wordbond.factor),
            (SELECT count(*) FROM wordbond.session AS s WHERE s.expires_at > $1 AND s.strength IN ('password', 'provider')
                 AND NOT s.pending AND EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = s.account_id
                                 AND f.created_at < s.created_at))";
    let mut backup = store.connect_as(Role::Backup).await?;
    let row = sqlx::query(SQL).bind(At(now)).fetch_one(&mut backup).await?;
    backup.close().await?;
    let count =
        |at: usize| -> Result<u64, StoreError> { Ok(u64::try_from(row.try_get::<i64, _>(at)?).unwrap_or_default()) };
    Ok(FactorCensus { accounts: count(0)?, skipped: count(1)? })
}
