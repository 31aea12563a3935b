//! The admin area: for those who run the service. Whoever is not on the list finds nothing here. Teams are shown without
//! their content; to see who is in one takes a look, which needs a reason, ends by itself, and is told to the team. Whoever's
//! account is in wrong hands can be signed out everywhere.

pub mod allowlist;
mod looks;
mod sessions;
mod teams;
pub mod texts;

use crate::Accounts;
use axum::{handler::Handler, http::Method};
use ingress::{Auth, Policy, Route, RouteTable};
use kernel::Span;
use serde::Deserialize;

/// How long a look lasts at most.
pub const LOOK: Span = Span::minutes(30);
/// The largest form here: a reason and a token.
const SMALL: usize = 4 * 1024;

/// The routes of the admin area.
#[must_use]
pub fn routes(accounts: &Accounts) -> RouteTable {
    let (page, form) = (Policy::page(Auth::Admin), Policy::form(Auth::Admin, SMALL).fresh());
    let a = accounts;
    RouteTable::new([
        route(a, Method::GET, "/admin", page, teams::list),
        route(a, Method::GET, "/admin/teams/{id}", page, teams::show),
        route(a, Method::POST, "/admin/teams/{id}/suspend", form, teams::suspend),
        route(a, Method::POST, "/admin/teams/{id}/resume", form, teams::resume),
        route(a, Method::POST, "/admin/teams/{id}/look", form, looks::begin),
        route(a, Method::GET, "/admin/looks/{id}", page, looks::show),
        route(a, Method::GET, "/admin/sessions", page, sessions::show),
        route(a, Method::POST, "/admin/sessions/end", form, sessions::end),
        route(a, Method::POST, "/admin/looks/{id}/end", Policy::form(Auth::Admin, SMALL), looks::end),
    ])
}

fn route<H, T>(accounts: &Accounts, method: Method, path: &'static str, policy: Policy, handler: H) -> Route
where
    H: Handler<T, Accounts>,
    T: 'static,
{
    Route::with_state(method, path, policy, handler, accounts.clone())
}

/// Why somebody acts.
#[derive(Deserialize)]
pub(crate) struct Why {
    reason: String,
}
