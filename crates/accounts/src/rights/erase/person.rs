//! The person: planted everywhere, and then asking to be erased.

use super::garden::{Garden, Me, Written, call, invite, me, read, token};
use crate::{
    attack::Stop,
    provider::{
        loopback::LoopbackIssuer,
        planting::{self, Browser, PlantError, Vouched, hidden, word},
    },
};
use identity::totp::Secret;
use ingress::{csrf, visitor::Visitor};
use kernel::{Clock as _, SystemClock};
use outbound::Site;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::{Store, accounts};
use tokio::time::sleep;
use uuid::Uuid;

/// How long an erasure may take that nobody has to decide over, before it counts as not carried out.
const DONE_WITHIN: Duration = Duration::from_secs(40);

/// Somebody who is everywhere.
pub(super) struct Person {
    pub(super) who: Vouched,
    /// The address that they had before.
    pub(super) former: String,
    /// Who others put down under their addresses without an account: under the one that they had before, and under their own,
    /// removed since.
    pub(super) written: [Written; 2],
    /// Who they are in the team of their own, and in that of others.
    pub(super) own: Me,
    pub(super) guest: Me,
    /// What they wrote, in words.
    pub(super) wrote: Vec<String>,
    /// Whether the service knows drawings, and objectives.
    pub(super) draws: bool,
    pub(super) aims: bool,
    browser: Browser,
    second: Browser,
    tokens: Vec<String>,
}

/// What became of the request.
pub(super) struct Receipt {
    pub(super) seconds: u64,
    pub(super) case: Uuid,
}

#[derive(Deserialize)]
struct Opened {
    case: Uuid,
    receipt: String,
}

#[derive(Deserialize)]
struct Shown {
    state: String,
    #[serde(default)]
    rows: std::collections::BTreeMap<String, u64>,
    #[serde(default)]
    keys: usize,
}

impl Person {
    /// Signs up with a team of their own, is invited and put down under the address of before, changes it, joins the team of
    /// whoever stays, and leaves something everywhere.
    pub(super) async fn sow(
        site: &Site,
        store: &Store,
        issuer: &LoopbackIssuer,
        garden: &mut Garden,
    ) -> Result<Self, Stop> {
        let mut who = Vouched::stranger();
        let mut browser = Browser::new(&site.elsewhere().await);
        let team = word();
        planting::sign_up(&mut browser, issuer, &who, &team).await?;
        let own = me(&mut browser).await?;
        let (former, before) = move_away(site, store, garden, &mut who).await?;
        let gone = garden.put_down(site, &who.email).await?;
        garden.remove(site, gone.person).await?;
        let mut second = Browser::new(&site.elsewhere().await);
        planting::sign_in(&mut second, issuer, &who).await?;
        let own_token = token(&mut browser).await?;
        invite(&mut browser, &format!("{}@{}.example", word(), word()).to_lowercase()).await?;
        let link = garden.invite(&who.email).await?;
        browser.get(&link).await?;
        browser.post(&link, &[]).await?;
        let guest = me(&mut browser).await?;
        if guest.tenant == own.tenant {
            return Err(Stop::Failed("an invitation that was accepted led nowhere".to_owned()));
        }
        let guest_token = token(&mut browser).await?;
        let local = |email: &str| email.trim_end_matches(".example").to_owned();
        let wrote = vec![who.name.clone(), local(&who.email), local(&former), team];
        let (tokens, written) = (vec![own_token, guest_token], [before, gone]);
        let (draws, aims) = (false, false);
        let mut person = Self { who, former, written, own, guest, wrote, draws, aims, browser, second, tokens };
        person.write(site, garden).await?;
        person.add_factor().await?;
        person.forget_password(site).await?;
        Ok(person)
    }

