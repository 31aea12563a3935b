//! A team of the probe's own, made as anybody could make it.

use outbound::{OutboundError, Site};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;
use uuid::Uuid;

/// A team of the probe's own. Nothing about it tells the application so. It can be remembered, so that not every attack
/// leaves a new one behind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plant {
    /// The team.
    pub tenant: Uuid,
    /// The token of its first person.
    pub token: String,
}

/// Why nothing could be planted.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// No answer came.
    #[error("nothing could be planted: {0}")]
    Outbound(#[from] OutboundError),
    /// The public API answered otherwise than it promises.
    #[error("nothing could be planted: POST /api/tenants answered {0}")]
    Refused(u16),
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plant({})", self.tenant)
    }
}

impl Plant {
    /// Makes one through the public API.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        let (first, last) = (word(), word());
        let email = format!("{first}.{last}@{}.example", word());
        let body = json!({ "name": word(), "person": { "name": format!("{first} {last}"), "email": email } });
        let kind = [("content-type", "application/json")];
        let answer = site.send("POST", "/api/tenants", &kind, body.to_string().as_bytes()).await?;
        answer.json().map_err(|_| PlantError::Refused(answer.status))
    }
}

/// A word that nobody used before and that could be a name.
pub(super) fn word() -> String {
    const ONSETS: &[u8] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8] = b"aeiouaeiouaeioua";
    let pick = |from: &[u8], at: u8| char::from(from.get(usize::from(at)).copied().unwrap_or(b'a'));
    let syllable = |byte: &u8| [pick(ONSETS, byte >> 4), pick(VOWELS, byte & 15)];
    Uuid::new_v4().as_bytes().iter().take(5).flat_map(syllable).collect()
}
