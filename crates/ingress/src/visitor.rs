//! The probe's side of a user: a browser without a screen, that signs up, signs in, keeps cookies and sends forms as they
//! stand on the pages. What it does, anybody can do.

mod words;

pub use words::{Somebody, word, words};

use crate::{cookie, csrf};
use outbound::{Answer, OutboundError, Site};
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a visit did not go as it does for everybody.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    /// No answer.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// Another answer than the one that people get.
    #[error("{method} {path} answered {status}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// The status.
        status: u16,
    },
    /// The page has no form with a token.
    #[error("{0} shows no form with a token")]
    NoForm(String),
}

/// A user with a browser. A clone shares nothing but what it knew.
#[derive(Clone)]
pub struct Visitor {
    site: Site,
    jar: BTreeMap<String, String>,
    token: Option<String>,
}

impl std::fmt::Debug for Visitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Visitor({})", self.site.url())
    }
}

impl Visitor {
    /// Somebody at a fresh browser.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        Self { site: site.clone(), jar: BTreeMap::new(), token: None }
    }

    /// Somebody at a fresh browser, who shares no address with others where that can be had: limits on addresses that
    /// other visitors use up do not touch them.
    pub async fn stranger(site: &Site) -> Self {
        Self::new(&site.elsewhere().await)
    }

    /// The service, as this visitor calls it.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar.get(name).map(String::as_str)
    }

    /// Puts a cookie into the browser, as a thief would.
    pub fn hold(&mut self, name: &str, value: &str) {
        self.jar.insert(name.to_owned(), value.to_owned());
        self.token = None;
    }

    /// Whether a session's cookie is held.
    #[must_use]
    pub fn is_signed_in(&self) -> bool {
        self.jar.contains_key(cookie::SESSION)
    }

    /// Signs somebody new up, and in.
    ///
    /// # Errors
    /// It does not go as it does for everybody.
    pub async fn sign_up(&mut self) -> Result<Somebody, VisitError> {
        let somebody = Somebody::new();
        self.form_token("/sign-up").await?;
        let Somebody { name, email, password, team } = &somebody;
        let form = [("name", name.as_str()), ("email", email), ("password", password), ("team", team)];
        let answer = self.post_form("/sign-up", &form).await?;
        expect("POST", "/sign-up", &answer, |status| matches!(status, 200 | 303))?;
        self.sign_in(&somebody.email, &somebody.password).await?;
        Ok(somebody)
    }

    /// Signs in. Where a second factor is owed, that is up to the caller.
    ///
    /// # Errors
    /// No session begins.
    pub async fn sign_in(&mut self, email: &str, password: &str) -> Result<Answer, VisitError> {
        self.form_token("/sign-in").await?;
        let answer = self.post_form("/sign-in", &[("email", email), ("password", password)]).await?;
        expect("POST", "/sign-in", &answer, |status| status == 303)?;
        if !self.is_signed_in() {
            return Err(VisitError::Refused { method: "POST", path: "/sign-in".to_owned(), status: answer.status });
        }
        Ok(answer)
    }

    /// The form token on a page; it holds for every form of the same session.
    ///
    /// # Errors
    /// The page has none.
    pub async fn form_token(&mut self, page: &str) -> Result<String, VisitError> {
        let answer = self.get(page).await?;
        let token = hidden(&answer.text(), csrf::FIELD).ok_or_else(|| VisitError::NoForm(page.to_owned()))?;
        self.token = Some(token.clone());
        Ok(token)
    }

    /// GET of a page, as a click on a link.
    ///
    /// # Errors
    /// No answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer, OutboundError> {
        self.send("GET", path, &[("sec-fetch-site", "same-origin"), ("accept", "text/html,*/*;q=0.8")], &[]).await
    }

    /// Sends a form from a page of the service, with the form token unless `fields` has one. Where no token is known yet it
    /// is read at the same path, or at the account's page.
    ///
    /// # Errors
    /// No answer, or no page with a token.
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, VisitError> {
        let token = self.known_token(path).await?;
        let added = (!fields.iter().any(|(name, _)| *name == csrf::FIELD)).then_some((csrf::FIELD, token.as_str()));
        let pairs = fields.iter().copied().chain(added);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let origin = self.site.url().to_owned();
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("accept", "text/html,*/*;q=0.8"),
        ];
        Ok(self.send("POST", path, &headers, body.as_bytes()).await?)
    }

    /// Sends JSON by a script of the service, with the form token.
    ///
    /// # Errors
    /// No answer, or no page with a token.
    pub async fn post_json(&mut self, path: &str, body: &Value) -> Result<Answer, VisitError> {
        self.send_json("POST", path, Some(body)).await
    }

    /// As [`Self::post_json`], by any method, with or without a body.
    ///
    /// # Errors
    /// No answer, or no page with a token.
    pub async fn send_json(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, VisitError> {
        let token = self.known_token(path).await?;
        let origin = self.site.url().to_owned();
        let mut headers = vec![
            (csrf::HEADER, token.as_str()),
            ("origin", origin.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("accept", "application/json"),
        ];
        headers.extend(body.map(|_| ("content-type", "application/json")));
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        Ok(self.send(method, path, &headers, &bytes).await?)
    }

    /// Any request, with the cookies that are held and nothing else that is not in `headers`. Cookies of the answer are kept.
    ///
    /// # Errors
    /// No answer.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, OutboundError> {
        let jar = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut all = headers.to_vec();
        if !jar.is_empty() {
            all.push(("cookie", &jar));
        }
        let answer = self.site.send(method, path, &all, body).await?;
        self.keep(&answer);
        Ok(answer)
    }

    async fn known_token(&mut self, path: &str) -> Result<String, VisitError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let page = if self.is_signed_in() { "/account" } else { path };
        self.form_token(page).await
    }

    /// A new session has tokens of its own.
    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let is_gone = parts.any(|part| part.eq_ignore_ascii_case("max-age=0"));
            let before =
                if is_gone { self.jar.remove(name) } else { self.jar.insert(name.to_owned(), value.to_owned()) };
            if before.as_deref() != Some(value) {
                self.token = None;
            }
        }
    }
}

