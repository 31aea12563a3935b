//! The head of a request as the application sees it: without what belongs to the caller's connection, without anything by
//! which a caller could pretend to be us, and with what we know instead.

use crate::{settings::Settings, token::IDENTITY};
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Version,
    header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, UPGRADE, VIA},
};
use ingress::{cookie, gate::bearer, headers::REQUEST_ID, request_id};
use kernel::RequestId;
use std::net::{IpAddr, Ipv4Addr};

/// What proxies say ([`is_said_by_proxies`]), whatever follows.
const SAID_AND_MORE: [&str; 4] = ["cf-access-", "remote-", "ssl-client-", "tailscale-user-"];

/// The same, behind `x-`. Everything of ours begins with the last of them.
const SAID_BEHIND_X: [&str; 13] = [
    "amzn-oidc-",
    "auth-request-",
    "authenticated-",
    "forwarded-",
    "goog-authenticated-user-",
    "goog-iap-",
    "ms-client-principal",
    "original-",
    "remote-",
    "ssl-",
    "user-",
    "webauth-",
    "wordbond-",
];

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What we know of a request and its caller.
pub(crate) struct Known<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) id: RequestId,
    pub(crate) identity: Option<HeaderValue>,
    pub(crate) version: Version,
    /// Whether a WebSocket is asked for.
    pub(crate) socket: bool,
}

/// The headers for the application.
pub(crate) fn headers(from: &HeaderMap, known: &Known<'_>) -> HeaderMap {
    let listed = listed(from);
    let mut to = HeaderMap::with_capacity(from.len() + 8);
    for (name, value) in from {
        if passes(name, &listed) {
            to.append(name.clone(), value.clone());
        }
    }
    if bearer(from).is_some_and(is_ours) {
        to.remove(AUTHORIZATION);
    }
    if !listed.contains(&COOKIE)
        && let Some(cookies) = cookies(from)
    {
        to.insert(COOKIE, cookies);
    }
    add(&mut to, known);
    to
}

/// The names that `Connection` lists: they concern this connection only. `keep-alive` and `close`, which stand there as a rule,
/// go anyway.
pub(crate) fn listed(headers: &HeaderMap) -> Vec<HeaderName> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    let names = lines.flat_map(|line| line.split(',')).map(str::trim);
    let others = names.filter(|name| !["keep-alive", "close"].iter().any(|known| name.eq_ignore_ascii_case(known)));
    others.filter_map(|name| name.parse().ok()).collect()
}

