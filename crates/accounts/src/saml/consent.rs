//! Consent: an account that was there before is opened to a team's provider by its owner only.

use super::{
    CONSENT_COOKIE,
    acs::refused,
    arrive::{Place, Vouched, place},
    link_name,
    texts::EN,
};
use crate::{
    Accounts,
    chrome::Frame,
    letters::{self, Topic},
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use ingress::{
    AccountCaller, FormToken, cookie,
    problem::{Answer, internal},
    see_other,
    session::LiveSession,
};
use store::{StoreError, accounts, links, one_time};
use ui::{Facts, Page};

/// For whom a provider vouched, while the owner of the account is asked.
pub(super) const CONSENT: &str = "saml-consent";

/// What is to be agreed to, if it is this account that it is about.
async fn pending(
    accounts: &Accounts,
    session: &LiveSession,
    headers: &HeaderMap,
    uses: bool,
) -> Answer<Option<Vouched>> {
    let store = accounts.store();
    let Some(grant) = cookie::get(headers, CONSENT_COOKIE) else { return Ok(None) };
    let taken =
        if uses { one_time::take(store, grant, CONSENT).await? } else { one_time::peek(store, grant, CONSENT).await? };
    let Some(taken) = taken else { return Ok(None) };
    let vouched: Vouched = serde_json::from_str(&taken.payload).map_err(internal)?;
    let account = accounts::by_id(store, session.account).await?;
    let theirs = account.is_some_and(|account| account.email.eq_ignore_ascii_case(&vouched.email));
    let only = theirs && place(accounts, session.account, vouched.tenant).await? == Place::Only;
    Ok(only.then_some(vouched))
}

/// GET /account/saml.
pub(super) async fn show(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    headers: HeaderMap,
) -> Answer<Response> {
    let Some(vouched) = pending(&accounts, &session, &headers, false).await? else {
        return refused(&accounts, &token, StatusCode::BAD_REQUEST, EN.refused, EN.late, None).await;
    };
    let provider = vouched.subject.split(' ').next().unwrap_or_default();
    let page = Page::new(EN.consent)
        .lead(EN.consent_lead)
        .add(Facts::new().fact(EN.provider, provider).fact(EN.email, &vouched.email))
        .add(ui::Form::post("/account/saml", token.as_str(), EN.consent_button));
    Frame { accounts: &accounts, session: Some(&session), token: &token, path: "/account" }.show(&page).await
}

/// POST /account/saml.
pub(super) async fn agree(
    State(accounts): State<Accounts>,
    AccountCaller(session): AccountCaller,
    token: FormToken,
    headers: HeaderMap,
) -> Answer<Response> {
    let Some(vouched) = pending(&accounts, &session, &headers, true).await? else {
        return refused(&accounts, &token, StatusCode::BAD_REQUEST, EN.refused, EN.late, None).await;
    };
    let store = accounts.store();
    let name = link_name(vouched.tenant);
    // The team has changed its provider, or who one is to it.
    match links::remove(store, session.account, &name).await {
        Ok(()) | Err(StoreError::NotFound) => {}
        Err(other) => return Err(other.into()),
    }
    match links::add(store, session.account, &name, &vouched.subject).await {
        Ok(_) => {
            let provider = vouched.subject.split(' ').next().unwrap_or_default();
            letters::to_owner(&accounts, session.account, &Topic::Linked(provider)).await?;
        }
        Err(StoreError::Taken(_)) => {
            return refused(&accounts, &token, StatusCode::CONFLICT, EN.refused, EN.taken, None).await;
        }
        Err(other) => return Err(other.into()),
    }
    let mut response = see_other("/account");
    response.headers_mut().append(SET_COOKIE, cookie::clear(CONSENT_COOKIE));
    Ok(response)
}
