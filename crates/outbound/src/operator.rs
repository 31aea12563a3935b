//! The operator's credentials, for attacks from inside.

use crate::{Answer, OutboundError, Site};
use std::fmt;

/// The operator's bearer token. It is never printed.
#[derive(Clone)]
pub struct Operator {
    token: String,
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operator(..)")
    }
}

impl Operator {
    /// The operator who holds this token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self { token: token.into().trim().to_owned() }
    }

    /// GET of one of the operator's routes.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, site: &Site, path: &str) -> Result<Answer, OutboundError> {
        site.send("GET", path, &[("authorization", &self.bearer())], &[]).await
    }

    /// POST of JSON to one of the operator's routes.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&self, site: &Site, path: &str, body: &serde_json::Value) -> Result<Answer, OutboundError> {
        let headers = [("authorization", self.bearer()), ("content-type", "application/json".to_owned())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        site.send("POST", path, &headers, body.to_string().as_bytes()).await
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }
}
