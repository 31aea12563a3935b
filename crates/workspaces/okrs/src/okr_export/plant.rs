//! A team of the probe's own, made and used as anybody could.

use super::client::call;
use ingress::visitor::{Somebody, word, words};
use outbound::{OutboundError, Site};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// One person of the probe's own.
#[derive(Clone, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    #[serde(rename = "person")]
    pub id: Uuid,
    /// Their team.
    pub tenant: Uuid,
    /// Their token.
    pub token: String,
    /// Their name.
    #[serde(default)]
    pub name: String,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.id)
    }
}

/// People of the probe's own. Nothing about them tells the application so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plant {
    /// Who owns the workspace.
    pub owner: Member,
    /// A member of it.
    pub colleague: Member,
    /// The owner of another team.
    pub stranger: Member,
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

/// What one round wrote.
pub(super) struct Written {
    /// Objectives that are still current, with their versions.
    pub(super) current: Vec<(Uuid, u64)>,
    /// Texts that must be in every export.
    pub(super) texts: Vec<String>,
}

#[derive(Deserialize)]
struct Joined {
    person: Uuid,
    tenant: Option<Uuid>,
    token: String,
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl Plant {
    /// Makes one through the public API.
    ///
    /// # Errors
    /// The API does not answer, or refuses.
    pub async fn sow(site: &Site) -> Result<Self, PlantError> {
        let owner = found(site, &Somebody::new().name).await?;
        let colleague = join(site, &owner, &Somebody::new().name).await?;
        Ok(Self { owner, colleague, stranger: found(site, &Somebody::new().name).await? })
    }

    /// An empty workspace of another team, in which people have the same names.
    pub(super) async fn elsewhere(&self, site: &Site) -> Result<Member, PlantError> {
        let owner = found(site, &self.owner.name).await?;
        join(site, &owner, &self.colleague.name).await?;
        Ok(owner)
    }

    /// Writes, measures, checks in, changes and archives, each text new.
    pub(super) async fn write(&self, site: &Site) -> Result<Written, PlantError> {
        let hers = Pen { site, token: &self.owner.token };
        let his = Pen { site, token: &self.colleague.token };
        let (above, below, gone) = (words(3), format!("={}\n\"{}\", and more", words(2), word()), words(3));
        let company = hers.objective(&above, "company", self.owner.id, None).await?;
        let team = his.objective(&below, "team", self.colleague.id, Some(company)).await?;
        let counted = his.key_result(team, &words(2), "number", self.owner.id).await?;
        let done = his.key_result(team, &words(2), "boolean", self.colleague.id).await?;
        let (comment, other) = (format!("-{}", words(6)), words(6));
        his.check_in(team, counted, 17.25, &comment).await?;
        hers.check_in(team, done, 1.0, &other).await?;
        let renamed = words(4);
        let version = hers.rename(company, &above, &renamed, self.owner.id).await?;
        let old = his.objective(&gone, "team", self.colleague.id, None).await?;
        his.archive(old, 1).await?;
        let texts = vec![above, below, gone, comment, other, renamed];
        Ok(Written { current: vec![(team, 1), (company, version)], texts })
    }

    /// Archives what a round wrote, so that the workspace does not fill up.
    pub(super) async fn put_away(&self, site: &Site, written: &Written) -> Result<(), PlantError> {
        for (id, version) in &written.current {
            Pen { site, token: &self.owner.token }.archive(*id, *version).await?;
        }
        Ok(())
    }
}

/// Somebody who writes.
struct Pen<'a> {
    site: &'a Site,
    token: &'a str,
}

