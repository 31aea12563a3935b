//! Somebody of the probe's own, who writes through the public API as anybody could.

use crate::{
    StoreError,
    forensics::{Needles, words},
};
use outbound::{Answer, OutboundError, Site};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};
use uuid::Uuid;

/// Why nothing could be planted.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// No answer came.
    #[error("nothing could be planted: {0}")]
    Outbound(#[from] OutboundError),
    /// The public API answered otherwise than it promises.
    #[error("nothing could be planted: {0} answered {1}")]
    Refused(&'static str, u16),
    /// No words.
    #[error(transparent)]
    Words(#[from] StoreError),
}

/// Somebody of the probe's own, with what they wrote. Nothing about them tells the application so.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plant {
    token: String,
    /// What was written once, by what it is.
    texts: BTreeMap<String, String>,
    note: Option<Uuid>,
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plant({} texts)", self.texts.len())
    }
}

#[derive(Deserialize)]
struct Founded {
    token: String,
}

#[derive(Deserialize)]
struct Written {
    note: Uuid,
}

/// What is sent along.
pub(crate) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    /// Bytes of a kind, under a name.
    File(&'static str, &'a str, &'a [u8]),
}

/// One call of the public API.
pub(crate) async fn call(
    site: &Site,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: Body<'_>,
) -> Result<Answer, OutboundError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, String)> = bearer.map(|bearer| ("authorization", bearer)).into_iter().collect();
    let bytes = match body {
        Body::Nothing => Vec::new(),
        Body::Json(value) => {
            headers.push(("content-type", "application/json".to_owned()));
            value.to_string().into_bytes()
        }
        Body::File(kind, name, bytes) => {
            headers.push(("content-type", kind.to_owned()));
            headers.push(("content-disposition", format!("attachment; filename=\"{name}\"")));
            bytes.to_vec()
        }
    };
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    site.send(method, path, &headers, &bytes).await
}

fn made<T: DeserializeOwned>(what: &'static str, answer: &Answer) -> Result<T, PlantError> {
    answer.json().ok().filter(|_| answer.status == 201).ok_or(PlantError::Refused(what, answer.status))
}

impl Plant {
    /// Founds a team through the public API, with whatever else the service takes in.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        let (team, name) = (words(2)?, words(2)?);
        let email = format!("{}@{}.example", words(2)?.replace(' ', "."), words(1)?).to_lowercase();
        let body = json!({ "name": team, "person": { "name": name, "email": email } });
        let founded: Founded =
            made("POST /api/tenants", &call(site, None, "POST", "/api/tenants", Body::Json(&body)).await?)?;
        let mut plant = Self { token: founded.token, texts: BTreeMap::new(), note: None };
        plant.keep("the team's name", &team);
        plant.keep("the person's name", &name);
        plant.keep("the e-mail address", email.trim_end_matches(".example"));
        plant.aim(site).await?;
        Ok(plant)
    }

    fn keep(&mut self, what: &str, text: &str) {
        self.texts.insert(what.to_owned(), text.to_owned());
    }

    /// Writes an objective, where the service knows such.
    async fn aim(&mut self, site: &Site) -> Result<(), PlantError> {
        let (title, description) = (words(3)?, words(12)?);
        let body = json!({
            "title": title, "description": description, "level": "team", "status": "active", "owner": null, "parent": null,
            "starts_on": "2026-01-01", "ends_on": "2026-12-31", "weight": 50, "check_in_every": "week", "version": null,
        });
        let answer = call(site, Some(&self.token), "POST", "/api/objectives", Body::Json(&body)).await?;
        match answer.status {
            201 => {
                self.keep("an objective's title", &title);
                self.keep("an objective's description", &description);
                Ok(())
            }
            404 | 405 => Ok(()),
            status => Err(PlantError::Refused("POST /api/objectives", status)),
        }
    }

    /// Writes a note of new words in place of the one before. Yields what must stand nowhere in the clear: it, what was written
    /// once, and the token.
    pub(super) async fn write(&mut self, site: &Site) -> Result<Needles, PlantError> {
        let (title, text) = (words(3)?, words(24)?);
        let body = json!({ "title": title, "text": text });
        let token = Some(self.token.as_str());
        let written: Written =
            made("POST /api/notes", &call(site, token, "POST", "/api/notes", Body::Json(&body)).await?)?;
        if let Some(before) = self.note.replace(written.note) {
            let answer = call(site, token, "DELETE", &format!("/api/notes/{before}"), Body::Nothing).await?;
            if !matches!(answer.status, 204 | 404) {
                return Err(PlantError::Refused("DELETE /api/notes/{id}", answer.status));
            }
        }
        let once = self.texts.iter().fold(Needles::new(), |needles, (what, text)| needles.words(what, text));
        Ok(once.words("a note's title", &title).words("a note's text", &text).words("a token", &self.token))
    }
}
