//! Making a passkey (WebAuthn section 7.1).

use super::{
    Bytes, Ceremony, Challenge, PATIENCE, Passkey, Refusal, RelyingParty,
    auth_data::AuthData,
    cbor::Value as Cbor,
    client::Answer,
    cose::{Key, OFFERED},
};
use crate::{NoRandomness, encode::base64url};
use kernel::Timestamp;
use serde_json::{Value, json};

/// For whom a passkey is made.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The account's id, at most 64 bytes. The device keeps it and hands it out at sign-in; it must not be a name.
    pub handle: &'a [u8],
    /// What the device shows to tell accounts apart, such as the e-mail address.
    pub name: &'a str,
    /// What the device greets with.
    pub display: &'a str,
}

impl RelyingParty {
    /// Begins to make a passkey: what the browser is given (`PublicKeyCredential.parseCreationOptionsFromJSON`), and what to
    /// keep.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn begin_registration(
        &self,
        person: &Person<'_>,
        existing: &[Passkey],
        now: Timestamp,
    ) -> Result<(Value, Challenge), NoRandomness> {
        let ceremony = Ceremony::Registration {
            handle: Bytes(person.handle.to_vec()),
            existing: existing.iter().map(|passkey| passkey.id.clone()).collect(),
        };
        let challenge = Challenge::new(ceremony, now)?;
        let options = json!({
            "rp": {"id": self.id, "name": self.name},
            "user": {"id": base64url(person.handle), "name": person.name, "displayName": person.display},
            "challenge": base64url(&challenge.bytes.0),
            "pubKeyCredParams": OFFERED.map(|alg| json!({"type": "public-key", "alg": alg})),
            "timeout": PATIENCE.as_secs() * 1_000,
            "excludeCredentials": existing.iter().map(Passkey::described).collect::<Vec<_>>(),
            "authenticatorSelection": {"residentKey": "preferred", "requireResidentKey": false, "userVerification": "preferred"},
            "attestation": "none",
        });
        Ok((options, challenge))
    }

    /// Ends it: the passkey to store. The caller refuses an id that any account has already.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn finish_registration(&self, answer: &str, challenge: &Challenge, now: Timestamp) -> Result<Passkey, Refusal> {
        let Ceremony::Registration { handle, existing } = &challenge.ceremony else { return Err(Refusal::Challenge) };
        if challenge.is_over(now) {
            return Err(Refusal::Expired);
        }
        let answer = Answer::parse(answer)?;
        let client_hash = self.client_data(&answer.bytes("clientDataJSON")?, "webauthn.create", challenge)?;
        let object = answer.bytes("attestationObject")?;
        let (object, rest) = Cbor::read(&object).ok_or(Refusal::Malformed)?;
        let said = object.named("authData").and_then(Cbor::bytes).filter(|_| rest.is_empty());
        let said = said.ok_or(Refusal::Malformed)?;
        let data = AuthData::parse(said)?;
        self.check_flags(&data, false)?;
        let new = data.credential.as_ref().ok_or(Refusal::Malformed)?;
        if new.id != answer.id {
            return Err(Refusal::Credential);
        }
        attested(&object, &new.key, &[said, &client_hash].concat())?;
        let id = Bytes(answer.id.clone());
        if existing.contains(&id) {
            return Err(Refusal::Known);
        }
        Ok(Passkey {
            id,
            key: Bytes(new.cose.to_vec()),
            handle: handle.clone(),
            counter: data.counter,
            backup_eligible: data.is_backup_eligible(),
            backed_up: data.is_backed_up(),
            user_verified: data.is_verified(),
            transports: answer.transports(),
        })
    }

    /// What holds for both ceremonies.
    pub(super) fn check_flags(&self, data: &AuthData<'_>, verified: bool) -> Result<(), Refusal> {
        if data.rp_id_hash.as_slice() != self.id_hash() {
            return Err(Refusal::RelyingParty);
        }
        if !data.is_present() {
            return Err(Refusal::NotPresent);
        }
        if verified && !data.is_verified() {
            return Err(Refusal::NotVerified);
        }
        // What cannot be copied cannot have been copied.
        if data.is_backed_up() && !data.is_backup_eligible() {
            return Err(Refusal::Malformed);
        }
        Ok(())
    }
}

/// No attestation, or the key's own signature: a browser that was asked for none passes nothing else on.
fn attested(object: &Cbor<'_>, key: &Key, signed: &[u8]) -> Result<(), Refusal> {
    let statement = object.named("attStmt").ok_or(Refusal::Malformed)?;
    match object.named("fmt").and_then(Cbor::text) {
        Some("none") if statement.entries() == Some(0) => Ok(()),
        Some("packed") if statement.entries() == Some(2) => {
            let same = statement.named("alg").and_then(Cbor::int) == Some(key.algorithm);
            let signature = statement.named("sig").and_then(Cbor::bytes);
            let good = same && signature.is_some_and(|signature| key.verify(signed, signature));
            if good { Ok(()) } else { Err(Refusal::Attestation) }
        }
        _ => Err(Refusal::Attestation),
    }
}
