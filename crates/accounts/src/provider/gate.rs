//! Session tokens of a provider (as Clerk issues them) at the gate: an application that keeps its provider sends the token of
//! its page as `Authorization: Bearer …` or in the cookie `__session`, and is let in as the account that its owner has
//! linked. Nothing else is taken from the token.

use super::{Providers, link_name};
use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use identity::jwt::{Claims, Expect, Party};
use ingress::{
    Failure, cookie,
    gate::{Caller, Later, Via},
    session::{LiveSession, Strength},
    state::Provider,
};
use kernel::{AccountId, Clock, Problem, SessionId, Span, Timestamp};
use std::sync::Arc;
use store::{Store, StoreError, accounts, links, one_time, team};
use uuid::{Builder, Variant, Version};

/// The cookie in which the provider's own script keeps the token.
pub const COOKIE: &str = "__session";
/// By how much clocks may differ.
const LEEWAY: Span = Span::seconds(30);

/// How long a token may be good for: what is stolen from a page is of no use the next day, whatever the provider writes.
const LONGEST: Span = Span::hours(24);
/// Under which what was ended by signing out is remembered, and for how long: beyond every token's end.
const ENDED: &str = "provider-session-ended";
const ENDED_FOR: Span = Span::hours(25);

/// What the gate asks about session tokens of providers ([`ingress::State::with_provider`]).
pub struct SessionTokens {
    providers: Providers,
    store: Store,
    clock: Arc<dyn Clock>,
    /// From which form tokens of such sessions are made.
    key: hmac::Key,
}

/// The member behind a token.
struct Linked {
    account: AccountId,
    member: Option<team::Membership>,
    id: SessionId,
    since: Timestamp,
    until: Timestamp,
}

impl SessionTokens {
    /// The session tokens of these providers. `secret` is the same on every instance; form tokens are made from it.
    #[must_use]
    pub fn new(providers: Providers, store: Store, clock: Arc<dyn Clock>, secret: &[u8; 32]) -> Self {
        Self { providers, store, clock, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }

    /// What the token says, if one of the providers signed it for one of its parties, and it counts now.
    async fn claims(&self, token: &str) -> Option<Claims> {
        let now = self.clock.now();
        for known in self.providers.iter() {
            let Some(keys) = &known.sessions else { continue };
            let parties: Vec<&str> = known.config.session_parties.iter().map(String::as_str).collect();
            let expect = Expect {
                issuer: &known.config.issuer,
                party: Party::Origins(&parties),
                nonce: None,
                now,
                leeway: LEEWAY,
            };
            if let Ok(claims) = keys.verify(token, &expect).await {
                return Some(claims);
            }
        }
        None
    }

    /// The account that is linked with the token's subject. One that has a second factor here is not let in: the token
    /// cannot show that it was given.
    async fn linked(&self, token: &str) -> Result<Option<Linked>, Failure> {
        if !is_signed(token) {
            return Ok(None);
        }
        let Some(claims) = self.claims(token).await else { return Ok(None) };
        let Some(since) = claims.issued_at.filter(|since| is_short(*since, claims.expires_at)) else {
            return Ok(None);
        };
        let Some(account) = links::find(&self.store, &link_name(&claims.issuer), &claims.subject).await? else {
            return Ok(None);
        };
        let Some(found) = accounts::by_id(&self.store, account).await? else { return Ok(None) };
        if found.has_totp || found.has_passkeys {
            return Ok(None);
        }
        let teams = team::memberships(&self.store, account).await?;
        let sid = claims.text("sid").unwrap_or(&claims.subject);
        let name = hmac::sign(&self.key, format!("session {} {sid}", claims.issuer).as_bytes());
        let mut id = [0; 16];
        id.iter_mut().zip(name.as_ref()).for_each(|(to, from)| *to = *from);
        let member = teams.into_iter().next();
        // Version 8, so that nobody takes it for a session of the database.
        let id = Builder::from_bytes(id).with_variant(Variant::RFC4122).with_version(Version::Custom).into_uuid();
        let id = SessionId::from(id);
        // Where the provider does not name its sessions, only this token has ended.
        let name = if claims.text("sid").is_some() { named(id) } else { dated(id, since) };
        if one_time::came(&self.store, ENDED, &name).await? {
            return Ok(None);
        }
        Ok(Some(Linked { account, member, id, since, until: claims.expires_at }))
    }

    fn session_of(&self, linked: &Linked) -> LiveSession {
        let form = hmac::sign(&self.key, linked.id.uuid().as_bytes());
        let mut csrf = [0; 32];
        csrf.iter_mut().zip(form.as_ref()).for_each(|(to, from)| *to = *from);
        LiveSession {
            id: linked.id,
            account: linked.account,
            tenant: linked.member.as_ref().map(|member| member.tenant),
            person: linked.member.as_ref().map(|member| member.person),
            role: linked.member.as_ref().map(|member| member.role),
            strength: Strength::Provider,
            pending: false,
            csrf,
            suspended: linked.member.as_ref().is_some_and(|member| member.suspended),
            needs_second: linked.member.as_ref().is_some_and(|member| member.needs_second),
            created_at: linked.since,
            seen_at: linked.since,
            // The provider vouches for who it is, and not for when they last proved it.
            confirmed_at: None,
            expires_at: linked.until,
        }
    }
}

/// Whether a token is good for no longer than is taken.
fn is_short(since: Timestamp, until: Timestamp) -> bool {
    until.duration_since(since).as_secs() <= LONGEST.as_secs().cast_signed()
}

fn named(id: SessionId) -> Vec<u8> {
    id.uuid().as_bytes().to_vec()
}

fn dated(id: SessionId, since: Timestamp) -> Vec<u8> {
    [id.uuid().as_bytes().as_slice(), &since.as_second().to_be_bytes()].concat()
}

/// Ends a session that a provider's token stands for, when its owner signs out: the token counts no more. A session of ours is
/// let be.
pub(crate) async fn end(store: &Store, session: &LiveSession) -> Result<(), StoreError> {
    if session.id.uuid().get_version() == Some(Version::Custom) {
        for name in [named(session.id), dated(session.id, session.created_at)] {
            one_time::first(store, ENDED, &name, ENDED_FOR).await?;
        }
    }
    Ok(())
}

/// Whether a text has the form of a signed token: three parts, no prefix of ours.
fn is_signed(token: &str) -> bool {
    token.split('.').count() == 3 && !token.starts_with("wb")
}

impl Provider for SessionTokens {
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        Box::pin(async move {
            let Some(linked) = self.linked(token).await? else { return Ok(None) };
            let session = self.session_of(&linked);
            if session.suspended {
                return Err(Problem::forbidden().detail("the team is suspended").into());
            }
            if session.needs_second {
                return Err(Problem::new(403, "second-factor", "A second factor is required").into());
            }
            Ok(Caller::of(&session).map(|caller| Caller { session: None, via: Via::Token, ..caller }))
        })
    }

    fn session<'a>(&'a self, headers: &'a HeaderMap) -> Later<'a, Result<Option<LiveSession>, Failure>> {
        Box::pin(async move {
            let Some(token) = cookie::get(headers, COOKIE) else { return Ok(None) };
            Ok(self.linked(token).await?.map(|linked| self.session_of(&linked)))
        })
    }
}
