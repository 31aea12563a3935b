//! Tokens as an issuer signs them, and as nobody may.

use super::{CLIENT, LoopbackError, PARTY};
use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use kernel::Timestamp;
use serde_json::{Map, Value, json};

/// How long a token counts, in seconds.
const LIFE: i64 = 300;

/// Signs tokens: with the key that the issuer publishes, and with one that it does not.
pub struct Mint {
    issuer: String,
    published: EcdsaKeyPair,
    foreign: EcdsaKeyPair,
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mint").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// One token in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The protected header.
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

impl Draft {
    /// Sets a claim.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.claims.insert(name.to_owned(), value.into());
    }

    /// Sets a member of the header.
    pub fn set_header(&mut self, name: &str, value: impl Into<Value>) {
        self.header.insert(name.to_owned(), value.into());
    }

    fn signed_part(&self) -> String {
        let part = |map: &Map<String, Value>| BASE64.encode(Value::Object(map.clone()).to_string());
        format!("{}.{}", part(&self.header), part(&self.claims))
    }
}

impl Mint {
    pub(super) fn of(issuer: &str, signing: &[u8]) -> Result<Self, LoopbackError> {
        let key = |pkcs8: &[u8]| {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| LoopbackError::Key)
        };
        let fresh = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let fresh = fresh.map_err(|_| LoopbackError::Key)?;
        Ok(Self { issuer: issuer.to_owned(), published: key(signing)?, foreign: key(fresh.as_ref())? })
    }

    /// An identity token as it should be.
    #[must_use]
    pub fn identity(&self, subject: &str, email: &str, nonce: &str, now: Timestamp) -> Draft {
        let mut draft = self.draft(subject, now);
        draft.set("aud", CLIENT);
        draft.set("nonce", nonce);
        draft.set("email", email);
        draft.set("email_verified", true);
        draft
    }

    /// A session token as it should be.
    #[must_use]
    pub fn session(&self, subject: &str, now: Timestamp) -> Draft {
        let mut draft = self.draft(subject, now);
        draft.set("azp", PARTY);
        draft.set("sid", format!("sess_{}", BASE64.encode(digest(&SHA256, subject.as_bytes()))));
        draft
    }

    fn draft(&self, subject: &str, now: Timestamp) -> Draft {
        let now = now.as_second();
        let mut draft = Draft { header: Map::new(), claims: Map::new() };
        draft.set_header("alg", "ES256");
        draft.set_header("typ", "JWT");
        draft.set_header("kid", kid(&self.published));
        draft.set("iss", self.issuer.as_str());
        draft.set("sub", subject);
        draft.set("iat", now);
        draft.set("nbf", now);
        draft.set("exp", now + LIFE);
        draft
    }

    /// Signed with the published key.
    #[must_use]
    pub fn sign(&self, draft: &Draft) -> String {
        sign(&self.published, &draft.signed_part())
    }

    /// Signed with a key that the issuer never published, under whatever key id the draft names.
    #[must_use]
    pub fn sign_foreign(&self, draft: &Draft) -> String {
        sign(&self.foreign, &draft.signed_part())
    }

    /// The foreign key's id.
    #[must_use]
    pub fn foreign_kid(&self) -> String {
        kid(&self.foreign)
    }

    /// The foreign key as it would stand in a header.
    #[must_use]
    pub fn foreign_jwk(&self) -> Value {
        jwk(&self.foreign)
    }

    /// With the published key as the secret of a keyed hash: what a verifier that lets the token choose would accept.
    #[must_use]
    pub fn sign_confused(&self, draft: &Draft) -> String {
        let part = draft.signed_part();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.published.public_key().as_ref());
        format!("{part}.{}", BASE64.encode(hmac::sign(&key, part.as_bytes())))
    }

    /// Without a signature.
    #[must_use]
    pub fn unsigned(&self, draft: &Draft) -> String {
        format!("{}.", draft.signed_part())
    }

    /// Another draft's content under this one's signature.
    #[must_use]
    pub fn swapped(&self, signed: &Draft, shown: &Draft) -> String {
        let token = self.sign(signed);
        let signature = token.rsplit_once('.').map_or("", |(_, signature)| signature);
        format!("{}.{signature}", shown.signed_part())
    }

    /// The keys that the issuer publishes.
    #[must_use]
    pub fn keys(&self) -> Value {
        json!({ "keys": [jwk(&self.published)] })
    }
}

fn sign(key: &EcdsaKeyPair, part: &str) -> String {
    // A generator that fails leaves a token without a signature, which nobody accepts.
    let signature = key.sign(&SystemRandom::new(), part.as_bytes());
    let signature = signature.map(|signature| BASE64.encode(signature.as_ref())).unwrap_or_default();
    format!("{part}.{signature}")
}

fn kid(key: &EcdsaKeyPair) -> String {
    let hash = digest(&SHA256, key.public_key().as_ref());
    BASE64.encode(hash.as_ref().get(..12).unwrap_or_default())
}

fn jwk(key: &EcdsaKeyPair) -> Value {
    // An uncompressed point: one byte, then both coordinates.
    let point = key.public_key().as_ref();
    let half = |from: usize| BASE64.encode(point.get(from..from + 32).unwrap_or_default());
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": kid(key), "x": half(1), "y": half(33) })
}
