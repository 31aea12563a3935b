//! Back from the provider.
//!
//! This GET is the one that opens a session, because the protocol has it so. A program that opens links cannot use it: the
//! code counts once, and only together with the cookie of the browser that set out.

use super::{
    COOKIE, PATIENCE,
    consent::{self, Vouched},
    link_name,
    start::{PURPOSE, Trip, unreachable},
    texts::EN,
};
use crate::{Accounts, entry::Entry, team::view::Viewer};
use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header::SET_COOKIE},
    response::Response,
};
use identity::oidc::{Callback, Identity};
use ingress::{
    cookie,
    problem::{Answer, internal},
};
use kernel::{AccountId, Problem};
use serde::Deserialize;
use store::{accounts, links, one_time, sessions::Strength};
use ui::{Links, Notice, Page};

/// What the provider sends along.
#[derive(Deserialize)]
pub(super) struct Sent {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

/// GET /sign-in/with/{provider}/callback.
pub(super) async fn callback(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    Path(name): Path<String>,
    headers: HeaderMap,
    Query(sent): Query<Sent>,
) -> Answer<Response> {
    let Some((trip, identity)) = identified(&accounts, &name, &headers, &sent).await? else {
        return refused(&accounts, &viewer, StatusCode::BAD_REQUEST, EN.refused, EN.refused_lead).await;
    };
    let mut response = arrived(&accounts, &viewer, &headers, &name, trip, identity).await?;
    response.headers_mut().append(SET_COOKIE, cookie::clear(COOKIE));
    Ok(response)
}

/// Whom the provider vouches for, if everything fits: the trip of this browser, the provider it went to, state, code, proof
/// and token. What does not fit is one answer, whatever it was.
async fn identified(
    accounts: &Accounts,
    name: &str,
    headers: &HeaderMap,
    sent: &Sent,
) -> Answer<Option<(Trip, Identity)>> {
    let Some(known) = accounts.settings().providers.get(name) else { return Ok(None) };
    let Some(token) = cookie::get(headers, COOKIE) else { return Ok(None) };
    let Some(taken) = one_time::take(accounts.store(), token, PURPOSE).await? else { return Ok(None) };
    let trip: Trip = serde_json::from_str(&taken.payload).map_err(internal)?;
    if trip.provider != name {
        return Ok(None);
    }
    let provider = known.found().await.map_err(unreachable)?;
    let callback = Callback {
        code: sent.code.as_deref(),
        state: sent.state.as_deref(),
        iss: sent.iss.as_deref(),
        error: sent.error.as_deref(),
    };
    match provider.finish(&callback, &trip.pending, accounts.now()).await {
        Ok(identity) => Ok(Some((trip, identity))),
        Err(error) => {
            tracing::info!(provider = name, cause = %error, "a sign-in through a provider was refused");
            Ok(None)
        }
    }
}

async fn arrived(
    accounts: &Accounts,
    viewer: &Viewer,
    headers: &HeaderMap,
    name: &str,
    trip: Trip,
    identity: Identity,
) -> Answer<Response> {
    let store = accounts.store();
    let owner = links::find(store, &link_name(&identity.issuer), &identity.subject).await?;
    if let Some(link) = trip.link {
        // Linked for the account that set out, and only while it is the one that is signed in.
        let same = viewer.session.as_ref().filter(|session| session.account == link && !session.pending);
        return match (same, owner) {
            (Some(_), None) => consent::ask_to_link(accounts, viewer, link, &Vouched::of(identity)).await,
            _ => refused(accounts, viewer, StatusCode::CONFLICT, EN.taken, EN.taken_lead).await,
        };
    }
    if let Some(account) = owner {
        return enter(accounts, viewer, account, headers, &trip.next).await;
    }
    let Some(email) = identity.email.clone().filter(|_| identity.email_verified) else {
        return refused(accounts, viewer, StatusCode::FORBIDDEN, EN.unproven, EN.unproven_lead).await;
    };
    if accounts::by_email(store, &email).await?.is_some() {
        // Somebody has an account with this address. That the provider says so too is no consent of theirs.
        return refused(accounts, viewer, StatusCode::CONFLICT, EN.exists, EN.exists_lead).await;
    }
    consent::ask_to_sign_up(accounts, viewer, name, &Vouched::of(identity)).await
}

/// Opens a session for somebody whom a provider vouched for. A second factor that the account has is owed all the same.
pub(super) async fn enter(
    accounts: &Accounts,
    viewer: &Viewer,
    account: AccountId,
    headers: &HeaderMap,
    next: &str,
) -> Answer<Response> {
    let found = accounts::by_id(accounts.store(), account).await?.ok_or_else(Problem::not_found)?;
    let pending = found.has_totp || found.has_passkeys;
    let entry = Entry { account, strength: Strength::Provider, pending, proved_at: None, next };
    entry.open(accounts, viewer.session.as_ref(), headers).await
}

/// A page that says why it goes no further.
pub(super) async fn refused(
    accounts: &Accounts,
    viewer: &Viewer,
    status: StatusCode,
    title: &str,
    lead: &str,
) -> Answer<Response> {
    let back =
        if viewer.session.is_some() { ("/account/security", EN.to_account) } else { ("/sign-in", EN.to_sign_in) };
    let page = Page::new(title).add(Notice::warning(title, lead)).add(Links::new().link(back.0, back.1));
    viewer.show(accounts, "/sign-in", status, &page).await
}

/// How long consent may take.
pub(super) const CONSENT: kernel::Span = PATIENCE;
