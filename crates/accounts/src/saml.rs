//! Signing in over SAML 2.0, by the identity provider of a team.
//!
//! What a team's provider says counts in that team only. It lets people in who were invited to the team and have no account
//! yet, and people whose account says so; and it enters an account only as long as this team is its only one, since whoever
//! administers a team chooses its provider. Nobody becomes a member by SAML alone.

mod acs;
mod arrive;
mod consent;
pub mod control;
mod settings;
mod start;
mod texts;

use crate::Accounts;
use ::saml::Sp;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use ingress::{
    Auth, Limit, Policy, Route, RouteTable,
    policy::{Fails, Proof},
    problem::Answer,
};
use kernel::{Actor, Permission, Span, TenantId};
use store::{StoreError, saml::Idp};
use uuid::Uuid;

/// The cookie that ties an answer to the browser that asked. Other than all others it comes along when another site posts:
/// an answer is posted by the provider's page.
pub const REQUEST_COOKIE: &str = "__Host-saml";
/// The cookie that remembers, while somebody signs in as they always did, for whom a provider vouched.
pub const CONSENT_COOKIE: &str = "__Host-saml-link";
/// How long somebody may take at the provider, and to agree.
const PATIENCE: Span = Span::minutes(10);
/// The largest form here but answers and metadata.
const SMALL: usize = 8 * 1024;
/// The largest answer or metadata, as a form carries it.
const LARGE: usize = 768 * 1024;
/// An office of people signs in at nine o'clock from one address.
const LIMIT: Limit = Limit { per_minute: 600, burst: 600, fails: Fails::Closed };

/// The routes of SAML.
#[must_use]
pub fn routes(accounts: &Accounts) -> RouteTable {
    let open = |policy: Policy| policy.limited(LIMIT);
    let own = Auth::Person(Permission::TeamOwn);
    // An answer carries its own proof, and comes from another site by design.
    let answer = Policy::form(Auth::Visitor, LARGE).proven_by(Proof::Carried);
    RouteTable::new([
        Route::get_with("/saml/{tenant}/metadata", open(Policy::page(Auth::Public)), metadata, accounts),
        Route::post_with("/saml/{tenant}/acs", open(answer), acs::answer, accounts),
        Route::get_with("/sign-in/saml", open(Policy::page(Auth::Visitor)), start::show, accounts),
        Route::post_with("/sign-in/saml", open(Policy::form(Auth::Visitor, SMALL)), start::start, accounts),
        Route::post_with("/sign-in/saml/continue", open(Policy::form(Auth::Visitor, SMALL)), acs::go_on, accounts),
        Route::get_with("/account/saml", Policy::page(Auth::Account), consent::show, accounts),
        Route::post_with("/account/saml", Policy::form(Auth::Account, SMALL).fresh(), consent::agree, accounts),
        Route::get_with("/team/saml", Policy::page(own), settings::show, accounts),
        Route::post_with("/team/saml", Policy::form(own, LARGE).fresh(), settings::set, accounts),
        Route::post_with("/team/saml/remove", Policy::form(own, SMALL).fresh(), settings::remove, accounts),
    ])
}

/// GET /saml/{tenant}/metadata. It follows from the address alone, and so tells of no team whether it exists.
async fn metadata(State(accounts): State<Accounts>, Path(tenant): Path<Uuid>) -> Answer<Response> {
    let kind = HeaderValue::from_static("application/samlmetadata+xml");
    Ok(([(CONTENT_TYPE, kind)], service(&accounts, tenant.into()).metadata()).into_response())
}

/// What we are to the provider of a team.
fn service(accounts: &Accounts, tenant: TenantId) -> Sp {
    Sp {
        entity_id: accounts.link(&format!("/saml/{tenant}/metadata")),
        acs_url: accounts.link(&format!("/saml/{tenant}/acs")),
    }
}

/// The provider of a team, if it has one that is enabled.
async fn provider(accounts: &Accounts, tenant: TenantId) -> Result<Option<Idp>, StoreError> {
    let mut scoped = accounts.store().scoped(tenant, &Actor::Visitor).await?;
    Ok(store::saml::get(&mut scoped).await?.filter(|idp| idp.enabled))
}

/// By which name a team's provider stands in the links of an account.
fn link_name(tenant: TenantId) -> String {
    format!("saml.{tenant}")
}
