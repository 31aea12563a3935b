//! People and tenants that probes plant through the public routes, as anybody could. Nothing the application can read marks
//! them. Only this side remembers who they are, in a file of the operator's, so that the next round waters the same ones
//! instead of growing more.

use crate::{garden, system::System};
use ingress::{
    audit_log,
    visitor::{Somebody, words},
};
use outbound::{Answer, OutboundError, Site};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Two tenants with two people each and a note in each tenant, and a third that operator's acts are done to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plants {
    beds: Vec<Bed>,
    /// Suspended and resumed by attacks on the audit log, and so of no use to others.
    pub(crate) acted_on: audit_log::Plant,
}

/// One planted tenant.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Bed {
    /// The tenant.
    pub(crate) tenant: Uuid,
    /// Who founded it, with the token.
    pub(crate) owner: Plant,
    /// Somebody else in it, who was granted nothing.
    pub(crate) colleague: Plant,
    /// The owner's note.
    pub(crate) note: Uuid,
}

/// One planted person.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Plant {
    /// The person.
    pub(crate) id: Uuid,
    token: String,
}

impl std::fmt::Debug for Bed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bed({})", self.tenant)
    }
}

/// Why nothing could be planted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlantError {
    /// The public routes did not answer.
    #[error("nothing could be planted: {0}")]
    Outbound(#[from] OutboundError),
    /// They answered otherwise than they promise.
    #[error("nothing could be planted: {method} {path} answered {status}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// The status code.
        status: u16,
    },
    /// The answer is not of the promised form.
    #[error("nothing could be planted: {0} answered in another form")]
    Form(String),
    /// As the control that plants for itself says it.
    #[error(transparent)]
    ActedOn(#[from] audit_log::PlantError),
    /// The file that remembers the plants.
    #[error("the plants cannot be remembered: {0}")]
    File(#[from] io::Error),
}

impl Plants {
    /// The plants of earlier rounds with a fresh note each, or new ones where those have withered.
    pub(crate) async fn grow(system: &System) -> Result<Self, PlantError> {
        let file = file(&system.data_dir);
        if let Some(mut plants) = Self::remembered(&file)
            && plants.water(&system.site).await.is_ok()
        {
            garden::remember(&file, &plants)?;
            return Ok(plants);
        }
        let site = &system.site;
        let acted_on = audit_log::Plant::sow(site).await?;
        let plants = Self { beds: vec![Bed::sow(site).await?, Bed::sow(site).await?], acted_on };
        garden::remember(&file, &plants)?;
        Ok(plants)
    }

    /// The planted tenants.
    pub(crate) fn beds(&self) -> &[Bed] {
        &self.beds
    }

    /// Replaces each note: what is attacked is always newly written through the public route.
    async fn water(&mut self, site: &Site) -> Result<(), PlantError> {
        for bed in &mut self.beds {
            let old = bed.note;
            bed.note = bed.owner.write(site).await?;
            send(site, "DELETE", &format!("/api/notes/{old}"), Some(&bed.owner.token), None).await?;
        }
        Ok(())
    }

    fn remembered(file: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(file).ok()?).ok()
    }
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("probe/plants.json")
}

#[derive(Deserialize)]
struct Founded {
    tenant: Uuid,
    person: Uuid,
    token: String,
}

#[derive(Deserialize)]
struct Joined {
    person: Uuid,
    token: String,
}

#[derive(Deserialize)]
struct Written {
    note: Uuid,
}

impl Bed {
    async fn sow(site: &Site) -> Result<Self, PlantError> {
        let body = json!({ "name": words(2), "person": somebody() });
        let founded: Founded = call(site, "POST", "/api/tenants", None, Some(body)).await?;
        let joined: Joined = call(site, "POST", "/api/people", Some(&founded.token), Some(somebody())).await?;
        let owner = Plant { id: founded.person, token: founded.token };
        let note = owner.write(site).await?;
        Ok(Self { tenant: founded.tenant, owner, colleague: Plant { id: joined.person, token: joined.token }, note })
    }
}

impl Plant {
    async fn write(&self, site: &Site) -> Result<Uuid, PlantError> {
        let body = json!({ "title": words(3), "text": words(12) });
        call::<Written>(site, "POST", "/api/notes", Some(&self.token), Some(body)).await.map(|written| written.note)
    }
}

async fn call<T: DeserializeOwned>(
    site: &Site,
    method: &'static str,
    path: &str,
    token: Option<&str>,
    body: Option<serde_json::Value>,
) -> Result<T, PlantError> {
    send(site, method, path, token, body).await?.json().map_err(|_| PlantError::Form(path.to_owned()))
}

async fn send(
    site: &Site,
    method: &'static str,
    path: &str,
    token: Option<&str>,
    body: Option<serde_json::Value>,
) -> Result<Answer, PlantError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("accept", "application/json")];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    headers.extend(body.as_ref().map(|_| ("content-type", "application/json")));
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let answer = site.send(method, path, &headers, &bytes).await?;
    if !(200..300).contains(&answer.status) {
        return Err(PlantError::Refused { method, path: path.to_owned(), status: answer.status });
    }
    Ok(answer)
}

fn somebody() -> serde_json::Value {
    let Somebody { name, email, .. } = Somebody::new();
    json!({ "name": name, "email": email })
}
