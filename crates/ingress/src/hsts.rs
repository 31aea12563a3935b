//! Control `hsts`: Strict-Transport-Security (RFC 6797) on every response over HTTPS, errors and redirects included.

use crate::survey::{Seen, Survey};
use axum::http::{HeaderName, HeaderValue, header::STRICT_TRANSPORT_SECURITY};
use kernel::Span;
use outbound::Site;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
    fault::{Bites, Make, Meddling, On},
    profile::Value,
};

/// The header's name.
pub const HEADER_NAME: &str = "strict-transport-security";
/// What every response over HTTPS carries: two years, subdomains included.
pub const HEADER_VALUE: &str = "max-age=63072000; includeSubDomains";

/// The header as the outermost layer sets it. Never on plain HTTP: RFC 6797 section 7.2 forbids it there.
#[must_use]
pub fn header() -> (HeaderName, HeaderValue) {
    (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HEADER_VALUE))
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "hsts",
    title: "Strict-Transport-Security on every response",
    about: "The outermost layer sets the header on every answer over HTTPS, so that browsers never speak plain HTTP to the \
            service again. The probe walks the service from outside: pages, assets, feeds, the API's paths, redirects, and \
            requests that end in errors. Each answer must carry exactly one header (a browser reads only the first) with at \
            least the promised `max_age`, and with `includeSubDomains` where `subdomains` is promised. It cannot see routes \
            that nothing links to, nor answers to malformed requests that no browser sends.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[
        ParamSpec {
            name: "max_age",
            kind: ParamKind::Span,
            default: Some("730 days"),
            about: "For at least how long a browser must remember to use HTTPS only.",
            stronger: Stronger::More,
        },
        ParamSpec {
            name: "subdomains",
            kind: ParamKind::Flag,
            default: Some("true"),
            about: "Whether the rule reaches every subdomain.",
            stronger: Stronger::More,
        },
    ],
    cadence: Span::minutes(5),
    freshness: Span::minutes(30),
    covers: &["every response", "all responses", "every route", "all routes"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["32(1)(a)"], iso27001: &["8.24", "8.26"], soc2: &["CC6.7"], asvs: &["3.4.1"] },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "hsts-missing-on-errors",
        about: "A layer below drops Strict-Transport-Security from answers that are errors.",
        breaks: &["hsts"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Status(400), HEADER_NAME)]),
        bites: Bites::HeaderNot("/no-such-page", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "hsts-missing-on-one-folder",
        about: "Strict-Transport-Security is missing below /ledger/ only.",
        breaks: &["hsts"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Path("/ledger/"), HEADER_NAME)]),
        bites: Bites::HeaderNot("/ledger/checkpoint", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "hsts-weakened-by-a-second-header",
        about: "A layer in front adds a header of five minutes before the right one on the trust pages; browsers read the first.",
        breaks: &["hsts"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::AddHeader(On::Path("/trust"), HEADER_NAME, "max-age=300")]),
        bites: Bites::Altered,
    },
];

/// Attacks the promise: walks the service, and judges what was seen.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    probe_with(&Survey::take(site).await, promise)
}

/// Judges an existing survey.
#[must_use]
pub fn probe_with(survey: &Survey, promise: &Promise) -> Finding {
    let least = promise.span("max_age").unwrap_or(Span::days(730)).as_secs();
    let subdomains = promise.params.get("subdomains") != Some(&Value::Flag(false));
    survey.judge("Strict-Transport-Security", |seen| seen.secure, |seen| flaw(seen, least, subdomains))
}

fn flaw(seen: &Seen, least: u64, subdomains: bool) -> Option<String> {
    let values = seen.values(HEADER_NAME);
    let [value] = values.as_slice() else {
        return Some(if values.is_empty() {
            "no header".to_owned()
        } else {
            format!("{} headers instead of one", values.len())
        });
    };
    let Some(policy) = Policy::parse(value) else { return Some(format!("browsers ignore `{value}`")) };
    if policy.max_age < least {
        return Some(format!("max-age={} is less than the promised {least}", policy.max_age));
    }
    (subdomains && !policy.subdomains).then(|| "without includeSubDomains".to_owned())
}

