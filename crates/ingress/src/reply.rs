//! Answers of pages.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};

/// A page.
#[must_use]
pub fn html(body: impl Into<String>) -> Response {
    let mut response = Response::new(Body::from(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A page with another status than 200, such as a form with its errors (422).
#[must_use]
pub fn html_with(status: StatusCode, body: impl Into<String>) -> Response {
    let mut response = html(body);
    *response.status_mut() = status;
    response
}

/// Leads the browser to a path of this service. Anything else, such as what a stranger put into `next`, leads to `/`.
#[must_use]
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::from_str(own_path(path).unwrap_or("/"));
    let location = location.unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// The path with its query, if it is one of this service: browsers read `//host`, `/\host` and paths with control
/// characters as addresses elsewhere.
#[must_use]
pub fn own_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix('/')?;
    let clean = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (clean && path.len() <= 2_000 && !rest.starts_with('/')).then_some(path)
}

/// `path?next=…`, with where to go on afterwards.
#[must_use]
pub fn with_next(path: &str, next: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(own_path(next).unwrap_or("/").as_bytes()).collect();
    format!("{path}?next={next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for (path, to) in [
            ("/account?x=1#y", "/account?x=1#y"),
            ("/", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\\..\\evil", "/"),
            ("/\t/evil.example", "/"),
            ("/\r\nset-cookie: a=b", "/"),
            ("https://evil.example", "/"),
            ("evil", "/"),
            ("", "/"),
        ] {
            assert_eq!(see_other(path).headers()[LOCATION], to, "{path:?}");
        }
        assert_eq!(with_next("/sign-in", "/a?b=c&d"), "/sign-in?next=%2Fa%3Fb%3Dc%26d");
        assert_eq!(with_next("/sign-in", "//evil"), "/sign-in?next=%2F");
    }
}
