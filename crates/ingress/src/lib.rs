//! What comes in: TLS, headers, route policies, CSP reports, the operator's door.

mod activity;
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
pub mod nosniff;
mod patient;
mod plain;
pub mod policy;
pub mod problem;
pub mod request_id;
pub mod route;
mod strict;
mod survey;
pub mod tls;
pub mod tls_in;
mod wire;

pub use edge::{Doors, Ended, Settings, serve};
pub use gate::{Caller, Gate};
pub use policy::{Auth, Cache, Policy};
pub use problem::Failure;
pub use route::{Route, RouteTable};
pub use tls::Tls;
