//! The head of an answer as the caller sees it: without what belongs to the application's connection, and without what would
//! act on more than the application's own pages.

use crate::{
    request::{is_of_the_connection, is_our_cookie, listed},
    settings::Settings,
};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{LOCATION, SET_COOKIE},
};
use outbound::upstream::Place;

/// Writes the headers of an answer anew.
pub(crate) fn clean(headers: &mut HeaderMap, settings: &Settings, place: &Place) {
    // For those that the edge adds, so that there is room for all of them at once.
    headers.reserve(16);
    let listed = listed(headers);
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_of_the_connection(name, &listed) || !is_passed(name.as_str()))
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
    if headers.contains_key(SET_COOKIE) {
        let kept: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().filter(|c| sets_its_own(c)).cloned().collect();
        headers.remove(SET_COOKIE);
        for cookie in kept {
            headers.append(SET_COOKIE, cookie);
        }
    }
    let moved = headers.get(LOCATION).and_then(|location| here(location.to_str().ok()?, settings, place));
    if let Some(location) = moved.and_then(|location| HeaderValue::from_str(&location).ok()) {
        headers.insert(LOCATION, location);
    }
}

/// Not passed on: other ways to the service, rules for the whole origin, commands to a proxy, and what names the software.
fn is_passed(name: &str) -> bool {
    let not_passed = matches!(
        name,
        "alt-svc"
            | "clear-site-data"
            | "nel"
            | "public-key-pins"
            | "report-to"
            | "reporting-endpoints"
            | "server"
            | "service-worker-allowed"
            | "strict-transport-security"
            | "x-accel-redirect"
            | "x-lighttpd-send-file"
            | "x-powered-by"
            | "x-request-id"
            | "x-reproxy-url"
            | "x-runtime"
            | "x-sendfile"
    );
    !not_passed && !name.starts_with("x-wordbond-")
}

/// Whether a cookie is the application's to set. One without a name may read like one of ours when it comes back.
fn sets_its_own(cookie: &HeaderValue) -> bool {
    let pair = cookie.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let (name, value) = (parts.next().unwrap_or_default().trim_ascii(), parts.next());
    let own = !is_our_cookie(name);
    if !own {
        tracing::warn!("the application tried to set a cookie of ours");
    }
    value.is_some() && !name.is_empty() && own
}

/// Where an application that does not know where it stands sends the caller: the same place, at the public address.
fn here(location: &str, settings: &Settings, place: &Place) -> Option<String> {
    let rest = match location.strip_prefix(&place.to_string()) {
        Some(rest) => rest,
        None => {
            let rest = location.strip_prefix("http://")?;
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, rest) = rest.split_at(end);
            if !settings.is_own(authority) {
                return None;
            }
            rest
        }
    };
    let follows = rest.is_empty() || rest.starts_with(['/', '?', '#']);
    follows.then(|| format!("{}{rest}", settings.origin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemClock;
    use std::sync::Arc;

    fn cleaned(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let settings = Settings::new("https://app.example", Arc::new(SystemClock)).unwrap();
        clean(&mut headers, &settings, &"http://127.0.0.1:3000".parse().unwrap());
        headers
    }

    #[test]
    fn the_application_sets_cookies_of_its_own_only() {
        let headers = cleaned(&[
            ("set-cookie", "sessionid=1; Path=/"),
            ("set-cookie", "__Host-wordbond=evil; Path=/; Secure"),
            ("set-cookie", " __host-Visit =evil"),
            ("set-cookie", "=__Host-wordbond=evil"),
            ("set-cookie", "__Host-wordbond"),
            ("set-cookie", "__Host-wordbond"),
            ("set-cookie", "b=__Host-wordbond"),
        ]);
        let kept: Vec<_> = headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(kept, ["sessionid=1; Path=/", "b=__Host-wordbond"]);
    }

    #[test]
    fn what_concerns_more_than_its_pages_is_not_passed() {
        let headers = cleaned(&[
            ("connection", "x-private"),
            ("x-private", "1"),
            ("keep-alive", "1"),
            ("alt-svc", "h2=\":3000\""),
            ("clear-site-data", "\"*\""),
            ("service-worker-allowed", "/"),
            ("x-wordbond-identity", "1"),
            ("server", "x"),
            ("content-type", "text/plain"),
        ]);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["content-type"]);
    }

    #[test]
    fn redirects_lead_to_the_public_address() {
        let to = |location: &str| cleaned(&[("location", location)])["location"].to_str().unwrap().to_owned();
        assert_eq!(to("http://127.0.0.1:3000/a?b#c"), "https://app.example/a?b#c");
        assert_eq!(to("http://app.example/a"), "https://app.example/a");
        assert_eq!(to("http://app.example?a"), "https://app.example?a");
        for same in ["/a", "https://elsewhere.example/", "http://app.example.evil.example/", "http://127.0.0.1:30001/a"]
        {
            assert_eq!(to(same), same);
        }
    }
}
