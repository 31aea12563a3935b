//! Leaving a team, and being made to.

use super::{another_owner, lock, outranks, role_of};
use crate::{
    Scoped, Store, StoreError, audit, revocation, sessions,
    sign_in::{self, Kind},
    time::At,
    token::random,
};
use kernel::{AccountId, Actor, PersonId, TeamRole, TenantId};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// The tables that say with whom something is shared, each with the columns `tenant_id`, `owner_id` and `person_id`, and a
/// policy by which the person reads the grants to them. Whoever leaves a team is struck from all of them, on both sides.
pub const GRANTS: &[&str] = &["wordbond.note_grant", "wordbond.drawing_grant"];

/// Removes a member, or lets one leave: their tokens, their sessions in this team, their open invitations, and what they
/// shared or was shared with them, all in one transaction.
///
/// # Errors
/// [`StoreError::NotFound`] for who is not in the team; [`StoreError::Invalid`] for the last owner, and for removing somebody
/// above oneself.
pub async fn remove_member(store: &Store, tenant: TenantId, by: PersonId, person: PersonId) -> Result<(), StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    lock(&mut scoped).await?;
    let (own, theirs) = (role_of(&mut scoped, by).await?, role_of(&mut scoped, person).await?);
    outranks(own, theirs)?;
    if theirs == TeamRole::Owner {
        another_owner(&mut scoped, person).await?;
    }
    scoped.own_rows_of(Some(person)).await?;
    // First of all: whoever shares with them at this instant holds their row (see `is_member`), or waits and is refused. What
    // is ended below is then everything.
    let account = strike(&mut scoped, person).await?;
    end_tokens(&mut scoped, person).await?;
    end_invitations(&mut scoped, person).await?;
    for table in GRANTS {
        end_grants(&mut scoped, table, person).await?;
    }
    if let Some(account) = account {
        scoped.account_rows_of(Some(account)).await?;
        sessions::end_membership(&mut scoped, account, tenant, person).await?;
        sqlx::query("DELETE FROM wordbond.membership WHERE account_id = $1 AND tenant_id = $2")
            .bind(account.uuid())
            .bind(tenant.uuid())
            .execute(scoped.conn())
            .await?;
        scoped.account_rows_of(None).await?;
    }
    scoped.own_rows_of(Some(by)).await?;
    let action = if by == person { "member.leave" } else { "member.remove" };
    audit::note(&mut scoped, action, &[format!("person:{person}")], &[]).await?;
    revocation::commit(store, scoped).await
}

/// The row stays, because what they did stays told; but nobody finds it by the address any more. Of who has no account is kept
/// by which address they were found: no other way leads from it to them when its owner asks what is held, or to be erased.
async fn strike(scoped: &mut Scoped, person: PersonId) -> Result<Option<AccountId>, StoreError> {
    let (tenant, now) = (scoped.tenant(), At(scoped.now()));
    const SQL: &str = "UPDATE wordbond.person SET removed_at = $3, email_index = $4,
            former_index = CASE WHEN account_id IS NULL THEN email_index END
        WHERE tenant_id = $1 AND person_id = $2 RETURNING account_id";
    let account: Option<Uuid> = sqlx::query_scalar(SQL)
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(now)
        .bind(random()?.as_slice())
        .fetch_one(scoped.conn())
        .await?;
    Ok(account.map(AccountId::from))
}

/// Ends the API tokens of a person whose rows are in scope.
pub(crate) async fn end_tokens(scoped: &mut Scoped, person: PersonId) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    const SQL: &str = "DELETE FROM wordbond.token WHERE tenant_id = $1 AND person_id = $2 RETURNING token_id";
    let ended: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(person.uuid()).fetch_all(scoped.conn()).await?;
    sign_in::remove(scoped, Kind::Token, &ended).await
}

/// Takes back what a person whose rows are in scope has invited others with.
pub(crate) async fn end_invitations(scoped: &mut Scoped, person: PersonId) -> Result<(), StoreError> {
    let (tenant, now) = (scoped.tenant(), At(scoped.now()));
    const SQL: &str = "UPDATE wordbond.invitation SET revoked_at = $3
        WHERE tenant_id = $1 AND invited_by = $2 AND accepted_at IS NULL AND revoked_at IS NULL RETURNING invitation_id";
    let ended: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(person.uuid()).bind(now).fetch_all(scoped.conn()).await?;
    sign_in::remove(scoped, Kind::Invitation, &ended).await
}

/// Ends what was shared by a person and with them. Each grant is its owner's, so it is ended in each owner's scope.
async fn end_grants(scoped: &mut Scoped, table: &str, person: PersonId) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    scoped.own_rows_of(Some(person)).await?;
    let own = format!("DELETE FROM {table} WHERE tenant_id = $1 AND owner_id = $2");
    sqlx::query(AssertSqlSafe(own)).bind(tenant.uuid()).bind(person.uuid()).execute(scoped.conn()).await?;
    let sql = format!("SELECT DISTINCT owner_id FROM {table} WHERE tenant_id = $1 AND person_id = $2");
    let owners: Vec<Uuid> =
        sqlx::query_scalar(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(person.uuid()).fetch_all(scoped.conn()).await?;
    for owner in owners {
        scoped.own_rows_of(Some(PersonId::from(owner))).await?;
        let theirs = format!("DELETE FROM {table} WHERE tenant_id = $1 AND owner_id = $2 AND person_id = $3");
        sqlx::query(AssertSqlSafe(theirs))
            .bind(tenant.uuid())
            .bind(owner)
            .bind(person.uuid())
            .execute(scoped.conn())
            .await?;
    }
    Ok(())
}
