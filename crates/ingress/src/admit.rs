//! Whether a request may reach its handler. In this order: the limit of the address, the origin, the credentials, the form
//! token, the limit of the actor, the permission, the freshness of the session. What fails first decides.

use crate::{
    csrf::{self, FormKey},
    enforce::{Guard, Most, read},
    gate::{AccountCaller, Caller, FRESH, Who, bearer},
    meter::Meter,
    peer::Peer,
    policy::{Auth, Face, Fails, Policy, Proof, Stands},
    problem::{Failure, for_status, internal},
    reply::with_next,
    session::{LiveSession, Strength},
};
use axum::{
    body::Body,
    http::{StatusCode, request::Parts},
};
use kernel::{Permission, Problem, Timestamp};
use std::net::{IpAddr, Ipv4Addr};

/// Where people sign in.
pub const SIGN_IN: &str = "/sign-in";
/// Where they give their second factor.
pub const SECOND: &str = "/sign-in/second";
/// Where they confirm that they are still there.
pub const CONFIRM: &str = "/confirm";
/// Where they look after their account, also without a team.
pub const ACCOUNT: &str = "/account";
/// Where they set up a second factor.
pub const SECURITY: &str = "/account/security";

/// Why a request does not reach its handler.
pub(crate) enum Stop {
    Refused(Failure),
    /// A browser is led to another page of ours.
    Away(String),
    /// In so many seconds perhaps.
    Later(Failure, u32),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem.into())
    }
}

/// Who stands behind a request.
#[derive(Default)]
struct Known {
    session: Option<LiveSession>,
    caller: Option<Caller>,
    operator: bool,
    /// By a bearer token; a cookie that came along speaks for nobody then.
    by_token: bool,
}

impl Known {
    fn who(&self) -> Option<Who> {
        let session = self.session.as_ref().map(|session| Who::Account(session.account));
        session.or(self.caller.map(|caller| Who::Person(caller.person))).or(self.operator.then_some(Who::Operator))
    }
}

/// Lets a request through to its handler, with what the handler may learn in its extensions, and yields its body.
pub(crate) async fn admit(guard: &Guard, meter: &mut Meter, parts: &mut Parts, body: Body) -> Result<Body, Stop> {
    let policy = guard.policy;
    let peer = parts.extensions.get::<Peer>().copied().unwrap_or(Peer(IpAddr::V4(Ipv4Addr::UNSPECIFIED)));
    draw(guard, meter, "address", Who::Network(peer.network())).await?;
    if policy.proof != Proof::Carried {
        csrf::check_origin(&parts.method, &parts.uri, &parts.headers, guard.gate.origin())?;
    }
    let known = known(guard, parts).await?;
    demand(guard, parts, &known)?;
    let (bytes, stream) = read(&parts.headers, body, policy).await?;
    let form = form(&policy, parts, &known)?;
    if csrf::needs_token(&parts.method, policy, known.session.is_some(), known.by_token) {
        match &form {
            // Boxed, so that there is no room for it in every other request.
            Some(form) => Box::pin(csrf::check_token(form, &parts.headers, &bytes)).await?,
            None => return Err(internal("a form token is asked for where there are none").into()),
        }
    }
    if let Some(who) = known.who() {
        draw(guard, meter, "actor", who).await?;
    }
    permit(guard, parts, &known).await?;
    if let Some(form) = form {
        parts.extensions.insert(form);
    }
    let member = known.caller.filter(|_| known.session.as_ref().is_none_or(is_whole));
    if let Some(caller) = member {
        parts.extensions.insert(caller);
    }
    // What is passed on goes to no page of ours.
    if let Some(session) = known.session.filter(|_| !policy.is_passed_on()) {
        parts.extensions.insert(AccountCaller(session));
    }
    if stream.is_some() {
        parts.extensions.insert(Most(policy.body));
    }
    let whole = || if bytes.is_empty() { Body::empty() } else { Body::from(bytes) };
    Ok(stream.unwrap_or_else(whole))
}

/// From what the form tokens of the request are made. What is passed on to an application shows no form of ours.
fn form(policy: &Policy, parts: &Parts, known: &Known) -> Result<Option<FormKey>, Failure> {
    match &known.session {
        _ if policy.is_passed_on() => Ok(None),
        Some(session) => Ok(Some(FormKey::of_session(session.csrf))),
        None => FormKey::of_visit(&parts.headers).map(Some),
    }
}

/// Whether everything has been given that the account and the active team ask for.
fn is_whole(session: &LiveSession) -> bool {
    !session.pending && !session.suspended && !owes_team(session)
}

/// Whether the team asks for a second factor and the session was begun without one.
fn owes_team(session: &LiveSession) -> bool {
    session.needs_second && !matches!(session.strength, Strength::Second | Strength::Passkey)
}

async fn draw(guard: &Guard, meter: &mut Meter, name: &str, who: Who) -> Result<(), Stop> {
    let limit = guard.policy.limit;
    let draw = match guard.gate.draw(&guard.counted.name, who, limit).await {
        Ok(draw) => draw,
        Err(failure) if limit.fails == Fails::Closed => {
            tracing::error!(route = guard.path, "the limiter fails, and this route is closed without it");
            let closed = for_status(StatusCode::SERVICE_UNAVAILABLE).detail("limits cannot be kept at the moment");
            drop(failure);
            return Err(Stop::Later(closed.into(), 5));
        }
        Err(_) => {
            tracing::error!(route = guard.path, "the limiter fails, and this route stays open without it");
            return Ok(());
        }
    };
    meter.note(name, &guard.counted, draw);
    if draw.granted {
        return Ok(());
    }
    Err(Stop::Later(for_status(StatusCode::TOO_MANY_REQUESTS).into(), draw.reset))
}

