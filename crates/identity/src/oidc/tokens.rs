//! From the code to a token that is believed.

use super::{OidcError, Provider};
use crate::{
    encode::{base64url, pairs, percent},
    fetch::Question,
    jwt::{Algorithm, Claims, Expect, Party},
    strict_json,
};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{Span, Timestamp};
use serde_json::Value;
use zeroize::Zeroizing;

/// How far the provider's clock may be off.
const LEEWAY: Span = Span::minutes(1);

/// What the provider gives for a code.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: Option<Zeroizing<String>>,
}

impl Provider {
    pub(super) async fn exchange(&self, code: &str, verifier: &str) -> Result<Tokens, OidcError> {
        let client = &self.client;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", client.redirect_uri.as_str()),
            ("code_verifier", verifier),
        ];
        let mut authorization = None;
        match client.secret.as_deref() {
            None => form.push(("client_id", &client.id)),
            Some(secret) if self.document.secret_in_form => {
                form.push(("client_id", &client.id));
                form.push(("client_secret", secret));
            }
            Some(secret) => {
                // RFC 6749 section 2.3.1: both are encoded as in a form before they are joined.
                let both = Zeroizing::new(format!("{}:{}", percent(&client.id), percent(secret)));
                authorization = Some(format!("Basic {}", STANDARD.encode(both.as_bytes())));
            }
        }
        let url = self.document.token_endpoint.clone();
        let answer = self.fetch.fetch(Question { url, authorization, form: Some(pairs(&form)) }).await?;
        if answer.status != 200 {
            return Err(OidcError::Code(answer.status));
        }
        let object = strict_json::object(&answer.body).ok_or(OidcError::Answer("no JSON object for the code"))?;
        let text = |name| object.get(name).and_then(Value::as_str).map(str::to_owned);
        if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
            return Err(OidcError::Answer("another type of token"));
        }
        let id_token = text("id_token").ok_or(OidcError::Answer("no identity token"))?;
        Ok(Tokens { id_token, access_token: text("access_token").map(Zeroizing::new) })
    }

    /// Verifies the identity token: signature, issuer, audience, times, nonce, and that the access token belongs to it.
    pub(super) async fn accept(&self, tokens: &Tokens, nonce: &str, now: Timestamp) -> Result<Claims, OidcError> {
        let expect = Expect {
            issuer: &self.client.issuer,
            party: Party::Audience(&self.client.id),
            nonce: Some(nonce),
            now,
            leeway: LEEWAY,
        };
        let claims = self.keys.verify(&tokens.id_token, &expect).await?;
        if let Some(at_hash) = claims.all.get("at_hash") {
            let algorithm = Algorithm::of(&tokens.id_token)?;
            let access = tokens.access_token.as_deref().ok_or(OidcError::Answer("no access token for its hash"))?;
            if at_hash.as_str() != Some(&left_half(algorithm, access)) {
                return Err(OidcError::Answer("the access token does not belong to the identity token"));
            }
        }
        Ok(claims)
    }
}

/// OpenID Connect Core, section 3.1.3.6.
fn left_half(algorithm: Algorithm, access_token: &str) -> String {
    let hash = digest::digest(algorithm.hash(), access_token.as_bytes());
    let bytes = hash.as_ref();
    base64url(bytes.get(..bytes.len() / 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenID Connect Core, appendix A.4 and A.3: RS256.
    #[test]
    fn the_hash_of_the_specification() {
        assert_eq!(
            left_half(Algorithm::Rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
