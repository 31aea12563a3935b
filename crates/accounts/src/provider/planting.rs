//! People whom a probe plants with a proven address: they come through the public routes, vouched for by the loopback
//! issuer, and nothing that the application can read marks them.

use super::loopback::{Draft, Grant, LoopbackIssuer, Mint, NAME};
pub use ingress::visitor::{hidden, word};
use ingress::{cookie, visitor::Visitor};
use kernel::{Clock, SystemClock};
use outbound::{Answer, OutboundError, Site};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;
use uuid::Uuid;

/// How often a request is sent again that came too soon, and how long it is waited for each time at most, in seconds.
const PATIENCE: u32 = 4;
const LONGEST_WAIT: u64 = 8;

/// Why nothing could be planted.
#[derive(Debug, thiserror::Error)]
pub enum PlantError {
    /// No answer came.
    #[error("nothing could be planted: {0}")]
    Outbound(#[from] OutboundError),
    /// A route answered otherwise than it promises.
    #[error("nothing could be planted: {0} answered {1}")]
    Refused(String, u16),
    /// An answer lacks what it should hold.
    #[error("nothing could be planted: {0} shows no {1}")]
    Lacks(String, &'static str),
}

/// A browser as a probe has one: cookies, and the form token of the last page. It can be remembered.
#[derive(Clone, Serialize, Deserialize)]
pub struct Browser {
    #[serde(skip)]
    site: Option<Site>,
    jar: BTreeMap<String, String>,
    token: String,
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Browser({} cookies)", self.jar.len())
    }
}

impl Browser {
    /// A browser that has never been here.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        Self { site: Some(site.clone()), jar: BTreeMap::new(), token: String::new() }
    }

    /// The same browser, remembered, at this site.
    #[must_use]
    pub fn at(mut self, site: &Site) -> Self {
        self.site = Some(site.clone());
        self
    }

    /// Its cookies as they are sent.
    #[must_use]
    pub fn cookies(&self) -> String {
        self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Sets a cookie as a script or another site might.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
    }

    /// Goes on with the session of a visitor who signed in.
    pub fn take_over(&mut self, visitor: &Visitor) {
        for name in cookie::OWN {
            if let Some(value) = visitor.cookie(name) {
                self.set_cookie(name, value);
            }
        }
    }

    /// The form token of the last page that had one.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// GET of a path. Redirects are not followed.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&mut self, path: &str) -> Result<Answer, PlantError> {
        self.send("GET", path, &[], &[]).await
    }

    /// A form of the last page.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, PlantError> {
        let mut body = format!("csrf={}", percent(&self.token));
        for (name, value) in fields {
            body.push_str(&format!("&{name}={}", percent(value)));
        }
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        self.send("POST", path, &kind, body.as_bytes()).await
    }

    /// Any request, with this browser's cookies.
    ///
    /// # Errors
    /// No answer came.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, PlantError> {
        let Some(site) = self.site.clone() else { return Err(PlantError::Lacks(path.to_owned(), "site")) };
        let cookies = self.cookies();
        let mut all = headers.to_vec();
        if !cookies.is_empty() {
            all.push(("cookie", &cookies));
        }
        for _ in 0..PATIENCE {
            let answer = site.send(method, path, &all, body).await?;
            let wait = answer.header("retry-after").and_then(|seconds| seconds.parse::<u64>().ok());
            match wait.filter(|seconds| answer.status == 429 && *seconds <= LONGEST_WAIT) {
                // Other attacks come from the same address.
                Some(seconds) => sleep(Duration::from_secs(seconds.max(1))).await,
                None => {
                    self.keep(&answer);
                    return Ok(answer);
                }
            }
        }
        Err(PlantError::Refused(path.to_owned(), 429))
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
            let pair = line.split(';').next().and_then(|pair| pair.split_once('='));
            match pair {
                Some((name, "")) => drop(self.jar.remove(name)),
                Some((name, value)) => drop(self.jar.insert(name.to_owned(), value.to_owned())),
                None => {}
            }
        }
        if let Some(token) = hidden(&answer.text(), "csrf") {
            self.token = token;
        }
    }
}

/// What a browser takes along to the issuer.
#[derive(Clone, Debug)]
pub struct Trip {
    /// Where the issuer is to send the browser back to, as a path.
    pub back: String,
    /// The state.
    pub state: String,
    /// The nonce.
    pub nonce: String,
    /// The challenge that the verifier must meet.
    pub challenge: String,
}

