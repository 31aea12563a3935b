//! The keys of an issuer, fetched when they are needed, and not oftener than that.

use super::{Claims, Expect, Refusal, key::Key, parts::Parts};
use crate::{Fetch, fetch::Question, strict_json};
use kernel::{Span, Timestamp};
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex as Quick, PoisonError},
};
use tokio::sync::Mutex;

/// How old keys may be before they are fetched again.
const FRESH: Span = Span::minutes(10);
/// How old keys may be while their issuer cannot be reached. Afterwards nothing verifies.
const STALE: Span = Span::hours(6);
/// The least time between two fetches, whatever tokens ask for.
const PAUSE: Span = Span::seconds(30);
/// The least time between two fetches while they fail.
const RETRY: Span = Span::seconds(5);
/// How many keys of a set are read.
const MOST_KEYS: usize = 64;

/// Public keys.
#[derive(Clone, Default)]
pub struct Keys(Arc<[Key]>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

impl Keys {
    /// The keys of a JWK set (RFC 7517). Keys for other purposes, of other kinds, or that cannot be read are left out.
    /// Nothing, if it is no such set or none is left.
    #[must_use]
    pub fn parse(jwks: &[u8]) -> Option<Self> {
        let set = strict_json::object(jwks)?;
        let Some(Value::Array(all)) = set.get("keys") else { return None };
        let keys: Vec<Key> = all.iter().take(MOST_KEYS).filter_map(Value::as_object).flat_map(Key::of_jwk).collect();
        (!keys.is_empty()).then(|| Self(keys.into()))
    }

    /// The one key that the token means.
    fn key(&self, parts: &Parts<'_>) -> Result<&Key, Refusal> {
        let fits = |key: &&Key| {
            key.algorithm == parts.algorithm && (parts.kid.is_none() || key.kid.as_deref() == parts.kid.as_deref())
        };
        let mut fitting = self.0.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(Refusal::UnknownKey),
        }
    }

    /// Verifies a token with these keys.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn verify(&self, token: &str, expect: &Expect<'_>) -> Result<Claims, Refusal> {
        let parts = Parts::of(token)?;
        self.key(&parts)?.verify(parts.signed, &parts.signature)?;
        Claims::accept(parts.claims()?, expect)
    }
}

/// The keys of an issuer at an address. They are fetched when first needed, again when they are ten minutes old, and when a
/// token names a key that is not among them; but never oftener than every thirty seconds, five where that failed, and never
/// twice at once. While the issuer cannot be reached, keys of up to six hours serve.
pub struct KeySet {
    url: String,
    fetch: Arc<dyn Fetch>,
    known: Quick<Known>,
    /// Held by the one that fetches.
    fetching: Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Keys,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    failure: Option<String>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({})", self.url)
    }
}

impl KeySet {
    /// The keys at an https address. Nothing is fetched yet.
    #[must_use]
    pub fn new(url: &str, fetch: Arc<dyn Fetch>) -> Self {
        Self { url: url.to_owned(), fetch, known: Quick::default(), fetching: Mutex::new(()) }
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn verify(&self, token: &str, expect: &Expect<'_>) -> Result<Claims, Refusal> {
        // A token that cannot be right costs no fetch.
        let parts = Parts::of(token)?;
        let keys = self.keys_for(&parts, expect.now).await?;
        keys.key(&parts)?.verify(parts.signed, &parts.signature)?;
        Claims::accept(parts.claims()?, expect)
    }

    async fn keys_for(&self, parts: &Parts<'_>, now: Timestamp) -> Result<Keys, Refusal> {
        let known = self.known();
        let usable = known.is_younger(STALE, now) && known.keys.key(parts).is_ok();
        if usable && known.is_younger(FRESH, now) {
            return Ok(known.keys);
        }
        if usable {
            // One caller renews the keys; the others go on with those they have.
            if let Ok(turn) = self.fetching.try_lock() {
                self.renew(now).await;
                drop(turn);
            }
        } else {
            let turn = self.fetching.lock().await;
            self.renew(now).await;
            drop(turn);
        }
        let known = self.known();
        if known.is_younger(STALE, now) {
            return Ok(known.keys);
        }
        Err(Refusal::NoKeys(known.failure.unwrap_or_else(|| "they were not asked for yet".to_owned())))
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless that was tried just now. A failure leaves the keys that are known.
    async fn renew(&self, now: Timestamp) {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let pause = if known.failure.is_some() { RETRY } else { PAUSE };
            if known.tried_at.is_some_and(|tried| now.duration_since(tried).abs() < pause.signed()) {
                return;
            }
            known.tried_at = Some(now);
        }
        let fetched = self.fetch.fetch(Question::get(&self.url)).await;
        let keys = fetched.map_err(|error| error.to_string()).and_then(|answer| {
            if answer.status != 200 {
                return Err(format!("answered with {}", answer.status));
            }
            Keys::parse(&answer.body).ok_or_else(|| "the answer holds no usable keys".to_owned())
        });
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match keys {
            Ok(keys) => {
                known.keys = keys;
                known.fetched_at = Some(now);
                known.failure = None;
            }
            Err(reason) => {
                tracing::warn!(url = self.url, reason, "the keys of an issuer could not be fetched");
                known.failure = Some(reason);
            }
        }
    }
}

impl Known {
    fn is_younger(&self, age: Span, now: Timestamp) -> bool {
        // A clock that went back makes keys no younger.
        self.fetched_at.is_some_and(|fetched| now.duration_since(fetched).abs() < age.signed())
    }
}