/// Headers of one connection (RFC 9110 section 7.6.1), and those by which the way to the next one is made anew.
pub(crate) fn is_of_the_connection(name: &HeaderName, listed: &[HeaderName]) -> bool {
    // A match, here and below, compares by length first; a list is gone through one by one.
    let known = matches!(
        name.as_str(),
        "close"
            | "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    );
    known || listed.contains(name)
}

fn passes(name: &HeaderName, listed: &[HeaderName]) -> bool {
    // Written anew below, or by the HTTP library.
    let anew = [HOST, COOKIE, CONTENT_LENGTH, EXPECT].contains(name);
    !anew && is_clear(name) && !is_of_the_connection(name, listed) && !is_said_by_proxies(name.as_str())
}

/// Whether every server takes this name for itself. CGI and what came after it fold other signs into one, so that `_` and
/// `.` make a second spelling of a name that we strip.
fn is_clear(name: &HeaderName) -> bool {
    name.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// By these, applications and their frameworks learn from a proxy who is calling, from where, and what for. Callers do not
/// get to say it. Names are compared as the servers do that read the most into them.
fn is_said_by_proxies(name: &str) -> bool {
    let and_more = match name.strip_prefix("x-") {
        Some(rest) => SAID_BEHIND_X.iter().any(|beginning| rest.starts_with(beginning)),
        None => SAID_AND_MORE.iter().any(|beginning| name.starts_with(beginning)),
    };
    and_more
        || matches!(
            name,
            "cf-connecting-ip"
                | "client-ip"
                | "fastly-client-ip"
                | "forwarded"
                | "forwarded-for"
                | "front-end-https"
                | "proxy"
                | "remote-addr"
                | "true-client-ip"
                | "via"
                | "x-client-cert"
                | "x-client-dn"
                | "x-client-ip"
                | "x-client-verify"
                | "x-cluster-client-ip"
                | "x-email"
                | "x-groups"
                | "x-host"
                | "x-http-host-override"
                | "x-http-method"
                | "x-http-method-override"
                | "x-https"
                | "x-method-override"
                | "x-proto"
                | "x-real-ip"
                | "x-request-id"
                | "x-rewrite-url"
                | "x-roles"
                | "x-scheme"
                | "x-tenant"
                | "x-url-scheme"
                | "x-user"
                | "x-userid"
                | "x-username"
        )
}

/// A token of ours is of no use to the application and of much use to whoever reads its logs.
fn is_ours(token: &str) -> bool {
    ["wbt_", "wbs_"].iter().any(|beginning| token.starts_with(beginning))
}

/// The cookies that are not ours, in one line: HTTP/2 sends them apart (RFC 9113 section 8.2.3).
fn cookies(from: &HeaderMap) -> Option<HeaderValue> {
    let mut line = Vec::new();
    for pair in from.get_all(COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';')) {
        let pair = pair.trim_ascii();
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        if pair.is_empty() || is_our_cookie(name) {
            continue;
        }
        if !line.is_empty() {
            line.extend_from_slice(b"; ");
        }
        line.extend_from_slice(pair);
    }
    if line.is_empty() { None } else { HeaderValue::from_bytes(&line).ok() }
}

/// Whether a cookie of this name is ours, in any case and in quotes.
pub(crate) fn is_our_cookie(name: &[u8]) -> bool {
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    cookie::OWN.iter().any(|own| own.as_bytes().eq_ignore_ascii_case(name))
}

fn add(to: &mut HeaderMap, known: &Known<'_>) {
    let Settings { host, said, .. } = known.settings;
    to.insert(HOST, host.clone());
    to.insert(X_FORWARDED_HOST, host.clone());
    to.insert(X_FORWARDED_PROTO, HeaderValue::from_static("https"));
    to.insert(
        VIA,
        HeaderValue::from_static(if known.version == Version::HTTP_2 { "2 wordbond" } else { "1.1 wordbond" }),
    );
    to.insert(REQUEST_ID, request_id::value(known.id));
    let (node, forwarded) = match known.peer.map(|peer| peer.to_canonical()) {
        Some(IpAddr::V4(peer)) => {
            let node = dotted(peer);
            let forwarded = ["for=", &node, ";", said].concat();
            (Some(node), forwarded)
        }
        Some(IpAddr::V6(peer)) => (Some(peer.to_string()), format!("for=\"[{peer}]\";{said}")),
        None => (None, said.clone()),
    };
    for (name, value) in node.map(|node| (X_FORWARDED_FOR, node)).into_iter().chain([(FORWARDED, forwarded)]) {
        if let Ok(value) = HeaderValue::try_from(value) {
            to.insert(name, value);
        }
    }
    if known.socket {
        to.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        to.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    if let Some(identity) = &known.identity {
        to.insert(IDENTITY, identity.clone());
    }
}

/// An address as it is written. By hand, since it is done for every request.
fn dotted(address: Ipv4Addr) -> String {
    let mut text = String::with_capacity(16);
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        for place in [100, 10, 1] {
            if octet >= place || place == 1 {
                text.push(char::from(b'0' + octet / place % 10));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SystemClock;
    use std::sync::Arc;

    fn sent(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut from = HeaderMap::new();
        for (name, value) in pairs {
            from.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let settings = Settings::new("https://app.example", Arc::new(SystemClock)).unwrap();
        let peer = Some("192.0.2.7".parse().unwrap());
        let known = Known {
            settings: &settings,
            peer,
            id: RequestId::new(),
            identity: None,
            version: Version::HTTP_11,
            socket: false,
        };
        headers(&from, &known)
    }

    fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn addresses_are_written_as_everywhere() {
        for octet in 0..=255 {
            let address = Ipv4Addr::new(octet, 0, 255 - octet, 10);
            assert_eq!(dotted(address), address.to_string());
        }
    }

    #[test]
    fn what_the_caller_says_in_our_name_does_not_pass() {
        for name in [
            "x-wordbond-identity",
            "X-Wordbond-Identity",
            "X_Wordbond_Identity",
            "x-wordbond_identity",
            "x.wordbond.identity",
            "x-wordbond-anything",
            "X-Forwarded-User",
            "x_forwarded_for",
            "Remote-User",
            "remote_user",
            "X-Auth-Request-Email",
            "x-http-method-override",
            "Proxy",
        ] {
            let headers = sent(&[(name, "evil")]);
            assert!(headers.values().all(|value| value != "evil"), "{name}");
        }
        let headers = sent(&[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "5.6.7.8"), ("x-csrf-token", "t")]);
        assert_eq!(text(&headers, "x-forwarded-for"), Some("192.0.2.7"));
        assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
        assert_eq!(text(&headers, "forwarded"), Some("for=192.0.2.7;host=\"app.example\";proto=https"));
        assert_eq!(text(&headers, "x-csrf-token"), Some("t"));
    }

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let headers = sent(&[
            ("connection", "close, X-Private ,te"),
            ("connection", "x-more"),
            ("x-private", "evil"),
            ("x-more", "evil"),
            ("te", "trailers, evil"),
            ("keep-alive", "evil"),
            ("upgrade", "h2c"),
            ("http2-settings", "evil"),
            ("proxy-authorization", "evil"),
            ("expect", "100-continue"),
            ("content-length", "3"),
        ]);
        assert!(headers.values().all(|value| value != "evil" && value != "h2c"));
        for gone in ["connection", "te", "upgrade", "expect", "content-length", "x-private", "x-more"] {
            assert_eq!(text(&headers, gone), None, "{gone}");
        }
    }

    #[test]
    fn our_cookies_and_tokens_stay_here() {
        let cookies = |line: &str| sent(&[("cookie", line)]).get("cookie").map(|v| v.to_str().unwrap().to_owned());
        assert_eq!(cookies("a=1; __Host-wordbond=wbs_x; b=2").as_deref(), Some("a=1; b=2"));
        assert_eq!(cookies("__Host-wordbond=wbs_x"), None);
        assert_eq!(cookies("__host-WORDBOND=x;__Host-visit = y; \"__Host-known\"=z ; c=3;").as_deref(), Some("c=3"));
        let two = sent(&[("cookie", "a=1"), ("cookie", "__Host-visit=x"), ("cookie", "b=2")]);
        assert_eq!(text(&two, "cookie"), Some("a=1; b=2"));
        assert_eq!(text(&sent(&[("authorization", "Bearer wbt_x")]), "authorization"), None);
        assert_eq!(text(&sent(&[("authorization", "bEARER  wbs_x")]), "authorization"), None);
        assert_eq!(text(&sent(&[("authorization", "Bearer theirs")]), "authorization"), Some("Bearer theirs"));
        assert_eq!(text(&sent(&[("authorization", "Basic x")]), "authorization"), Some("Basic x"));
    }
}
