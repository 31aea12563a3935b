//! The gate from outside: a real edge over TLS, the proxy, and an application of raw sockets behind it, so that every byte on
//! both sides is seen.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests dial by hand and may fail loudly"
)]

mod aborted;
mod application;
mod doors;
mod headers;
mod house;
mod identity;
mod plain;
mod smuggling;
mod sockets;
mod streams;