impl Pen<'_> {
    async fn objective(&self, title: &str, level: &str, owner: Uuid, parent: Option<Uuid>) -> Result<Uuid, PlantError> {
        let body = fields(title, level, owner, parent);
        Ok(made::<Created>(self, ("POST", "/api/objectives", "/api/objectives"), &body, 201).await?.id)
    }

    async fn rename(&self, id: Uuid, from: &str, to: &str, owner: Uuid) -> Result<u64, PlantError> {
        let mut body = fields(to, "company", owner, None);
        if let Value::Object(fields) = &mut body {
            fields.insert("version".to_owned(), json!(1));
            fields.insert("description".to_owned(), json!(format!("It was {from}.")));
        }
        let path = format!("/api/objectives/{id}");
        Ok(made::<Version>(self, ("PUT", &path, "/api/objectives/{id}"), &body, 200).await?.version)
    }

    async fn key_result(&self, of: Uuid, title: &str, unit: &str, owner: Uuid) -> Result<Uuid, PlantError> {
        let body = json!({
            "title": title, "owner": owner, "unit": unit, "direction": "increase", "initial": 0.1, "target": 25.7,
            "lower": null, "weight": 50,
        });
        let path = format!("/api/objectives/{of}/key-results");
        Ok(made::<Created>(self, ("POST", &path, "/api/objectives/{id}/key-results"), &body, 201).await?.id)
    }

    async fn check_in(&self, of: Uuid, key_result: Uuid, value: f64, comment: &str) -> Result<(), PlantError> {
        let body = json!({ "value": value, "confidence": 7, "comment": comment });
        let path = format!("/api/objectives/{of}/key-results/{key_result}/check-ins");
        let named = "/api/objectives/{id}/key-results/{key_result}/check-ins";
        made::<Created>(self, ("POST", &path, named), &body, 201).await.map(drop)
    }

    async fn archive(&self, id: Uuid, version: u64) -> Result<(), PlantError> {
        let path = format!("/api/objectives/{id}/archive");
        let call = ("POST", path.as_str(), "/api/objectives/{id}/archive");
        made::<Version>(self, call, &json!({ "version": version }), 200).await.map(drop)
    }
}

fn fields(title: &str, level: &str, owner: Uuid, parent: Option<Uuid>) -> Value {
    json!({
        "title": title, "description": words(9), "level": level, "status": "active", "owner": owner, "parent": parent,
        "starts_on": "2026-10-01", "ends_on": "2026-12-31", "weight": 40, "check_in_every": "two-weeks",
    })
}

/// Method, path, and the path as it is named in errors.
type Call<'a> = (&'static str, &'a str, &'static str);

async fn made<T: DeserializeOwned>(
    pen: &Pen<'_>,
    (method, path, named): Call<'_>,
    body: &Value,
    status: u16,
) -> Result<T, PlantError> {
    let answer = call(pen.site, Some(pen.token), method, path, Some(body.to_string().as_bytes())).await?;
    let refused = PlantError::Refused { method, path: named, status: answer.status };
    if answer.status == status { answer.json().map_err(|_| refused) } else { Err(refused) }
}

async fn found(site: &Site, name: &str) -> Result<Member, PlantError> {
    let body = json!({ "name": words(2), "person": { "name": name, "email": Somebody::new().email } });
    let answer = call(site, None, "POST", "/api/tenants", Some(body.to_string().as_bytes())).await?;
    member(&answer, "/api/tenants", name, None)
}

async fn join(site: &Site, owner: &Member, name: &str) -> Result<Member, PlantError> {
    let body = json!({ "name": name, "email": Somebody::new().email });
    let text = body.to_string();
    let answer = call(site, Some(&owner.token), "POST", "/api/people", Some(text.as_bytes())).await?;
    member(&answer, "/api/people", name, Some(owner.tenant))
}

fn member(
    answer: &outbound::Answer,
    path: &'static str,
    name: &str,
    tenant: Option<Uuid>,
) -> Result<Member, PlantError> {
    let refused = || PlantError::Refused { method: "POST", path, status: answer.status };
    if answer.status != 201 {
        return Err(refused());
    }
    let Joined { person, tenant: founded, token } = answer.json().map_err(|_| refused())?;
    let tenant = tenant.or(founded).ok_or_else(refused)?;
    Ok(Member { id: person, tenant, token, name: name.to_owned() })
}
