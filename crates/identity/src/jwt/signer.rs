//! Tokens of our own: EdDSA on Ed25519.

use crate::{NoRandomness, encode::base64url, random};
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use zeroize::Zeroizing;

/// Signs tokens.
pub struct Signer {
    pair: Ed25519KeyPair,
    kid: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

/// A token could not be signed: its claims are no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the claims cannot be written")]
pub struct CannotSign;

impl Signer {
    /// A signer with a fresh key.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn random() -> Result<Self, NoRandomness> {
        Self::from_seed(&Zeroizing::new(random::bytes()?)).ok_or(NoRandomness)
    }

    /// The signer of a seed. Every instance that derives the same seed signs with the same key.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        // The thumbprint of RFC 7638: members in this order, no spaces.
        let x = base64url(pair.public_key().as_ref());
        let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = base64url(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
        Some(Self { pair, kid })
    }

    /// The key's name: its thumbprint (RFC 7638).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The signed token of these claims.
    ///
    /// # Errors
    /// They are no JSON object.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, CannotSign> {
        self.sign_as("JWT", claims)
    }

    /// The same, as a token of another type (RFC 8725 section 3.11): one that is read as a `JWT` alone is not taken for it.
    ///
    /// # Errors
    /// They are no JSON object.
    pub fn sign_as(&self, kind: &'static str, claims: &impl Serialize) -> Result<String, CannotSign> {
        let claims = serde_json::to_vec(claims).map_err(|_| CannotSign)?;
        if claims.first() != Some(&b'{') {
            return Err(CannotSign);
        }
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{kind}"}}"#, self.kid);
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(&claims));
        let signature = self.pair.sign(signed.as_bytes());
        Ok(format!("{signed}.{}", base64url(signature.as_ref())))
    }

    /// The public key as a JWK.
    #[must_use]
    pub fn jwk(&self) -> serde_json::Value {
        let x = base64url(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"})
    }

    /// The JWK set of this signer and of others that are retiring or coming.
    #[must_use]
    pub fn jwks(&self, others: &[&Self]) -> String {
        let keys: Vec<_> = std::iter::once(self).chain(others.iter().copied()).map(Self::jwk).collect();
        json!({ "keys": keys }).to_string()
    }
}
