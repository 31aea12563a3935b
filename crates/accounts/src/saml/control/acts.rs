//! The attack itself.

use super::{Plant, Stop};
use crate::saml::REQUEST_COOKIE;
use ::saml::idp::{Answer as Said, Idp, Signed, forgeries, request_id};
use ingress::{
    cookie,
    visitor::{Somebody, Visitor, hidden},
};
use kernel::{Clock as _, SystemClock};
use outbound::{Answer, Site};

/// The team, its provider, and a browser that is about to sign in.
pub(super) struct Scene<'a> {
    site: Site,
    plant: &'a Plant,
    owner: Visitor,
    idp: Idp,
    tenant: String,
    audience: String,
    acs_url: String,
}

/// A browser's request to its provider: what it keeps, and what it asked.
struct Request {
    secret: String,
    id: String,
}

impl<'a> Scene<'a> {
    /// Signs the owner in, gives the team a provider with a new key, and invites the guest.
    pub(super) async fn set(site: &Site, plant: &'a Plant) -> Result<Self, Stop> {
        let mut owner = Visitor::stranger(site).await;
        owner.sign_in(&plant.email, &plant.password).await?;
        let page = owner.get("/team/saml").await?.text();
        let tenant = between(&page, "/saml/", "/metadata").ok_or_else(|| lacks("the page of the team's provider"))?;
        let path = format!("/saml/{tenant}/metadata");
        let ours = site.get(&path).await?.text();
        let audience = between(&ours, "entityID=\"", "\"").ok_or_else(|| lacks("our metadata"))?;
        let acs_url = between(&ours, "Location=\"", "\"").ok_or_else(|| lacks("our metadata"))?;
        let idp = Idp::new(&plant.provider, &format!("{}/sso", plant.provider))?;
        let site = owner.site().clone();
        let mut scene = Self { site, plant, owner, idp, tenant, audience, acs_url };
        scene.provide(true).await?;
        scene.invite().await?;
        Ok(scene)
    }

    /// Sets the team's provider to the present one.
    async fn provide(&mut self, enabled: bool) -> Result<(), Stop> {
        let metadata = self.idp.metadata();
        let fields = [("metadata", metadata.as_str()), ("enabled", if enabled { "yes" } else { "" })];
        let mut answer = self.owner.post_form("/team/saml", &fields).await?;
        if answer.header("location").is_some_and(|place| place.starts_with("/confirm")) {
            self.owner.post_form("/confirm", &[("password", &self.plant.password), ("next", "/team/saml")]).await?;
            answer = self.owner.post_form("/team/saml", &fields).await?;
        }
        if answer.status == 303 && answer.header("location") == Some("/team/saml") {
            return Ok(());
        }
        Err(Stop::Failed(format!("setting the provider of a team was answered with {}", answer.status)))
    }

    /// Invites the guest, unless they are in the team from an earlier round.
    async fn invite(&mut self) -> Result<(), Stop> {
        let fields = [("email", self.plant.guest.as_str()), ("role", "member")];
        let answer = self.owner.post_form("/team/invitations", &fields).await?;
        if matches!(answer.status, 200 | 303 | 409 | 422) {
            Ok(())
        } else {
            Err(Stop::Failed(format!("an invitation was answered with {}", answer.status)))
        }
    }

    /// Sets out, as a person who signs in does.
    async fn request(&self) -> Result<Request, Stop> {
        let mut guest = Visitor::new(&self.site);
        guest.form_token("/sign-in/saml").await?;
        let answer = guest.post_form("/sign-in/saml", &[("team", &self.tenant)]).await?;
        let url =
            answer.header("refresh").and_then(|refresh| refresh.split_once("url=")).map(|(_, url)| url.to_owned());
        let id = url.as_deref().and_then(request_id).ok_or_else(|| lacks("the way to the provider"))?;
        let secret = guest.cookie(REQUEST_COOKIE).ok_or_else(|| lacks("the way to the provider"))?.to_owned();
        Ok(Request { secret, id })
    }

    fn said(&self, email: &str, request: Option<&Request>) -> Said {
        let now = SystemClock.now();
        Said {
            acs_url: self.acs_url.clone(),
            audience: self.audience.clone(),
            in_response_to: request.map(|request| request.id.clone()),
            email: email.to_owned(),
            now,
            since: now,
        }
    }

