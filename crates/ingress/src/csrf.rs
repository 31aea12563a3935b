//! Control `csrf`: a request that changes something proves that it comes from a page of this service.
//!
//! Two walls. A request that names another origin than ours is refused, whatever its credentials. And where a cookie speaks
//! for somebody, or a form does for nobody yet, a token must come along that other sites cannot read.

mod faults;
mod probe;
mod token;

pub use faults::FAULTS;
pub use probe::{inside, probe, probe_with};
pub(crate) use token::FormKey;
pub use token::{FormToken, is_token, token};

use crate::{
    input::{field, media_type},
    policy::{Auth, Face, Policy, Proof},
    problem::Failure,
};
use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Uri, header},
};
use kernel::{Problem, Span};
use promises::control::{ControlSpec, Mode, Standards, Vantage};

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "csrf",
    title: "Requests that change something prove where they come from",
    about: "A request by POST, PUT, PATCH or DELETE is refused when it names another origin than the service's, by Origin or by \
            Sec-Fetch-Site, whatever its credentials. Where a cookie speaks for somebody, and on forms that are open to all, \
            it must also carry a token that is made from a secret of that session or visit. The probe signs two people up, \
            finds the forms on the pages they are shown, the calls of the API's description and the published list of routes, \
            and sends each of them from another site, by either header alone, without a token, and with the other person's \
            token. Each must be answered 403, nothing may have changed, and what is sent as it should be must be done. With the \
            operator's credentials it also compares the secrets of all live sessions: none may have another's. Signed SAML \
            documents carry their own proof instead, reports of browsers speak for nobody, and neither is among the forms.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(15),
    freshness: Span::hours(1),
    covers: &["every request that changes something", "all state-changing requests", "every state-changing request"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.26"], soc2: &["CC6.6"], asvs: &["3.5.1", "3.5.3"] },
};

/// The header that carries the token where a script sends the request.
pub const HEADER: &str = "x-csrf-token";
/// The field of a form that carries it.
pub const FIELD: &str = "csrf";

/// Whether the method promises to change nothing (RFC 9110 section 9.2.1).
#[must_use]
pub const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Refuses a request that another site made a browser send. Programs name no origin and are let through: they have no
/// cookies that anybody could borrow.
///
/// # Errors
/// 403.
pub(crate) fn check_origin(method: &Method, uri: &Uri, headers: &HeaderMap, own: Option<&str>) -> Result<(), Failure> {
    if is_safe(method) || comes_from_here(uri, headers, own) {
        return Ok(());
    }
    Err(refused("the request comes from another site"))
}

fn comes_from_here(uri: &Uri, headers: &HeaderMap, own: Option<&str>) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let site = match (sites.next(), sites.next()) {
        (None, _) => None,
        (Some(site), None) => site.to_str().ok(),
        (Some(_), Some(_)) => return false,
    };
    // Scripts cannot set this header; `none` is an address typed in, or a bookmark.
    if site.is_some_and(|site| site != "same-origin" && site != "none")
        || (site.is_none() && headers.contains_key("sec-fetch-site"))
    {
        return false;
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (origin, second) = (origins.next(), origins.next());
    let Some(origin) = origin else { return true };
    let origin = origin.to_str().unwrap_or_default();
    if second.is_some() {
        return false;
    }
    // Where a page lets no referrer out, browsers hide the origin too. Then only the other header can tell.
    (origin == "null" && site == Some("same-origin"))
        || own.is_some_and(|own| own.eq_ignore_ascii_case(origin))
        || host(uri, headers).is_some_and(|host| origin.eq_ignore_ascii_case(&format!("https://{host}")))
}

fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Whether the request must carry a form token: where a cookie speaks for somebody, and on forms that are open to all.
pub(crate) fn needs_token(method: &Method, policy: Policy, by_cookie: bool, by_token: bool) -> bool {
    let open_form = policy.auth == Auth::Visitor || (policy.auth == Auth::Public && policy.face == Face::Page);
    !is_safe(method) && policy.proof == Proof::Form && !by_token && (by_cookie || open_form)
}

/// Refuses a request without the token of `key`.
///
/// # Errors
/// 403.
pub(crate) async fn check_token(key: &FormKey, headers: &HeaderMap, body: &Bytes) -> Result<(), Failure> {
    let said = match said_in(headers) {
        Some(said) => Some(said),
        None => match media_type(headers).as_deref() {
            Some("application/x-www-form-urlencoded") => field(body, FIELD),
            Some("multipart/form-data") => crate::form::part(headers, body, FIELD).await,
            _ => None,
        },
    };
    match said {
        Some(said) if key.admits(&said) => Ok(()),
        Some(_) => Err(refused("the form is of another session; load the page again")),
        None => Err(refused("the form token is missing")),
    }
}

fn said_in(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(HEADER).iter();
    let (value, second) = (values.next()?, values.next());
    second.is_none().then(|| value.to_str().ok().map(str::to_owned)).flatten()
}

fn refused(why: &str) -> Failure {
    Problem::new(403, "csrf", "The request cannot be shown to come from this service").detail(why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        let uri = Uri::from_static("/api/notes");
        check_origin(&Method::POST, &uri, &headers, Some("https://public.example")).is_ok()
    }

    #[test]
    fn only_our_own_pages_may_send_what_changes_something() {
        assert!(from(&[]), "programs name no origin");
        assert!(from(&[("origin", "https://public.example")]));
        assert!(from(&[("host", "inner.example:8443"), ("origin", "https://inner.example:8443")]));
        assert!(from(&[("sec-fetch-site", "same-origin")]) && from(&[("sec-fetch-site", "none")]));
        assert!(from(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        for bad in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "http://public.example")],
            &[("origin", "https://public.example.evil.example")],
            &[("origin", "https://public.example:444")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("origin", "https://public.example"), ("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "\u{ff}")],
            &[("origin", "https://public.example"), ("sec-fetch-site", "cross-site")],
            &[("origin", "null"), ("sec-fetch-site", "none")],
        ] {
            assert!(!from(bad), "{bad:?}");
        }
    }

    #[test]
    fn cookies_and_open_forms_need_a_token() {
        use kernel::access::Permission::NotesWrite;
        let post = |policy, cookie, token| needs_token(&Method::POST, policy, cookie, token);
        assert!(post(Policy::person(NotesWrite, 9), true, false));
        assert!(!post(Policy::person(NotesWrite, 9), false, true), "a bearer token is sent on purpose");
        assert!(post(Policy::form(Auth::Visitor, 9), false, false));
        assert!(post(Policy::form(Auth::Public, 9), false, false));
        assert!(!post(Policy::open(9), false, false), "nobody is spoken for");
        assert!(!post(Policy::form(Auth::Visitor, 9).proven_by(Proof::Origin), false, false));
        assert!(!needs_token(&Method::GET, Policy::page(Auth::Account), true, false));
    }
}
