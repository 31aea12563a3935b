//! Passkeys.

use super::{Secret, insert, place, recovery, unhex};
use crate::{
    Store, StoreError,
    accounts::tell,
    revocation,
    sign_in::{self, Kind, Whose},
    time::At,
};
use kernel::{AccountId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::Sealed;

/// How many an account may have.
const MOST: i64 = 20;

/// A passkey.
#[derive(Clone)]
pub struct Passkey {
    /// Its id.
    pub id: Uuid,
    /// What the browser calls it.
    pub credential_id: Vec<u8>,
    /// The credential, as whoever checks signatures wrote it.
    pub secret: Vec<u8>,
    /// What its owner calls it.
    pub label: String,
    /// The highest signature counter that was seen.
    pub counter: u64,
    /// When it was set up.
    pub created_at: Timestamp,
    /// When it was last used.
    pub used_at: Option<Timestamp>,
}

/// Adds a passkey.
///
/// # Errors
/// [`StoreError::Taken`] when an account has it already; [`StoreError::Invalid`] for a bad label, or one too many.
pub async fn add_passkey(
    store: &Store,
    account: AccountId,
    credential_id: &[u8],
    secret: &[u8],
    label: &str,
) -> Result<Uuid, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM wordbond.factor WHERE account_id = $1 AND kind = 'passkey'")
            .bind(account.uuid())
            .fetch_one(scoped.conn())
            .await?;
    if there >= MOST {
        return Err(StoreError::Invalid(format!("there are {MOST} passkeys already; remove one first")));
    }
    let lookup = Kind::Passkey.lookup(store.keys(), credential_id)?;
    let id = insert(&mut scoped, account, "passkey", &Secret::new(credential_id, secret), label).await?;
    const TAKEN: &str = "this passkey is set up already";
    sign_in::add(&mut scoped, Kind::Passkey, &lookup, id, Whose::Account(account, None), TAKEN).await?;
    tell(&mut scoped, account, None, "factor.add", &[("kind", "passkey")]).await?;
    revocation::commit(store, scoped).await?;
    Ok(id)
}

/// The passkeys of an account, the oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn passkeys(store: &Store, account: AccountId) -> Result<Vec<Passkey>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT factor_id, secret, label, counter, version, created_at, used_at FROM wordbond.factor
        WHERE account_id = $1 AND kind = 'passkey' ORDER BY factor_id";
    let rows = sqlx::query(SQL).bind(account.uuid()).fetch_all(scoped.conn()).await?;
    let mut out = Vec::new();
    for row in rows {
        let (id, version): (Uuid, i64) = (row.try_get("factor_id")?, row.try_get("version")?);
        let version = u64::try_from(version).unwrap_or_default();
        let sealed = Sealed::from_bytes(row.try_get("secret")?)?;
        let secret: Secret = sealed.open(store.keys(), &place(account, id, "secret", version))?;
        out.push(Passkey {
            id,
            credential_id: unhex(&secret.credential)?,
            secret: unhex(&secret.secret)?,
            label: Sealed::from_bytes(row.try_get("label")?)?.open(store.keys(), &place(account, id, "label", 1))?,
            counter: u64::try_from(row.try_get::<i64, _>("counter")?).unwrap_or_default(),
            created_at: row.try_get::<At, _>("created_at")?.0,
            used_at: row.try_get::<Option<At>, _>("used_at")?.map(|at| at.0),
        });
    }
    Ok(out)
}

/// Whose passkey it is, for a sign-in without a name.
///
/// # Errors
/// When the database cannot be asked.
pub async fn account_of_passkey(store: &Store, credential_id: &[u8]) -> Result<Option<AccountId>, StoreError> {
    let lookup = Kind::Passkey.lookup(store.keys(), credential_id)?;
    let Some(found) = sign_in::find(store, Kind::Passkey, &lookup).await? else { return Ok(None) };
    let Some(account) = found.account else { return Ok(None) };
    let mut scoped = store.account_scope(account).await?;
    let stands: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM wordbond.factor WHERE account_id = $1 AND factor_id = $2 AND kind = 'passkey')",
    )
    .bind(account.uuid())
    .bind(found.row)
    .fetch_one(scoped.conn())
    .await?;
    Ok(stands.then_some(account))
}

/// Writes down a use, and the credential anew where it has changed. `false` where the counter did not grow although it
/// counts: the key may have been copied. Passkeys that are kept in several devices do not count; theirs is always nought.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn used_passkey(
    store: &Store,
    account: AccountId,
    id: Uuid,
    counter: u64,
    secret: Option<&[u8]>,
) -> Result<bool, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const LOCK: &str = "SELECT secret, counter, version FROM wordbond.factor
        WHERE account_id = $1 AND factor_id = $2 AND kind = 'passkey' FOR UPDATE";
    let row = sqlx::query(LOCK).bind(account.uuid()).bind(id).fetch_optional(scoped.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let (seen, version): (i64, i64) = (row.try_get("counter")?, row.try_get("version")?);
    let counter = i64::try_from(counter).unwrap_or(i64::MAX);
    if counter <= seen && (counter, seen) != (0, 0) {
        return Ok(false);
    }
    let at = |version: i64| place(account, id, "secret", u64::try_from(version).unwrap_or_default());
    let old: Secret = Sealed::from_bytes(row.try_get("secret")?)?.open(store.keys(), &at(version))?;
    let new = match secret {
        Some(secret) => Secret { credential: old.credential, secret: super::hex(secret) },
        None => old,
    };
    const SQL: &str = "UPDATE wordbond.factor SET counter = $3, secret = $4, version = $5, used_at = $6
        WHERE account_id = $1 AND factor_id = $2";
    let now = At(scoped.now());
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id)
        .bind(counter)
        .bind(Sealed::seal(store.keys(), &at(version + 1), &new)?.as_bytes())
        .bind(version + 1)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    tell(&mut scoped, account, None, "factor.use", &[("kind", "passkey")]).await?;
    scoped.commit().await?;
    Ok(true)
}

/// Removes a passkey.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove_passkey(store: &Store, account: AccountId, id: Uuid) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let done = sqlx::query("DELETE FROM wordbond.factor WHERE account_id = $1 AND factor_id = $2 AND kind = 'passkey'")
        .bind(account.uuid())
        .bind(id)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    sign_in::remove(&mut scoped, Kind::Passkey, &[id]).await?;
    recovery::end_with_the_last(&mut scoped, account).await?;
    tell(&mut scoped, account, None, "factor.remove", &[("kind", "passkey")]).await?;
    revocation::commit(store, scoped).await
}
