//! Name and address: whoever changes them changes every copy there is.

use super::{TAKEN, password::found, place, places, tell};
use crate::{
    Scoped, Store, StoreError, audit, one_time,
    open::self_actor,
    operator_tenant,
    rights::{footprint, invitations},
    sign_in::{self, Kind, Whose},
    team::nobody,
    tenancy::{self, person_place, text},
    time::At,
};
use kernel::{AccountId, Actor, PersonId};
use sqlx::Row as _;
use uuid::Uuid;
use vault::Sealed;

/// Notes that the address has been proven.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_verified(store: &Store, account: AccountId) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str =
        "UPDATE wordbond.account SET email_verified_at = coalesce(email_verified_at, $2) WHERE account_id = $1";
    let now = At(scoped.now());
    let done = sqlx::query(SQL).bind(account.uuid()).bind(now).execute(scoped.conn()).await?;
    found(done.rows_affected())?;
    tell(&mut scoped, account, None, "account.verified", &[]).await?;
    scoped.commit().await
}

/// Changes the name: in the account, and in every team.
///
/// # Errors
/// [`StoreError::Invalid`], [`StoreError::NotFound`].
pub async fn set_name(store: &Store, account: AccountId, name: &str) -> Result<(), StoreError> {
    text("name", name, 200)?;
    let mut scoped = store.account_scope(account).await?;
    change(store, &mut scoped, account, Some(name.trim()), None).await?;
    scoped.commit().await
}

/// Changes the address to one that has been proven: in the account, in every team, those that were left included, and in every
/// index. Links that were sent to the old one are void, and invitations to it go: nobody could find them by the account again.
///
/// # Errors
/// [`StoreError::Taken`] when another account, or another person of one of the teams, has the address;
/// [`StoreError::Invalid`], [`StoreError::NotFound`].
pub async fn set_email(store: &Store, account: AccountId, email: &str) -> Result<(), StoreError> {
    tenancy::address(email)?;
    let mut scoped = store.account_scope(account).await?;
    change(store, &mut scoped, account, None, Some(email.trim())).await?;
    sign_in::remove(&mut scoped, Kind::Email, &[account.uuid()]).await?;
    let lookup = Kind::Email.lookup(store.keys(), email.as_bytes())?;
    sign_in::add(&mut scoped, Kind::Email, &lookup, account.uuid(), Whose::Account(account, None), TAKEN).await?;
    one_time::void_all(&mut scoped, account).await?;
    scoped.commit().await
}

/// Writes name and address anew, as one of them may have changed: both carry the row's version.
async fn change(
    store: &Store,
    scoped: &mut Scoped,
    account: AccountId,
    name: Option<&str>,
    email: Option<&str>,
) -> Result<(), StoreError> {
    const LOCK: &str = "SELECT name, email, version, email_verified_at IS NOT NULL AS verified FROM wordbond.account
        WHERE account_id = $1 FOR UPDATE";
    let row = sqlx::query(LOCK).bind(account.uuid()).fetch_optional(scoped.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let keys = scoped.keys().clone();
    let version: i64 = row.try_get("version")?;
    let (old, new) = (u64::try_from(version).unwrap_or_default(), u64::try_from(version + 1).unwrap_or_default());
    let value = |column: &'static str, given: Option<&str>| -> Result<String, StoreError> {
        match given {
            Some(given) => Ok(given.to_owned()),
            None => Ok(Sealed::from_bytes(row.try_get(column)?)?.open(&keys, &place(account, column, old))?),
        }
    };
    let former = if email.is_some() && row.try_get("verified")? { Some(value("email", None)?) } else { None };
    let former = former.filter(|former| email.is_some_and(|email| former.to_lowercase() != email.to_lowercase()));
    let (name, address) = (value("name", name)?, value("email", email)?);
    const SQL: &str = "UPDATE wordbond.account SET name = $2, email = $3, version = $4,
            email_verified_at = CASE WHEN $5 THEN $6 ELSE email_verified_at END
        WHERE account_id = $1";
    let now = At(scoped.now());
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(Sealed::seal(&keys, &place(account, "name", new), &name)?.as_bytes())
        .bind(Sealed::seal(&keys, &place(account, "email", new), &address)?.as_bytes())
        .bind(version + 1)
        .bind(email.is_some())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    let places = places(scoped, account).await?;
    let action = if email.is_some() { "account.email" } else { "account.name" };
    for (tenant, person) in &places {
        scoped.enter(*tenant, &Actor::Person { id: *person }).await?;
        rewrite(scoped, *person, &name, &address).await?;
        audit::note(scoped, action, &[format!("account:{account}"), format!("person:{person}")], &[]).await?;
    }
    left(store, scoped, account, &name, &address, former.as_deref()).await?;
    scoped.enter(operator_tenant(), &self_actor(account)).await?;
    if places.is_empty() {
        tell(scoped, account, None, action, &[]).await?;
    }
    Ok(())
}

