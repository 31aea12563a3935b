//! What is good for one use within a short time: links in mails, the state of a sign-in at another provider, challenges.
//!
//! What is kept for a visitor who is not known yet stands under the nil account.

use crate::{
    Scoped, Store, StoreError,
    accounts::{account_place, subject, tell},
    mails, operator_tenant,
    sessions::after,
    sign_in::{self, Kind, Whose},
    time::At,
    token::{Form, Token},
};
use kernel::{AccountId, Span};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{Place, Sealed};

/// The longest payload, in bytes.
const LONGEST: usize = 8_192;

/// How many expired rows one new row clears away.
const CLEARED: i64 = 100;

/// For what the cookie of a browser is issued that its owner signed in with before.
pub const KNOWN: &str = "known-browser";

/// What a token stood for.
#[derive(Clone)]
pub struct Taken {
    /// Whose it was; `None` for a visitor's.
    pub account: Option<AccountId>,
    /// What was kept with it.
    pub payload: String,
}

/// The account under which what is a visitor's stands.
pub(crate) fn nobody() -> AccountId {
    AccountId::from(Uuid::nil())
}

/// Issues a token for one use.
///
/// # Errors
/// [`StoreError::Invalid`] for a payload that is too long.
pub async fn issue(
    store: &Store,
    account: Option<AccountId>,
    purpose: &'static str,
    payload: &str,
    ttl: Span,
) -> Result<Token, StoreError> {
    let token = Token::fresh(Form::OneTime)?;
    let lookup = Kind::OneTime.lookup(store.keys(), token.expose().as_bytes())?;
    write(store, account, purpose, payload, ttl, &lookup).await?;
    Ok(token)
}

