//! Calls with a bearer token, as any program makes them.

use outbound::{Answer, OutboundError, Site};

/// What is sent beside method, path and token.
#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Nothing,
    Json(&'a str),
    Form(&'a str),
    Png(&'a [u8]),
}

pub(super) async fn call(
    site: &Site,
    token: Option<&str>,
    method: &str,
    path: &str,
    body: Body<'_>,
) -> Result<Answer, OutboundError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let (kind, bytes): (Option<&str>, &[u8]) = match body {
        Body::Nothing => (None, &[]),
        Body::Json(text) => (Some("application/json"), text.as_bytes()),
        Body::Form(text) => (Some("application/x-www-form-urlencoded"), text.as_bytes()),
        Body::Png(bytes) => (Some("image/png"), bytes),
    };
    let mut headers: Vec<(&str, &str)> =
        bearer.as_deref().map(|bearer| ("authorization", bearer)).into_iter().collect();
    headers.extend(kind.map(|kind| ("content-type", kind)));
    site.send(method, path, &headers, bytes).await
}
