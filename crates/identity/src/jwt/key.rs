//! Public keys, each bound to the algorithms it is made for.

use super::{Refusal, parts::text};
use crate::encode::from_base64url;
use aws_lc_rs::{
    digest,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use serde_json::{Map, Value};

/// The algorithms that are accepted. There is none with a shared secret, and no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    pub(crate) fn named(name: &str) -> Option<Self> {
        // RFC 9864 calls EdDSA on this curve by the curve's name.
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// What a token names, whether or not it verifies.
    pub(crate) fn of(token: &str) -> Result<Self, Refusal> {
        super::parts::Parts::of(token).map(|parts| parts.algorithm)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The hash whose left half stands in `at_hash` (OpenID Connect Core, section 3.1.3.6).
    pub(crate) fn hash(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Es384 => &digest::SHA384,
            Self::EdDsa => &digest::SHA512,
        }
    }
}

/// A public key for one algorithm.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: Option<String>,
    pub(crate) algorithm: Algorithm,
    public: ParsedPublicKey,
}

impl Key {
    /// The keys that a JWK stands for: one, or for RSA without a named algorithm one for each padding. Nothing, if it is made
    /// for something else or cannot be read.
    pub(crate) fn of_jwk(jwk: &Map<String, Value>) -> Vec<Self> {
        let for_signatures = text(jwk, "use").is_none_or(|purpose| purpose == "sig");
        let may_verify = match jwk.get("key_ops") {
            None => true,
            Some(Value::Array(ops)) => ops.iter().any(|op| op == "verify"),
            Some(_) => false,
        };
        if !for_signatures || !may_verify || (jwk.contains_key("use") && text(jwk, "use").is_none()) {
            return Vec::new();
        }
        let kid = match jwk.get("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid.clone()),
            Some(_) => return Vec::new(),
        };
        let declared = match jwk.get("alg") {
            None => None,
            Some(Value::String(name)) => match Algorithm::named(name) {
                Some(algorithm) => Some(algorithm),
                None => return Vec::new(),
            },
            Some(_) => return Vec::new(),
        };
        public_keys(jwk)
            .into_iter()
            .filter(|(algorithm, _)| declared.is_none_or(|declared| declared == *algorithm))
            .map(|(algorithm, public)| Self { kid: kid.clone(), algorithm, public })
            .collect()
    }

    pub(crate) fn verify(&self, signed: &str, signature: &[u8]) -> Result<(), Refusal> {
        self.public.verify_sig(signed.as_bytes(), signature).map_err(|_| Refusal::Signature)
    }
}

fn public_keys(jwk: &Map<String, Value>) -> Vec<(Algorithm, ParsedPublicKey)> {
    let bytes = |name| text(jwk, name).and_then(from_base64url);
    let curve = |size: usize, algorithm, scheme: &'static dyn VerificationAlgorithm| {
        let (x, y) = (bytes("x")?, bytes("y")?);
        if x.len() != size || y.len() != size {
            return None;
        }
        let point: Vec<u8> = [4].into_iter().chain(x).chain(y).collect();
        Some((algorithm, ParsedPublicKey::new(scheme, point).ok()?))
    };
    match (text(jwk, "kty"), text(jwk, "crv")) {
        (Some("EC"), Some("P-256")) => curve(32, Algorithm::Es256, &ECDSA_P256_SHA256_FIXED).into_iter().collect(),
        (Some("EC"), Some("P-384")) => curve(48, Algorithm::Es384, &ECDSA_P384_SHA384_FIXED).into_iter().collect(),
        (Some("OKP"), Some("Ed25519")) => {
            let key = bytes("x").filter(|x| x.len() == 32).and_then(|x| ParsedPublicKey::new(&ED25519, x).ok());
            key.into_iter().map(|key| (Algorithm::EdDsa, key)).collect()
        }
        (Some("RSA"), _) => {
            let (Some(n), Some(e)) = (bytes("n"), bytes("e")) else { return Vec::new() };
            let paddings: [(Algorithm, &'static RsaParameters); 2] =
                [(Algorithm::Rs256, &RSA_PKCS1_2048_8192_SHA256), (Algorithm::Ps256, &RSA_PSS_2048_8192_SHA256)];
            paddings.into_iter().filter_map(|(algorithm, scheme)| Some((algorithm, rsa(&n, &e, scheme)?))).collect()
        }
        _ => Vec::new(),
    }
}

/// An RSA key of 2 048 to 8 192 bits. Some providers write the modulus with leading zeros; they are no part of the number.
fn rsa(n: &[u8], e: &[u8], scheme: &'static RsaParameters) -> Option<ParsedPublicKey> {
    let trimmed = |number: &[u8]| -> Vec<u8> { number.iter().copied().skip_while(|byte| *byte == 0).collect() };
    let (n, e) = (trimmed(n), trimmed(e));
    if !(256..=1024).contains(&n.len()) || e.len() > 4 {
        return None;
    }
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(scheme).ok()
}
