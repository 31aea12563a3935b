//! What is not in the route table: nothing, told to people as a page and to programs as a problem.

use crate::{gate::Gate, problem::Failure, reply::html_with, request_id};
use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{ACCEPT, VARY},
    },
    response::{IntoResponse, Response},
};
use kernel::Problem;
use std::sync::Arc;

/// Answers what no route matches.
pub(crate) fn answer(gate: &Arc<dyn Gate>, request: &Request) -> Response {
    let mut problem = Problem::not_found();
    problem.request_id = request.extensions().get::<request_id::Request>().map(|id| id.0.to_string());
    let page = wants_page(request.headers()).then(|| gate.page(&problem)).flatten();
    let mut response = match page {
        Some(page) => html_with(StatusCode::NOT_FOUND, page),
        None => Failure(problem).into_response(),
    };
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// Whether the caller asks for a page by name, as browsers do; who takes anything is a program.
fn wants_page(headers: &HeaderMap) -> bool {
    let named = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let refused = |part: &str| part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()) == Some(0.0);
        kind.eq_ignore_ascii_case("text/html") && !parts.any(refused)
    };
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_ask_for_pages_and_programs_do_not() {
        for (accept, page) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("application/json, Text/HTML;q=0.5", true),
            ("*/*", false),
            ("application/json", false),
            ("text/html;q=0", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(wants_page(&headers), page, "{accept}");
        }
        assert!(!wants_page(&HeaderMap::new()));
    }
}
