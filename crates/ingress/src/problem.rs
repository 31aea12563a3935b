//! How an error leaves the house: `application/problem+json` (RFC 9457), with the request's id.

use crate::enforce::Foreign;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{Problem, RequestId};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What a handler returns when it fails. The edge writes the body, because only the edge knows the request's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub Problem);

/// What handlers of the API return.
pub type Answer<T> = Result<T, Failure>;

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Hides a cause from the caller: it goes to the log of this request, and the caller learns that the fault is ours.
pub fn internal(cause: impl std::fmt::Display) -> Failure {
    tracing::error!(cause = %cause, "a request failed");
    Failure(Problem::internal())
}

/// 422: understood, but a value is outside what is accepted.
#[must_use]
pub fn unacceptable(detail: impl Into<String>) -> Failure {
    Failure(Problem::new(422, "unacceptable", "A value is not acceptable").detail(detail))
}

/// The problem that stands for a bare status code.
#[must_use]
pub fn for_status(status: StatusCode) -> Problem {
    let (slug, title) = match status.as_u16() {
        400 => return Problem::bad_request("the request is malformed"),
        401 => return Problem::unauthorized(),
        403 => return Problem::forbidden(),
        404 => return Problem::not_found(),
        405 => ("method-not-allowed", "This method is not allowed here"),
        408 => ("timeout", "The request took too long to arrive"),
        413 => ("too-large", "The request's content is too large"),
        414 => ("uri-too-long", "The request's address is too long"),
        415 => ("media-type", "This media type is not accepted here"),
        416 => ("range", "The content has no such part"),
        422 => ("unacceptable", "A value is not acceptable"),
        429 => ("too-many", "Too many requests"),
        431 => ("headers-too-large", "The request's headers are too large"),
        503 => ("unavailable", "Not available at the moment"),
        505 => ("version", "This version of HTTP is not spoken here"),
        500.. => return Problem::internal(),
        _ => ("refused", "The request was refused"),
    };
    Problem::new(status.as_u16(), slug, title)
}

/// Turns a failure, or an error without a body of our own making, into a problem with the request's id. Error pages in
/// HTML and problems that are already written stay as they are.
#[must_use]
pub fn write(response: Response, id: RequestId) -> Response {
    let status = response.status();
    if response.extensions().get::<Foreign>().is_some() {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned();
    let problem = match failure {
        Some(Failure(problem)) => problem,
        None if is_bare_error(&response) => for_status(status),
        None => return response,
    };
    let (mut parts, _) = response.into_parts();
    let body = body(problem, id);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Response::from_parts(parts, Body::from(body))
}

/// A complete response for a problem that arises outside any route.
#[must_use]
pub fn response(problem: Problem, id: RequestId) -> Response {
    write(Failure(problem).into_response(), id)
}

fn body(mut problem: Problem, id: RequestId) -> Vec<u8> {
    problem.request_id = Some(id.to_string());
    serde_json::to_vec(&problem).unwrap_or_default()
}

fn status_of(problem: &Problem) -> StatusCode {
    StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An error that the framework made: plain text, or nothing at all.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return false;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_none_or(|kind| kind.starts_with("text/plain"))
}
