//! The headers of every response: those that controls promise, and their quieter neighbours.

use crate::{csp, frame_deny, hsts, nosniff, request_id};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY},
};
use kernel::RequestId;
use std::sync::LazyLock;

/// Names the request in its response.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers that no control promises yet, on every response all the same. Made once: a value is checked byte by byte.
static OTHERS: [(HeaderName, HeaderValue); 4] = [
    // Not `no-referrer`: browsers would then hide the origin of our own forms too.
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static(
            "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), \
             geolocation=(), gyroscope=(), hid=(), idle-detection=(), magnetometer=(), microphone=(), midi=(), payment=(), \
             picture-in-picture=(), publickey-credentials-create=(self), publickey-credentials-get=(self), \
             screen-wake-lock=(), serial=(), usb=(), web-share=(), xr-spatial-tracking=()",
        ),
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

/// Those that controls promise, on every response.
static PROMISED: LazyLock<[(HeaderName, HeaderValue); 2]> = LazyLock::new(|| [frame_deny::header(), nosniff::header()]);
static POLICY: LazyLock<[(HeaderName, HeaderValue); 2]> = LazyLock::new(csp::headers);
static HSTS: LazyLock<(HeaderName, HeaderValue)> = LazyLock::new(hsts::header);

/// Sets every header, replacing what a handler may have put there: no route can weaken them.
pub fn apply(headers: &mut HeaderMap, channel: Channel, id: RequestId) {
    headers.reserve(12);
    let policy = POLICY.iter().filter(|_| channel != Channel::Foreign);
    let secure = Some(&*HSTS).filter(|_| channel != Channel::Plain);
    for (name, value) in policy.chain(PROMISED.iter()).chain(&OTHERS).chain(secure) {
        headers.insert(name.clone(), value.clone());
    }
    headers.insert(REQUEST_ID, request_id::value(id));
    if channel == Channel::Foreign {
        headers.append(CONTENT_SECURITY_POLICY, HeaderValue::from_static(BESIDE));
    }
    // What no policy allows to be kept is kept nowhere.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
