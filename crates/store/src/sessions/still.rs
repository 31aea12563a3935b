//! Whether somebody who was let in still may be, for what outlives the request that opened it.

use super::Lifetimes;
use crate::{Store, StoreError, tenancy, time::At};
use kernel::{AccountId, Actor, PersonId, SessionId, TeamRole, TenantId, Timestamp};
use sqlx::Row as _;

/// Somebody as they were let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
    /// What they are in it.
    pub role: TeamRole,
    /// The account and the session of it by which they came, where they came by one of ours.
    pub session: Option<(AccountId, SessionId)>,
}

/// Whether the membership, its role and the session are as they were, and the team is not suspended.
///
/// # Errors
/// When the database cannot be asked.
pub async fn still(
    store: &Store,
    standing: Standing,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Standing { tenant, person, role, session } = standing;
    let actor = Actor::Person { id: person };
    let mut scoped = store.scope_of(tenant, &actor, session.map(|(account, _)| account)).await?;
    const MEMBER: &str =
        "SELECT p.role FROM wordbond.person AS p JOIN wordbond.tenant AS t ON t.tenant_id = p.tenant_id
        WHERE p.tenant_id = $1 AND p.person_id = $2 AND p.removed_at IS NULL AND t.suspended_at IS NULL";
    let row = sqlx::query(MEMBER).bind(tenant.uuid()).bind(person.uuid()).fetch_optional(scoped.conn()).await?;
    let Some(row) = row else { return Ok(false) };
    if tenancy::role(row.try_get(0)?)? != role {
        return Ok(false);
    }
    let Some((account, session)) = session else { return Ok(true) };
    // A session that has moved on to another team is no longer in this one.
    const SESSION: &str = "SELECT created_at, seen_at, expires_at FROM wordbond.session
        WHERE account_id = $1 AND session_id = $2 AND tenant_id = $3 AND person_id = $4 AND NOT pending";
    let row = sqlx::query(SESSION)
        .bind(account.uuid())
        .bind(session.uuid())
        .bind(tenant.uuid())
        .bind(person.uuid())
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(false) };
    let (created, seen, expires) = (row.try_get::<At, _>(0)?.0, row.try_get::<At, _>(1)?.0, row.try_get::<At, _>(2)?.0);
    Ok(super::is_within(created, seen, expires, lifetimes, now))
}
