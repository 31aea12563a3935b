//! Using a passkey (WebAuthn section 7.2).

use super::{
    Bytes, Ceremony, Challenge, PATIENCE, Passkey, Refusal, RelyingParty, auth_data::AuthData, client::Answer,
    cose::Key,
};
use crate::{NoRandomness, encode::base64url};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a passkey is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The whole sign-in: the device must check who uses it, and says whose passkey it is.
    SignIn,
    /// A factor beside the password: that somebody holds the device is enough.
    SecondFactor,
}

/// What came of using a passkey. To be noted on it ([`Passkey::note`]) and stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// The device's counter; zero where it keeps none.
    pub counter: u32,
    /// Whether the passkey is copied to other devices.
    pub backed_up: bool,
    /// Whether the device checked who used it.
    pub user_verified: bool,
}

/// The id of the passkey in a browser's answer, by which the caller finds it. Nothing about the answer is proven yet.
#[must_use]
pub fn credential_id(answer: &str) -> Option<Vec<u8>> {
    Answer::parse(answer).ok().map(|answer| answer.id)
}

impl RelyingParty {
    /// Begins to use a passkey: what the browser is given (`PublicKeyCredential.parseRequestOptionsFromJSON`), and what to
    /// keep. Without passkeys to choose from, the device offers those it has.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn begin_authentication(
        &self,
        purpose: Purpose,
        allowed: &[Passkey],
        now: Timestamp,
    ) -> Result<(Value, Challenge), NoRandomness> {
        let ids = allowed.iter().map(|passkey| passkey.id.clone()).collect();
        let challenge = Challenge::new(Ceremony::Authentication { purpose, allowed: ids }, now)?;
        let options = json!({
            "rpId": self.id,
            "challenge": base64url(&challenge.bytes.0),
            "timeout": PATIENCE.as_secs() * 1_000,
            "allowCredentials": allowed.iter().map(Passkey::described).collect::<Vec<_>>(),
            "userVerification": if purpose == Purpose::SignIn { "required" } else { "preferred" },
        });
        Ok((options, challenge))
    }

    /// Ends it. `passkey` is the one that [`credential_id`] led to.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn finish_authentication(
        &self,
        answer: &str,
        challenge: &Challenge,
        passkey: &Passkey,
        now: Timestamp,
    ) -> Result<Used, Refusal> {
        let Ceremony::Authentication { purpose, allowed } = &challenge.ceremony else { return Err(Refusal::Challenge) };
        if challenge.is_over(now) {
            return Err(Refusal::Expired);
        }
        let answer = Answer::parse(answer)?;
        let id = Bytes(answer.id.clone());
        // Only a sign-in takes any passkey; a second factor is one of the account's, of which there may be none.
        let any = *purpose == Purpose::SignIn && allowed.is_empty();
        if id != passkey.id || !(any || allowed.contains(&id)) {
            return Err(Refusal::Credential);
        }
        // Some devices say nothing at length.
        match answer.optional("userHandle")?.filter(|handle| !handle.is_empty()) {
            Some(handle) if handle != passkey.handle.0 => return Err(Refusal::Owner),
            // Nothing else says whose passkey it is.
            None if any => return Err(Refusal::Owner),
            _ => {}
        }
        let client_hash = self.client_data(&answer.bytes("clientDataJSON")?, "webauthn.get", challenge)?;
        let said = answer.bytes("authenticatorData")?;
        let data = AuthData::parse(&said)?;
        self.check_flags(&data, *purpose == Purpose::SignIn)?;
        if data.credential.is_some() {
            return Err(Refusal::Malformed);
        }
        if data.is_backup_eligible() != passkey.backup_eligible {
            return Err(Refusal::Changed);
        }
        let signature = answer.bytes("signature")?;
        if !Key::parse(&passkey.key.0)?.verify(&[said.as_slice(), &client_hash].concat(), &signature) {
            return Err(Refusal::Signature);
        }
        // Devices that keep no counter always say zero.
        if (data.counter != 0 || passkey.counter != 0) && data.counter <= passkey.counter {
            return Err(Refusal::Counter);
        }
        Ok(Used { counter: data.counter, backed_up: data.is_backed_up(), user_verified: data.is_verified() })
    }
}
