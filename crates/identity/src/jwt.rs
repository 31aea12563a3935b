//! Signed tokens (JWS compact, RFC 7515; JWT, RFC 7519; the advice of RFC 8725).
//!
//! A token names an algorithm and a key; neither is believed. The algorithm must be one of five, all of them signatures with
//! a public key; the key comes from the [`KeySet`] alone and must be made for that algorithm. Keys inside a token are
//! refused, and so is every token that could be read in two ways.

mod claims;
mod key;
mod key_set;
mod parts;
mod signer;

pub use claims::{Claims, Expect, Party};
pub use key_set::{KeySet, Keys};
pub use signer::{CannotSign, Signer};

pub(crate) use key::Algorithm;

/// The longest token that is looked at, in bytes.
pub const LONGEST: usize = 16 * 1024;

/// Why a token is refused. The texts hold nothing of the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`LONGEST`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url, or no JSON in them, or a name twice in it.
    #[error("the token is malformed")]
    Malformed,
    /// The algorithm is none of ours: `none`, one with a shared secret, or an unknown one.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// The header asks for something that is not honoured: a key inside the token, a critical extension, another type.
    #[error("the token's header is not accepted")]
    Header,
    /// No key of that name is known.
    #[error("the token's key is not known")]
    UnknownKey,
    /// The keys cannot be had.
    #[error("the keys cannot be fetched: {0}")]
    NoKeys(String),
    /// The signature does not verify.
    #[error("the token's signature does not verify")]
    Signature,
    /// A claim that must be there is missing or has another shape.
    #[error("the claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// It is from somebody else.
    #[error("the token is from another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// It was made for another party or place.
    #[error("the token was made for another party")]
    AuthorizedParty,
    /// It answers another request.
    #[error("the token answers another request")]
    Nonce,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// It is not valid yet, or from the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// The session that it stands for is not complete.
    #[error("the token's session is not active")]
    Inactive,
}

#[cfg(test)]
mod tests;
