//! One-time passwords.

use super::{Secret, insert, place, recovery, unhex};
use crate::{Store, StoreError, accounts::tell, revocation, time::At};
use kernel::{AccountId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::Sealed;

/// The one-time passwords of an account.
#[derive(Clone)]
pub struct Totp {
    /// Its id.
    pub id: Uuid,
    /// The shared secret.
    pub secret: Vec<u8>,
    /// What its owner calls it.
    pub label: String,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// Sets up one-time passwords. Those that there were are replaced.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad label.
pub async fn add_totp(store: &Store, account: AccountId, secret: &[u8], label: &str) -> Result<Uuid, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    sqlx::query("DELETE FROM wordbond.factor WHERE account_id = $1 AND kind = 'totp'")
        .bind(account.uuid())
        .execute(scoped.conn())
        .await?;
    let id = insert(&mut scoped, account, "totp", &Secret::new(b"", secret), label).await?;
    tell(&mut scoped, account, None, "factor.add", &[("kind", "totp")]).await?;
    revocation::commit(store, scoped).await?;
    Ok(id)
}

/// The one-time passwords of an account.
///
/// # Errors
/// When the database cannot be asked.
pub async fn totp(store: &Store, account: AccountId) -> Result<Option<Totp>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT factor_id, secret, label, version, created_at, used_at FROM wordbond.factor
        WHERE account_id = $1 AND kind = 'totp' ORDER BY factor_id DESC LIMIT 1";
    let row = sqlx::query(SQL).bind(account.uuid()).fetch_optional(scoped.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let (id, version): (Uuid, i64) = (row.try_get("factor_id")?, row.try_get("version")?);
    let at = |column| place(account, id, column, u64::try_from(version).unwrap_or_default());
    let secret: Secret = Sealed::from_bytes(row.try_get("secret")?)?.open(store.keys(), &at("secret"))?;
    Ok(Some(Totp {
        id,
        secret: unhex(&secret.secret)?,
        label: Sealed::from_bytes(row.try_get("label")?)?.open(store.keys(), &at("label"))?,
        created_at: row.try_get::<At, _>("created_at")?.0,
        used_at: row.try_get::<Option<At>, _>("used_at")?.map(|at| at.0),
    }))
}

/// Uses up a time step: `true` once for each, and only forward.
///
/// # Errors
/// When the database cannot be asked.
pub async fn use_totp_step(store: &Store, account: AccountId, factor: Uuid, step: u64) -> Result<bool, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "UPDATE wordbond.factor SET counter = $3, used_at = $4
        WHERE account_id = $1 AND factor_id = $2 AND kind = 'totp' AND counter < $3";
    let now = At(scoped.now());
    let done = sqlx::query(SQL)
        .bind(account.uuid())
        .bind(factor)
        .bind(i64::try_from(step).unwrap_or(i64::MAX))
        .bind(now)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    tell(&mut scoped, account, None, "factor.use", &[("kind", "totp")]).await?;
    scoped.commit().await?;
    Ok(true)
}

/// Removes the one-time passwords.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_totp(store: &Store, account: AccountId) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let done = sqlx::query("DELETE FROM wordbond.factor WHERE account_id = $1 AND kind = 'totp'")
        .bind(account.uuid())
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    recovery::end_with_the_last(&mut scoped, account).await?;
    tell(&mut scoped, account, None, "factor.remove", &[("kind", "totp")]).await?;
    revocation::commit(store, scoped).await
}
