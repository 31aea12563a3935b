//! The operator's door: acts on tenants, and looks at what the system has gathered. Every act is an event in the same
//! transaction, in the tenant's log and in the operator's own.

use crate::{
    api::{AuditEvent, Trail},
    input::{Ids, Json},
    openapi::Doc,
    policy::Policy,
    problem::{Answer, unacceptable},
    route::{Route, RouteTable},
    state::State,
};
use axum::{
    Json as Reply, extract,
    http::{Method, StatusCode},
};
use kernel::{Actor, TenantId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use store::{audit, reports, scope, tenancy};
use utoipa::ToSchema;
use uuid::Uuid;

pub use crate::operator_token::read_or_create as token;

/// The largest body here.
const LARGEST: usize = 8 * 1024;
/// How many of the operator's own events are shown.
const MOST: u32 = 1_000;

/// The routes behind the operator's token.
#[must_use]
pub fn routes(state: &State) -> RouteTable {
    let doc = |id, about| Doc::new(id, about).tag("operator");
    let tenant = |id, about| doc(id, about).id("id", "The team").takes::<Why>().gives_nothing("Done");
    RouteTable::new([
        Route::with_state(
            Method::POST,
            "/operator/tenants/{id}/suspend",
            Policy::operator(LARGEST),
            suspend,
            state.clone(),
        )
        .documented(tenant("suspendTenant", "Suspends a team: its people can do nothing until it is resumed")),
        Route::with_state(
            Method::POST,
            "/operator/tenants/{id}/resume",
            Policy::operator(LARGEST),
            resume,
            state.clone(),
        )
        .documented(tenant("resumeTenant", "Ends the suspension of a team")),
        Route::with_state(Method::GET, "/operator/audit", Policy::operator(0), trail, state.clone()).documented(
            doc("operatorAudit", "The operator's own acts, newest first").gives::<Trail>(200, "At most 1000 events"),
        ),
        Route::with_state(Method::GET, "/operator/csp-reports", Policy::operator(0), violations, state.clone())
            .documented(
                doc("cspReports", "What browsers stopped on our pages")
                    .gives::<Violations>(200, "The most recent first"),
            ),
        Route::with_state(Method::POST, "/operator/egress/attempt", Policy::operator(LARGEST), attempt, state.clone())
            .documented(
                doc("egressAttempt", "Tries an outgoing call through the gate that every outgoing call passes")
                    .takes::<Try>()
                    .gives::<Tried>(200, "How far it got"),
            ),
    ])
}

/// Why the operator acts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Why {
    /// The reason, which the team can read.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

async fn suspend(
    extract::State(state): extract::State<State>,
    Ids(id): Ids<Uuid>,
    Json(why): Json<Why>,
) -> Answer<StatusCode> {
    tenancy::suspend(&state.store, TenantId::from(id), &Actor::Operator, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn resume(
    extract::State(state): extract::State<State>,
    Ids(id): Ids<Uuid>,
    Json(why): Json<Why>,
) -> Answer<StatusCode> {
    tenancy::resume(&state.store, TenantId::from(id), &Actor::Operator, &why.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn trail(extract::State(state): extract::State<State>) -> Answer<Reply<Trail>> {
    let mut scoped = state.store.scoped(scope::operator_tenant(), &Actor::Operator).await?;
    let events = audit::list(&mut scoped, MOST).await?.into_iter().map(AuditEvent::from).collect();
    Ok(Reply(Trail { events }))
}

/// What browsers stopped.
#[derive(Serialize, ToSchema)]
struct Violations {
    /// The most recent first.
    reports: Vec<Violation>,
}

/// One kind of violation.
#[derive(Serialize, ToSchema)]
struct Violation {
    /// The directive that was violated.
    directive: String,
    /// What was stopped: an origin, or a word such as `inline`.
    blocked: String,
    /// On which page.
    path: String,
    /// How often it was reported.
    count: u64,
    /// When first.
    #[schema(value_type = String, format = DateTime)]
    first_seen: kernel::Timestamp,
    /// When last.
    #[schema(value_type = String, format = DateTime)]
    last_seen: kernel::Timestamp,
}

async fn violations(extract::State(state): extract::State<State>) -> Answer<Reply<Violations>> {
    let show = |report: reports::CspReport| {
        let reports::CspReport { directive, blocked, path, count, first_seen, last_seen } = report;
        Violation { directive, blocked, path, count, first_seen, last_seen }
    };
    let reports = reports::list(&state.store).await?.into_iter().map(show).collect();
    Ok(Reply(Violations { reports }))
}

/// An outgoing call to try.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Try {
    /// The address to call.
    #[schema(max_length = 2_000, example = "https://example.com/")]
    url: String,
    /// Where to connect instead of asking the DNS: an address and port of this machine, for tests of the gate.
    #[schema(example = "127.0.0.1:8443")]
    connect_to: Option<String>,
}

/// How far a call got.
#[derive(Serialize, ToSchema)]
struct Tried {
    /// `refused`, `unreachable`, `tls_failed`, `no_answer` or `answered`.
    outcome: String,
    /// One sentence.
    detail: String,
    /// The status of the answer, where there was one.
    status: Option<u16>,
}

async fn attempt(extract::State(state): extract::State<State>, Json(call): Json<Try>) -> Answer<Reply<Tried>> {
    if call.url.len() > 2_000 {
        return Err(unacceptable("url is longer than 2000 characters"));
    }
    let connect_to = call.connect_to.as_deref().map(on_this_machine).transpose()?;
    let attempt = state.dialler.attempt(&call.url, connect_to).await;
    let outcome = serde_json::to_value(attempt.outcome).ok().and_then(|word| word.as_str().map(str::to_owned));
    Ok(Reply(Tried { outcome: outcome.unwrap_or_default(), detail: attempt.detail, status: attempt.status }))
}

/// The gate itself is what is tried: name and certificate are checked as always. Only this machine may be named, so that
/// the route is no way to reach what the operator's network hides.
fn on_this_machine(address: &str) -> Answer<SocketAddr> {
    let address: Option<SocketAddr> = address.parse().ok();
    address
        .filter(|address| address.ip().is_loopback())
        .ok_or_else(|| unacceptable("connect_to is no address and port of this machine"))
}
