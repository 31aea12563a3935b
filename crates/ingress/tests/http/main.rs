//! The edge from outside: real sockets, real TLS.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests dial by hand and may fail loudly"
)]

mod admission;
mod api;
mod audit;
mod controls;
mod drain;
mod edge;
mod forwarded;
mod framing;
mod house;
mod members;
mod operator;
mod probes;
mod redirect;
mod reports;
mod system;
mod tls;