/// Looks the credentials up that the policy asks for. Wrong ones are no credentials.
async fn known(guard: &Guard, parts: &Parts) -> Result<Known, Failure> {
    let token = bearer(&parts.headers);
    match (guard.policy.auth, token) {
        (Auth::Public, _) => Ok(Known::default()),
        (Auth::Operator, token) => {
            let operator = token.is_some_and(|token| guard.gate.operator(token));
            Ok(Known { operator, by_token: true, ..Known::default() })
        }
        // What says whose it is in the header is not overruled by what the browser adds. Only where anybody may come can
        // the header be meant for somebody else: an application behind the proxy has tokens of its own.
        (auth, Some(token)) => match guard.gate.bearer(token).await? {
            None if auth == Auth::Visitor => by_cookie(guard, parts).await,
            caller => Ok(Known { caller, by_token: true, ..Known::default() }),
        },
        (_, None) => by_cookie(guard, parts).await,
    }
}

async fn by_cookie(guard: &Guard, parts: &Parts) -> Result<Known, Failure> {
    let session = guard.gate.session(&parts.headers).await?;
    let caller = session.as_ref().and_then(Caller::of);
    Ok(Known { session, caller, ..Known::default() })
}

/// Turns away whoever is nobody where somebody is asked for.
fn demand(guard: &Guard, parts: &Parts, known: &Known) -> Result<(), Stop> {
    match guard.policy.auth {
        Auth::Public | Auth::Visitor => Ok(()),
        Auth::Operator if known.operator => Ok(()),
        Auth::Person(_) if known.caller.is_some() => Ok(()),
        Auth::Person(_) | Auth::Account | Auth::Pending if known.session.is_some() => Ok(()),
        // To those who are no administrators there is nothing here, whoever they are.
        Auth::Admin if known.session.is_some() => Ok(()),
        Auth::Admin => Err(Problem::not_found().into()),
        _ => Err(lead(guard, parts, SIGN_IN, Problem::unauthorized())),
    }
}

/// Whether whoever is known may do this, now.
async fn permit(guard: &Guard, parts: &Parts, known: &Known) -> Result<(), Stop> {
    let auth = guard.policy.auth;
    let session = match (auth, &known.session) {
        (Auth::Public | Auth::Visitor | Auth::Pending | Auth::Operator, _) => return Ok(()),
        (_, session) => session.as_ref(),
    };
    if session.is_some_and(|session| session.pending) {
        return Err(lead(guard, parts, SECOND, second()));
    }
    match (auth, session) {
        (Auth::Person(permission), session) => member(guard, parts, permission, session, known.caller)?,
        (Auth::Admin, Some(session)) if !guard.gate.is_admin(session).await? => {
            return Err(Problem::not_found().into());
        }
        _ => {}
    }
    let now = guard.gate.now();
    if guard.policy.fresh && !session.is_some_and(|session| is_fresh(session, now)) {
        let confirm = Problem::new(403, "confirm", "Confirm first that it is you");
        return Err(lead(guard, parts, CONFIRM, confirm));
    }
    Ok(())
}

fn member(
    guard: &Guard,
    parts: &Parts,
    permission: Permission,
    session: Option<&LiveSession>,
    caller: Option<Caller>,
) -> Result<(), Stop> {
    let Some(caller) = caller else {
        return Err(lead(guard, parts, ACCOUNT, Problem::forbidden().detail("no team is active")));
    };
    if session.is_some_and(|session| session.suspended) {
        return Err(Problem::forbidden().detail("the team is suspended").into());
    }
    if session.is_some_and(owes_team) {
        return Err(lead(guard, parts, SECURITY, second()));
    }
    if !caller.role.may(permission) {
        return Err(Problem::forbidden().detail(format!("the role {} may not do this", caller.role)).into());
    }
    Ok(())
}

fn second() -> Problem {
    Problem::new(403, "second-factor", "A second factor is required")
}

fn is_fresh(session: &LiveSession, now: Timestamp) -> bool {
    let age = session.confirmed_at.map(|confirmed| now.duration_since(confirmed).as_secs());
    // Clocks of several machines differ by a little.
    age.is_some_and(|age| (-60..=FRESH.as_secs().cast_signed()).contains(&age))
}

/// A browser is led to where it can make good what is missing, and then back; a program is told.
fn lead(guard: &Guard, parts: &Parts, to: &str, problem: Problem) -> Stop {
    if guard.policy.face == Face::Api {
        return problem.into();
    }
    if csrf::is_safe(&parts.method) {
        return Stop::Away(with_next(to, parts.uri.path_and_query().map_or("/", |path| path.as_str())));
    }
    // What was sent is not sent again by following an address.
    Stop::Away(form_at(guard.policy.stands, parts.uri.path()).map_or_else(|| to.to_owned(), |page| with_next(to, page)))
}

/// The page on which the form of a path stands.
fn form_at(stands: Stands, path: &str) -> Option<&str> {
    match stands {
        Stands::Nowhere => None,
        Stands::Here => Some(path),
        Stands::Above => path.rsplit_once('/').map(|(above, _)| above).filter(|above| !above.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_stands_where_its_route_says() {
        for (stands, page) in [(Stands::Nowhere, None), (Stands::Here, Some("/a/b/c")), (Stands::Above, Some("/a/b"))] {
            assert_eq!(form_at(stands, "/a/b/c"), page);
        }
        assert_eq!(form_at(Stands::Above, "/a"), None);
    }
}
