//! Control `nosniff`: X-Content-Type-Options on every response, so that no browser guesses a type that was not said.

use crate::survey::{Seen, Survey};
use axum::http::{HeaderName, HeaderValue, header::X_CONTENT_TYPE_OPTIONS};
use kernel::Span;
use outbound::Site;
use promises::{
    Fault, Finding, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};

/// The header's name.
pub const HEADER_NAME: &str = "x-content-type-options";
/// The only value there is.
pub const HEADER_VALUE: &str = "nosniff";

/// The header as the outermost layer sets it.
#[must_use]
pub fn header() -> (HeaderName, HeaderValue) {
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static(HEADER_VALUE))
}

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "nosniff",
    title: "X-Content-Type-Options nosniff on every response",
    about: "The outermost layer sets the header on every answer. The probe walks the service from outside: pages, assets, \
            feeds, the API's paths, redirects, and requests that end in errors; each answer must say `nosniff` the way the \
            Fetch standard reads it (the first value counts), and an answer with content must name its type. It cannot see \
            routes that nothing links to, nor answers to malformed requests that no browser sends.",
    wing: "ingress",
    vantage: Vantage::Outside,
    params: &[],
    cadence: Span::minutes(5),
    freshness: Span::minutes(30),
    covers: &["every response", "all responses", "every route", "all routes"],
    modes: &[Mode::Proxy, Mode::Mapped, Mode::Built],
    standards: Standards { gdpr: &["32(1)(b)"], iso27001: &["8.26"], soc2: &["CC6.6"], asvs: &["3.4.4"] },
};

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "nosniff-missing-on-errors",
        about: "A layer below drops X-Content-Type-Options from answers that are errors.",
        breaks: &["nosniff"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Status(400), HEADER_NAME)]),
        bites: Bites::HeaderNot("/no-such-page", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "nosniff-missing-in-the-ledger",
        about: "X-Content-Type-Options is missing below /ledger/ only.",
        breaks: &["nosniff"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Path("/ledger/"), HEADER_NAME)]),
        bites: Bites::HeaderNot("/ledger/checkpoint", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "nosniff-misspelt",
        about: "X-Content-Type-Options says something that browsers do not know.",
        breaks: &["nosniff"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::SetHeader(On::All, HEADER_NAME, "no-sniff")]),
        bites: Bites::HeaderNot("/trust", HEADER_NAME, HEADER_VALUE),
    },
];

/// Attacks the promise: walks the service, and judges what was seen.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    probe_with(&Survey::take(site).await, promise)
}

/// Judges an existing survey.
#[must_use]
pub fn probe_with(survey: &Survey, _promise: &Promise) -> Finding {
    survey.judge("X-Content-Type-Options: nosniff", |_| true, flaw)
}

fn flaw(seen: &Seen) -> Option<String> {
    if !says_nosniff(&seen.values(HEADER_NAME)) {
        let values = seen.values(HEADER_NAME);
        return Some(if values.is_empty() {
            "no header".to_owned()
        } else {
            format!("browsers ignore `{}`", values.join(", "))
        });
    }
    let untyped = !seen.answer.body.is_empty() && seen.media_type().is_none_or(|kind| !kind.contains('/'));
    untyped.then(|| "content without a type".to_owned())
}

/// «Determine nosniff» of the Fetch standard: the first of all values decides.
fn says_nosniff(values: &[&str]) -> bool {
    let first = values.join(",");
    first.split(',').next().unwrap_or_default().trim().eq_ignore_ascii_case(HEADER_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Rehearsal, nobody, promise};
    use promises::Outcome;

    #[test]
    fn the_first_value_decides() {
        for said in [&["nosniff"][..], &["NoSniff"], &["nosniff, x"], &["nosniff", "x"]] {
            assert!(says_nosniff(said), "{said:?}");
        }
        for unsaid in [&[][..], &["no-sniff"], &["x, nosniff"], &["", "nosniff"], &["nosniff;"]] {
            assert!(!says_nosniff(unsaid), "{unsaid:?}");
        }
    }

    #[tokio::test]
    async fn it_is_judged_on_every_answer() {
        let services = [
            (Rehearsal::good().await, Outcome::Held),
            (
                Rehearsal::with(|_, reply| {
                    if reply.status == 404 {
                        reply.drop(HEADER_NAME)
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (
                Rehearsal::with(|asked, reply| {
                    if asked.path.ends_with(".css") {
                        reply.drop(HEADER_NAME)
                    }
                })
                .await,
                Outcome::Broke,
            ),
            (Rehearsal::with(|_, reply| reply.set(HEADER_NAME, "no-sniff")).await, Outcome::Broke),
            (
                Rehearsal::with(|asked, reply| {
                    if asked.path == "/trust" {
                        reply.drop("content-type")
                    }
                })
                .await,
                Outcome::Broke,
            ),
        ];
        for (number, (service, expected)) in services.iter().enumerate() {
            let finding = probe(&service.site, &promise("nosniff", &[])).await;
            assert_eq!(finding.outcome(), *expected, "{number}: {}", finding.saw());
        }
        assert_eq!(probe(&nobody(), &promise("nosniff", &[])).await.outcome(), Outcome::Failed);
    }
}
