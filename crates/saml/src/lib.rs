//! SAML 2.0, the side of the service provider: metadata both ways, requests by redirect, and answers that are accepted only
//! when everything about them holds. Pure: no IO, time is an argument.
//!
//! The XML reader, canonical form and signatures are written here, and small, since no crate was sound enough to stand on:
//! `samael` needs OpenSSL; `gamlastan` and `saml-rs` bring a whole signature suite with algorithms that must not count, and a
//! second source of cryptography. What holds this up instead: one reader for everything, signatures only over the element
//! that contains them, no look-up by identifier, no key but those of the metadata, and an assertion that is read from the
//! very bytes that were verified. Outside judges (`judges/saml`) compare with xmlsec1 in both directions.
//!
//! Left out, and refused: encrypted assertions, the artifact binding, logout, SHA-1, signed requests.

pub mod c14n;
pub mod idp;
mod instant;
mod key;
mod metadata;
mod names;
mod request;
mod response;
mod signature;
pub mod xml;

pub use key::Key;
pub use metadata::{IdpMetadata, MetadataError};
pub use request::RequestSecret;
pub use response::{Assertion, Expect, Refusal, Unspent};

/// A service provider: one for every team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sp {
    /// Who we are to the identity provider; by custom the address of our metadata.
    pub entity_id: String,
    /// Where answers are posted to.
    pub acs_url: String,
}
