//! How somebody who was invited comes in through a team's identity provider.

use crate::{
    Store, StoreError,
    accounts::{self, Account, NewAccount, insert, places, subject, tell},
    operator_tenant,
    sign_in::{self, Kind, Whose},
    team,
    tenancy::{self, text},
};
use kernel::{AccountId, TenantId};

const TAKEN: &str = "this address has an account already";

/// Makes an account for somebody who was invited, whose address the team's identity provider vouches for, and who has none
/// yet. They are a member of that team and of no other, with the role of the invitation, and have no password. What a team's
/// provider says counts in that team only: to everybody else the address is not proven.
///
/// # Errors
/// [`StoreError::Taken`] when the address has an account that anything else leads to; [`StoreError::NotFound`] when it has no
/// open invitation.
pub async fn join(store: &Store, tenant: TenantId, email: &str, name: &str) -> Result<AccountId, StoreError> {
    text("name", name, 200)?;
    tenancy::address(email)?;
    let invitation = team::invited(store, tenant, email).await?.ok_or(StoreError::NotFound)?;
    let known = match accounts::by_email(store, email).await? {
        // Left over from an attempt that was cut short, or from a team that was left: nothing leads to it, and it to nothing.
        Some(known) if is_bare(store, &known).await? => known,
        Some(_) => return Err(StoreError::Taken(TAKEN)),
        None => {
            let made = create(store, email, name).await?;
            accounts::by_id(store, made).await?.ok_or(StoreError::NotFound)?
        }
    };
    team::accept_invited(store, tenant, invitation, &known, None).await?;
    Ok(known.id)
}

/// Whether nobody can come into an account, and it is in no team.
async fn is_bare(store: &Store, account: &Account) -> Result<bool, StoreError> {
    if account.password_hash.is_some() || account.has_totp || account.has_passkeys {
        return Ok(false);
    }
    let mut scoped = store.account_scope(account.id).await?;
    let linked: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM wordbond.provider_link WHERE account_id = $1)")
        .bind(account.id.uuid())
        .fetch_one(scoped.conn())
        .await?;
    Ok(!linked && places(&mut scoped, account.id).await?.is_empty())
}

async fn create(store: &Store, email: &str, name: &str) -> Result<AccountId, StoreError> {
    let account = AccountId::new();
    let lookup = Kind::Email.lookup(store.keys(), email.as_bytes())?;
    store.keys().create(operator_tenant(), subject(account))?;
    let mut scoped = store.account_scope(account).await?;
    sign_in::add(&mut scoped, Kind::Email, &lookup, account.uuid(), Whose::Account(account, None), TAKEN).await?;
    let new = NewAccount { name, email, password_hash: None, team: "", verified: false };
    insert(&mut scoped, account, new).await?;
    tell(&mut scoped, account, None, "account.create", &[("by", "saml")]).await?;
    scoped.commit().await?;
    Ok(account)
}
