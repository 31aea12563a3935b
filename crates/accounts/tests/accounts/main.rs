//! The accounts of a whole service: real sockets, real TLS, a real database.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests dial by hand and may fail loudly"
)]

mod controls;
mod factors;
mod links;
mod lockout;
mod mail;
mod passkeys;
mod recipients;
mod rights;
mod saml;
mod sessions;
mod sign_in;
mod sign_up;
mod system;
mod table;
