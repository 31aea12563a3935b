//! A token taken apart.

use super::{LONGEST, Refusal, key::Algorithm};
use crate::{encode::from_base64url, strict_json};
use serde_json::{Map, Value};

/// A token taken apart, nothing in it believed yet.
pub(crate) struct Parts<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) signed: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) signature: Vec<u8>,
}

/// Ways to bring a key along, which nobody honours.
const KEYS_INSIDE: [&str; 4] = ["jwk", "jku", "x5u", "x5c"];

impl<'a> Parts<'a> {
    pub(crate) fn of(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > LONGEST {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        if payload.contains('.') {
            return Err(Refusal::Malformed);
        }
        let header = from_base64url(header).and_then(|bytes| strict_json::object(&bytes)).ok_or(Refusal::Malformed)?;
        let algorithm = text(&header, "alg").ok_or(Refusal::Malformed)?;
        let algorithm = Algorithm::named(algorithm).ok_or(Refusal::Algorithm)?;
        Self::refuse_extras(&header)?;
        let kid = match header.get("kid") {
            None => None,
            Some(Value::String(kid)) if kid.len() <= 256 => Some(kid.clone()),
            Some(_) => return Err(Refusal::Header),
        };
        let signature = from_base64url(signature).ok_or(Refusal::Malformed)?;
        Ok(Self { algorithm, kid, signed, payload, signature })
    }

    fn refuse_extras(header: &Map<String, Value>) -> Result<(), Refusal> {
        let asks = |name: &&str| header.contains_key(*name);
        // No extension is understood, so none may be critical; `b64` is one.
        if KEYS_INSIDE.iter().chain(["crit", "b64", "zip", "enc"].iter()).any(asks) {
            return Err(Refusal::Header);
        }
        // A token of another kind, such as a logout token, must not pass for this one.
        let plain = |name| match header.get(name) {
            None => true,
            Some(Value::String(kind)) => kind.eq_ignore_ascii_case("JWT"),
            Some(_) => false,
        };
        // A content type marks a token within the token.
        if plain("typ") && !header.contains_key("cty") { Ok(()) } else { Err(Refusal::Header) }
    }

    /// What was signed, once the signature has been verified.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, Refusal> {
        from_base64url(self.payload).and_then(|bytes| strict_json::object(&bytes)).ok_or(Refusal::Malformed)
    }
}

pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}
