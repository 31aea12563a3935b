//! Signing in at another provider: OpenID Connect, authorization code with PKCE (RFC 7636, RFC 9700).
//!
//! A [`Provider`] is found by discovery. [`Provider::begin`] sends somebody there, [`Provider::finish`] takes what they
//! bring back. Between the two stands a [`Pending`], which the caller keeps sealed, hands out once, and ties to the browser
//! that began: that tie is what makes the answer the answer of this person.

mod discovery;
mod identity;
mod tokens;

pub use identity::Identity;

use crate::{
    Fetch, NoRandomness,
    encode::{base64url, pairs},
    fetch::FetchError,
    jwt::{KeySet, Refusal},
    random,
};
use aws_lc_rs::digest;
use discovery::Document;
use kernel::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// How long somebody may take at the provider.
const PATIENCE: Span = Span::minutes(10);

/// Who we are at a provider.
#[derive(Clone, Serialize, Deserialize)]
pub struct Client {
    /// The provider's issuer, letter by letter as its documents write it.
    pub issuer: String,
    /// Our name there.
    pub id: String,
    /// Our secret there; a public client has none.
    pub secret: Option<String>,
    /// Where the provider sends people back to.
    pub redirect_uri: String,
    /// What is asked for beside `openid`, such as `email` and `profile`.
    pub scopes: Vec<String>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({} at {})", self.id, self.issuer)
    }
}

/// Why somebody is not signed in. The texts hold nothing about a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The provider's document cannot be used.
    #[error("the provider's discovery document cannot be used: {0}")]
    Discovery(String),
    /// No answer came.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// There is no randomness to be had.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// They said no, at the provider.
    #[error("the sign-in was cancelled at the provider")]
    Cancelled,
    /// The provider reports an error.
    #[error("the provider reports an error")]
    Reported,
    /// The answer belongs to no sign-in that this browser began.
    #[error("the answer does not belong to this sign-in")]
    State,
    /// The answer is from another provider (RFC 9207).
    #[error("the answer is from another provider")]
    MixUp,
    /// It took longer than ten minutes.
    #[error("the sign-in took too long")]
    TooLate,
    /// The provider does not take the code.
    #[error("the provider refused the code with status {0}")]
    Code(u16),
    /// The provider's answer is not what it should be.
    #[error("the provider's answer cannot be used: {0}")]
    Answer(&'static str),
    /// The identity token is refused.
    #[error("the identity token is refused: {0}")]
    Token(#[from] Refusal),
}

/// A sign-in that was begun. To be kept sealed, tied to the browser, and used once.
#[derive(Clone, Serialize, Deserialize)]
pub struct Pending {
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    begun_at: Timestamp,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({})", self.issuer)
    }
}

impl Pending {
    /// The value that comes back as `state`, by which the caller may find this again.
    #[must_use]
    pub fn state(&self) -> &str {
        &self.state
    }
}

/// What the provider sent somebody back with: the query of the redirect address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Callback<'a> {
    /// `code`.
    pub code: Option<&'a str>,
    /// `state`.
    pub state: Option<&'a str>,
    /// `iss`.
    pub iss: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
}

/// A provider that was found. Its keys are fetched when they are needed; the caller discovers it anew from time to time, and
/// when an address of it stops answering.
pub struct Provider {
    client: Client,
    document: Document,
    keys: KeySet,
    fetch: Arc<dyn Fetch>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Provider({})", self.client.issuer)
    }
}

impl Provider {
    /// Reads the provider's discovery document.
    ///
    /// # Errors
    /// It cannot be had or used.
    pub async fn discover(client: Client, fetch: Arc<dyn Fetch>) -> Result<Self, OidcError> {
        let document = Document::fetch(&client.issuer, &*fetch).await?;
        let keys = KeySet::new(&document.jwks_uri, Arc::clone(&fetch));
        Ok(Self { client, document, keys, fetch })
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.client.issuer
    }

    /// Begins a sign-in: where to send the browser, and what to keep.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn begin(&self, now: Timestamp) -> Result<(String, Pending), OidcError> {
        let pending = Pending {
            issuer: self.client.issuer.clone(),
            state: random::token()?,
            nonce: random::token()?,
            verifier: random::token()?,
            begun_at: now,
        };
        let scope = std::iter::once("openid").chain(self.client.scopes.iter().map(String::as_str));
        let scope = scope.collect::<Vec<_>>().join(" ");
        let query = pairs(&[
            ("response_type", "code"),
            ("client_id", &self.client.id),
            ("redirect_uri", &self.client.redirect_uri),
            ("scope", &scope),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge(&pending.verifier)),
            ("code_challenge_method", "S256"),
        ]);
        let separator = if self.document.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok((format!("{}{separator}{query}", self.document.authorization_endpoint), pending))
    }

    /// Ends a sign-in: who they are, by the provider's word.
    ///
    /// # Errors
    /// See [`OidcError`].
    pub async fn finish(
        &self,
        callback: &Callback<'_>,
        pending: &Pending,
        now: Timestamp,
    ) -> Result<Identity, OidcError> {
        let code = self.code(callback, pending, now)?;
        let tokens = self.exchange(code, &pending.verifier).await?;
        let claims = self.accept(&tokens, &pending.nonce, now).await?;
        self.identify(&claims, tokens.access_token.as_ref().map(|token| token.as_str())).await
    }

    /// The code, if the answer is one to what this browser asked this provider, and in time. Nothing is sent before.
    fn code<'a>(&self, callback: &Callback<'a>, pending: &Pending, now: Timestamp) -> Result<&'a str, OidcError> {
        let state = callback.state.unwrap_or_default().as_bytes();
        if aws_lc_rs::constant_time::verify_slices_are_equal(state, pending.state.as_bytes()).is_err() {
            return Err(OidcError::State);
        }
        if pending.issuer != self.client.issuer {
            return Err(OidcError::MixUp);
        }
        match callback.iss {
            Some(iss) if iss != self.client.issuer => return Err(OidcError::MixUp),
            None if self.document.names_itself => return Err(OidcError::MixUp),
            _ => {}
        }
        if now.duration_since(pending.begun_at).abs() > PATIENCE.signed() {
            return Err(OidcError::TooLate);
        }
        match (callback.error, callback.code) {
            (Some("access_denied"), _) => Err(OidcError::Cancelled),
            (None, Some(code)) if !code.is_empty() && code.len() <= 4096 => Ok(code),
            _ => Err(OidcError::Reported),
        }
    }
}

/// The challenge of a verifier (RFC 7636, method S256).
fn challenge(verifier: &str) -> String {
    base64url(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests;
