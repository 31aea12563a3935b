//! Passkeys (WebAuthn Level 3): as a second factor, and as the whole sign-in.
//!
//! Attestation is not asked for: which maker's device somebody uses is none of our business. What must be kept between the
//! two halves of a ceremony is a [`Challenge`]; the caller keeps it sealed, ties it to the browser and hands it out once.

mod auth_data;
mod authenticate;
mod cbor;
mod client;
mod cose;
mod register;

pub use authenticate::{Purpose, Used, credential_id};
pub use register::Person;

use crate::{
    NoRandomness,
    encode::{base64url, from_base64url},
    random,
};
use kernel::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::fmt;

/// How long a ceremony may take.
const PATIENCE: Span = Span::minutes(5);
/// The longest answer of a browser that is read.
const LONGEST: usize = 64 * 1024;

/// Why a passkey is refused. The texts hold nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not what a browser sends.
    #[error("the browser's answer is malformed")]
    Malformed,
    /// It answers another challenge, or one for another purpose.
    #[error("the answer is to another challenge")]
    Challenge,
    /// The challenge is over.
    #[error("the challenge has expired")]
    Expired,
    /// It was made at another site, or in a frame of one.
    #[error("the answer was made at another site")]
    Origin,
    /// It was made for another service.
    #[error("the answer was made for another service")]
    RelyingParty,
    /// Nobody touched the device.
    #[error("the device did not see that anybody was present")]
    NotPresent,
    /// The device did not check who used it.
    #[error("the device did not check who used it")]
    NotVerified,
    /// A kind of key that was not offered, or no key.
    #[error("the passkey's key is not accepted")]
    Key,
    /// An attestation that was not asked for, or does not verify.
    #[error("the passkey's attestation is not accepted")]
    Attestation,
    /// The passkey is another one.
    #[error("the passkey is another one")]
    Credential,
    /// The passkey belongs to another account.
    #[error("the passkey belongs to another account")]
    Owner,
    /// The passkey is there already.
    #[error("the passkey is there already")]
    Known,
    /// The signature does not verify.
    #[error("the passkey's signature does not verify")]
    Signature,
    /// The counter did not go on: the passkey may have been copied.
    #[error("the passkey's counter went back: it may have been copied")]
    Counter,
    /// What can never change has changed.
    #[error("the passkey's kind has changed")]
    Changed,
}

/// Bytes that stand in JSON as base64url.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_base64url(&text).map(Self).ok_or_else(|| serde::de::Error::custom("no base64url"))
    }
}

/// A passkey, to be stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passkey {
    id: Bytes,
    /// The public key as the device wrote it (RFC 9052).
    key: Bytes,
    /// The account it belongs to.
    handle: Bytes,
    counter: u32,
    backup_eligible: bool,
    backed_up: bool,
    user_verified: bool,
    transports: Vec<String>,
}

impl fmt::Debug for Passkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passkey(..)")
    }
}

impl Passkey {
    /// Its name at the device, by which it is looked up; unique.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id.0
    }

    /// The account it belongs to: the bytes that were given when it was made.
    #[must_use]
    pub fn handle(&self) -> &[u8] {
        &self.handle.0
    }

    /// Whether it is copied to other devices of its owner.
    #[must_use]
    pub const fn is_backed_up(&self) -> bool {
        self.backed_up
    }

    /// Whether the device checked who made it, as it must for a sign-in without a password.
    #[must_use]
    pub const fn is_user_verified(&self) -> bool {
        self.user_verified
    }

    /// Takes over what has changed by being used. To be stored again afterwards.
    pub const fn note(&mut self, used: &Used) {
        self.counter = used.counter;
        self.backed_up = used.backed_up;
    }

    /// How a browser is told of it.
    fn described(&self) -> Value {
        json!({"type": "public-key", "id": base64url(&self.id.0), "transports": self.transports})
    }
}

/// What one ceremony must answer.
#[derive(Clone, Serialize, Deserialize)]
pub struct Challenge {
    bytes: Bytes,
    ceremony: Ceremony,
    made_at: Timestamp,
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge(..)")
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ceremony {
    /// A new passkey for this account, none of those that it has.
    Registration { handle: Bytes, existing: Vec<Bytes> },
    /// One of these passkeys, or any.
    Authentication { purpose: Purpose, allowed: Vec<Bytes> },
}

impl Challenge {
    fn new(ceremony: Ceremony, now: Timestamp) -> Result<Self, NoRandomness> {
        Ok(Self { bytes: Bytes(random::bytes::<32>()?.to_vec()), ceremony, made_at: now })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.made_at).abs() > PATIENCE.signed()
    }
}

/// The service, as browsers and devices know it.
#[derive(Clone, Debug)]
pub struct RelyingParty {
    id: String,
    origin: String,
    name: String,
}

impl RelyingParty {
    /// The service of a host: `id` is its name without scheme and port, `origin` its address as a browser writes it, such as
    /// `https://example.com` or `https://localhost:8443`, and `name` what people call it.
    #[must_use]
    pub fn new(id: &str, origin: &str, name: &str) -> Self {
        Self { id: id.to_owned(), origin: origin.trim_end_matches('/').to_owned(), name: name.to_owned() }
    }
}

#[cfg(test)]
mod tests;
