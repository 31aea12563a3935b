//! Who somebody is, by the provider's word.

use super::{OidcError, Provider};
use crate::{fetch::Question, jwt::Claims, strict_json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// Who somebody is, by the provider's word. Issuer and subject name them for ever; the rest may change, and an address that
/// is not verified proves nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// Their name at the provider, which never changes and is never given to another.
    pub subject: String,
    /// Their e-mail address, if the provider told it.
    pub email: Option<String>,
    /// Whether the provider says that the address is theirs.
    pub email_verified: bool,
    /// What they are called, if the provider told it.
    pub name: Option<String>,
}

impl fmt::Debug for Identity {
    // The rest is personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity(at {})", self.issuer)
    }
}

impl Provider {
    /// Reads the claims, and asks the provider for more where the identity token is silent about the address.
    pub(super) async fn identify(&self, claims: &Claims, access_token: Option<&str>) -> Result<Identity, OidcError> {
        let mut identity = Identity {
            issuer: claims.issuer.clone(),
            subject: claims.subject.clone(),
            email: None,
            email_verified: false,
            name: None,
        };
        identity.learn(&claims.all);
        let asked = self.client.scopes.iter().any(|scope| scope == "email" || scope == "profile");
        if let (true, None, Some(url), Some(token)) =
            (asked, &identity.email, &self.document.userinfo_endpoint, access_token)
        {
            identity.learn(&self.userinfo(url, token, &claims.subject).await?);
        }
        Ok(identity)
    }

    async fn userinfo(&self, url: &str, token: &str, subject: &str) -> Result<Map<String, Value>, OidcError> {
        let authorization = Some(format!("Bearer {token}"));
        let answer = self.fetch.fetch(Question { url: url.to_owned(), authorization, form: None }).await?;
        if answer.status != 200 {
            return Err(OidcError::Answer("no information about the person"));
        }
        let object = strict_json::object(&answer.body).ok_or(OidcError::Answer("no JSON object about the person"))?;
        // Otherwise the token of one could bring the address of another.
        if object.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(OidcError::Answer("information about another person"));
        }
        Ok(object)
    }
}

impl Identity {
    /// Takes what is not known yet. An address and whether it is verified come from the same answer or not at all.
    fn learn(&mut self, claims: &Map<String, Value>) {
        let text = |name: &str, longest: usize| {
            let text = claims.get(name)?.as_str()?.trim();
            let fits = !text.is_empty() && text.len() <= longest && !text.chars().any(char::is_control);
            fits.then(|| text.to_owned())
        };
        if self.email.is_none()
            && let Some(email) = text("email", 254).filter(|email| is_address(email))
        {
            self.email = Some(email);
            self.email_verified = claims.get("email_verified") == Some(&Value::Bool(true));
        }
        if self.name.is_none() {
            self.name = text("name", 200);
        }
    }
}

/// One sign in the middle and no blanks. Whether mail arrives is shown by sending some.
fn is_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !text.contains(char::is_whitespace)
    })
}