/// What a browser remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Policy {
    max_age: u64,
    subdomains: bool,
}

impl Policy {
    /// Reads the header by RFC 6797 section 6.1: a directive that appears twice, or no readable `max-age`, and browsers
    /// ignore the whole header.
    fn parse(value: &str) -> Option<Self> {
        let mut names = Vec::new();
        let mut max_age = None;
        for directive in value.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
            let (name, value) =
                directive.split_once('=').map_or((directive, ""), |(name, value)| (name.trim(), value.trim()));
            let name = name.to_ascii_lowercase();
            if name == "max-age" {
                let digits = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
                if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                max_age = Some(digits.parse().ok()?);
            }
            if names.contains(&name) {
                return None;
            }
            names.push(name);
        }
        Some(Self { max_age: max_age?, subdomains: names.iter().any(|name| name == "includesubdomains") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Rehearsal, nobody, promise};
    use promises::Outcome;

    #[test]
    fn the_header_is_read_as_browsers_do() {
        let parse = |value| Policy::parse(value).map(|policy| (policy.max_age, policy.subdomains));
        assert_eq!(parse(HEADER_VALUE), Some((63_072_000, true)));
        assert_eq!(parse("MAX-AGE = \"300\" ;INCLUDESUBDOMAINS; preload"), Some((300, true)));
        assert_eq!(parse("max-age=1;;"), Some((1, false)));
        for ignored in [
            "",
            "includeSubDomains",
            "max-age",
            "max-age=",
            "max-age=x",
            "max-age=-1",
            "max-age=1; max-age=2",
            "max-age=9, max-age=9",
        ] {
            assert_eq!(parse(ignored), None, "{ignored}");
        }
    }

    async fn outcome(service: &Rehearsal) -> (Outcome, String) {
        let finding = probe(&service.site, &promise("hsts", &[])).await;
        (finding.outcome(), finding.saw().to_owned())
    }

    #[tokio::test]
    async fn it_holds_where_it_is_kept() {
        let (outcome, saw) = outcome(&Rehearsal::good().await).await;
        assert_eq!(outcome, Outcome::Held, "{saw}");
    }

    #[tokio::test]
    async fn each_way_of_breaking_it_is_found() {
        let services = [
            Rehearsal::with(|_, reply| {
                if reply.status == 404 {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|_, reply| {
                if reply.status == 303 {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|asked, reply| {
                if asked.path == "/assets/page.css" {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|asked, reply| {
                if asked.path == "/trust/changes" {
                    reply.add(HEADER_NAME, "max-age=0")
                }
            })
            .await,
            Rehearsal::with(|asked, reply| {
                if asked.method == "POST" {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|_, reply| reply.set(HEADER_NAME, "max-age=300; includeSubDomains")).await,
            Rehearsal::with(|_, reply| reply.set(HEADER_NAME, "max-age=63072000")).await,
        ];
        for (number, service) in services.iter().enumerate() {
            let (outcome, saw) = outcome(service).await;
            assert_eq!(outcome, Outcome::Broke, "{number}: {saw}");
        }
    }

    #[tokio::test]
    async fn nobody_and_silence_prove_nothing() {
        assert_eq!(probe(&nobody(), &promise("hsts", &[])).await.outcome(), Outcome::Failed);
        let hung = Rehearsal::hung().await;
        let finding = probe(&hung.site, &promise("hsts", &[])).await;
        assert_eq!(finding.outcome(), Outcome::Failed, "{}", finding.saw());
    }

    #[tokio::test]
    async fn the_promise_says_how_long() {
        let service = Rehearsal::good().await;
        let more = promise("hsts", &[("max_age", Value::Span(Span::days(731)))]);
        assert_eq!(probe(&service.site, &more).await.outcome(), Outcome::Broke);
    }
}