    /// What they leave in both teams, with shares to and from whoever stays.
    async fn write(&mut self, site: &Site, garden: &mut Garden) -> Result<(), Stop> {
        let (_, stays, theirs) = garden.there()?;
        let (guest, theirs) = (self.guest, theirs.to_owned());
        for token in self.tokens.clone() {
            self.note(site, &token).await?;
            self.aims |= self.aim(site, &token).await?;
            self.draws |= self.draw(site, &token).await?.is_some();
        }
        let Some(mine) = self.tokens.last().cloned() else { return Ok(()) };
        let note = self.note(site, &mine).await?;
        let share = |kind: &str, id: Uuid, with: Uuid| format!("/api/{kind}/{id}/grants/{with}");
        call(site, &mine, "PUT", &share("notes", note, stays.person), None, &[204]).await?;
        let back = json!({ "title": word(), "text": word() });
        let back: Value =
            read(&call(site, &theirs, "POST", "/api/notes", Some(&back), &[201]).await?, "POST /api/notes")?;
        if let Some(note) = id_in(&back, "note") {
            call(site, &theirs, "PUT", &share("notes", note, guest.person), None, &[204]).await?;
        }
        if let Some(drawing) = self.draw(site, &mine).await? {
            call(site, &mine, "PUT", &share("drawings", drawing, stays.person), None, &[204]).await?;
        }
        if let Some(drawing) = upload(site, &theirs, &word()).await? {
            call(site, &theirs, "PUT", &share("drawings", drawing, guest.person), None, &[204]).await?;
        }
        Ok(())
    }

    fn said(&mut self) -> String {
        let text = format!("{} {} {}", word(), word(), word());
        self.wrote.push(text.clone());
        text
    }

    async fn note(&mut self, site: &Site, token: &str) -> Result<Uuid, Stop> {
        let body = json!({ "title": self.said(), "text": self.said() });
        let made: Value =
            read(&call(site, token, "POST", "/api/notes", Some(&body), &[201]).await?, "POST /api/notes")?;
        id_in(&made, "note").ok_or_else(|| PlantError::Lacks("POST /api/notes".to_owned(), "id").into())
    }

    /// An objective, a key result and a check-in of theirs. Whether the service knows such.
    async fn aim(&mut self, site: &Site, token: &str) -> Result<bool, Stop> {
        let objectives = "/api/objectives";
        let whose = if self.tokens.first().is_some_and(|own| own == token) { self.own } else { self.guest };
        let body = json!({
            "title": word(), "description": word(), "level": "personal", "status": "active", "owner": whose.person,
            "parent": null, "starts_on": "2026-01-01", "ends_on": "2026-12-31", "weight": 50, "check_in_every": "week",
            "version": null,
        });
        let answer = call(site, token, "POST", objectives, Some(&body), &[201, 404, 405]).await?;
        if answer.status != 201 {
            return Ok(false);
        }
        let made: Value = read(&answer, objectives)?;
        let Some(objective) = id_in(&made, "id") else { return Err(lacks(objectives)) };
        let results = format!("{objectives}/{objective}/key-results");
        let body = json!({
            "title": word(), "owner": whose.person, "unit": "number", "direction": "increase", "initial": 1.0, "target": 9.0,
            "lower": null, "weight": 50, "version": null,
        });
        let made: Value = read(&call(site, token, "POST", &results, Some(&body), &[201]).await?, &results)?;
        let Some(result) = id_in(&made, "id") else { return Err(lacks("key-results")) };
        let body = json!({ "value": 3.0, "confidence": 5, "comment": word() });
        call(site, token, "POST", &format!("{results}/{result}/check-ins"), Some(&body), &[201]).await?;
        Ok(true)
    }

    async fn draw(&mut self, site: &Site, token: &str) -> Result<Option<Uuid>, Stop> {
        let name = self.said();
        upload(site, token, &name).await
    }

    /// Sets up an authenticator app.
    async fn add_factor(&mut self) -> Result<(), Stop> {
        self.browser.get("/account/security").await?;
        let page = self.browser.post("/account/totp/start", &[]).await?;
        let text = page.text();
        let key =
            text.split(['<', '>']).filter_map(|run| crate::attack::from_base32(run.trim())).find(|key| key.len() == 20);
        let (Some(state), Some(secret)) = (hidden(&text, "state"), key.as_deref().and_then(Secret::from_bytes)) else {
            return Err(PlantError::Refused("POST /account/totp/start".to_owned(), page.status).into());
        };
        let code = secret.code(SystemClock.now());
        let done = self.browser.post("/account/totp", &[("state", &state), ("code", &code)]).await?;
        if done.status == 200 {
            Ok(())
        } else {
            Err(PlantError::Refused("POST /account/totp".to_owned(), done.status).into())
        }
    }

    /// Says that they have forgotten their password, which leaves something that is good once.
    async fn forget_password(&self, site: &Site) -> Result<(), Stop> {
        let mut visitor = Visitor::stranger(site).await;
        let answer = visitor.post_form("/forgot", &[("email", &self.who.email)]).await?;
        if answer.status < 400 {
            Ok(())
        } else {
            Err(PlantError::Refused("POST /forgot".to_owned(), answer.status).into())
        }
    }

