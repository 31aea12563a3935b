//! Whether another site made a browser send this request. The application's forms carry no token of ours, so this is looked
//! at on every request that may change something, and on every WebSocket, which browsers open across sites unasked.

use crate::settings::Settings;
use axum::http::{HeaderMap, HeaderName, header::ORIGIN};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request comes from a page of this service, or from no page at all: programs say nothing.
pub(crate) fn is_own(headers: &HeaderMap, settings: &Settings) -> bool {
    let site = match one(headers, &SITE) {
        One::None => None,
        One::Is(site) => Some(site),
        One::Unclear => return false,
    };
    let site_is_good = site.is_none_or(|site| site == "same-origin" || site == "none");
    let origin_is_good = match one(headers, &ORIGIN) {
        One::None => true,
        // Where a page lets no referrer out, browsers hide the origin as well.
        One::Is("null") => site == Some("same-origin"),
        One::Is(origin) => origin.eq_ignore_ascii_case(&settings.origin),
        One::Unclear => false,
    };
    site_is_good && origin_is_good
}

enum One<'a> {
    None,
    Is(&'a str),
    Unclear,
}

fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> One<'a> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => One::None,
        (Some(value), None) => value.to_str().map_or(One::Unclear, One::Is),
        (Some(_), Some(_)) => One::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemClock;
    use std::sync::Arc;

    #[test]
    fn only_our_own_pages_and_programs_pass() {
        let settings = Settings::new("https://app.example", Arc::new(SystemClock)).unwrap();
        let own = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            is_own(&headers, &settings)
        };
        assert!(own(&[]) && own(&[("origin", "https://app.example")]) && own(&[("sec-fetch-site", "none")]));
        assert!(own(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        for bad in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "http://app.example")],
            &[("origin", "https://app.example:8443")],
            &[("origin", "null")],
            &[("origin", "https://app.example"), ("origin", "https://app.example")],
            &[("origin", "https://app.example"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "\u{fc}")],
        ] {
            assert!(!own(bad), "{bad:?}");
        }
    }
}
