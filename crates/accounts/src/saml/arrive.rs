//! From what a provider says to an account here, or to none.

use super::{CONSENT_COOKIE, PATIENCE, acs::refused, consent::CONSENT, link_name, texts::EN};
use crate::{Accounts, entry::Entry};
use axum::{
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use ingress::{
    FormToken, cookie,
    problem::{Answer, internal},
    see_other,
};
use kernel::{AccountId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{StoreError, accounts, links, one_time, saml, sessions::Strength, team};

/// For whom a team's provider vouches.
#[derive(Serialize, Deserialize)]
pub(super) struct Vouched {
    /// The team.
    pub(super) tenant: TenantId,
    /// Who the provider is, and who they are to it.
    pub(super) subject: String,
    /// Their address, as the provider says; empty for none.
    pub(super) email: String,
    /// Their name, as the provider says; empty for none.
    pub(super) name: String,
    /// When they last proved to the provider who they are.
    pub(super) since: Timestamp,
}

/// Where an account stands to a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The team is its only one.
    Only,
    /// It is in other teams too.
    AmongOthers,
    /// It is not in the team, or the team is suspended.
    Elsewhere,
}

pub(super) async fn place(accounts: &Accounts, account: AccountId, tenant: TenantId) -> Answer<Place> {
    let memberships = team::memberships(accounts.store(), account).await?;
    let here = memberships.iter().any(|membership| membership.tenant == tenant && !membership.suspended);
    Ok(match (here, memberships.len()) {
        (true, 1) => Place::Only,
        (true, _) => Place::AmongOthers,
        (false, _) => Place::Elsewhere,
    })
}

/// Lets somebody in, or says why not.
pub(super) async fn arrive(
    accounts: &Accounts,
    token: &FormToken,
    headers: &HeaderMap,
    vouched: &Vouched,
) -> Answer<Response> {
    let store = accounts.store();
    if let Some(account) = links::find(store, &link_name(vouched.tenant), &vouched.subject).await? {
        return match place(accounts, account, vouched.tenant).await? {
            Place::Only => enter(accounts, account, vouched.since, headers).await,
            other => no_way(accounts, token, other).await,
        };
    }
    if vouched.email.is_empty() {
        return refused(accounts, token, StatusCode::FORBIDDEN, EN.refused, EN.no_email, None).await;
    }
    if let Some(account) = accounts::by_email(store, &vouched.email).await? {
        return match place(accounts, account.id, vouched.tenant).await? {
            Place::Only => ask_owner(accounts, vouched).await,
            other => no_way(accounts, token, other).await,
        };
    }
    let local = vouched.email.split('@').next().unwrap_or_default();
    let name = if vouched.name.trim().is_empty() { local } else { vouched.name.as_str() };
    match saml::join(store, vouched.tenant, &vouched.email, name).await {
        Ok(account) => {
            links::add(store, account, &link_name(vouched.tenant), &vouched.subject).await?;
            enter(accounts, account, vouched.since, headers).await
        }
        Err(StoreError::NotFound | StoreError::Taken(_)) => no_way(accounts, token, Place::Elsewhere).await,
        Err(other) => Err(other.into()),
    }
}

/// Who was signed in at the provider before is let in, but must show once more that it is them before what is dangerous.
async fn enter(accounts: &Accounts, account: AccountId, since: Timestamp, headers: &HeaderMap) -> Answer<Response> {
    let known = accounts::by_id(accounts.store(), account).await?.ok_or(StoreError::NotFound)?;
    // Who has a second factor here is asked for it, whatever the provider asked for.
    let pending = known.has_totp || known.has_passkeys;
    let entry = Entry { account, strength: Strength::Provider, pending, proved_at: Some(since), next: "" };
    entry.open(accounts, None, headers).await
}

async fn no_way(accounts: &Accounts, token: &FormToken, place: Place) -> Answer<Response> {
    let lead = if place == Place::AmongOthers { EN.several_teams } else { EN.not_invited };
    refused(accounts, token, StatusCode::FORBIDDEN, EN.refused, lead, None).await
}

/// The account was there before the provider spoke for it. Its owner signs in as they always did, and agrees.
async fn ask_owner(accounts: &Accounts, vouched: &Vouched) -> Answer<Response> {
    let payload = serde_json::to_string(vouched).map_err(internal)?;
    let grant = one_time::issue(accounts.store(), None, CONSENT, &payload, PATIENCE).await?;
    let mut response = see_other("/account/saml");
    response.headers_mut().append(SET_COOKIE, cookie::set(CONSENT_COOKIE, grant.expose(), Some(PATIENCE)));
    Ok(response)
}
