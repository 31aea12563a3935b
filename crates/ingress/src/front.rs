//! One request, from its head to its response: checked, routed, answered, dressed in headers, logged.

use crate::{
    enforce::Foreign,
    gate::Later,
    headers::{self, Channel},
    http1, problem, request_id,
    route::Served,
};
use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    response::Response,
};
use kernel::{Problem, RequestId};
use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Instant,
};

/// The route that answered, as the table spells it. The log names it instead of the path, which strangers choose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matched(pub(crate) &'static str);

/// Answers one request. Never fails and never panics: a handler that does is a 500.
pub async fn answer(served: &Served, mut request: Request) -> Response {
    let (id, method) = (request_id::fresh(), request.method().clone());
    // Asked for only where the log says it.
    let began = tracing::enabled!(tracing::Level::INFO).then(Instant::now);
    request.extensions_mut().insert(request_id::Request(id));
    let response = match vet(&request) {
        Ok(()) => run(served, request, id).await,
        Err(problem) => problem::response(problem, id),
    };
    if let Some(began) = began {
        let route = response.extensions().get::<Matched>().map_or("-", |matched| matched.0);
        let (status, micros) = (response.status().as_u16(), began.elapsed().as_micros());
        tracing::info!(request = %id, method = %method, route, status, micros, "answered");
    }
    dress(problem::write(response, id), &method, id)
}

fn dress(mut response: Response, method: &Method, id: RequestId) -> Response {
    let foreign = response.extensions().get::<Foreign>().is_some();
    if response.status() == StatusCode::UNAUTHORIZED && !foreign {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    let channel = if foreign { Channel::Foreign } else { Channel::Secure };
    headers::apply(response.headers_mut(), channel, id);
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Limits and rules that hold for HTTP/2 as well, whose framing needs no reading of our own.
fn vet(request: &Request) -> Result<(), Problem> {
    let refuse = |status: StatusCode| Err(problem::for_status(status));
    let uri = request.uri();
    if uri.path_and_query().map_or(0, |path| path.as_str().len()) > http1::LONGEST_TARGET {
        return refuse(StatusCode::URI_TOO_LONG);
    }
    let size: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > http1::LONGEST_HEAD {
        return refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    }
    let authority = uri.authority().map(|authority| authority.as_str());
    if host_is_clear(authority, request.headers()) {
        Ok(())
    } else {
        Err(Problem::bad_request("the request's host is malformed"))
    }
}

/// Whether the request names one host, well formed; where both the address and `Host` name it, the same.
fn host_is_clear(authority: Option<&str>, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter().map(axum::http::HeaderValue::as_bytes);
    match (authority, hosts.next(), hosts.next()) {
        (_, _, Some(_)) => false,
        (Some(authority), Some(host), None) => {
            http1::is_host(authority.as_bytes()) && authority.as_bytes().eq_ignore_ascii_case(host)
        }
        (Some(authority), None, None) => http1::is_host(authority.as_bytes()),
        (None, Some(host), None) => http1::is_host(host),
        // HTTP/1.0 need not name one.
        (None, None, None) => true,
    }
}

async fn run(served: &Served, request: Request, id: RequestId) -> Response {
    match caught(|| served.answer(request)).await {
        Ok(response) => response,
        Err(Panicked) => {
            tracing::error!(request = %id, "a handler panicked");
            problem::response(Problem::internal(), id)
        }
    }
}

struct Panicked;

/// Makes a future and runs it. A panic of either becomes an error.
async fn caught<'a, T>(make: impl FnOnce() -> Later<'a, T>) -> Result<T, Panicked> {
    // What a panicked handler leaves behind is dropped with it; nothing of it is looked at again.
    let mut future = catch_unwind(AssertUnwindSafe(make)).map_err(|_| Panicked)?;
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
