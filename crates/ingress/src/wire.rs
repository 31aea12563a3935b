//! Responses written by hand, where no server stands behind: to plain HTTP, and to what is no HTTP.

use crate::{
    headers::{self, Channel},
    http1::Refusal,
    problem,
};
use axum::http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
};
use kernel::RequestId;

/// The bytes that tell a peer why its request was refused. The connection ends with them.
#[must_use]
pub(crate) fn refusal(refusal: Refusal, channel: Channel) -> Vec<u8> {
    let id = RequestId::new();
    let mut problem = problem::for_status(refusal.status()).detail(refusal.to_string());
    problem.request_id = Some(id.to_string());
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(problem::MEDIA_TYPE));
    render(refusal.status(), fields, &body, channel, id)
}

/// The bytes that send a peer to the same path over HTTPS.
#[must_use]
pub(crate) fn redirect(status: StatusCode, location: &HeaderValue) -> Vec<u8> {
    let fields = HeaderMap::from_iter([(LOCATION, location.clone())]);
    render(status, fields, b"", Channel::Plain, RequestId::new())
}

fn render(status: StatusCode, mut fields: HeaderMap, body: &[u8], channel: Channel, id: RequestId) -> Vec<u8> {
    headers::apply(&mut fields, channel, id);
    fields.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    fields.insert(CONNECTION, HeaderValue::from_static("close"));
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &fields {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
