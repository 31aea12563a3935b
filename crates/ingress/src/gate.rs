//! Who is calling. The table asks the gate before a handler runs; a handler takes the answer as an argument.

use crate::{
    peer::Network,
    policy::Limit,
    problem::Failure,
    session::{LiveSession, Strength},
};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use kernel::{
    AccountId, Actor, Clock, PersonId, Problem, SessionId, Span, SystemClock, TenantId, Timestamp, access::TeamRole,
};
use std::{convert::Infallible, ops::Deref, pin::Pin};

/// How recently a session must have been confirmed for what is dangerous.
pub const FRESH: Span = Span::minutes(10);

/// A future that somebody else runs.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Knows credentials, and counts calls.
pub trait Gate: Send + Sync + 'static {
    /// Whom a bearer token stands for; `None` where it is nobody's.
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>>;

    /// The live session that the request's cookies name.
    fn session<'a>(&'a self, _headers: &'a HeaderMap) -> Later<'a, Result<Option<LiveSession>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    /// Whether this is the operator's token. Takes the same time for every wrong one.
    fn operator(&self, token: &str) -> bool;

    /// Whether the session is an administrator's.
    fn is_admin<'a>(&'a self, _session: &'a LiveSession) -> Later<'a, Result<bool, Failure>> {
        Box::pin(async { Ok(false) })
    }

    /// Takes one call out of what `who` may still make on the route.
    fn draw<'a>(&'a self, _route: &'a str, _who: Who, limit: Limit) -> Later<'a, Result<Draw, Failure>> {
        Box::pin(async move { Ok(Draw { granted: true, left: limit.burst, reset: 0 }) })
    }

    /// The origin at which the service is public, where one is configured: `https://example.com`.
    fn origin(&self) -> Option<&str> {
        None
    }

    /// A problem as a page, for people at a browser. Without one they get the problem as it is.
    fn page(&self, _problem: &Problem) -> Option<String> {
        None
    }

    /// The present instant.
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }
}

/// Whose calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// An address, or the network that one household or office has.
    Network(Network),
    /// An account.
    Account(AccountId),
    /// A member of a team.
    Person(PersonId),
    /// The operator.
    Operator,
}

/// What came of a draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Whether the call may go on.
    pub granted: bool,
    /// How many are left.
    pub left: u32,
    /// In how many seconds there are more.
    pub reset: u32,
}

/// By what a caller is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By a session cookie, which browsers send unasked.
    Session,
    /// By a bearer token.
    Token,
}

/// A member of a team whose credentials were valid and whose role has the route's permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their account; people who were made over the API have none.
    pub account: Option<AccountId>,
    /// The team.
    pub tenant: TenantId,
    /// The membership in it.
    pub person: PersonId,
    /// The role in it.
    pub role: TeamRole,
    /// The session, where one stands behind the call.
    pub session: Option<SessionId>,
    /// How the session was begun.
    pub strength: Option<Strength>,
    /// By what they are known.
    pub via: Via,
}

impl Caller {
    /// Somebody known by a bearer token.
    #[must_use]
    pub const fn by_token(tenant: TenantId, person: PersonId, role: TeamRole, account: Option<AccountId>) -> Self {
        Self { account, tenant, person, role, session: None, strength: None, via: Via::Token }
    }

    /// The member behind a session, where a team is active in it.
    #[must_use]
    pub fn of(session: &LiveSession) -> Option<Self> {
        Some(Self {
            account: Some(session.account),
            tenant: session.tenant?,
            person: session.person?,
            role: session.role?,
            session: Some(session.id),
            strength: Some(session.strength),
            via: Via::Session,
        })
    }

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

impl<S: Sync> OptionalFromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().copied())
    }
}

/// Whoever looks at a page that anybody may see: their session, if they are signed in.
#[derive(Clone)]
pub struct Visitor(pub Option<LiveSession>);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<AccountCaller>().map(|caller| caller.0.clone())))
    }
}

/// Whoever is signed in, in a team or not.
#[derive(Clone)]
pub struct AccountCaller(pub LiveSession);

impl Deref for AccountCaller {
    type Target = LiveSession;

    fn deref(&self) -> &LiveSession {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for AccountCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or(Failure(Problem::unauthorized()))
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
