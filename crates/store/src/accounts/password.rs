//! Passwords: the hash, and how often a wrong one was tried.

use super::tell;
use crate::{Role, Scoped, Store, StoreError, one_time, revocation, sessions, time::At};
use kernel::{AccountId, SessionId};
use sqlx::{Connection as _, Row as _};

/// Sets the password. Every session but `keep` ends, and every link that was sent out is void.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_password(
    store: &Store,
    account: AccountId,
    phc: &str,
    keep: Option<SessionId>,
) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "UPDATE wordbond.account
        SET password_hash = $2, password_changed_at = $3, failures = 0, failed_at = NULL WHERE account_id = $1";
    let now = At(scoped.now());
    let done = sqlx::query(SQL).bind(account.uuid()).bind(phc.as_bytes()).bind(now).execute(scoped.conn()).await?;
    found(done.rows_affected())?;
    sessions::end_all(&mut scoped, account, keep).await?;
    one_time::void_all(&mut scoped, account).await?;
    tell(&mut scoped, account, None, "account.password", &[]).await?;
    revocation::commit(store, scoped).await
}

/// Replaces the hash of the same password by one with other parameters.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn rehash(store: &Store, account: AccountId, phc: &str) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let done = sqlx::query("UPDATE wordbond.account SET password_hash = $2 WHERE account_id = $1")
        .bind(account.uuid())
        .bind(phc.as_bytes())
        .execute(scoped.conn())
        .await?;
    found(done.rows_affected())?;
    tell(&mut scoped, account, None, "account.rehash", &[]).await?;
    scoped.commit().await
}

/// Counts a wrong password. Yields how many there were since the last right one, this one included.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn failed(store: &Store, account: AccountId) -> Result<u32, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "UPDATE wordbond.account SET failures = least(failures, 1000000) + 1, failed_at = $2
        WHERE account_id = $1 RETURNING failures";
    let now = At(scoped.now());
    let failures: Option<i32> =
        sqlx::query_scalar(SQL).bind(account.uuid()).bind(now).fetch_optional(scoped.conn()).await?;
    let failures = u32::try_from(failures.ok_or(StoreError::NotFound)?).unwrap_or_default();
    tell(&mut scoped, account, None, "account.sign-in-failed", &[]).await?;
    scoped.commit().await?;
    Ok(failures)
}

/// Forgets the wrong passwords after a right one.
///
/// # Errors
/// When the database cannot be asked.
pub async fn succeeded(store: &Store, account: AccountId) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    if forget_failures(&mut scoped, account).await? {
        tell(&mut scoped, account, None, "account.failures-reset", &[]).await?;
        scoped.commit().await?;
    }
    Ok(())
}

async fn forget_failures(scoped: &mut Scoped, account: AccountId) -> Result<bool, StoreError> {
    const SQL: &str =
        "UPDATE wordbond.account SET failures = 0, failed_at = NULL WHERE account_id = $1 AND failures > 0";
    Ok(sqlx::query(SQL).bind(account.uuid()).execute(scoped.conn()).await?.rows_affected() > 0)
}

/// With which parameters how many passwords are stored: what stands before the salt, as the backup reads it from the hashes
/// themselves. A hash without that form counts under `unreadable`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn password_census(store: &Store) -> Result<Vec<(String, u64)>, StoreError> {
    const SQL: &str = r"SELECT coalesce(substring(encode(password_hash, 'escape')
                FROM '^(\$[a-z0-9-]{1,32}(?:\$v=[0-9]+)?\$[a-z]+=[0-9]+(?:,[a-z]+=[0-9]+)*)\$[A-Za-z0-9+/.-]+\$[A-Za-z0-9+/.-]+$'),
                'unreadable'), count(*)
        FROM wordbond.account WHERE password_hash IS NOT NULL GROUP BY 1 ORDER BY 1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let rows = sqlx::query(SQL).fetch_all(&mut backup).await?;
    backup.close().await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or_default()))).collect()
}

pub(super) fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
