//! What comes in: TLS, headers, route policies, CSP reports, the operator's door.

mod activity;
pub mod api;
pub mod audit_log;
pub mod bucket;
pub mod csp;
pub mod edge;
mod enforce;
pub mod frame_deny;
pub mod front;
pub mod gate;
pub mod headers;
pub mod hsts;
pub mod http1;
pub mod https_only;
pub mod input;
pub mod nosniff;
pub mod openapi;
pub mod operator;
mod operator_token;
mod patient;
mod plain;
pub mod policy;
pub mod problem;
pub mod reports;
pub mod request_id;
pub mod route;
pub mod state;
mod strict;
pub mod survey;
pub mod tls;
pub mod tls_in;
mod wire;

pub use edge::{Doors, Ended, Settings, serve};
pub use gate::{Caller, Gate};
pub use policy::{Auth, Cache, Policy};
pub use problem::Failure;
pub use route::{Route, RouteTable};
pub use state::State;
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
