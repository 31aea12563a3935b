//! Holds a route to its policy: who may call, how much they may send, how long the answer may be kept.

use crate::{
    front::Matched,
    gate::{Gate, bearer},
    policy::{Auth, Cache, Policy},
    problem::{Failure, for_status},
};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kernel::Problem;
use std::{fmt::Write as _, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a request's body may take to arrive, whole.
const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// A route's path and policy, and who knows the callers.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) path: &'static str,
    pub(crate) policy: Policy,
    pub(crate) gate: Arc<dyn Gate>,
}

/// Runs the handler if the policy allows it, and marks the answer as the policy says.
pub(crate) async fn enforce(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let known = request.headers().get(IF_NONE_MATCH).cloned();
    let mut response = match admit(&guard, request).await {
        Ok(request) => mark(guard.policy.cache, known.as_ref(), next.run(request).await).await,
        Err(failure) => failure.into_response(),
    };
    response.extensions_mut().insert(Matched(guard.path));
    response
}

async fn admit(guard: &Guard, request: Request) -> Result<Request, Failure> {
    let (mut parts, body) = request.into_parts();
    match guard.policy.auth {
        Auth::Public => {}
        Auth::Person => {
            let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
            let caller = guard.gate.person(token).await?.ok_or_else(Problem::unauthorized)?;
            parts.extensions.insert(caller);
        }
        Auth::Operator => {
            let token = bearer(&parts.headers).ok_or_else(Problem::unauthorized)?;
            if !guard.gate.operator(token) {
                return Err(Problem::unauthorized().into());
            }
        }
    }
    let body = read(&parts.headers, body, guard.policy.body).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The whole body, so that a handler never waits for a slow sender and never holds more than its policy allows.
async fn read(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Failure> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let too_large =
        || Failure(for_status(StatusCode::PAYLOAD_TOO_LARGE).detail(format!("at most {most} bytes are accepted here")));
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > most as u64) {
        return Err(too_large());
    }
    match timeout(BODY_DEADLINE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Problem::bad_request("the request's content broke off").into()),
        Err(_) => Err(for_status(StatusCode::REQUEST_TIMEOUT).into()),
    }
}

/// Says how long the answer may be kept. Errors are kept nowhere.
async fn mark(cache: Cache, known: Option<&HeaderValue>, response: Response) -> Response {
    let status = response.status();
    let kept = status.is_success() || status.is_redirection();
    // A handler that knows its content better has tagged it already.
    let untagged = kept && cache.is_tagged() && !response.headers().contains_key(ETAG);
    let mut response = if untagged { tagged(known, response).await } else { response };
    if let Ok(value) = HeaderValue::from_str(&if kept { cache } else { Cache::Never }.control()) {
        response.headers_mut().insert(CACHE_CONTROL, value);
    }
    response
}

/// Adds an entity tag, and answers 304 where the caller holds that content already (RFC 9110 section 13.1.2).
async fn tagged(known: Option<&HeaderValue>, response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(content) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return Failure(Problem::internal()).into_response();
    };
    let tag = tag(&content);
    let held = known.and_then(|known| known.to_str().ok()).is_some_and(|known| holds(known, &tag));
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, value);
    }
    if !held {
        return Response::from_parts(parts, Body::from(content));
    }
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

fn tag(content: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in digest(&SHA256, content).as_ref().iter().take(16) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn holds(known: &str, tag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}
