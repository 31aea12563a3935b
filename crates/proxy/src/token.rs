//! Who is calling, said to the application in a signed token that lives for a minute.

use crate::settings::Settings;
use axum::http::{HeaderName, HeaderValue};
use ingress::{Caller, Via};
use kernel::{AccountId, PersonId, SessionId, TenantId, access::TeamRole};
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// The header that carries the token.
pub const IDENTITY: HeaderName = HeaderName::from_static("x-wordbond-identity");

/// For how many seconds a token is valid.
const LIFE: i64 = 60;
/// For how many of them it is sent; the rest is for the application to read it.
const USED: i64 = 30;
/// How many callers' tokens are remembered.
const REMEMBERED: usize = 8_192;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who says it: the public address of the service.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// The account; for people who were made over the API and have none, the membership.
    pub sub: String,
    /// The team.
    pub team: String,
    /// The membership in the team.
    pub person: String,
    /// The role in the team.
    pub role: &'static str,
    /// How they are known: `session` or `token`.
    pub via: &'static str,
    /// From when it is valid, in seconds since 1970.
    pub iat: i64,
    /// Until when.
    pub exp: i64,
}

/// Signs tokens, and shows the keys with which they are checked.
pub trait Signer: Send + Sync + 'static {
    /// The claims as a signed compact token (RFC 7515); an error is a sentence for the log.
    ///
    /// # Errors
    /// It cannot be signed.
    fn sign(&self, claims: &Claims) -> Result<String, String>;

    /// The public keys as a JSON Web Key Set (RFC 7517).
    fn keys(&self) -> String;
}

impl Signer for identity::jwt::Signer {
    fn sign(&self, claims: &Claims) -> Result<String, String> {
        Self::sign(self, claims).map_err(|error| error.to_string())
    }

    fn keys(&self) -> String {
        self.jwks(&[])
    }
}

/// One caller, as far as a token tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    account: Option<AccountId>,
    tenant: TenantId,
    person: PersonId,
    session: Option<SessionId>,
    role: TeamRole,
}

/// Tokens that are still sent, by caller: one signature does for half a minute of requests.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Key, (i64, HeaderValue)>>);

impl Tokens {
    /// The token for a caller.
    pub(crate) fn of(&self, caller: &Caller, settings: &Settings, signer: &dyn Signer) -> Result<HeaderValue, String> {
        let now = settings.clock.now().as_second();
        let key = Key {
            account: caller.account,
            tenant: caller.tenant,
            person: caller.person,
            session: caller.session,
            role: caller.role,
        };
        let known = self.tokens().get(&key).cloned();
        // A clock that was set back makes old tokens look young.
        if let Some((_, token)) = known.filter(|(made, _)| (0..USED).contains(&(now - made))) {
            return Ok(token);
        }
        let token = signer.sign(&claims(caller, settings, now))?;
        let mut token = HeaderValue::from_str(&token).map_err(|_| "the token is no header value".to_owned())?;
        token.set_sensitive(true);
        let mut tokens = self.tokens();
        if tokens.len() >= REMEMBERED {
            tokens.clear();
        }
        tokens.insert(key, (now, token.clone()));
        Ok(token)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<Key, (i64, HeaderValue)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn claims(caller: &Caller, settings: &Settings, now: i64) -> Claims {
    Claims {
        iss: settings.origin.clone(),
        aud: settings.audience.clone(),
        sub: caller.account.map_or_else(|| caller.person.to_string(), |account| account.to_string()),
        team: caller.tenant.to_string(),
        person: caller.person.to_string(),
        role: caller.role.as_str(),
        via: match caller.via {
            Via::Session => "session",
            Via::Token => "token",
        },
        iat: now,
        exp: now + LIFE,
    }
}
