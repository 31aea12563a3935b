//! What the attacks of this crate's controls share: planted people, and how an attack ends early.

use identity::{
    encode::{base64url, from_base64url},
    totp::Secret,
};
use ingress::visitor::{Somebody, VisitError, Visitor, hidden};
use kernel::{Clock as _, Span, SystemClock, Timestamp};
use outbound::{Answer, OutboundError, Site};
use promises::Finding;
use serde::{Deserialize, Serialize};
use store::{Store, StoreError, accounts};

/// The length of an authenticator's key, in bytes.
const KEY: usize = 20;

/// How an attack ends early.
pub(crate) enum Stop {
    /// The promise is broken.
    Broke(String),
    /// The probe could not go on.
    Failed(String),
}

impl Stop {
    pub(crate) fn finding(self) -> Finding {
        match self {
            Self::Broke(why) => Finding::broke(why),
            Self::Failed(why) => Finding::failed(why),
        }
    }
}

impl From<OutboundError> for Stop {
    fn from(error: OutboundError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<VisitError> for Stop {
    fn from(error: VisitError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Somebody whom a probe made through the public pages, as anybody could. Only this side remembers who they are.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plant {
    email: String,
    password: String,
    /// The key of their authenticator app, where they have one.
    key: Option<String>,
}

impl std::fmt::Debug for Plant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plant(..)")
    }
}

impl Plant {
    /// Signs somebody new up.
    ///
    /// # Errors
    /// It does not go as it does for everybody.
    pub async fn sow(site: &Site) -> Result<Self, VisitError> {
        let somebody = Visitor::stranger(site).await.sign_up().await?;
        Ok(Self::of(&somebody))
    }

    /// Signs somebody new up who then sets up an authenticator app.
    ///
    /// # Errors
    /// It does not go as it does for everybody.
    pub async fn sow_with_app(site: &Site) -> Result<Self, VisitError> {
        let mut visitor = Visitor::stranger(site).await;
        let mut plant = Self::of(&visitor.sign_up().await?);
        let refused = |path: &str, status| VisitError::Refused { method: "POST", path: path.to_owned(), status };
        visitor.post_form("/confirm", &[("password", &plant.password), ("next", "/account/security")]).await?;
        let started = visitor.post_form("/account/totp/start", &[]).await?;
        let page = started.text();
        let state = hidden(&page, "state");
        // The one run of text on the page that is a key, wherever the page puts it.
        let key = page.split(['<', '>']).filter_map(|run| from_base32(run.trim())).find(|key| key.len() == KEY);
        let (Some(state), Some(secret)) = (state, key.as_deref().and_then(Secret::from_bytes)) else {
            return Err(refused("/account/totp/start", started.status));
        };
        let code = secret.code(SystemClock.now());
        let done = visitor.post_form("/account/totp", &[("state", &state), ("code", &code)]).await?;
        if done.status != 200 {
            return Err(refused("/account/totp", done.status));
        }
        plant.key = Some(base64url(secret.expose()));
        Ok(plant)
    }

    fn of(somebody: &Somebody) -> Self {
        Self { email: somebody.email.clone(), password: somebody.password.clone(), key: None }
    }

    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    /// The codes that the app shows around now, the earliest first.
    pub(crate) fn codes(&self, now: Timestamp) -> Vec<String> {
        let secret = self.key.as_deref().and_then(from_base64url).and_then(|key| Secret::from_bytes(&key));
        let step = Span::seconds(30).signed();
        let around = [now.checked_sub(step), Ok(now), now.checked_add(step)];
        secret.map(|secret| around.into_iter().flatten().map(|at| secret.code(at)).collect()).unwrap_or_default()
    }

    /// The account behind the plant.
    pub(crate) async fn account(&self, store: &Store) -> Result<accounts::Account, Stop> {
        let account = accounts::by_email(store, &self.email).await?;
        account.ok_or_else(|| Stop::Failed("the planted account is not in the database".to_owned()))
    }

    /// Signs in where no second factor is asked for.
    pub(crate) async fn enter(&self, site: &Site) -> Result<Visitor, Stop> {
        let mut visitor = Visitor::stranger(site).await;
        visitor.sign_in(&self.email, &self.password).await?;
        Ok(visitor)
    }
}

/// Whether the answer shows a signed-in page: neither a refusal nor the way to sign in.
pub(crate) fn is_in(answer: &Answer) -> bool {
    answer.status == 200
}

/// Base32 as apps are given it (RFC 4648 section 6), in groups.
pub(crate) fn from_base32(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0_u32, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b' ') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 255).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_shown() {
        let secret = Secret::from_bytes(b"12345678901234567890").unwrap();
        assert_eq!(from_base32(&secret.typed()).as_deref(), Some(secret.expose()));
        assert_eq!(from_base32("a"), None);
    }
}
