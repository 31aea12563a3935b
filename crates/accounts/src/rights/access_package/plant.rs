//! A person of the probe's own, with a colleague, made as anybody could make them.

use super::super::taken;
use crate::attack::{Plant, Stop};
use ingress::visitor::{Somebody, VisitError, Visitor, words};
use outbound::{Answer, OutboundError, Site};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// A person and their colleague. Nothing about them tells the application so.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Copied {
    pub(crate) plant: Plant,
    person: Uuid,
    colleague: Colleague,
}

/// Somebody else in the team, who only has a token.
#[derive(Clone, Serialize, Deserialize)]
struct Colleague {
    id: Uuid,
    token: String,
    name: String,
    email: String,
}

impl std::fmt::Debug for Colleague {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Colleague({})", self.id)
    }
}

/// What one round wrote.
pub(super) struct Planted {
    /// Texts that must be in the copy.
    pub(super) own: Vec<String>,
    /// Texts and ids that must not be.
    pub(super) others: Vec<String>,
    /// The drawing's name and bytes, where drawings are served.
    pub(super) drawing: Option<(String, Vec<u8>)>,
    note: Uuid,
    shared: Uuid,
}

impl Copied {
    /// Signs somebody up and lets a colleague join.
    ///
    /// # Errors
    /// It does not go as it does for everybody.
    pub async fn sow(site: &Site) -> Result<Self, VisitError> {
        let plant = Plant::sow(site).await?;
        let mut visitor = Visitor::stranger(site).await;
        visitor.sign_in(plant.email(), plant.password()).await?;
        let refused = |path: &str, status| VisitError::Refused { method: "POST", path: path.to_owned(), status };
        let me = visitor.send_json("GET", "/api/me", None).await?;
        let person = taken::id(&me, "person").ok_or_else(|| refused("/api/me", me.status))?;
        let Somebody { name, email, .. } = Somebody::new();
        let joined = visitor.post_json("/api/people", &json!({ "name": name, "email": email })).await?;
        let id = taken::id(&joined, "person").ok_or_else(|| refused("/api/people", joined.status))?;
        let token = joined.json::<Value>().ok().and_then(|value| value.get("token")?.as_str().map(str::to_owned));
        let token = token.ok_or_else(|| refused("/api/people", joined.status))?;
        Ok(Self { plant, person, colleague: Colleague { id, token, name, email } })
    }

    /// Writes something new in every place that is served.
    pub(super) async fn write(&self, site: &Site, visitor: &mut Visitor) -> Result<Planted, Stop> {
        let (name, title, text, label) = (words(2), words(3), words(8), words(2));
        form(visitor, "/account/profile", &[("name", &name)]).await?;
        let note = taken::note(visitor, &title, &text).await?;
        made(visitor.post_form("/account/tokens", &[("label", &label)]).await?, "a token")?;
        let invited = Somebody::new().email;
        form(visitor, "/team/invitations", &[("email", &invited), ("role", "member")]).await?;
        let (theirs, secret) = (words(3), words(6));
        let shared = self.share(site, &theirs, &secret).await?;
        let (drawn, picture) = (words(2), taken::picture());
        let drawing =
            taken::draw(visitor, &format!("{drawn}.png"), &picture).await?.then_some((drawn.clone(), picture));
        let mut own = vec![self.plant.email().to_owned(), name, title, text, label];
        own.extend(drawing.is_some().then_some(drawn));
        own.extend(objective(visitor, self.person).await?);
        let Colleague { id, name, email, .. } = &self.colleague;
        let others = vec![name.clone(), email.clone(), id.to_string(), theirs, secret, invited];
        Ok(Planted { own, others, drawing, note, shared })
    }

    /// The colleague writes a note and shares it.
    async fn share(&self, site: &Site, title: &str, text: &str) -> Result<Uuid, Stop> {
        let body = json!({ "title": title, "text": text }).to_string();
        let written = self.call(site, "POST", "/api/notes", body.as_bytes()).await?;
        let note =
            taken::id(&written, "note").ok_or_else(|| Stop::Failed("a colleague cannot write a note".to_owned()))?;
        let path = format!("/api/notes/{note}/grants/{}", self.person);
        made(self.call(site, "PUT", &path, b"").await?, "a share")?;
        Ok(note)
    }

    async fn call(&self, site: &Site, method: &str, path: &str, body: &[u8]) -> Result<Answer, OutboundError> {
        let bearer = format!("Bearer {}", self.colleague.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend((!body.is_empty()).then_some(("content-type", "application/json")));
        site.send(method, path, &headers, body).await
    }

    /// Takes the notes of a round away, so that they do not pile up.
    pub(super) async fn clear(&self, visitor: &mut Visitor, planted: &Planted) -> Result<(), Stop> {
        let site = visitor.site().clone();
        made(visitor.send_json("DELETE", &format!("/api/notes/{}", planted.note), None).await?, "taking a note away")?;
        made(self.call(&site, "DELETE", &format!("/api/notes/{}", planted.shared), b"").await?, "taking a note away")
    }
}

/// An objective of the person's with a check-in, where objectives are served. Yields what was written.
async fn objective(visitor: &mut Visitor, person: Uuid) -> Result<Vec<String>, Stop> {
    let (title, measure, comment) = (words(3), words(2), words(5));
    let body = json!({
        "title": title, "description": "", "level": "team", "status": "active", "owner": person, "parent": null,
        "starts_on": "2026-10-01", "ends_on": "2026-12-31", "weight": 100, "check_in_every": "week",
    });
    let answer = visitor.post_json("/api/objectives", &body).await?;
    if answer.status == 404 {
        return Ok(Vec::new());
    }
    let failed = |answer: &Answer| Stop::Failed(format!("writing an objective was answered with {}", answer.status));
    let objective = taken::id(&answer, "id").ok_or_else(|| failed(&answer))?;
    let body = json!({
        "title": measure, "owner": person, "unit": "number", "direction": "increase", "initial": 0.0, "target": 9.0,
        "lower": null, "weight": 100,
    });
    let answer = visitor.post_json(&format!("/api/objectives/{objective}/key-results"), &body).await?;
    let key_result = taken::id(&answer, "id").ok_or_else(|| failed(&answer))?;
    let path = format!("/api/objectives/{objective}/key-results/{key_result}/check-ins");
    let body = json!({ "value": 3.0, "confidence": 7, "comment": comment });
    made(visitor.post_json(&path, &body).await?, "a check-in")?;
    let path = format!("/api/objectives/{objective}/archive");
    made(visitor.post_json(&path, &json!({ "version": 1 })).await?, "archiving")?;
    Ok(vec![title, measure, comment])
}

async fn form(visitor: &mut Visitor, path: &str, fields: &[(&str, &str)]) -> Result<(), Stop> {
    made(visitor.post_form(path, fields).await?, path)
}

fn made(answer: Answer, what: &str) -> Result<(), Stop> {
    if matches!(answer.status, 200 | 201 | 204 | 303) {
        Ok(())
    } else {
        Err(Stop::Failed(format!("{what} was answered with {}", answer.status)))
    }
}
