//! Passwords: the hash, and how often a wrong one was tried.

use super::{places, tell};
use crate::{
    Role, Scoped, Store, StoreError, one_time, revocation, sessions,
    sign_in::{self, Kind},
    team,
    time::At,
};
use kernel::{AccountId, Actor, SessionId};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

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
    write(&mut scoped, account, phc, keep).await?;
    tell(&mut scoped, account, None, "account.password", &[]).await?;
    revocation::commit(store, scoped).await
}

/// Sets the password for whoever has just proven the account's address by mail. Had nobody proven it before, whoever made
/// the account may be somebody else: then every other way in that was left behind ends too, with its second factors, its
/// providers and its tokens.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn recover(store: &Store, account: AccountId, phc: &str) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const LOCK: &str = "SELECT email_verified_at IS NOT NULL FROM wordbond.account WHERE account_id = $1 FOR UPDATE";
    let proven: Option<bool> = sqlx::query_scalar(LOCK).bind(account.uuid()).fetch_optional(scoped.conn()).await?;
    let proven = proven.ok_or(StoreError::NotFound)?;
    write(&mut scoped, account, phc, None).await?;
    if !proven {
        clean(&mut scoped, account).await?;
    }
    let before = if proven { "proven" } else { "unproven" };
    tell(&mut scoped, account, None, "account.recover", &[("address", before)]).await?;
    revocation::commit(store, scoped).await
}

/// The new password, and the end of what stood on the old one, in the caller's transaction.
async fn write(scoped: &mut Scoped, account: AccountId, phc: &str, keep: Option<SessionId>) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE wordbond.account
        SET password_hash = $2, password_changed_at = $3, failures = 0, failed_at = NULL WHERE account_id = $1";
    let now = At(scoped.now());
    let done = sqlx::query(SQL).bind(account.uuid()).bind(phc.as_bytes()).bind(now).execute(scoped.conn()).await?;
    found(done.rows_affected())?;
    sessions::end_all(scoped, account, keep).await?;
    one_time::void_all(scoped, account).await
}

/// Ends every way into an account but its password, and notes that its address is proven.
async fn clean(scoped: &mut Scoped, account: AccountId) -> Result<(), StoreError> {
    const WAYS: [(&str, Option<Kind>); 4] = [
        // With the browsers that are known: they are not the owner's.
        ("DELETE FROM wordbond.one_time WHERE account_id = $1 RETURNING one_time_id", Some(Kind::OneTime)),
        ("DELETE FROM wordbond.factor WHERE account_id = $1 RETURNING factor_id", Some(Kind::Passkey)),
        ("DELETE FROM wordbond.provider_link WHERE account_id = $1 RETURNING link_id", Some(Kind::Link)),
        ("DELETE FROM wordbond.recovery_code WHERE account_id = $1 RETURNING code_id", None),
    ];
    for (sql, kind) in WAYS {
        let gone: Vec<Uuid> = sqlx::query_scalar(sql).bind(account.uuid()).fetch_all(scoped.conn()).await?;
        if let Some(kind) = kind {
            sign_in::remove(scoped, kind, &gone).await?;
        }
    }
    let (tenant, actor) = (scoped.tenant(), scoped.actor().clone());
    for (place, person) in places(scoped, account).await? {
        scoped.enter(place, &Actor::Person { id: person }).await?;
        team::end_tokens(scoped, person).await?;
        team::end_invitations(scoped, person).await?;
    }
    scoped.enter(tenant, &actor).await?;
    let now = At(scoped.now());
    sqlx::query("UPDATE wordbond.account SET email_verified_at = $2 WHERE account_id = $1")
        .bind(account.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    tell(scoped, account, None, "account.verified", &[]).await
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

/// Counts a wrong password. Yields how many there were since the last right one, this one included. The first is told, and
/// each that doubles their number: whoever guesses does not fill the ledger.
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
    if failures.is_power_of_two() {
        let count = failures.to_string();
        tell(&mut scoped, account, None, "account.sign-in-failed", &[("failures", &count)]).await?;
    }
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
/// themselves. A hash without that form, or with less than 16 bytes of salt or 32 of hash, counts under `unreadable`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn password_census(store: &Store) -> Result<Vec<(String, u64)>, StoreError> {
    const SQL: &str = r"SELECT coalesce(substring(encode(password_hash, 'escape')
                FROM '^(\$[a-z0-9-]{1,32}(?:\$v=[0-9]+)?\$[a-z]+=[0-9]+(?:,[a-z]+=[0-9]+)*)\$[A-Za-z0-9+/.-]{22,}\$[A-Za-z0-9+/.-]{43,}$'),
                'unreadable'), count(*)
        FROM wordbond.account WHERE password_hash IS NOT NULL GROUP BY 1 ORDER BY 1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let rows = sqlx::query(SQL).fetch_all(&mut backup).await?;
    backup.close().await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or_default()))).collect()
}

/// How many accounts have the salt of another: whoever has one password of theirs then tries it on all of them at once.
///
/// # Errors
/// When the database cannot be asked.
pub async fn shared_salts(store: &Store) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT count(*) - count(DISTINCT split_part(encode(password_hash, 'escape'), '$', 5))
        FROM wordbond.account WHERE password_hash IS NOT NULL";
    let mut backup = store.connect_as(Role::Backup).await?;
    let shared: i64 = sqlx::query_scalar(SQL).fetch_one(&mut backup).await?;
    backup.close().await?;
    Ok(u64::try_from(shared).unwrap_or_default())
}

pub(super) fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
