//! Whoever stays: the owner of a team that the person to be erased joins, with things of their own.

use crate::{
    attack::Stop,
    provider::{
        loopback::LoopbackIssuer,
        planting::{self, Browser, PlantError, Vouched, word},
    },
};
use outbound::{Answer, Site};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

/// Somebody who stays, and their team.
#[derive(Default, Serialize, Deserialize)]
pub struct Garden {
    who: Option<Vouched>,
    /// Their account's membership, once they have come.
    me: Option<Me>,
    /// Their token.
    token: Option<String>,
    #[serde(skip)]
    browser: Option<Browser>,
}

impl std::fmt::Debug for Garden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Garden({:?})", self.me)
    }
}

/// Who somebody is in which team.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Me {
    pub(super) tenant: Uuid,
    pub(super) person: Uuid,
}

impl Garden {
    /// Has them there, signed in afresh.
    pub(super) async fn water(&mut self, site: &Site, issuer: &LoopbackIssuer) -> Result<(), Stop> {
        let mut browser = Browser::new(&site.elsewhere().await);
        match &self.who {
            Some(who) => planting::sign_in(&mut browser, issuer, who).await?,
            None => {
                let who = Vouched::stranger();
                planting::sign_up(&mut browser, issuer, &who, &word()).await?;
                self.who = Some(who);
            }
        }
        self.me = Some(me(&mut browser).await?);
        if self.token.is_none() {
            let token = token(&mut browser).await?;
            let note = json!({ "title": word(), "text": format!("{} {}", word(), word()) });
            call(site, &token, "POST", "/api/notes", Some(&note), &[201]).await?;
            self.token = Some(token);
        }
        self.browser = Some(browser);
        Ok(())
    }

    /// Their browser, their place and their token.
    pub(super) fn there(&mut self) -> Result<(&mut Browser, Me, &str), Stop> {
        match (&mut self.browser, self.me, self.token.as_deref()) {
            (Some(browser), Some(me), Some(token)) => Ok((browser, me, token)),
            _ => Err(Stop::Failed("whoever stays has not come".to_owned())),
        }
    }

    /// The team.
    pub(super) fn me(&self) -> Result<Me, Stop> {
        self.me.ok_or_else(|| Stop::Failed("whoever stays has not come".to_owned()))
    }

    /// The address of whoever stays.
    pub(super) fn email(&self) -> &str {
        self.who.as_ref().map_or("", |who| who.email.as_str())
    }

    /// Invites somebody. Yields the path of the invitation.
    pub(super) async fn invite(&mut self, email: &str) -> Result<String, Stop> {
        let (browser, ..) = self.there()?;
        invite(browser, email).await
    }
}

/// Somebody without an account in the team of whoever stays.
#[derive(Clone, Deserialize)]
pub(super) struct Written {
    pub(super) person: Uuid,
    pub(super) token: String,
}

impl Garden {
    /// Puts an address down in the team, as of somebody without an account, who writes a note there.
    pub(super) async fn put_down(&mut self, site: &Site, email: &str) -> Result<Written, Stop> {
        let (_, _, token) = self.there()?;
        let (token, who) = (token.to_owned(), json!({ "name": word(), "email": email }));
        let made = call(site, &token, "POST", "/api/people", Some(&who), &[201]).await?;
        let written: Written = read(&made, "POST /api/people")?;
        let note = json!({ "title": word(), "text": word() });
        call(site, &written.token, "POST", "/api/notes", Some(&note), &[201]).await?;
        Ok(written)
    }

    /// Removes somebody from the team again.
    pub(super) async fn remove(&mut self, site: &Site, person: Uuid) -> Result<(), Stop> {
        let (_, _, token) = self.there()?;
        let token = token.to_owned();
        call(site, &token, "DELETE", &format!("/api/people/{person}"), None, &[204]).await.map(drop)
    }

    /// Which of these addresses the page of the team shows to whoever stays.
    pub(super) async fn shows<'a>(&mut self, addresses: &[&'a str]) -> Result<Vec<&'a str>, Stop> {
        let (browser, ..) = self.there()?;
        let page = browser.get("/team").await?;
        if page.status != 200 {
            return Err(PlantError::Refused("GET /team".to_owned(), page.status).into());
        }
        let text = page.text().to_lowercase();
        Ok(addresses.iter().copied().filter(|address| text.contains(*address)).collect())
    }
}

/// Invites somebody to the team of whoever sits there. Yields the path of the invitation.
pub(super) async fn invite(browser: &mut Browser, email: &str) -> Result<String, Stop> {
    browser.get("/team").await?;
    let answer = browser.post("/team/invitations", &[("email", email), ("role", "member")]).await?;
    let page = answer.text();
    let path = page.split("/invitations/").nth(1).and_then(|rest| rest.split(['<', '"', '\n', ' ']).next());
    let token = path.filter(|token| token.len() > 20);
    let token = token.ok_or_else(|| PlantError::Refused("POST /team/invitations".to_owned(), answer.status))?;
    Ok(format!("/invitations/{token}"))
}

/// Who somebody is.
pub(super) async fn me(browser: &mut Browser) -> Result<Me, Stop> {
    let answer = browser.get("/api/me").await?;
    answer.json().map_err(|_| PlantError::Refused("GET /api/me".to_owned(), answer.status).into())
}

/// A new token of whoever sits there, for the team that they act in.
pub(super) async fn token(browser: &mut Browser) -> Result<String, Stop> {
    browser.get("/account/tokens").await?;
    let answer = browser.post("/account/tokens", &[("label", &word())]).await?;
    let page = answer.text();
    let token = page.split(['<', '>', '"', ' ', '\n']).find(|part| part.starts_with("wbt_"));
    let refused = || PlantError::Refused("POST /account/tokens".to_owned(), answer.status).into();
    token.map(str::to_owned).ok_or_else(refused)
}

/// A call of the API, which must be answered with one of these statuses.
pub(super) async fn call(
    site: &Site,
    token: &str,
    method: &'static str,
    path: &str,
    body: Option<&Value>,
    good: &[u16],
) -> Result<Answer, Stop> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(body.map(|_| ("content-type", "application/json")));
    let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    let answer = site.send(method, path, &headers, &bytes).await?;
    if good.contains(&answer.status) {
        return Ok(answer);
    }
    Err(PlantError::Refused(format!("{method} {path}"), answer.status).into())
}

/// What an answer holds.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, Stop> {
    answer.json().map_err(|_| PlantError::Refused(what.to_owned(), answer.status).into())
}
