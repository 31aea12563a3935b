//! Where browsers report what the Content-Security-Policy stopped. Anybody can post here, so the work per request and the
//! rate are bounded, what is not understood changes nothing, and nothing about a person is kept.

mod parse;

pub use parse::{Violation, legacy, modern};

use crate::{
    csp,
    input::media_type,
    openapi::Doc,
    policy::{Fails, Limit, Policy},
    problem::{Answer, for_status},
    route::{Route, RouteTable},
    state::State,
};
use axum::{
    body::Bytes,
    extract,
    http::{HeaderMap, Method, StatusCode},
};
use kernel::Problem;

/// The largest batch, in bytes.
const LARGEST: usize = 64 * 1024;
/// How many violations of one batch are counted; further ones are let go.
pub const MOST: usize = 20;
/// How many batches an address may send. What is kept is bounded in the database besides, so a limiter that fails takes
/// no report away.
const LIMIT: Limit = Limit { per_minute: 120, burst: 60, fails: Fails::Open };

/// The route of the reports.
#[must_use]
pub fn routes(state: &State) -> RouteTable {
    let doc = Doc::new("reportCsp", "Takes a browser's reports of what the Content-Security-Policy stopped")
        .tag("reports")
        .takes_as::<parse::Batch>("application/reports+json")
        .takes_as::<parse::Legacy>("application/csp-report")
        .gives_nothing("Counted, or let go")
        .problems(&[415]);
    RouteTable::new([Route::with_state(
        Method::POST,
        csp::REPORT_PATH,
        Policy::open(LARGEST).limited(LIMIT),
        take,
        state.clone(),
    )
    .documented(doc)])
}

async fn take(extract::State(state): extract::State<State>, headers: HeaderMap, body: Bytes) -> Answer<StatusCode> {
    let violations = match media_type(&headers).as_deref() {
        Some("application/reports+json") => modern(&body),
        Some("application/csp-report") => legacy(&body).map(|violation| vec![violation]),
        _ => return Err(for_status(StatusCode::UNSUPPORTED_MEDIA_TYPE).into()),
    };
    let violations = violations.map_err(|error| Problem::bad_request(error.to_string()))?;
    for Violation { directive, blocked, path } in violations.iter().take(MOST) {
        store::reports::count(&state.store, directive, blocked, path).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}
