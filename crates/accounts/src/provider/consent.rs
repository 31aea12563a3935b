//! Consent: nobody's account is opened to a provider unless its owner says so here.

use super::{
    callback::{CONSENT, enter, refused},
    link_name,
    texts::EN,
};
use crate::{
    Accounts,
    letters::{self, Topic},
    team::view::Viewer,
};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use identity::oidc::Identity;
use ingress::{
    form::Form,
    gate::AccountCaller,
    problem::{Answer, internal},
    reply::see_other,
};
use kernel::AccountId;
use serde::{Deserialize, Serialize};
use store::{
    StoreError,
    accounts::{self, NewAccount},
    links, one_time,
};
use ui::{Facts, Field, Form as Sheet, Page};

const LINK: &str = "provider-link";
const SIGN_UP: &str = "provider-sign-up";

/// What a provider vouched for, while its subject is asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Vouched {
    issuer: String,
    subject: String,
    email: String,
    name: String,
}

impl Vouched {
    pub(super) fn of(identity: Identity) -> Self {
        Self {
            issuer: identity.issuer,
            subject: identity.subject,
            email: identity.email.unwrap_or_default(),
            name: identity.name.unwrap_or_default(),
        }
    }
}

/// The page that asks the owner of an account.
pub(super) async fn ask_to_link(
    accounts: &Accounts,
    viewer: &Viewer,
    account: AccountId,
    vouched: &Vouched,
) -> Answer<Response> {
    let owner = accounts::by_id(accounts.store(), account).await?;
    if !owner.is_some_and(|owner| owner.verified) {
        return refused(accounts, viewer, StatusCode::FORBIDDEN, EN.unproven, EN.unproven_account).await;
    }
    let payload = serde_json::to_string(vouched).map_err(internal)?;
    let grant = one_time::issue(accounts.store(), Some(account), LINK, &payload, CONSENT).await?;
    let title = accounts.settings().providers.title_of(&vouched.issuer);
    let page = Page::new(EN.link)
        .lead(EN.link_lead)
        .add(Facts::new().fact(EN.provider, title).fact(EN.email, &vouched.email))
        .add(
            Sheet::post("/account/links", viewer.csrf(), EN.link_submit).field(Field::hidden("grant", grant.expose())),
        );
    viewer.show(accounts, "/account/security", StatusCode::OK, &page).await
}

/// The page that asks somebody whom nobody here knows yet.
pub(super) async fn ask_to_sign_up(
    accounts: &Accounts,
    viewer: &Viewer,
    provider: &str,
    vouched: &Vouched,
) -> Answer<Response> {
    let payload = serde_json::to_string(vouched).map_err(internal)?;
    let grant = one_time::issue(accounts.store(), None, SIGN_UP, &payload, CONSENT).await?;
    let page = sign_up_page(accounts, provider, grant.expose(), vouched, viewer, None);
    viewer.show(accounts, "/sign-in", StatusCode::OK, &page).await
}

fn sign_up_page(
    accounts: &Accounts,
    provider: &str,
    grant: &str,
    vouched: &Vouched,
    viewer: &Viewer,
    error: Option<String>,
) -> Page {
    let title = accounts.settings().providers.title_of(&vouched.issuer);
    let form = Sheet::post(format!("/sign-in/with/{provider}/new"), viewer.csrf(), EN.sign_up_submit)
        .field(Field::hidden("grant", grant))
        .field(Field::text("name", EN.name).value(vouched.name.as_str()).autocomplete("name").longest(200))
        .field(Field::text("team", EN.team).autocomplete("organization").longest(200));
    Page::new(EN.sign_up)
        .lead(EN.sign_up_lead)
        .error(error)
        .add(Facts::new().fact(EN.provider, title).fact(EN.email, &vouched.email))
        .add(form)
}

/// What was agreed to.
#[derive(Deserialize)]
pub(super) struct Agreed {
    grant: String,
}

/// POST /account/links.
pub(super) async fn link(
    State(accounts): State<Accounts>,
    caller: AccountCaller,
    viewer: Viewer,
    Form(agreed): Form<Agreed>,
) -> Answer<Response> {
    let store = accounts.store();
    let taken = one_time::take(store, &agreed.grant, LINK).await?.filter(|taken| taken.account == Some(caller.account));
    let Some(taken) = taken else {
        return refused(&accounts, &viewer, StatusCode::BAD_REQUEST, EN.refused, EN.refused_lead).await;
    };
    let vouched: Vouched = serde_json::from_str(&taken.payload).map_err(internal)?;
    match links::add(store, caller.account, &link_name(&vouched.issuer), &vouched.subject).await {
        Ok(_) => {
            let title = accounts.settings().providers.title_of(&vouched.issuer);
            letters::to_owner(&accounts, caller.account, &Topic::Linked(&title)).await?;
            Ok(see_other("/account/security"))
        }
        Err(StoreError::Taken(_)) => refused(&accounts, &viewer, StatusCode::CONFLICT, EN.taken, EN.taken_lead).await,
        Err(other) => Err(other.into()),
    }
}

/// Who somebody new is.
#[derive(Deserialize)]
pub(super) struct Newcomer {
    grant: String,
    name: String,
    team: String,
}

/// POST /sign-in/with/{provider}/new.
pub(super) async fn sign_up(
    State(accounts): State<Accounts>,
    viewer: Viewer,
    Path(provider): Path<String>,
    headers: HeaderMap,
    Form(new): Form<Newcomer>,
) -> Answer<Response> {
    let store = accounts.store();
    // Looked at before it is used up, so that a name that is not accepted can be mended.
    let Some(held) = one_time::peek(store, &new.grant, SIGN_UP).await? else {
        return refused(&accounts, &viewer, StatusCode::BAD_REQUEST, EN.refused, EN.refused_lead).await;
    };
    let vouched: Vouched = serde_json::from_str(&held.payload).map_err(internal)?;
    let account =
        NewAccount { name: &new.name, email: &vouched.email, password_hash: None, team: &new.team, verified: true };
    if new.name.trim().is_empty() || new.team.trim().is_empty() {
        let page = sign_up_page(&accounts, &provider, &new.grant, &vouched, &viewer, Some(EN.missing.to_owned()));
        return viewer.show(&accounts, "/sign-in", StatusCode::UNPROCESSABLE_ENTITY, &page).await;
    }
    if one_time::take(store, &new.grant, SIGN_UP).await?.is_none() {
        return refused(&accounts, &viewer, StatusCode::BAD_REQUEST, EN.refused, EN.refused_lead).await;
    }
    let signed_up = match accounts::sign_up(store, account).await {
        Ok(signed_up) => signed_up,
        Err(StoreError::Taken(_)) => {
            return refused(&accounts, &viewer, StatusCode::CONFLICT, EN.exists, EN.exists_lead).await;
        }
        Err(other) => return Err(other.into()),
    };
    links::add(store, signed_up.account, &link_name(&vouched.issuer), &vouched.subject).await?;
    enter(&accounts, &viewer, signed_up.account, &headers, "").await
}