/// Sets out to the loopback issuer, as somebody who presses its button would.
///
/// # Errors
/// The routes do not answer as they should.
pub async fn set_out(browser: &mut Browser, link: bool) -> Result<Trip, PlantError> {
    let page = if link { "/account" } else { "/sign-in" };
    let shown = browser.get(page).await?;
    if shown.status != 200 {
        return Err(PlantError::Refused(page.to_owned(), shown.status));
    }
    let path = format!("/sign-in/with/{NAME}");
    let answer = browser.post(&path, &[("next", ""), ("link", if link { "yes" } else { "" })]).await?;
    if answer.status != 200 {
        return Err(PlantError::Refused(path, answer.status));
    }
    let refresh = answer.header("refresh").unwrap_or_default();
    let url = refresh.split_once("url=").map_or("", |(_, url)| url);
    let query: BTreeMap<String, String> = pairs(url.split_once('?').map_or("", |(_, query)| query));
    let part = |name: &'static str| query.get(name).cloned().ok_or(PlantError::Lacks(path.clone(), name));
    let uri = part("redirect_uri")?;
    let back = uri.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    Ok(Trip {
        back: back.ok_or(PlantError::Lacks(path.clone(), "way back"))?.to_owned(),
        state: part("state")?,
        nonce: part("nonce")?,
        challenge: part("code_challenge")?,
    })
}

/// Comes back with a code that stands for this token.
///
/// # Errors
/// No answer came.
pub async fn come_back(
    browser: &mut Browser,
    issuer: &LoopbackIssuer,
    trip: &Trip,
    token: String,
) -> Result<(Answer, String), PlantError> {
    let code = Uuid::new_v4().simple().to_string();
    issuer.grant(&code, Grant { token, challenge: trip.challenge.clone() });
    let answer = browser.get(&format!("{}?code={code}&state={}", trip.back, percent(&trip.state))).await?;
    Ok((answer, code))
}

/// Signs somebody up whom the issuer vouches for, with a team of their own. The browser is signed in afterwards.
///
/// # Errors
/// The routes do not answer as they should.
pub async fn sign_up(
    browser: &mut Browser,
    issuer: &LoopbackIssuer,
    vouched: &Vouched,
    team: &str,
) -> Result<(), PlantError> {
    let answer = arrive(browser, issuer, vouched).await?;
    let path = format!("/sign-in/with/{NAME}/new");
    let grant = hidden(&answer.text(), "grant").ok_or(PlantError::Lacks("the callback".to_owned(), "consent"))?;
    let fields = [("grant", grant.as_str()), ("name", vouched.name.as_str()), ("team", team)];
    let answer = browser.post(&path, &fields).await?;
    if answer.status == 303 { Ok(()) } else { Err(PlantError::Refused(path, answer.status)) }
}

/// Signs somebody in whose subject is linked.
///
/// # Errors
/// The routes do not answer as they should.
pub async fn sign_in(browser: &mut Browser, issuer: &LoopbackIssuer, vouched: &Vouched) -> Result<(), PlantError> {
    let answer = arrive(browser, issuer, vouched).await?;
    if answer.status == 303 { Ok(()) } else { Err(PlantError::Refused("the callback".to_owned(), answer.status)) }
}

async fn arrive(browser: &mut Browser, issuer: &LoopbackIssuer, vouched: &Vouched) -> Result<Answer, PlantError> {
    let trip = set_out(browser, false).await?;
    let draft = vouched.draft(&issuer.mint, &trip.nonce);
    let token = issuer.mint.sign(&draft);
    Ok(come_back(browser, issuer, &trip, token).await?.0)
}

/// Somebody whom the issuer vouches for.
#[derive(Clone, Serialize, Deserialize)]
pub struct Vouched {
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Their subject at the issuer.
    pub subject: String,
}

impl Vouched {
    /// Somebody whom nobody knew before.
    #[must_use]
    pub fn stranger() -> Self {
        let (first, last) = (word(), word());
        let email = format!("{first}.{last}@{}.example", word()).to_lowercase();
        Self { name: format!("{first} {last}"), email, subject: Uuid::new_v4().to_string() }
    }

    /// An identity token about them.
    #[must_use]
    pub fn draft(&self, mint: &Mint, nonce: &str) -> Draft {
        let mut draft = mint.identity(&self.subject, &self.email, nonce, SystemClock.now());
        draft.set("name", self.name.as_str());
        draft
    }
}

/// A text as it stands in a query or a form.
#[must_use]
pub fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The pairs of a query or a form.
pub(crate) fn pairs(query: &str) -> BTreeMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        match (first, code) {
            (b'%', Some(code)) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_and_a_query_are_read() {
        let page = "<form><input type=\"hidden\" name=\"csrf\" value=\"abc\"><input name=\"grant\" type=\"hidden\" value=\"g\">";
        assert_eq!((hidden(page, "csrf"), hidden(page, "grant")), (Some("abc".to_owned()), Some("g".to_owned())));
        assert_eq!(hidden(page, "other"), None);
        let read = pairs("a=b%20c&d=%2Fe%2&f=g+h");
        assert_eq!(read.get("a").map(String::as_str), Some("b c"));
        assert_eq!(read.get("d").map(String::as_str), Some("/e%2"));
        assert_eq!(read.get("f").map(String::as_str), Some("g h"));
        assert_eq!(percent("a b/é"), "a%20b%2F%C3%A9");
    }
}
