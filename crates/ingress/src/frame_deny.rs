//! Control `frame-deny`: no other page may show this service inside a frame (clickjacking).

use axum::http::{HeaderName, HeaderValue, header::X_FRAME_OPTIONS};
use kernel::Span;
use promises::control::{ControlSpec, Mode, Standards, Vantage};

/// The header's name.
pub const HEADER_NAME: &str = "x-frame-options";
/// What every response carries.
pub const HEADER_VALUE: &str = "DENY";

/// The header as the outermost layer sets it.
#[must_use]
pub fn header() -> (HeaderName, HeaderValue) {
    (X_FRAME_OPTIONS, HeaderValue::from_static(HEADER_VALUE))
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "frame-deny",
    title: "X-Frame-Options DENY on every response",
    about: "The outermost layer sets the header on every answer. The probe walks the service from outside and looks for the \
            header on each answer, errors and redirects included. Then it opens a page of its own in a real browser that \
            frames the service: the frame must stay empty, while a frame of a page without the header, served by the probe \
            itself, must show (otherwise the browser proves nothing). A policy that allows framing by `frame-ancestors` \
            overrides this header in browsers, and the frame shows it.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every response", "all responses", "every route", "all routes"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.26"], soc2: &["CC6.6"], asvs: &["3.4.6"] },
};
