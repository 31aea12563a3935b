//! The headers of every response: those that controls promise, and their quieter neighbours.

use crate::{csp, frame_deny, hsts, nosniff};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, REFERRER_POLICY},
};
use kernel::RequestId;

/// Names the request in its response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers that no control promises yet, on every response all the same.
const OTHERS: [(HeaderName, &str); 4] = [
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), \
         gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), \
         picture-in-picture=(), publickey-credentials-create=(), publickey-credentials-get=(), screen-wake-lock=(), \
         serial=(), usb=(), web-share=(), xr-spatial-tracking=()",
    ),
];

/// How a response travelled; some headers make sense over TLS only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Over TLS.
    Secure,
    /// In the clear: the redirect to HTTPS, or a refusal.
    Plain,
}

/// Sets every header, replacing what a handler may have put there: no route can weaken them.
pub fn apply(headers: &mut HeaderMap, channel: Channel, id: RequestId) {
    let id = HeaderValue::from_str(&id.to_string());
    let controls = csp::headers().into_iter().chain([frame_deny::header(), nosniff::header()]);
    let others = OTHERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    for (name, value) in controls.chain(others).chain(id.map(|id| (REQUEST_ID, id))) {
        headers.insert(name, value);
    }
    if channel == Channel::Secure {
        let (name, value) = hsts::header();
        headers.insert(name, value);
    }
    // What no policy allows to be kept is kept nowhere.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
