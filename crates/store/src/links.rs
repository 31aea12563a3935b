//! Identities at other providers, and whose account each is.

use crate::{
    Store, StoreError,
    accounts::tell_of,
    sign_in::{self, Kind, Whose},
    time::At,
};
use kernel::{AccountId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;

/// An identity at another provider that is linked with an account.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its id.
    pub id: Uuid,
    /// The provider.
    pub provider: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Links an identity with an account. One of each provider.
///
/// # Errors
/// [`StoreError::Taken`] when it is linked already, with whichever account, or the account with another of the provider.
pub async fn add(store: &Store, account: AccountId, provider: &str, subject: &str) -> Result<Uuid, StoreError> {
    let (id, lookup) = (Uuid::now_v7(), lookup(store, provider, subject)?);
    let mut scoped = store.account_scope(account).await?;
    const TAKEN: &str = "this identity is linked with an account already";
    sign_in::add(&mut scoped, Kind::Link, &lookup, id, Whose::Account(account, None), TAKEN).await?;
    const SQL: &str = "INSERT INTO wordbond.provider_link (account_id, link_id, provider, subject_hash, created_at)
        VALUES ($1, $2, $3, $4, $5)";
    let now = At(scoped.now());
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id)
        .bind(provider)
        .bind(lookup.as_slice())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| match error {
            error if StoreError::is_duplicate(&error) => {
                StoreError::Taken("another identity of this provider is linked already")
            }
            error if StoreError::is_dangling(&error) => StoreError::NotFound,
            error => error.into(),
        })?;
    let (named, mark) = ([format!("link:{id}")], sign_in::mark(&lookup));
    tell_of(&mut scoped, account, None, "link.add", &named, &[("mark", &mark), ("provider", provider)]).await?;
    scoped.commit().await?;
    Ok(id)
}

/// The account with which an identity is linked.
///
/// # Errors
/// When the database cannot be asked.
pub async fn find(store: &Store, provider: &str, subject: &str) -> Result<Option<AccountId>, StoreError> {
    let lookup = lookup(store, provider, subject)?;
    let Some(found) = sign_in::find(store, Kind::Link, &lookup).await? else { return Ok(None) };
    let Some(account) = found.account else { return Ok(None) };
    // The account's own row counts: it goes with the link, and with the account.
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT EXISTS (SELECT FROM wordbond.provider_link
        WHERE account_id = $1 AND link_id = $2 AND subject_hash = $3)";
    let stands: bool = sqlx::query_scalar(SQL)
        .bind(account.uuid())
        .bind(found.row)
        .bind(lookup.as_slice())
        .fetch_one(scoped.conn())
        .await?;
    Ok(stands.then_some(account))
}

/// The identities that are linked with an account.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(store: &Store, account: AccountId) -> Result<Vec<Link>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str =
        "SELECT link_id, provider, created_at FROM wordbond.provider_link WHERE account_id = $1 ORDER BY provider";
    let rows = sqlx::query(SQL).bind(account.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| Ok(Link { id: row.try_get(0)?, provider: row.try_get(1)?, created_at: row.try_get::<At, _>(2)?.0 }))
        .collect()
}

/// Ends a link.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove(store: &Store, account: AccountId, provider: &str) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "DELETE FROM wordbond.provider_link WHERE account_id = $1 AND provider = $2 RETURNING link_id";
    let id: Option<Uuid> =
        sqlx::query_scalar(SQL).bind(account.uuid()).bind(provider).fetch_optional(scoped.conn()).await?;
    let id = id.ok_or(StoreError::NotFound)?;
    sign_in::remove(&mut scoped, Kind::Link, &[id]).await?;
    tell_of(&mut scoped, account, None, "link.remove", &[format!("link:{id}")], &[("provider", provider)]).await?;
    scoped.commit().await
}

/// A provider's name has no NUL in it, so that no two pairs look alike.
fn lookup(store: &Store, provider: &str, subject: &str) -> Result<[u8; 32], StoreError> {
    Kind::Link.lookup(store.keys(), &[provider.as_bytes(), b"\0", subject.as_bytes()].concat())
}
