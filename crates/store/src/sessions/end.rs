//! Ending sessions.

use super::{Lifetimes, named};
use crate::{
    Role, Scoped, Store, StoreError,
    accounts::{tell, tell_of},
    audit, operator_tenant, revocation,
    sign_in::{self, Kind},
    time::At,
};
use kernel::{AccountId, Actor, PersonId, SessionId, TenantId, Timestamp};
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;

/// Ends one session of an account.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn revoke(store: &Store, account: AccountId, id: SessionId) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str =
        "DELETE FROM wordbond.session WHERE account_id = $1 AND session_id = $2 RETURNING tenant_id, person_id";
    let row = sqlx::query(SQL).bind(account.uuid()).bind(id.uuid()).fetch_optional(scoped.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let (tenant, person): (Option<Uuid>, Option<Uuid>) = (row.try_get(0)?, row.try_get(1)?);
    sign_in::remove(&mut scoped, Kind::Session, &[id.uuid()]).await?;
    let place = tenant.map(TenantId::from).zip(person.map(PersonId::from));
    tell_of(&mut scoped, account, place, "session.revoke", &[named(id)], &[]).await?;
    revocation::commit(store, scoped).await
}

/// Ends every session of an account but one. Yields how many.
///
/// # Errors
/// When the database cannot be asked.
pub async fn revoke_all(store: &Store, account: AccountId, except: Option<SessionId>) -> Result<u64, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let ended = end_all(&mut scoped, account, except).await?;
    tell(&mut scoped, account, None, "session.revoke-all", &[]).await?;
    revocation::commit(store, scoped).await?;
    Ok(ended)
}

/// Ends every session of somebody's account as one of the operator's people, whom the event names. Why is for the person to
/// read and not for the log, which outlives them. Yields how many.
///
/// # Errors
/// When the database cannot be asked.
pub async fn revoke_all_by(store: &Store, account: AccountId, admin: AccountId) -> Result<u64, StoreError> {
    let mut scoped = store.scope_of(operator_tenant(), &Actor::Operator, Some(account)).await?;
    let ended = end_all(&mut scoped, account, None).await?;
    let targets = [format!("account:{account}"), format!("account:{admin}")];
    audit::note(&mut scoped, "session.revoke-all", &targets, &[("sessions", &ended.to_string())]).await?;
    revocation::commit(store, scoped).await?;
    Ok(ended)
}

/// Ends the sessions of the account in scope, in the caller's transaction.
pub(crate) async fn end_all(
    scoped: &mut Scoped,
    account: AccountId,
    except: Option<SessionId>,
) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM wordbond.session
        WHERE account_id = $1 AND session_id IS DISTINCT FROM $2 RETURNING session_id";
    let ended: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(account.uuid()).bind(except.map(SessionId::uuid)).fetch_all(scoped.conn()).await?;
    sign_in::remove(scoped, Kind::Session, &ended).await?;
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}

/// Ends the sessions of the account in scope that act as one person, in the caller's transaction.
pub(crate) async fn end_membership(
    scoped: &mut Scoped,
    account: AccountId,
    tenant: TenantId,
    person: PersonId,
) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM wordbond.session
        WHERE account_id = $1 AND tenant_id = $2 AND person_id = $3 RETURNING session_id";
    let ended: Vec<Uuid> = sqlx::query_scalar(SQL)
        .bind(account.uuid())
        .bind(tenant.uuid())
        .bind(person.uuid())
        .fetch_all(scoped.conn())
        .await?;
    sign_in::remove(scoped, Kind::Session, &ended).await
}

/// Clears away what nobody can use any more.
pub(crate) async fn clear_expired(scoped: &mut Scoped, account: AccountId, now: Timestamp) -> Result<(), StoreError> {
    let gone: Vec<Uuid> = sqlx::query_scalar(
        "DELETE FROM wordbond.session WHERE account_id = $1 AND expires_at <= $2 RETURNING session_id",
    )
    .bind(account.uuid())
    .bind(At(now))
    .fetch_all(scoped.conn())
    .await?;
    sign_in::remove(scoped, Kind::Session, &gone).await
}

/// What the rows of all sessions say about how long they live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// How many have not reached their end.
    pub sessions: u64,
    /// How many of them would live longer than the absolute lifetime.
    pub beyond: u64,
    /// How many of them began or were used in the future.
    pub ahead: u64,
    /// How many of them have the secret of their form tokens in common with another.
    pub shared: u64,
    /// How many of them were last used at the same microsecond as those of two or more other accounts: no request does that.
    pub together: u64,
}

/// Counts every account's sessions, as the backup reads them: whether any is promised a longer life than `lifetimes` gives.
///
/// # Errors
/// When the database cannot be asked.
pub async fn census(store: &Store, lifetimes: Lifetimes, now: Timestamp) -> Result<Census, StoreError> {
    const SQL: &str = "SELECT count(*), count(*) FILTER (WHERE expires_at > created_at + make_interval(secs => $2)),
            count(*) FILTER (WHERE greatest(created_at, seen_at, confirmed_at) > $1 + interval '1 minute'),
            count(*) - count(DISTINCT csrf),
            (SELECT coalesce(sum(n), 0)::bigint FROM (
                SELECT count(*) AS n FROM wordbond.session WHERE expires_at > $1
                GROUP BY seen_at HAVING count(DISTINCT account_id) > 2) AS t)
        FROM wordbond.session WHERE expires_at > $1";
    let mut backup = store.connect_as(Role::Backup).await?;
    let absolute = f64::from(u32::try_from(lifetimes.absolute.as_secs()).unwrap_or(u32::MAX));
    let row = sqlx::query(SQL).bind(At(now)).bind(absolute).fetch_one(&mut backup).await?;
    backup.close().await?;
    let count =
        |at: usize| -> Result<u64, StoreError> { Ok(u64::try_from(row.try_get::<i64, _>(at)?).unwrap_or_default()) };
    Ok(Census { sessions: count(0)?, beyond: count(1)?, ahead: count(2)?, shared: count(3)?, together: count(4)? })
}
