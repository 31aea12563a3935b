//! What a provider says about itself (OpenID Connect Discovery 1.0).

use super::OidcError;
use crate::{Fetch, fetch::Question, jwt::Algorithm, strict_json};
use serde_json::{Map, Value};

/// The part of the document that is used.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) jwks_uri: String,
    /// Whether our secret goes into the form rather than into the header.
    pub(super) secret_in_form: bool,
    /// Whether every answer names its provider (RFC 9207).
    pub(super) names_itself: bool,
}

impl Document {
    pub(super) async fn fetch(issuer: &str, fetch: &dyn Fetch) -> Result<Self, OidcError> {
        if !is_address(issuer) || issuer.contains(['?', '#']) {
            return Err(bad("the issuer is no https address"));
        }
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let answer = fetch.fetch(Question::get(&url)).await?;
        if answer.status != 200 {
            return Err(bad(&format!("answered with {}", answer.status)));
        }
        Self::read(issuer, &strict_json::object(&answer.body).ok_or_else(|| bad("no JSON object"))?)
    }

    fn read(issuer: &str, object: &Map<String, Value>) -> Result<Self, OidcError> {
        if object.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err(bad("it is the document of another issuer"));
        }
        // What is left out has a default that suits; what is there must have what we need.
        let offers = |name: &str, wanted: &[&str]| match object.get(name) {
            None => true,
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(|one| wanted.contains(&one)),
            Some(_) => false,
        };
        if !offers("response_types_supported", &["code"]) {
            return Err(bad("no authorization code"));
        }
        if !offers("code_challenge_methods_supported", &["S256"]) {
            return Err(bad("no PKCE with S256"));
        }
        if !offers("id_token_signing_alg_values_supported", &Algorithm::ALL.map(Algorithm::name)) {
            return Err(bad("no algorithm that is accepted here"));
        }
        const METHODS: &str = "token_endpoint_auth_methods_supported";
        let needed = |name| address(object, name)?.ok_or_else(|| bad(&format!("no `{name}`")));
        Ok(Self {
            authorization_endpoint: needed("authorization_endpoint")?,
            token_endpoint: needed("token_endpoint")?,
            userinfo_endpoint: address(object, "userinfo_endpoint")?,
            jwks_uri: needed("jwks_uri")?,
            secret_in_form: !offers(METHODS, &["client_secret_basic"]) && offers(METHODS, &["client_secret_post"]),
            names_itself: object.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }
}

fn address(object: &Map<String, Value>, name: &str) -> Result<Option<String>, OidcError> {
    match object.get(name) {
        None => Ok(None),
        Some(Value::String(url)) if is_address(url) && !url.contains('#') => Ok(Some(url.clone())),
        Some(_) => Err(bad(&format!("`{name}` is no https address"))),
    }
}

/// An https address without credentials, blanks and control characters. Whether its host may be called is the register's to say.
fn is_address(url: &str) -> bool {
    let plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    let parsed = url.parse::<outbound::http::Uri>();
    let fits = |uri: outbound::http::Uri| {
        uri.scheme_str() == Some("https") && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    };
    plain && url.len() <= 2048 && parsed.is_ok_and(fits)
}

fn bad(reason: &str) -> OidcError {
    OidcError::Discovery(reason.to_owned())
}
