//! Who is calling. The table asks the gate before a handler runs; a handler takes the answer as an argument.

use crate::problem::Failure;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use kernel::{Actor, PersonId, Problem, TenantId};
use std::pin::Pin;

/// A future that somebody else runs.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows tokens.
pub trait Gate: Send + Sync + 'static {
    /// The person whose token this is; `None` where it is nobody's.
    fn person<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>>;

    /// Whether this is the operator's token. Takes the same time for every wrong one.
    fn operator(&self, token: &str) -> bool;
}

/// A person whose token was valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant to which the person belongs.
    pub tenant: TenantId,
    /// The person.
    pub person: PersonId,
}

impl Caller {
    /// The caller as the party on whose behalf a transaction runs.
    #[must_use]
    pub const fn actor(self) -> Actor {
        Actor::Person { id: self.person }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // Absent only where a handler asks for a person on a route whose policy asks for none: refused, never guessed.
        parts.extensions.get::<Self>().copied().ok_or(Failure(Problem::unauthorized()))
    }
}

/// The token of `Authorization: Bearer …` (RFC 6750 section 2.1), where exactly one is given.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (values.next()?, values.next());
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (second.is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
