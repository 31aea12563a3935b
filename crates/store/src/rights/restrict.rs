//! Restriction: nobody but the person sees the notes and drawings that are theirs, and of what they left, in their account or
//! for a team that they are in, nothing runs out, until they lift it. What a team holds together, such as objectives, its
//! members see as before.

use super::{State, erase};
use crate::{Scoped, Store, StoreError, accounts, audit, operator_tenant, time::At};
use kernel::{AccountId, Actor, PersonId};
use uuid::Uuid;

/// Whether an account's data is restricted.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_on(store: &Store, account: AccountId) -> Result<bool, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str =
        "SELECT EXISTS (SELECT FROM wordbond.account WHERE account_id = $1 AND restricted_at IS NOT NULL)";
    Ok(sqlx::query_scalar(SQL).bind(account.uuid()).fetch_one(scoped.conn()).await?)
}

/// Puts a restriction on, for a case, or lifts it. A case that is not open any more, because it was taken back or refused
/// meanwhile, changes nothing.
///
/// # Errors
/// When the database refuses.
pub async fn set(store: &Store, account: AccountId, on: bool, case: Option<Uuid>) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    if let Some(case) = case
        && erase::state(&mut scoped, case).await?.as_deref() != Some(State::Open.word())
    {
        return Ok(());
    }
    write(&mut scoped, account, on).await?;
    let target: Vec<String> = case.iter().map(|case| format!("case:{case}")).collect();
    let action = if on { "rights.restrict" } else { "rights.lift" };
    audit::note(&mut scoped, action, &target, &[]).await?;
    scoped.commit().await
}

/// Lifts the restriction that a case put on, unless it was on before, or was asked for or granted besides. Yields whether it was
/// lifted, which is told then.
pub(super) async fn lift_of(scoped: &mut Scoped, account: AccountId, case: Uuid) -> Result<bool, StoreError> {
    // What was put on by another case later did not move the instant since which it is on, but is answered after it.
    const ALONE: &str = "SELECT a.restricted_at >= c.opened_at AND NOT EXISTS (
            SELECT FROM wordbond.rights_request AS r JOIN wordbond.rights_case AS o USING (case_id)
            WHERE r.account_id = a.account_id AND o.case_id <> c.case_id AND o.kind IN ('restriction', 'objection')
                AND (o.state = 'done' AND o.closed_at >= a.restricted_at OR o.kind = 'objection' AND o.closed_at IS NULL))
        FROM wordbond.account AS a, wordbond.rights_case AS c
        WHERE a.account_id = $1 AND c.case_id = $2 AND a.restricted_at IS NOT NULL";
    let alone: Option<bool> =
        sqlx::query_scalar(ALONE).bind(account.uuid()).bind(case).fetch_optional(scoped.conn()).await?;
    if alone != Some(true) {
        return Ok(false);
    }
    write(scoped, account, false).await?;
    audit::note(scoped, "rights.lift", &[format!("case:{case}")], &[]).await?;
    Ok(true)
}

/// Marks the account, and who they are in each of their teams. What is on already stays on since then. The scope is the
/// operator's again afterwards.
pub(super) async fn write(scoped: &mut Scoped, account: AccountId, on: bool) -> Result<(), StoreError> {
    let (since, actor) = (on.then(|| At(scoped.now())), scoped.actor().clone());
    const ACCOUNT: &str = "UPDATE wordbond.account
        SET restricted_at = CASE WHEN $2::timestamptz IS NOT NULL THEN coalesce(restricted_at, $2) END WHERE account_id = $1";
    sqlx::query(ACCOUNT).bind(account.uuid()).bind(since).execute(scoped.conn()).await?;
    for (tenant, person) in accounts::places(scoped, account).await? {
        scoped.enter(tenant, &Actor::Person { id: person }).await?;
        as_the_account(scoped, account, person).await?;
    }
    scoped.enter(operator_tenant(), &actor).await
}

/// Marks a person of the scope's team, whose rows are in scope, as their account is marked: whoever joins a team is restricted
/// in it too. The account's row is held, so that nobody is left out who joins while it is marked.
pub(crate) async fn as_the_account(
    scoped: &mut Scoped,
    account: AccountId,
    person: PersonId,
) -> Result<(), StoreError> {
    const SINCE: &str = "SELECT restricted_at FROM wordbond.account WHERE account_id = $1 FOR SHARE";
    let since: Option<Option<At>> =
        sqlx::query_scalar(SINCE).bind(account.uuid()).fetch_optional(scoped.conn()).await?;
    let tenant = scoped.tenant();
    sqlx::query("UPDATE wordbond.person SET restricted_at = $3 WHERE tenant_id = $1 AND person_id = $2")
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(since.flatten())
        .execute(scoped.conn())
        .await?;
    Ok(())
}
