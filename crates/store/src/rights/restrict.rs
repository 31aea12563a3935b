//! Restriction: nobody but the person sees what they uploaded, and nothing of theirs runs out, until they lift it.

use crate::{Scoped, Store, StoreError, accounts, audit, operator_tenant, time::At};
use kernel::{AccountId, Actor};
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

/// Puts a restriction on, for a case, or lifts it.
///
/// # Errors
/// When the database refuses.
pub async fn set(store: &Store, account: AccountId, on: bool, case: Option<Uuid>) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    write(&mut scoped, account, on).await?;
    let target: Vec<String> = case.iter().map(|case| format!("case:{case}")).collect();
    let action = if on { "rights.restrict" } else { "rights.lift" };
    audit::note(&mut scoped, action, &target, &[]).await?;
    scoped.commit().await
}

/// Marks the account, and who they are in each of their teams. The scope is the operator's again afterwards.
pub(super) async fn write(scoped: &mut Scoped, account: AccountId, on: bool) -> Result<(), StoreError> {
    let (since, actor) = (on.then(|| At(scoped.now())), scoped.actor().clone());
    sqlx::query("UPDATE wordbond.account SET restricted_at = $2 WHERE account_id = $1")
        .bind(account.uuid())
        .bind(since)
        .execute(scoped.conn())
        .await?;
    for (tenant, person) in accounts::places(scoped, account).await? {
        scoped.enter(tenant, &Actor::Person { id: person }).await?;
        sqlx::query("UPDATE wordbond.person SET restricted_at = $3 WHERE tenant_id = $1 AND person_id = $2")
            .bind(tenant.uuid())
            .bind(person.uuid())
            .bind(since)
            .execute(scoped.conn())
            .await?;
    }
    scoped.enter(operator_tenant(), &actor).await
}