fn expect(method: &'static str, path: &str, answer: &Answer, good: impl Fn(u16) -> bool) -> Result<(), VisitError> {
    let refused = || VisitError::Refused { method, path: path.to_owned(), status: answer.status };
    good(answer.status).then_some(()).ok_or_else(refused)
}

/// The value of the first hidden field of that name.
#[must_use]
pub fn hidden(page: &str, name: &str) -> Option<String> {
    page.split('<').filter_map(|tag| tag.strip_prefix("input")).find_map(|tag| {
        let tag = tag.split('>').next().unwrap_or_default();
        (attribute(tag, "name") == Some(name)).then(|| attribute(tag, "value").map(str::to_owned)).flatten()
    })
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let from = tag.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = tag.get(..*at).unwrap_or_default();
        before.ends_with(|last: char| last.is_ascii_whitespace())
    })?;
    let rest = tag.get(from + name.len()..)?.strip_prefix('=')?;
    match rest.strip_prefix(['"', '\'']) {
        Some(quoted) => quoted.split(['"', '\'']).next(),
        None => rest.split(|end: char| end.is_ascii_whitespace() || end == '/').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_field_is_found_on_a_page() {
        let page = r#"<form><input type="hidden" name="csrf" value="a-_9"/><input name='x' value='y'><input name=z value=q></form>"#;
        assert_eq!(hidden(page, "csrf").as_deref(), Some("a-_9"));
        assert_eq!((hidden(page, "x").as_deref(), hidden(page, "z").as_deref()), (Some("y"), Some("q")));
        assert_eq!(hidden(page, "none"), None);
    }
}
