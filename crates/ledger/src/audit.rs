//! Audit events and the commitments to them that stand in the log.
//!
//! The log is public and holds no personal data. So an event is kept elsewhere, encrypted, with a random salt; the log
//! holds `SHA-256(salt || event)`. Whoever may read the event can show that it is the one in the log; whoever may not
//! learns nothing, not even by guessing, because the salt is 32 random bytes. Where event and salt are destroyed, the leaf
//! remains and says nothing.

use crate::merkle::{Hash, sha256};
use aws_lc_rs::rand;
use jiff::Timestamp;
use kernel::Actor;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Who did it.
    pub actor: Actor,
    /// What: a word with dots, for example `note.share`.
    pub action: String,
    /// To what or whom: kind and id, for example `note:0193…`.
    pub targets: Vec<String>,
    /// What else it takes to understand it.
    pub context: BTreeMap<String, String>,
    /// When.
    pub at: Timestamp,
}

impl Event {
    /// The text that is committed to and kept: compact JSON with the keys in this order.
    ///
    /// # Errors
    /// Never for an event as defined; the serializer's signature has one.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// Random bytes that make an event impossible to guess from its commitment. Kept with the event, as secret as it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 32]);

impl Salt {
    /// Fresh random bytes.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn fresh() -> Result<Self, NoRandomness> {
        let mut salt = [0; 32];
        rand::fill(&mut salt).map_err(|_| NoRandomness)?;
        Ok(Self(salt))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The system has no randomness to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system has no randomness to give")]
pub struct NoRandomness;

/// `SHA-256(salt || event)`. Written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Commitment(Hash);

/// The commitment to an event's text under a salt.
#[must_use]
pub fn commit(event_json: &str, salt: &Salt) -> Commitment {
    Commitment(sha256(&[salt.0.as_slice(), event_json.as_bytes()].concat()))
}

/// Text that is no commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commitment is 64 digits of lower-case hexadecimal")]
pub struct CommitmentError;

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

impl FromStr for Commitment {
    type Err = CommitmentError;

    fn from_str(text: &str) -> Result<Self, CommitmentError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut hash = [0; 32];
        if pairs.len() != hash.len() || !rest.is_empty() {
            return Err(CommitmentError);
        }
        for (to, [high, low]) in hash.iter_mut().zip(pairs) {
            *to = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }
}

fn digit(byte: u8) -> Result<u8, CommitmentError> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(CommitmentError),
    }
}

impl TryFrom<String> for Commitment {
    type Error = CommitmentError;

    fn try_from(text: String) -> Result<Self, CommitmentError> {
        text.parse()
    }
}

impl From<Commitment> for String {
    fn from(commitment: Commitment) -> Self {
        commitment.to_string()
    }
}

#[cfg(test)]
#[path = "audit/tests.rs"]
mod tests;
