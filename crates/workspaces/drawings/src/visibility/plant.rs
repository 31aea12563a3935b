//! People and a drawing of the probe's own, made as anybody could make them.

use super::{
    Stop,
    client::{Body, call},
};
use ingress::visitor::{word, words};
use outbound::{OutboundError, Site};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use std::fmt;
use uuid::Uuid;

/// One person of the probe's own.
#[derive(Clone, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    #[serde(rename = "person")]
    pub id: Uuid,
    /// Their token.
    pub token: String,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.id)
    }
}

/// People of the probe's own. Nothing about them tells the application so. They can be remembered, so that not every attack
/// leaves a new team behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plant {
    /// Who uploads.
    pub owner: Member,
    /// Whom it is shared with.
    pub reader: Member,
    /// A colleague without a grant.
    pub colleague: Member,
    /// The owner of another team.
    pub elsewhere: Member,
    /// The drawing of the round before.
    pub drawing: Option<Uuid>,
}

/// Why nothing could be planted.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// No answer came.
    #[error("nothing could be planted: {0}")]
    Outbound(#[from] OutboundError),
    /// The public API answered otherwise than it promises.
    #[error("nothing could be planted: {method} {path} answered {status}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path, without ids.
        path: &'static str,
        /// The status code.
        status: u16,
    },
}

/// A drawing that is shared with the reader, and was shared with somebody who has left since.
pub(super) struct Staged {
    pub(super) drawing: Uuid,
    /// Its bytes.
    pub(super) content: Vec<u8>,
    /// Who has left.
    pub(super) former: Member,
}

#[derive(Deserialize)]
struct Uploaded {
    drawing: Uuid,
}

impl Plant {
    /// Makes one through the public API.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        let (owner, elsewhere) = (found(site).await?, found(site).await?);
        let (reader, colleague) = (join(site, &owner).await?, join(site, &owner).await?);
        Ok(Self { owner, reader, colleague, elsewhere, drawing: None })
    }

    /// Whether the people are still there.
    pub async fn lives(&self, site: &Site) -> bool {
        for member in [&self.owner, &self.reader, &self.colleague, &self.elsewhere] {
            let answer = call(site, Some(&member.token), "GET", "/api/me", Body::Nothing).await;
            if !answer.is_ok_and(|answer| answer.status == 200) {
                return false;
            }
        }
        true
    }

    /// Uploads a drawing, shares it with the reader and with somebody who then leaves, and sees that both could look.
    pub(super) async fn stage(&self, site: &Site) -> Result<Staged, Stop> {
        let content = picture();
        let token = Some(self.owner.token.as_str());
        let uploaded: Uploaded =
            made(site, token, ("POST", "/api/drawings", "/api/drawings"), Body::Png(&content)).await?;
        let former = join(site, &self.owner).await?;
        let drawing = uploaded.drawing;
        for member in [&self.reader, &former] {
            let path = format!("/api/drawings/{drawing}/grants/{}", member.id);
            done(site, token, ("PUT", &path, "/api/drawings/{id}/grants/{person}")).await?;
            let seen = call(site, Some(&member.token), "GET", &original(drawing), Body::Nothing).await?;
            if seen.body != content {
                let why = format!("whom a drawing is shared with is answered with {}", seen.status);
                return Err(Stop::Failed(why));
            }
        }
        done(site, token, ("DELETE", &format!("/api/people/{}", former.id), "/api/people/{id}")).await?;
        Ok(Staged { drawing, content, former })
    }

    /// Deletes a drawing of a round before. That it is gone already is as good.
    pub(super) async fn discard(&self, site: &Site, drawing: Uuid) -> Result<(), Stop> {
        let path = format!("/api/drawings/{drawing}");
        match done(site, Some(&self.owner.token), ("DELETE", &path, "/api/drawings/{id}")).await {
            Ok(()) | Err(PlantError::Refused { status: 404, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

pub(super) fn original(drawing: Uuid) -> String {
    format!("/api/drawings/{drawing}/original")
}

/// A picture that nobody has seen before: the mark of a PNG, and bytes that do not repeat.
fn picture() -> Vec<u8> {
    let noise = (0..64).flat_map(|_| Uuid::new_v4().into_bytes());
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect()
}

fn somebody() -> serde_json::Value {
    let (first, last) = (word(), word());
    let email = format!("{}.{}@{}.example", first.to_lowercase(), last.to_lowercase(), word().to_lowercase());
    json!({ "name": format!("{first} {last}"), "email": email })
}

async fn found(site: &Site) -> Result<Member, PlantError> {
    let body = json!({ "name": words(2), "person": somebody() }).to_string();
    made(site, None, ("POST", "/api/tenants", "/api/tenants"), Body::Json(&body)).await
}

async fn join(site: &Site, owner: &Member) -> Result<Member, PlantError> {
    let body = somebody().to_string();
    made(site, Some(&owner.token), ("POST", "/api/people", "/api/people"), Body::Json(&body)).await
}

/// Method, path, and the path as it is named in errors.
type Call<'a> = (&'static str, &'a str, &'static str);

async fn made<T: DeserializeOwned>(
    site: &Site,
    token: Option<&str>,
    (method, path, named): Call<'_>,
    body: Body<'_>,
) -> Result<T, PlantError> {
    let answer = call(site, token, method, path, body).await?;
    let refused = PlantError::Refused { method, path: named, status: answer.status };
    if answer.status == 201 { answer.json().map_err(|_| refused) } else { Err(refused) }
}

async fn done(site: &Site, token: Option<&str>, (method, path, named): Call<'_>) -> Result<(), PlantError> {
    let answer = call(site, token, method, path, Body::Nothing).await?;
    if answer.status == 204 { Ok(()) } else { Err(PlantError::Refused { method, path: named, status: answer.status }) }
}
