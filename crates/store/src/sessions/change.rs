//! Changing a session. Each change of rights gives it a new token and a new key for its forms.

use super::{Strength, lead, member, named};
use crate::{
    Scoped, Store, StoreError,
    accounts::tell_of,
    revocation,
    sign_in::{self, Kind},
    time::At,
    token::{Form, Token, random},
};
use kernel::{AccountId, PersonId, SessionId, Span, TenantId};
use sqlx::Row as _;
use uuid::Uuid;

/// Gives a session a new token. The old one is dead when this returns.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn rotate(store: &Store, account: AccountId, id: SessionId) -> Result<Token, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let place = lock(&mut scoped, account, id).await?;
    let (token, mark) = renew(&mut scoped, account, id, place).await?;
    tell_of(&mut scoped, account, place, "session.rotate", &[named(id)], &[("mark", &mark)]).await?;
    revocation::commit(store, scoped).await?;
    Ok(token)
}

/// Notes that somebody has just proven again who they are.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn confirm(store: &Store, account: AccountId, id: SessionId) -> Result<Token, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let place = lock(&mut scoped, account, id).await?;
    let now = At(scoped.now());
    sqlx::query("UPDATE wordbond.session SET confirmed_at = $3 WHERE account_id = $1 AND session_id = $2")
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    let (token, mark) = renew(&mut scoped, account, id, place).await?;
    tell_of(&mut scoped, account, place, "session.confirm", &[named(id)], &[("mark", &mark)]).await?;
    revocation::commit(store, scoped).await?;
    Ok(token)
}

/// Notes that the second factor that was owed has been given.
///
/// # Errors
/// [`StoreError::NotFound`], also when none is owed.
pub async fn complete(
    store: &Store,
    account: AccountId,
    id: SessionId,
    strength: Strength,
) -> Result<Token, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let place = lock(&mut scoped, account, id).await?;
    let now = At(scoped.now());
    const SQL: &str = "UPDATE wordbond.session SET pending = false, strength = $3, confirmed_at = $4
        WHERE account_id = $1 AND session_id = $2 AND pending";
    let done = sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(strength.as_str())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    let (token, mark) = renew(&mut scoped, account, id, place).await?;
    let context = [("mark", mark.as_str()), ("strength", strength.as_str())];
    tell_of(&mut scoped, account, place, "session.complete", &[named(id)], &context).await?;
    revocation::commit(store, scoped).await?;
    Ok(token)
}

/// Notes that a factor was set up in this session, and given by that: what was begun without it goes on as one with it.
///
/// # Errors
/// [`StoreError::NotFound`], also while a factor is owed: that one is given by [`complete`].
pub async fn strengthen(
    store: &Store,
    account: AccountId,
    id: SessionId,
    strength: Strength,
) -> Result<Token, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let place = lock(&mut scoped, account, id).await?;
    let now = At(scoped.now());
    const SQL: &str = "UPDATE wordbond.session SET strength = $3, confirmed_at = $4
        WHERE account_id = $1 AND session_id = $2 AND NOT pending";
    let done = sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(strength.as_str())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    let (token, mark) = renew(&mut scoped, account, id, place).await?;
    let context = [("mark", mark.as_str()), ("strength", strength.as_str())];
    tell_of(&mut scoped, account, place, "session.strengthen", &[named(id)], &context).await?;
    revocation::commit(store, scoped).await?;
    Ok(token)
}

/// Moves a session to another team of its account.
///
/// # Errors
/// [`StoreError::NotFound`] when the account is no member there.
pub async fn switch(store: &Store, account: AccountId, id: SessionId, tenant: TenantId) -> Result<Token, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    lock(&mut scoped, account, id).await?;
    let person = member(&mut scoped, account, tenant).await?;
    const SQL: &str =
        "UPDATE wordbond.session SET tenant_id = $3, person_id = $4 WHERE account_id = $1 AND session_id = $2";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(tenant.uuid())
        .bind(person.uuid())
        .execute(scoped.conn())
        .await?;
    let place = Some((tenant, person));
    let (token, mark) = renew(&mut scoped, account, id, place).await?;
    tell_of(&mut scoped, account, place, "session.switch", &[named(id)], &[("mark", &mark)]).await?;
    revocation::commit(store, scoped).await?;
    Ok(token)
}

/// Makes a session older by moving its times back: so that a rehearsal need not wait. It can only shorten a life.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn age(store: &Store, account: AccountId, id: SessionId, by: Span) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let place = lock(&mut scoped, account, id).await?;
    const SQL: &str = "UPDATE wordbond.session SET created_at = created_at - make_interval(secs => $3),
            seen_at = seen_at - make_interval(secs => $3), confirmed_at = confirmed_at - make_interval(secs => $3),
            expires_at = expires_at - make_interval(secs => $3)
        WHERE account_id = $1 AND session_id = $2";
    // A thousand years are exact in a double.
    let seconds = f64::from(u32::try_from(by.as_secs()).unwrap_or(u32::MAX));
    sqlx::query(SQL).bind(account.uuid()).bind(id.uuid()).bind(seconds).execute(scoped.conn()).await?;
    tell_of(&mut scoped, account, place, "session.age", &[named(id)], &[]).await?;
    revocation::commit(store, scoped).await
}

/// Holds the session's row until the transaction ends, and says where it acts.
async fn lock(
    scoped: &mut Scoped,
    account: AccountId,
    id: SessionId,
) -> Result<Option<(TenantId, PersonId)>, StoreError> {
    const SQL: &str =
        "SELECT tenant_id, person_id FROM wordbond.session WHERE account_id = $1 AND session_id = $2 FOR UPDATE";
    let row = sqlx::query(SQL).bind(account.uuid()).bind(id.uuid()).fetch_optional(scoped.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let (tenant, person): (Option<Uuid>, Option<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
    Ok(tenant.map(TenantId::from).zip(person.map(PersonId::from)))
}

/// The new token with its mark, and what leads to it instead of what led to the old one.
async fn renew(
    scoped: &mut Scoped,
    account: AccountId,
    id: SessionId,
    place: Option<(TenantId, PersonId)>,
) -> Result<(Token, String), StoreError> {
    let token = Token::fresh(Form::Session)?;
    let lookup = Kind::Session.lookup(scoped.keys(), token.expose().as_bytes())?;
    sqlx::query("UPDATE wordbond.session SET token_hash = $3, csrf = $4 WHERE account_id = $1 AND session_id = $2")
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(lookup.as_slice())
        .bind(random()?.as_slice())
        .execute(scoped.conn())
        .await?;
    sign_in::remove(scoped, Kind::Session, &[id.uuid()]).await?;
    lead(scoped, account, place, id, &lookup).await?;
    Ok((token, sign_in::mark(&lookup)))
}
