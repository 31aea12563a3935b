//! What the browser says about a ceremony, and the shape of its answer.

use super::{Challenge, LONGEST, Refusal, RelyingParty};
use crate::{
    encode::{base64url, from_base64url},
    strict_json,
};
use aws_lc_rs::digest;
use serde_json::{Map, Value};

/// A browser's answer: what `PublicKeyCredential.toJSON()` writes.
pub(crate) struct Answer {
    pub(crate) id: Vec<u8>,
    response: Map<String, Value>,
}

impl Answer {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > LONGEST {
            return Err(Refusal::Malformed);
        }
        let mut object = strict_json::object(text.as_bytes()).ok_or(Refusal::Malformed)?;
        let named = |name: &str| object.get(name).and_then(Value::as_str);
        let id =
            named("rawId").or(named("id")).and_then(from_base64url).filter(|id| !id.is_empty() && id.len() <= 1023);
        let same = named("id").and_then(from_base64url) == id;
        let (Some(id), true, Some("public-key")) = (id, same, named("type")) else { return Err(Refusal::Malformed) };
        let Some(Value::Object(response)) = object.remove("response") else { return Err(Refusal::Malformed) };
        Ok(Self { id, response })
    }

    /// A value in base64url.
    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        self.optional(name)?.ok_or(Refusal::Malformed)
    }

    /// A value in base64url, which may be missing.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
        match self.response.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => from_base64url(text).map(Some).ok_or(Refusal::Malformed),
            Some(_) => Err(Refusal::Malformed),
        }
    }

    /// How the device can be reached, as the browser says: a hint for next time, in words that are known.
    pub(crate) fn transports(&self) -> Vec<String> {
        const KNOWN: [&str; 6] = ["usb", "nfc", "ble", "smart-card", "hybrid", "internal"];
        let Some(Value::Array(all)) = self.response.get("transports") else { return Vec::new() };
        KNOWN.iter().filter(|known| all.iter().any(|one| one == **known)).map(|known| (*known).to_owned()).collect()
    }
}

impl RelyingParty {
    /// Checks the browser's statement and gives its hash, which the device has signed.
    pub(crate) fn client_data(&self, json: &[u8], kind: &str, challenge: &Challenge) -> Result<Vec<u8>, Refusal> {
        let data = strict_json::object(json).ok_or(Refusal::Malformed)?;
        let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let wanted = base64url(&challenge.bytes.0);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(text("challenge").as_bytes(), wanted.as_bytes());
        if text("type") != kind || same.is_err() {
            return Err(Refusal::Challenge);
        }
        let framed = data.get("crossOrigin").is_some_and(|value| *value != Value::Bool(false));
        if text("origin") != self.origin || framed || data.contains_key("topOrigin") {
            return Err(Refusal::Origin);
        }
        Ok(digest::digest(&digest::SHA256, json).as_ref().to_vec())
    }

    pub(crate) fn id_hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.id.as_bytes()).as_ref().to_vec()
    }
}
