//! Calls with a bearer token, as any program makes them.

use outbound::{Answer, OutboundError, Site};

pub(super) async fn call(
    site: &Site,
    token: Option<&str>,
    method: &str,
    path: &str,
    json: Option<&[u8]>,
) -> Result<Answer, OutboundError> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, &str)> =
        bearer.as_deref().map(|bearer| ("authorization", bearer)).into_iter().collect();
    headers.extend(json.map(|_| ("content-type", "application/json")));
    site.send(method, path, &headers, json.unwrap_or_default()).await
}
