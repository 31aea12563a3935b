//! Teams: who is in one, who may come in, who may do what, and what was done.

mod acts;
mod invitations;
mod log;
mod page;
pub mod roles;
pub mod texts;
pub(crate) mod view;

use crate::Accounts;
use axum::{handler::Handler, http::Method};
use ingress::{Auth, Policy, Route, RouteTable};
use kernel::{Permission, Span};

/// How long an invitation stands.
pub const INVITATION: Span = Span::days(7);
/// The largest form here: a name, an address and a token.
const SMALL: usize = 4 * 1024;

/// The routes of teams.
#[must_use]
pub fn routes(accounts: &Accounts) -> RouteTable {
    let person = Auth::Person;
    let a = accounts;
    RouteTable::new([
        route(a, Method::GET, "/team", Policy::page(person(Permission::TeamRead)), page::show),
        route(a, Method::POST, "/team/settings", form(Permission::TeamManage).fresh(), acts::settings),
        route(a, Method::POST, "/team/invitations", form(Permission::MembersInvite), acts::invite),
        route(a, Method::POST, "/team/invitations/{id}/revoke", form(Permission::MembersInvite), acts::revoke),
        route(a, Method::POST, "/team/members/{id}/role", form(Permission::MembersManage).fresh(), acts::set_role),
        route(a, Method::POST, "/team/members/{id}/remove", form(Permission::MembersManage).fresh(), acts::remove),
        route(a, Method::POST, "/team/leave", form(Permission::OwnAccount), acts::leave),
        route(a, Method::POST, "/team/switch", Policy::form(Auth::Account, SMALL), acts::switch),
        route(a, Method::GET, "/team/log", Policy::page(person(Permission::AuditRead)), log::show),
        route(a, Method::GET, "/invitations/{token}", Policy::page(Auth::Visitor), invitations::show),
        route(a, Method::POST, "/invitations/{token}", Policy::form(Auth::Account, SMALL), invitations::accept),
    ])
}

const fn form(permission: Permission) -> Policy {
    Policy::form(Auth::Person(permission), SMALL)
}

fn route<H, T>(accounts: &Accounts, method: Method, path: &'static str, policy: Policy, handler: H) -> Route
where
    H: Handler<T, Accounts>,
    T: 'static,
{
    Route::with_state(method, path, policy, handler, accounts.clone())
}
