//! Recovery codes: each good once, kept as a keyed hash of the hash that the caller makes.

use crate::{Scoped, Store, StoreError, accounts::tell, time::At};
use kernel::AccountId;
use uuid::Uuid;

/// The most that are kept.
const MOST: usize = 20;

/// Replaces every recovery code of an account.
///
/// # Errors
/// [`StoreError::Invalid`] for too many.
pub async fn set_recovery_codes(store: &Store, account: AccountId, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    if hashes.len() > MOST {
        return Err(StoreError::Invalid(format!("more than {MOST} recovery codes")));
    }
    let mut scoped = store.account_scope(account).await?;
    sqlx::query("DELETE FROM wordbond.recovery_code WHERE account_id = $1")
        .bind(account.uuid())
        .execute(scoped.conn())
        .await?;
    let now = At(scoped.now());
    for hash in hashes {
        let keyed = keyed(store, account, hash)?;
        const SQL: &str = "INSERT INTO wordbond.recovery_code (account_id, code_id, code_hash, created_at)
            VALUES ($1, $2, $3, $4)";
        sqlx::query(SQL)
            .bind(account.uuid())
            .bind(Uuid::now_v7())
            .bind(keyed.as_slice())
            .bind(now)
            .execute(scoped.conn())
            .await
            .map_err(|error| if StoreError::is_dangling(&error) { StoreError::NotFound } else { error.into() })?;
    }
    tell(&mut scoped, account, None, "recovery-codes.set", &[]).await?;
    scoped.commit().await
}

/// Ends the recovery codes with the last factor, in the caller's transaction: with the next one, others are made.
pub(super) async fn end_with_the_last(scoped: &mut Scoped, account: AccountId) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM wordbond.recovery_code WHERE account_id = $1
        AND NOT EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = $1)";
    sqlx::query(SQL).bind(account.uuid()).execute(scoped.conn()).await?;
    Ok(())
}

/// Uses a recovery code: `true` once.
///
/// # Errors
/// When the database cannot be asked.
pub async fn use_recovery_code(store: &Store, account: AccountId, hash: &[u8; 32]) -> Result<bool, StoreError> {
    let keyed = keyed(store, account, hash)?;
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "UPDATE wordbond.recovery_code SET used_at = $3
        WHERE account_id = $1 AND code_hash = $2 AND used_at IS NULL";
    let now = At(scoped.now());
    let done = sqlx::query(SQL).bind(account.uuid()).bind(keyed.as_slice()).bind(now).execute(scoped.conn()).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    tell(&mut scoped, account, None, "recovery-code.use", &[]).await?;
    scoped.commit().await?;
    Ok(true)
}

/// How many have not been used.
///
/// # Errors
/// When the database cannot be asked.
pub async fn recovery_codes_left(store: &Store, account: AccountId) -> Result<u32, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT count(*) FROM wordbond.recovery_code WHERE account_id = $1 AND used_at IS NULL";
    let left: i64 = sqlx::query_scalar(SQL).bind(account.uuid()).fetch_one(scoped.conn()).await?;
    Ok(u32::try_from(left).unwrap_or_default())
}

/// Bound to the account: equal codes of two accounts look different.
fn keyed(store: &Store, account: AccountId, hash: &[u8; 32]) -> Result<[u8; 32], StoreError> {
    let value = [account.uuid().as_bytes().as_slice(), hash].concat();
    Ok(store.keys().identity_index()?.named("recovery-code", &value))
}
