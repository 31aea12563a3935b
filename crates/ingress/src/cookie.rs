//! Our cookies: for this host only, over TLS only, out of the reach of scripts, and not sent by other sites' forms.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use kernel::Span;

/// The session.
pub const SESSION: &str = "__Host-wordbond";
/// A random value for forms before anybody is signed in.
pub const VISIT: &str = "__Host-visit";
/// A browser that signed in before.
pub const KNOWN: &str = "__Host-known";
/// Every cookie of ours: an application behind the proxy neither sees nor sets them.
pub const OWN: &[&str] = &[SESSION, VISIT, KNOWN, "__Host-provider", "__Host-saml", "__Host-saml-link"];

/// A `Set-Cookie` value: kept for `keep`, or until the browser closes. The value must consist of letters, digits and
/// `-_.~`; anything else yields an expired cookie rather than a header that reads otherwise than it was meant.
#[must_use]
pub fn set(name: &str, value: &str, keep: Option<Span>) -> HeaderValue {
    let clean = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    let keep = keep.map_or_else(String::new, |keep| format!("; Max-Age={}", keep.as_secs()));
    let text = format!("{name}={value}{keep}; Path=/; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).ok().filter(|_| clean).unwrap_or_else(|| clear(name))
}

/// A `Set-Cookie` value that removes the cookie.
#[must_use]
pub fn clear(name: &str) -> HeaderValue {
    let text = format!("{name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The value of a cookie. `None` where it is absent, and where it is there twice: whoever can add a second one must not
/// choose which is believed.
#[must_use]
pub fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_written_and_read_back() {
        let written = set(SESSION, "wbs_a-B_9", Some(Span::hours(1)));
        assert_eq!(
            written.to_str().unwrap(),
            "__Host-wordbond=wbs_a-B_9; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        for bad in ["a b", "a;b", "a,b", "a\"b", "a\r\nb", "é"] {
            assert_eq!(set(SESSION, bad, None), clear(SESSION), "{bad:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "other=1; __Host-wordbond=x".parse().unwrap());
        headers.append(COOKIE, "__Host-visit=y=z".parse().unwrap());
        assert_eq!((get(&headers, SESSION), get(&headers, VISIT)), (Some("x"), Some("y=z")));
        assert_eq!((get(&headers, "__Host-wordbon"), get(&headers, KNOWN)), (None, None));
        headers.append(COOKIE, "__Host-wordbond=second".parse().unwrap());
        assert_eq!(get(&headers, SESSION), None);
    }
}