/// Whether this is the first time that `id` comes for `purpose`, as long as `ttl` runs: what was made to be shown once is
/// refused when it is shown again. Hold on to it for longer than it is good for.
///
/// # Errors
/// When the database cannot be asked.
pub async fn first(store: &Store, purpose: &'static str, id: &[u8], ttl: Span) -> Result<bool, StoreError> {
    let lookup = lookup_of(store, purpose, id)?;
    match write(store, None, purpose, "", ttl, &lookup).await {
        Ok(()) => Ok(true),
        Err(StoreError::Taken(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether `id` came to [`first`] for `purpose` already.
///
/// # Errors
/// When the database cannot be asked.
pub async fn came(store: &Store, purpose: &'static str, id: &[u8]) -> Result<bool, StoreError> {
    let lookup = lookup_of(store, purpose, id)?;
    Ok(sign_in::find(store, Kind::OneTime, &lookup).await?.is_some())
}

fn lookup_of(store: &Store, purpose: &'static str, id: &[u8]) -> Result<[u8; 32], StoreError> {
    let value = [purpose.as_bytes(), b"\0", id].concat();
    Ok(store.keys().identity_index()?.named("first", &value))
}

async fn write(
    store: &Store,
    account: Option<AccountId>,
    purpose: &'static str,
    payload: &str,
    ttl: Span,
    lookup: &[u8; 32],
) -> Result<(), StoreError> {
    if payload.len() > LONGEST {
        return Err(StoreError::Invalid(format!("this is longer than {LONGEST} bytes")));
    }
    let (owner, id) = (account.unwrap_or_else(nobody), Uuid::now_v7());
    if account.is_none() {
        store.keys().create(operator_tenant(), subject(owner))?;
    }
    let mut scoped = store.account_scope(owner).await?;
    clear_expired(&mut scoped, owner).await?;
    sign_in::add(&mut scoped, Kind::OneTime, lookup, id, Whose::Account(owner, None), "this was here before").await?;
    let now = scoped.now();
    const SQL: &str = "INSERT INTO wordbond.one_time
        (account_id, one_time_id, purpose, token_hash, payload, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(owner.uuid())
        .bind(id)
        .bind(purpose)
        .bind(lookup.as_slice())
        .bind(Sealed::seal(store.keys(), &place(owner, id), &payload.to_owned())?.as_bytes())
        .bind(At(now))
        .bind(At(after(now, ttl)))
        .execute(scoped.conn())
        .await?;
    if account.is_some() {
        tell(&mut scoped, owner, None, "one-time.issue", &[("purpose", purpose)]).await?;
    }
    scoped.commit().await
}

/// What a token stands for, without using it: for a page that only asks whether to go on.
///
/// # Errors
/// When the database cannot be asked.
pub async fn peek(store: &Store, token: &str, purpose: &str) -> Result<Option<Taken>, StoreError> {
    look(store, token, purpose, false).await
}

/// Uses a token. Yields what it stood for once; afterwards, and for one that is void, expired or for another purpose, `None`.
///
/// # Errors
/// When the database cannot be asked.
pub async fn take(store: &Store, token: &str, purpose: &str) -> Result<Option<Taken>, StoreError> {
    look(store, token, purpose, true).await
}

async fn look(store: &Store, token: &str, purpose: &str, uses: bool) -> Result<Option<Taken>, StoreError> {
    if !Form::OneTime.fits(token) {
        return Ok(None);
    }
    let lookup = Kind::OneTime.lookup(store.keys(), token.as_bytes())?;
    let Some(found) = sign_in::find(store, Kind::OneTime, &lookup).await? else { return Ok(None) };
    let Some(account) = found.account else { return Ok(None) };
    let mut scoped = store.account_scope(account).await?;
    const LOOK: &str =
        "SELECT payload FROM wordbond.one_time WHERE account_id = $1 AND one_time_id = $2 AND purpose = $3
        AND token_hash = $4 AND used_at IS NULL AND expires_at > $5";
    // One statement: of two who come at once, one finds it used.
    const USE: &str = "UPDATE wordbond.one_time SET used_at = $5 WHERE account_id = $1 AND one_time_id = $2
        AND purpose = $3 AND token_hash = $4 AND used_at IS NULL AND expires_at > $5 RETURNING payload";
    let now = At(scoped.now());
    let row = sqlx::query(if uses { USE } else { LOOK })
        .bind(account.uuid())
        .bind(found.row)
        .bind(purpose)
        .bind(lookup.as_slice())
        .bind(now)
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let payload = Sealed::from_bytes(row.try_get(0)?)?.open(store.keys(), &place(account, found.row))?;
    let known = (account != nobody()).then_some(account);
    if uses {
        sign_in::remove(&mut scoped, Kind::OneTime, &[found.row]).await?;
        if known.is_some() {
            tell(&mut scoped, account, None, "one-time.use", &[("purpose", purpose)]).await?;
        }
        scoped.commit().await?;
    }
    Ok(Some(Taken { account: known, payload }))
}

/// Takes back every open token of an account for one purpose.
///
/// # Errors
/// When the database cannot be asked.
pub async fn void(store: &Store, account: AccountId, purpose: &str) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "DELETE FROM wordbond.one_time WHERE account_id = $1 AND purpose = $2 RETURNING one_time_id";
    let gone: Vec<Uuid> = sqlx::query_scalar(SQL).bind(account.uuid()).bind(purpose).fetch_all(scoped.conn()).await?;
    if gone.is_empty() {
        return Ok(());
    }
    sign_in::remove(&mut scoped, Kind::OneTime, &gone).await?;
    tell(&mut scoped, account, None, "one-time.void", &[("purpose", purpose)]).await?;
    scoped.commit().await
}

/// Takes back every token of the account in scope, in the caller's transaction. The browsers that its owner is known by stay
/// known, so that a change locks nobody out.
pub(crate) async fn void_all(scoped: &mut Scoped, account: AccountId) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM wordbond.one_time WHERE account_id = $1 AND purpose <> $2 RETURNING one_time_id";
    let gone: Vec<Uuid> = sqlx::query_scalar(SQL).bind(account.uuid()).bind(KNOWN).fetch_all(scoped.conn()).await?;
    // A mail that waits would bring a new token with it.
    mails::forget(scoped, account).await?;
    sign_in::remove(scoped, Kind::OneTime, &gone).await
}

/// Clears away what visitors left and has been expired for a day. Yields how many.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) async fn prune_visitors(store: &Store) -> Result<u64, StoreError> {
    let mut all = 0;
    loop {
        let mut scoped = store.account_scope(nobody()).await?;
        let gone = clear_expired(&mut scoped, nobody()).await?;
        scoped.commit().await?;
        all += gone;
        if gone < CLEARED.unsigned_abs() {
            return Ok(all);
        }
    }
}

/// Clears away what has been expired for a day, as much as one statement takes. Yields how many.
pub(crate) async fn clear_expired(scoped: &mut Scoped, account: AccountId) -> Result<u64, StoreError> {
    // Rows that another transaction holds are left to it.
    const SQL: &str = "DELETE FROM wordbond.one_time WHERE account_id = $1 AND one_time_id IN (
            SELECT one_time_id FROM wordbond.one_time
            WHERE account_id = $1 AND expires_at < $2::timestamptz - interval '1 day'
            ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING one_time_id";
    let now = At(scoped.now());
    let gone: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(account.uuid()).bind(now).bind(CLEARED).fetch_all(scoped.conn()).await?;
    sign_in::remove(scoped, Kind::OneTime, &gone).await?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}

fn place(account: AccountId, id: Uuid) -> Place {
    account_place(account, "one_time", "payload", id, 1)
}
