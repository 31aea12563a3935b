//! Who somebody is: passwords, one-time codes, passkeys, signed tokens, and signing in at another provider.
//!
//! Nothing here knows a database or an HTTP server. What must be kept is handed back as plain values; the time is an
//! argument; what must be fetched goes through [`Fetch`], which `outbound` carries out. All cryptography but Argon2id is
//! aws-lc's.

pub mod encode;
pub mod fetch;
pub mod jwt;
pub mod oidc;
pub mod passkeys;
pub mod passwords;
pub mod qr;
pub mod random;
pub mod recovery;
pub mod totp;

mod strict_json;
#[cfg(test)]
mod testing;

pub use fetch::Fetch;
pub use passwords::{Hasher, Rules};
pub use random::NoRandomness;