    /// Posts an answer as the provider's page has a browser do it: from another site, with the one cookie that comes along.
    async fn post(&self, document: &str, request: Option<&Request>) -> Result<Answer, Stop> {
        let body = form(document);
        let path = format!("/saml/{}/acs", self.tenant);
        let cookies = request.map(|request| format!("{REQUEST_COOKIE}={}", request.secret));
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", self.plant.provider.trim_end_matches("/saml")),
            ("sec-fetch-site", "cross-site"),
            ("accept", "text/html,*/*;q=0.8"),
        ];
        headers.extend(cookies.as_deref().map(|cookies| ("cookie", cookies)));
        Ok(self.site.send("POST", &path, &headers, body.as_bytes()).await?)
    }

    /// An honest answer signs the guest in, as themselves; and not twice.
    pub(super) async fn honest(&mut self) -> Result<(), Stop> {
        for signed in [Signed::Assertion, Signed::Response] {
            let request = self.request().await?;
            let document = self.idp.answer(&self.said(&self.plant.guest, Some(&request)), signed)?;
            let answer = self.post(&document, Some(&request)).await?;
            let Some(session) = session(&answer) else {
                return Err(Stop::Failed(format!("an honest answer was answered with {}", answer.status)));
            };
            let mut guest = Visitor::new(&self.site);
            guest.hold(cookie::SESSION, &session);
            if !guest.get("/account").await?.text().contains(&self.plant.guest) {
                return Err(Stop::Broke("an honest answer signed somebody else in".to_owned()));
            }
            self.refused("an answer that was presented before", &document, Some(&request)).await?;
        }
        Ok(())
    }

    /// Posts what must be refused, and sees that it opens no session.
    async fn refused(&self, what: &str, document: &str, request: Option<&Request>) -> Result<(), Stop> {
        let answer = self.post(document, request).await?;
        if session(&answer).is_some() {
            return Err(Stop::Broke(format!("{what}: it opened a session")));
        }
        match answer.status {
            400 | 403 | 422 => Ok(()),
            429 | 500.. => Err(Stop::Failed(format!("{what}: it was answered with {}", answer.status))),
            status => Err(Stop::Broke(format!("{what}: it was answered with {status} instead of a refusal"))),
        }
    }

    /// Everything that is known. Returns how many answers were refused.
    pub(super) async fn forged(&self) -> Result<usize, Stop> {
        let request = self.request().await?;
        let stranger = Idp::new(&format!("{}/other", self.plant.provider), &self.idp.sso_url)?;
        let said = self.said(&self.plant.guest, Some(&request));
        let all = forgeries(&self.idp, &stranger, &said, &self.plant.email)?;
        for forgery in &all {
            self.refused(forgery.name, &forgery.document, Some(&request)).await?;
        }
        // The same answer, good as it is, in a browser that did not ask.
        let other = self.request().await?;
        let stolen = self.idp.answer(&said, Signed::Both)?;
        self.refused("an answer in another browser", &stolen, Some(&other)).await?;
        self.refused("an answer in a browser that asked nothing", &stolen, None).await?;
        Ok(all.len() + 2)
    }

    /// Honest answers about people who must not come in by them.
    pub(super) async fn strangers(&self) -> Result<usize, Stop> {
        let request = self.request().await?;
        let document = self.idp.answer(&self.said(&Somebody::new().email, Some(&request)), Signed::Both)?;
        self.refused("somebody who was not invited", &document, Some(&request)).await?;
        let request = self.request().await?;
        let document = self.idp.answer(&self.said(&self.plant.email, Some(&request)), Signed::Both)?;
        let answer = self.post(&document, Some(&request)).await?;
        if session(&answer).is_some() {
            return Err(Stop::Broke("an account was opened to a provider without its owner's consent".to_owned()));
        }
        Ok(2)
    }

    /// An answer that nobody asked for asks first.
    pub(super) async fn unasked(&self) -> Result<(), Stop> {
        let document = self.idp.answer(&self.said(&self.plant.guest, None), Signed::Both)?;
        let mut guest = Visitor::new(&self.site);
        let kind = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
        let path = format!("/saml/{}/acs", self.tenant);
        let answer = guest.send("POST", &path, &kind, form(&document).as_bytes()).await?;
        if session(&answer).is_some() {
            return Err(Stop::Broke("an answer that nobody asked for signed somebody in unasked".to_owned()));
        }
        let page = answer.text();
        let (grant, token) = (hidden(&page, "grant"), hidden(&page, "csrf"));
        let (Some(grant), Some(token)) = (grant, token) else { return Err(lacks("the page that asks")) };
        let origin = self.site.url().to_owned();
        let own = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
        ];
        let body = format!("grant={grant}&csrf={token}");
        let answer = guest.send("POST", "/sign-in/saml/continue", &own, body.as_bytes()).await?;
        if session(&answer).is_none() {
            return Err(Stop::Failed(format!("going on was answered with {}", answer.status)));
        }
        Ok(())
    }

    /// What was good counts no more once the provider is off, or its key is another.
    pub(super) async fn withdrawn(&mut self) -> Result<usize, Stop> {
        let request = self.request().await?;
        let said = self.said(&self.plant.guest, Some(&request));
        let (first, second) = (self.idp.answer(&said, Signed::Both)?, self.idp.answer(&said, Signed::Both)?);
        self.provide(false).await?;
        let off = self.refused("a provider that is turned off", &first, Some(&request)).await;
        self.idp = Idp::new(&self.plant.provider, &self.idp.sso_url)?;
        self.provide(true).await?;
        off?;
        self.refused("a key that was replaced", &second, Some(&request)).await?;
        Ok(2)
    }
}

/// The session that an answer opens, if it does.
fn session(answer: &Answer) -> Option<String> {
    let lines = answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
    let mut values = lines.filter_map(|line| line.strip_prefix(cookie::SESSION)?.strip_prefix('=')?.split(';').next());
    values.find(|value| !value.is_empty()).map(str::to_owned)
}

/// The form in which a document is posted.
fn form(document: &str) -> String {
    let mut out = String::from("RelayState=&SAMLResponse=");
    for byte in ::saml::idp::encoded(document).bytes() {
        match byte {
            b'+' => out.push_str("%2B"),
            b'/' => out.push_str("%2F"),
            b'=' => out.push_str("%3D"),
            other => out.push(char::from(other)),
        }
    }
    out
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let (_, after) = text.split_once(start)?;
    after.split_once(end).map(|(inside, _)| inside.to_owned())
}

fn lacks(what: &str) -> Stop {
    Stop::Failed(format!("{what} does not look as it should"))
}
