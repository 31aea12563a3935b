//! Form tokens: what a page of ours puts into its forms, and nobody else can know.

use crate::{
    cookie,
    problem::{Failure, internal},
};
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac, rand};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, request::Parts},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The token of the forms of whoever holds `key`: base64url(HMAC-SHA256(key, "form")).
#[must_use]
pub fn token(key: &[u8; 32]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"form").as_ref())
}

/// Whether `said` is the token of `key`. Takes the same time for every wrong one.
#[must_use]
pub fn is_token(key: &[u8; 32], said: &str) -> bool {
    verify_slices_are_equal(token(key).as_bytes(), said.as_bytes()).is_ok()
}

/// From what the tokens of one request are made: its session, or the cookie of a visit.
#[derive(Clone)]
pub(crate) struct FormKey {
    key: [u8; 32],
    /// Whether the browser does not hold the visit's cookie yet.
    is_new: bool,
    /// Whether a page asked for the token.
    asked: Arc<AtomicBool>,
}

impl FormKey {
    /// The key of a session.
    pub(crate) fn of_session(key: [u8; 32]) -> Self {
        Self { key, is_new: false, asked: Arc::default() }
    }

    /// The key of the visit that the cookie names; a new one where there is none.
    pub(crate) fn of_visit(headers: &HeaderMap) -> Result<Self, Failure> {
        match Self::known_visit(headers) {
            Some(key) => Ok(Self { key, is_new: false, asked: Arc::default() }),
            None => {
                let mut key = [0; 32];
                rand::fill(&mut key).map_err(|_| internal("the system has no randomness"))?;
                Ok(Self { key, is_new: true, asked: Arc::default() })
            }
        }
    }

    fn known_visit(headers: &HeaderMap) -> Option<[u8; 32]> {
        URL_SAFE_NO_PAD.decode(cookie::get(headers, cookie::VISIT)?).ok()?.try_into().ok()
    }

    /// Whether `said` is the token. Nothing is, where the key has only just been made.
    pub(crate) fn admits(&self, said: &str) -> bool {
        !self.is_new && is_token(&self.key, said)
    }

    /// Whether the answer carries a form of this browser's alone.
    pub(crate) fn is_shown(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The cookie that the browser must be given for its form to be accepted.
    pub(crate) fn cookie(&self) -> Option<HeaderValue> {
        let due = self.is_new && self.is_shown();
        due.then(|| cookie::set(cookie::VISIT, &URL_SAFE_NO_PAD.encode(self.key), None))
    }
}

/// The value for the hidden field `csrf` of every form, and for the header `x-csrf-token` of every call by script.
#[derive(Clone, PartialEq, Eq)]
pub struct FormToken(String);

impl FormToken {
    /// The token of a session whose cookie is only now being set, for a page in the same answer.
    #[must_use]
    pub fn of_session(key: &[u8; 32]) -> Self {
        Self(token(key))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FormToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormToken(..)")
    }
}

impl<S: Sync> FromRequestParts<S> for FormToken {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let key = parts.extensions.get::<FormKey>().ok_or_else(|| internal("a form on a route without form tokens"))?;
        key.asked.store(true, Ordering::Release);
        Ok(Self(token(&key.key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    #[test]
    fn a_token_belongs_to_its_key() {
        assert!(
            is_token(&[1; 32], &token(&[1; 32])) && !is_token(&[2; 32], &token(&[1; 32])) && !is_token(&[1; 32], "")
        );
        // Computed elsewhere: HMAC-SHA256 of `form` under 32 zero bytes.
        assert_eq!(token(&[0; 32]).len(), 43);
    }

    #[test]
    fn a_visit_begins_with_a_cookie() {
        let new = FormKey::of_visit(&HeaderMap::new()).unwrap();
        assert!(new.cookie().is_none(), "no form was shown");
        assert!(!new.admits(&token(&new.key)), "nobody can hold the token of a key that was never sent");
        new.asked.store(true, Ordering::Release);
        let cookie = new.cookie().unwrap();
        let mut headers = HeaderMap::new();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().parse().unwrap();
        headers.insert(COOKIE, pair);
        let again = FormKey::of_visit(&headers).unwrap();
        assert!(again.admits(&token(&new.key)) && again.cookie().is_none());
        for short in ["__Host-visit=", "__Host-visit=AAAA", "__Host-visit=!"] {
            headers.insert(COOKIE, short.parse().unwrap());
            assert!(FormKey::of_visit(&headers).unwrap().is_new, "{short}");
        }
    }
}
