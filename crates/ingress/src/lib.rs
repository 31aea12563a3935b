//! What comes in: TLS, headers, route policies, CSP reports, the operator's door.

mod activity;
pub mod admin;
mod admit;
pub mod api;
mod arriving;
pub mod audit_log;
mod buckets;
pub mod cookie;
pub mod csp;
pub mod csrf;
pub mod edge;
mod enforce;
pub mod form;
pub mod forwarded;
pub mod frame_deny;
pub mod front;
pub mod gate;
pub mod headers;
pub mod hsts;
pub mod http1;
pub mod https_only;
pub mod input;
pub mod input_validation;
mod meter;
pub mod nosniff;
mod nowhere;
pub mod openapi;
pub mod operator;
mod operator_token;
mod passing;
mod patient;
pub mod peer;
mod plain;
pub mod policy;
pub mod problem;
pub mod rate_limits;
pub mod reply;
pub mod reports;
pub mod request_id;
pub mod route;
pub mod session;
pub mod state;
mod strict;
pub mod survey;
pub mod tls;
pub mod tls_in;
pub mod visitor;
mod wire;

pub use admin::Allowlist;
pub use admit::{ACCOUNT, CONFIRM, SECOND, SECURITY, SIGN_IN};
pub use arriving::Arriving;
pub use csrf::FormToken;
pub use edge::{Doors, Ended, Settings, serve};
pub use enforce::Foreign;
pub use form::{Form, FormError, Upload};
pub use gate::{AccountCaller, Caller, Gate, Via, Visitor};
pub use input::{Ids, Json, Query};
pub use peer::Peer;
pub use policy::{Auth, Cache, Face, Fails, Limit, Policy, Proof, Stands};
pub use problem::{Answer, Failure};
pub use reply::{html, html_with, own_path, see_other, with_next};
pub use route::{Route, RouteTable, Served};
pub use session::{LiveSession, Strength};
pub use state::{LIFETIMES, Provider, State};
pub use tls::Tls;

/// Every route of this crate: the API, the operator's door, the reports, and the document that describes them.
#[must_use]
pub fn routes(state: &State) -> RouteTable {
    let table = api::routes(state).merge(operator::routes(state)).merge(reports::routes(state));
    let document = api::document(&table);
    table.with(document)
}

#[cfg(test)]
mod rehearsal;
