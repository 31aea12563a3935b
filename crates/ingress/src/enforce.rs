//! Holds a route to its policy: who may call and how often, where a change may come from, how much may be sent, how long
//! the answer may be kept.

use crate::{
    admit::{self, Stop},
    csrf::FormKey,
    front::Matched,
    gate::Gate,
    meter::{Counted, Meter},
    policy::{Cache, Face, Policy},
    problem::{Failure, for_status},
    reply::html_with,
};
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH, RETRY_AFTER, SET_COOKIE},
        request::Parts,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kernel::{Problem, RequestId};
use std::{fmt::Write as _, sync::Arc, time::Duration};
use tokio::time::timeout;

/// How long a request's body may take to arrive, whole.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(20);

/// The response of an application that stands behind this edge: its own errors and marks stay as they are.
#[derive(Clone, Copy, Debug)]
pub struct Foreign;

/// How much of a body is taken, for who reads it as it arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most(pub(crate) usize);

impl Most {
    pub(crate) fn refusal(self) -> Failure {
        let said = format!("at most {} bytes are accepted here", self.0);
        Failure(for_status(StatusCode::PAYLOAD_TOO_LARGE).detail(said))
    }
}

/// A route's path and policy, and who knows the callers.
#[derive(Clone)]
pub(crate) struct Guard {
    pub(crate) path: &'static str,
    /// Method and path: what the limits count.
    pub(crate) counted: Arc<Counted>,
    pub(crate) policy: Policy,
    pub(crate) gate: Arc<dyn Gate>,
}

/// Runs the handler if the policy allows it, and marks the answer as the policy says.
pub(crate) async fn enforce(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    held(&guard, parts, body, |request| next.run(request)).await
}

/// As [`enforce`], for any handler.
pub(crate) async fn held<F>(guard: &Guard, mut parts: Parts, body: Body, handle: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    let known = parts.headers.get(IF_NONE_MATCH).cloned();
    let id = parts.extensions.get::<crate::request_id::Request>().map(|request| request.0);
    let mut meter = Meter::default();
    let (mut response, form) = match admit::admit(guard, &mut meter, &mut parts, body).await {
        Ok(body) => {
            let form = parts.extensions.get::<FormKey>().cloned();
            (handle(Request::from_parts(parts, body)).await, form)
        }
        Err(stop) => (stopped(stop), None),
    };
    response = shown(guard, response, id);
    // A page with somebody's own form is kept nowhere, whatever else the policy says.
    let cache = if form.as_ref().is_some_and(FormKey::is_shown) { Cache::Never } else { guard.policy.cache };
    if response.extensions().get::<Foreign>().is_none() {
        // Boxed, so that there is no room for it in what is passed on.
        response = Box::pin(mark(cache, known.as_ref(), response)).await;
    }
    if let Some(cookie) = form.and_then(|form| form.cookie()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    meter.write(response.headers_mut());
    if tracing::enabled!(tracing::Level::INFO) {
        response.extensions_mut().insert(Matched(guard.path));
    }
    response
}

fn stopped(stop: Stop) -> Response {
    match stop {
        Stop::Refused(failure) => failure.into_response(),
        Stop::Away(path) => crate::reply::see_other(&path),
        Stop::Later(failure, seconds) => {
            let mut response = failure.into_response();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
            response
        }
    }
}

/// A problem on a page is shown as a page.
fn shown(guard: &Guard, response: Response, id: Option<RequestId>) -> Response {
    let failure = response.extensions().get::<Failure>().filter(|_| guard.policy.face == Face::Page);
    let Some(Failure(problem)) = failure else { return response };
    let mut problem = problem.clone();
    problem.request_id = id.map(|id| id.to_string());
    let Some(page) = guard.gate.page(&problem) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.extensions.remove::<Failure>();
    let (html, body) = html_with(parts.status, page).into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(html.headers);
    Response::from_parts(parts, body)
}

/// The body as the handler gets it: whole, so that a handler never waits for a slow sender and never holds more than its
/// policy allows; or, where the policy says so, as it arrives, up to the limit.
pub(crate) async fn read(headers: &HeaderMap, body: Body, policy: Policy) -> Result<(Bytes, Option<Body>), Failure> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let most = policy.body;
    let too_large = || Most(most).refusal();
    let said = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if said.is_some_and(|said| said > most as u64) {
        return Err(too_large());
    }
    if policy.streamed {
        return Ok((Bytes::new(), Some(Body::new(Limited::new(body, most)))));
    }
    match timeout(BODY_DEADLINE, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok((body.to_bytes(), None)),
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
    let control = if kept { cache } else { Cache::Never }.control();
    if let Some(Ok(value)) = control.map(|control| HeaderValue::from_str(&control)) {
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