/// Writes name and address in the teams that were left. In whichever team: deletes invitations to an address that the account
/// had proven and has no more, and notes whose it was where others put it down.
async fn left(
    store: &Store,
    scoped: &mut Scoped,
    account: AccountId,
    name: &str,
    email: &str,
    former: Option<&str>,
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = footprint::teams(store, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(*last);
        for tenant in page {
            scoped.enter(tenant, &Actor::Job { name: "address".to_owned() }).await?;
            scoped.own_rows_of(nobody().person()).await?;
            const LEFT: &str = "SELECT person_id FROM wordbond.person
                WHERE tenant_id = $1 AND account_id = $2 AND removed_at IS NOT NULL";
            let people: Vec<Uuid> =
                sqlx::query_scalar(LEFT).bind(tenant.uuid()).bind(account.uuid()).fetch_all(scoped.conn()).await?;
            for person in people.into_iter().map(PersonId::from) {
                scoped.own_rows_of(Some(person)).await?;
                rewrite(scoped, person, name, email).await?;
            }
            // A team that goes at this instant has no key any more, and no invitations.
            if let Some(former) = former
                && let Ok(index) = store.keys().blind_index(tenant)
            {
                let index = index.email(former);
                invitations::in_team(scoped, &index).await?;
                footprint::keep(scoped, account, &index).await?;
            }
        }
    }
}

/// Writes name and address of a person whose rows are in scope. Whoever has left is found by no address from then on.
pub(crate) async fn rewrite(scoped: &mut Scoped, person: PersonId, name: &str, email: &str) -> Result<(), StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const LOCK: &str = "SELECT version FROM wordbond.person WHERE tenant_id = $1 AND person_id = $2 FOR UPDATE";
    let version: Option<i64> =
        sqlx::query_scalar(LOCK).bind(tenant.uuid()).bind(person.uuid()).fetch_optional(scoped.conn()).await?;
    let next = version.ok_or(StoreError::NotFound)? + 1;
    let at = |column| person_place(tenant, person, column, u64::try_from(next).unwrap_or_default());
    const SQL: &str = "UPDATE wordbond.person SET name = $3, email = $4, version = $6,
            email_index = CASE WHEN removed_at IS NULL THEN $5 ELSE email_index END
        WHERE tenant_id = $1 AND person_id = $2";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(Sealed::seal(&keys, &at("name"), &name.to_owned())?.as_bytes())
        .bind(Sealed::seal(&keys, &at("email"), &email.to_owned())?.as_bytes())
        .bind(keys.blind_index(tenant)?.email(email).as_slice())
        .bind(next)
        .execute(scoped.conn())
        .await
        .map_err(|error| {
            if StoreError::is_duplicate(&error) {
                StoreError::Taken("somebody else in one of your teams has this address")
            } else {
                error.into()
            }
        })?;
    Ok(())
}
