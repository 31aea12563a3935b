//! Control `csp`: a Content-Security-Policy that lets no foreign code run, and whose violations arrive at the operator.

use axum::http::{HeaderName, HeaderValue, header::CONTENT_SECURITY_POLICY};
use kernel::Span;
use promises::control::{ControlSpec, Mode, Standards, Vantage};

/// The policy's header.
pub const HEADER_NAME: &str = "content-security-policy";
/// The policy on every response. Pages load their own styles, images and fonts; there is no script at all.
pub const HEADER_VALUE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                                frame-ancestors 'none'; base-uri 'none'; report-uri /reports/csp; report-to csp";
/// The header that tells a browser what `report-to csp` means.
pub const ENDPOINTS_NAME: &str = "reporting-endpoints";
/// The endpoint, relative to the page, so that it is right at every name and port that serves it.
pub const ENDPOINTS_VALUE: &str = "csp=\"/reports/csp\"";
/// Where reports are posted to.
pub const REPORT_PATH: &str = "/reports/csp";

/// Both headers as the outermost layer sets them.
#[must_use]
pub fn headers() -> [(HeaderName, HeaderValue); 2] {
    [
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(HEADER_VALUE)),
        (HeaderName::from_static(ENDPOINTS_NAME), HeaderValue::from_static(ENDPOINTS_VALUE)),
    ]
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "csp",
    title: "Content-Security-Policy with violation reporting",
    about: "The outermost layer sets the policy on every answer; reports are stored without personal data and shown to the \
            operator. The probe walks the service from outside and reads the policy of every HTML answer as a browser does \
            (several policies intersect, the first of two equal directives counts): no script from anywhere but the service \
            itself, no `unsafe-inline`, `unsafe-eval`, wildcard, scheme or `data:` source, `frame-ancestors 'none'`, \
            `base-uri`, `form-action`, and both `report-uri` and `report-to` with an endpoint of that name. Then a real \
            browser opens the page, which must break nothing by itself, and loads a picture from a made-up host: the report \
            must be delivered, and with the operator's credentials it must be found among the stored reports. Without them \
            the line says that delivery was judged from outside only.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every page", "all pages", "every HTML response"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards {
        gdpr: &["32(1)(b)"],
        iso27001: &["8.26", "8.16"],
        soc2: &["CC6.6", "CC7.2"],
        asvs: &["3.4.3", "3.4.6", "3.4.7"],
    },
};
