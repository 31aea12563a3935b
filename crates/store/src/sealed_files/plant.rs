//! Somebody of the probe's own, who uploads through the public API as anybody could.

use super::Stop;
use crate::{
    StoreError,
    forensics::words,
    sealed_columns::{Body, PlantError, call},
};
use aws_lc_rs::rand;
use outbound::{OutboundError, Site};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{fmt, ops::Range};
use uuid::Uuid;
use vault::VaultError;

/// How much of an upload is noise, drawn anew each time. What is small passes in one piece, what is large in parts, in whatever
/// room something on the way keeps for it: 128 KiB, 1 MiB and 8 MiB are usual.
const SMALL: Range<usize> = 1_000..120_000;
const LARGE: Range<usize> = (8 << 20) + 1..12 << 20;

/// Somebody of the probe's own. Nothing about them tells the application so.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plant {
    token: String,
    /// What was uploaded at the attack before.
    #[serde(default)]
    drawings: Vec<Uuid>,
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plant({:?})", self.drawings)
    }
}

/// A length out of a range.
fn drawn(from: Range<usize>) -> Result<usize, StoreError> {
    let mut random = [0; 8];
    rand::fill(&mut random).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
    let beyond = u64::from_le_bytes(random) % u64::try_from(from.len()).unwrap_or(u64::MAX);
    Ok(from.start + usize::try_from(beyond).unwrap_or_default())
}

/// A picture of words and noise, and its name.
fn picture(length: usize) -> Result<(String, Vec<u8>), StoreError> {
    let mut noise = vec![0; length];
    rand::fill(&mut noise).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
    Ok((words(2)?, [b"\x89PNG\r\n\x1a\n".as_slice(), words(40)?.as_bytes(), &noise].concat()))
}

/// What was uploaded.
pub(super) struct Uploaded {
    pub(super) drawing: Uuid,
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

#[derive(Deserialize)]
struct Founded {
    token: String,
}

#[derive(Deserialize)]
struct Kept {
    drawing: Uuid,
}

impl From<OutboundError> for Stop {
    fn from(error: OutboundError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Plant {
    /// Founds a team through the public API.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        let email = format!("{}@{}.example", words(2)?.replace(' ', "."), words(1)?).to_lowercase();
        let body = json!({ "name": words(2)?, "person": { "name": words(2)?, "email": email } });
        let answer = call(site, None, "POST", "/api/tenants", Body::Json(&body)).await?;
        let founded: Founded = answer.json().map_err(|_| PlantError::Refused("POST /api/tenants", answer.status))?;
        Ok(Self { token: founded.token, drawings: Vec::new() })
    }

    /// The drawings of the attack before, which are forgotten.
    pub(super) fn before(&mut self) -> Vec<Uuid> {
        std::mem::take(&mut self.drawings)
    }

    /// Uploads three pictures of words and noise that nobody has seen before: a small one and a large one by the API, and a large
    /// one by the page's form, which takes another way in.
    pub(super) async fn uploads(&mut self, site: &Site) -> Result<[Uploaded; 3], Stop> {
        let (small, large) = (self.upload(site, drawn(SMALL)?).await?, self.upload(site, drawn(LARGE)?).await?);
        Ok([small, large, self.by_form(site, drawn(LARGE)?).await?])
    }

    async fn by_form(&mut self, site: &Site, length: usize) -> Result<Uploaded, Stop> {
        let (name, content) = picture(length)?;
        let boundary = Uuid::new_v4().simple().to_string();
        let part = |head: &str| format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n");
        let head = part("name=\"name\"")
            + "\r\n"
            + &name
            + "\r\n"
            + &part(&format!("name=\"file\"; filename=\"{name}.png\""))
            + "Content-Type: image/png\r\n\r\n";
        let body = [head.as_bytes(), &content, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let kind = format!("multipart/form-data; boundary={boundary}");
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", kind.as_str())];
        let answer = site.send("POST", "/drawings", &headers, &body).await?;
        let led =
            answer.header("location").and_then(|to| to.strip_prefix("/drawings/")?.split('?').next()?.parse().ok());
        let drawing =
            led.filter(|_| answer.status == 303).ok_or(PlantError::Refused("POST /drawings", answer.status))?;
        self.drawings.push(drawing);
        Ok(Uploaded { drawing, name, content })
    }

    async fn upload(&mut self, site: &Site, length: usize) -> Result<Uploaded, Stop> {
        let (name, content) = picture(length)?;
        let file = Body::File("image/png", &format!("{name}.png"), &content);
        let answer = call(site, Some(&self.token), "POST", "/api/drawings", file).await?;
        let kept: Kept = answer
            .json()
            .ok()
            .filter(|_| answer.status == 201)
            .ok_or(PlantError::Refused("POST /api/drawings", answer.status))?;
        self.drawings.push(kept.drawing);
        Ok(Uploaded { drawing: kept.drawing, name, content })
    }

    /// The upload must come back as it was: what is stored is what was uploaded.
    pub(super) async fn read_back(&self, site: &Site, uploaded: &Uploaded) -> Result<(), Stop> {
        let path = format!("/api/drawings/{}/original", uploaded.drawing);
        let answer = call(site, Some(&self.token), "GET", &path, Body::Nothing).await?;
        if answer.status == 200 && answer.body == uploaded.content {
            return Ok(());
        }
        Err(Stop::Failed(format!("an uploaded file does not come back as it was: {}", answer.status)))
    }

    /// Deletes the drawing of the attack before. That it is gone already is as good.
    pub(super) async fn discard(&self, site: &Site, drawing: Uuid) -> Result<(), Stop> {
        let path = format!("/api/drawings/{drawing}");
        let answer = call(site, Some(&self.token), "DELETE", &path, Body::Nothing).await?;
        match answer.status {
            204 | 404 => Ok(()),
            status => Err(PlantError::Refused("DELETE /api/drawings/{id}", status).into()),
        }
    }
}