    /// Reads what will happen, asks for it, and waits until it is done.
    pub(super) async fn ask(&mut self, site: &Site) -> Result<Receipt, Stop> {
        let plan = self.browser.get("/account/data/erase").await?;
        if plan.status != 200 {
            return Err(PlantError::Refused("GET /account/data/erase".to_owned(), plan.status).into());
        }
        let (body, csrf) = (json!({ "kind": "erasure", "email": self.who.email }), self.browser.token().to_owned());
        let headers =
            [("content-type", "application/json"), ("accept", "application/json"), (csrf::HEADER, csrf.as_str())];
        let path = "/api/account/requests";
        let asked = self.browser.send("POST", path, &headers, body.to_string().as_bytes()).await?;
        if asked.status != 202 {
            return Err(Stop::Broke(format!("a request for erasure was answered with {}", asked.status)));
        }
        let opened: Opened = read(&asked, path)?;
        let begun = Instant::now();
        let mut state = "open".to_owned();
        while begun.elapsed() < DONE_WITHIN {
            let answer = site.get(&format!("/api{}", opened.receipt)).await?;
            let shown: Shown = read(&answer, "a receipt")?;
            if shown.state == "done" {
                if shown.rows.is_empty() || shown.keys == 0 {
                    return Err(Stop::Broke("an erasure is reported done that erased nothing".to_owned()));
                }
                return Ok(Receipt { seconds: begun.elapsed().as_secs(), case: opened.case });
            }
            state = shown.state;
            sleep(Duration::from_millis(250)).await;
        }
        let seconds = DONE_WITHIN.as_secs();
        Err(Stop::Broke(format!(
            "an erasure that nobody had to decide over is not done after {seconds} s: it is {state}"
        )))
    }

    /// What they held must open nothing any more.
    pub(super) async fn is_shut_out(&mut self, site: &Site) -> Result<(), Stop> {
        for browser in [&mut self.browser, &mut self.second] {
            if browser.get("/account").await?.status == 200 {
                return Err(Stop::Broke("a session of somebody who was erased still opens the account".to_owned()));
            }
        }
        for token in self.secrets() {
            let bearer = format!("Bearer {token}");
            let answer = site.send("GET", "/api/me", &[("authorization", &bearer)], &[]).await?;
            if answer.status == 200 {
                return Err(Stop::Broke("a token of somebody who was erased still works".to_owned()));
            }
        }
        Ok(())
    }

    /// What they hold that nobody else does.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().chain(self.written.iter().map(|one| &one.token)).map(String::as_str)
    }
}

/// Is invited and put down under an address, and takes another: yields the address, and who was put down. The mail with the
/// link that proves the new one is read by nobody here; what it does is done as its page does it.
async fn move_away(
    site: &Site,
    store: &Store,
    garden: &mut Garden,
    who: &mut Vouched,
) -> Result<(String, Written), Stop> {
    let former = who.email.to_lowercase();
    garden.invite(&former).await?;
    if garden.shows(&[&former]).await?.is_empty() {
        return Err(PlantError::Lacks("GET /team".to_owned(), "invitation").into());
    }
    let written = garden.put_down(site, &former).await?;
    let account = accounts::by_email(store, &former).await?;
    let account = account.ok_or_else(|| Stop::Failed("the planted account is in no table".to_owned()))?;
    who.email = Vouched::stranger().email.to_lowercase();
    accounts::set_email(store, account.id, &who.email).await?;
    Ok((former, written))
}

fn lacks(what: &str) -> Stop {
    PlantError::Lacks(what.to_owned(), "id").into()
}

fn id_in(value: &Value, key: &str) -> Option<Uuid> {
    value.as_object()?.get(key)?.as_str()?.parse().ok()
}

/// Uploads a picture of that name. `None` where the service knows no drawings.
async fn upload(site: &Site, token: &str, name: &str) -> Result<Option<Uuid>, Stop> {
    let noise = (0..512).flat_map(|_| Uuid::new_v4().into_bytes());
    let picture: Vec<u8> = b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect();
    let (bearer, named) = (format!("Bearer {token}"), format!("attachment; filename=\"{name}.png\""));
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "image/png"), ("content-disposition", named.as_str())];
    let answer = site.send("POST", "/api/drawings", &headers, &picture).await?;
    match answer.status {
        201 => Ok(id_in(&read::<Value>(&answer, "POST /api/drawings")?, "drawing")),
        404 | 405 => Ok(None),
        status => Err(PlantError::Refused("POST /api/drawings".to_owned(), status).into()),
    }
}
