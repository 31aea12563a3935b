//! The headers of every response: those that controls promise, and their quieter neighbours.

use crate::{csp, frame_deny, hsts, nosniff};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};
use kernel::RequestId;

/// Names the request in its response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers that no control promises yet, on every response all the same.
const OTHERS: [(HeaderName, &str); 4] = [
    // Not `no-referrer`: browsers would then hide the origin of our own forms too.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), \
         gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), \
         picture-in-picture=(), publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), \
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
    /// Over TLS, from an application behind the proxy.
    Foreign,
}

/// What stands beside the policy of an application behind the proxy. Its own policy stays, because only it knows its
/// scripts; browsers keep both.
const BESIDE: &str = "frame-ancestors 'none'; base-uri 'self'; object-src 'none'; form-action 'self'";

/// Sets every header, replacing what a handler may have put there: no route can weaken them.
pub fn apply(headers: &mut HeaderMap, channel: Channel, id: RequestId) {
    let id = HeaderValue::from_str(&id.to_string());
    let policy = csp::headers().into_iter().filter(|_| channel != Channel::Foreign);
    let controls = policy.chain([frame_deny::header(), nosniff::header()]);
    let others = OTHERS.map(|(name, value)| (name, HeaderValue::from_static(value)));
    for (name, value) in controls.chain(others).chain(id.map(|id| (REQUEST_ID, id))) {
        headers.insert(name, value);
    }
    if channel == Channel::Foreign {
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(BESIDE));
    }
    if channel != Channel::Plain {
        let (name, value) = hsts::header();
        headers.insert(name, value);
    }
    // What no policy allows to be kept is kept nowhere.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
