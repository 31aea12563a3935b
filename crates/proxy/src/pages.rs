//! What the caller is told when the application gives no answer: what happened, that it is not their fault, and what to
//! quote. Nothing from inside.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ingress::{Failure, problem::for_status};
use kernel::{Problem, RequestId};
use outbound::upstream::{SenderFault, UpstreamError};

/// The answer in the application's place.
pub(crate) fn of(error: &UpstreamError, asked: &Asked) -> Response {
    let (status, slug, title, detail) = match error {
        UpstreamError::Unreachable(_) => (
            StatusCode::BAD_GATEWAY,
            "bad-gateway",
            "The application cannot be reached",
            "The service runs, but the application behind it takes no connections at the moment.",
        ),
        UpstreamError::Broke(_) => (
            StatusCode::BAD_GATEWAY,
            "bad-gateway",
            "The application gave no answer",
            "The application behind this service broke off. Whether it acted on the request is not known.",
        ),
        UpstreamError::Busy(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "gateway-timeout",
            "The application is too busy",
            "The application behind this service took no further request in time. It did not see this one.",
        ),
        UpstreamError::Silent(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "gateway-timeout",
            "The application did not answer in time",
            "The application behind this service took the request and did not answer. Whether it acted on it is not known.",
        ),
        UpstreamError::Sender(fault) => return Failure(blame(*fault)).into_response(),
    };
    tracing::warn!(request = %asked.id, %error, "the application gave no answer");
    if asked.page {
        return page(status, title, detail, asked.id);
    }
    Failure(Problem::new(status.as_u16(), slug, title).detail(detail)).into_response()
}

/// Who asked, and whether they look at a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) id: RequestId,
    pub(crate) page: bool,
}

/// Whether the caller wants a page.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accepts.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/html")))
}

fn blame(fault: SenderFault) -> Problem {
    match fault {
        SenderFault::Slow => for_status(StatusCode::REQUEST_TIMEOUT),
        SenderFault::TooLarge => for_status(StatusCode::PAYLOAD_TOO_LARGE),
        SenderFault::Broke => Problem::bad_request("the request's content broke off"),
    }
}

fn page(status: StatusCode, title: &str, detail: &str, id: RequestId) -> Response {
    let body = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>{title}</title>\n<h1>{title}</h1>\n<p>{detail}</p>\n<p>Try again in a \
         minute. If it stays so, tell whoever runs this service, with this number: <code>{id}</code></p>\n</html>\n"
    );
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}
