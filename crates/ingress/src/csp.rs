//! Control `csp`: a Content-Security-Policy that lets no foreign code run, and whose violations arrive at the operator.

pub mod policy;

use crate::survey::{Seen, Survey};
use axum::http::{HeaderName, HeaderValue, header::CONTENT_SECURITY_POLICY};
use kernel::Span;
use outbound::{
    Operator, Site,
    browser::{Browser, BrowserError, Event},
};
use policy::Policy;
use promises::{
    Fault, Finding, Outcome, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use uuid::Uuid;

/// The policy's header.
pub const HEADER_NAME: &str = "content-security-policy";
/// The policy on every response. Pages load their own styles, images and fonts, and the one script for passkeys, which calls
/// this service and nobody else.
pub const HEADER_VALUE: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                                frame-ancestors 'none'; base-uri 'none'; report-uri /reports/csp; report-to csp";
/// The header that tells a browser what `report-to csp` means.
pub const ENDPOINTS_NAME: &str = "reporting-endpoints";
/// The endpoint, relative to the page, so that it is right at every name and port that serves it.
pub const ENDPOINTS_VALUE: &str = "csp=\"/reports/csp\"";
/// Where reports are posted to.
pub const REPORT_PATH: &str = "/reports/csp";
/// Where the operator reads them.
pub const OPERATOR_PATH: &str = "/operator/csp-reports";

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

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "csp-reports-swallowed",
        about: "Reports of violations are acknowledged and thrown away.",
        breaks: &["csp"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::Swallow(REPORT_PATH)]),
        bites: Bites::Swallowed(REPORT_PATH),
    },
    Fault {
        id: "csp-inline-script-on-one-page",
        about: "The page of changes allows inline scripts.",
        breaks: &["csp"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::SetHeader(
            On::Path("/trust/changes"),
            HEADER_NAME,
            "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self'; img-src 'self'; font-src 'self'; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'; report-uri /reports/csp; report-to csp",
        )]),
        bites: Bites::HeaderNot("/trust/changes", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "csp-reports-lead-nowhere",
        about: "The policy stays, but what `report-to` names leads to an address that does not take reports.",
        breaks: &["csp"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::SetHeader(On::All, ENDPOINTS_NAME, "csp=\"/reports/nowhere\"")]),
        bites: Bites::HeaderNot("/trust", ENDPOINTS_NAME, ENDPOINTS_VALUE),
    },
];

/// How long a browser may take to deliver a report.
const DELIVERY: Duration = Duration::from_secs(8);
/// How long a delivered report may take to appear among the stored ones.
const STORAGE: Duration = Duration::from_secs(5);
/// How long a page is watched for violations of its own after it has loaded.
const SETTLE: Duration = Duration::from_millis(200);

/// Attacks the promise with a browser and a survey of its own.
pub async fn probe(site: &Site, operator: Option<&Operator>, promise: &Promise) -> Finding {
    let survey = Survey::take(site).await;
    let browser = Browser::start(site).await;
    probe_with(site, &survey, browser.as_ref().map_err(Clone::clone), operator, promise).await
}

/// Judges an existing survey, then makes a violation in a browser. Without a browser (the error says why there is none) only
/// a flaw in the headers can be found, and nothing is proven.
pub async fn probe_with(
    site: &Site,
    survey: &Survey,
    browser: Result<&Browser, BrowserError>,
    operator: Option<&Operator>,
    _promise: &Promise,
) -> Finding {
    let headers = survey.judge("a strict policy", |seen| seen.secure && seen.is_html(), flaw);
    if headers.outcome() != Outcome::Held {
        return headers;
    }
    let Some(page) = survey.page() else { return Finding::nothing("no page to open in a browser") };
    let browser = match browser {
        Ok(browser) => browser,
        Err(error @ (BrowserError::Absent | BrowserError::NoCertutil)) => return Finding::nothing(error.to_string()),
        Err(error) => return Finding::failed(error.to_string()),
    };
    let url = format!("{}{}", site.url(), page.path);
    let act = violate(site, browser, operator, &url).await;
    let pages = survey.seen.iter().filter(|seen| seen.is_html()).count();
    let finding = match act {
        Ok(Act::Arrived) => {
            Finding::held(format!("a strict policy on all {pages} pages; {}", arrival(operator.is_some())))
        }
        Ok(Act::Lost(how)) => Finding::broke(how),
        Err(error) => Finding::failed(error),
    };
    finding
        .tried(format!("read the policy of {pages} HTML answers as a browser does"))
        .tried(format!("opened {url} in a real browser and loaded a picture from a made-up host"))
        .covered("pages", pages)
        .covered("violations", 1)
}

fn arrival(inside: bool) -> &'static str {
    if inside {
        "a real browser's violation report arrived and is stored"
    } else {
        "a real browser's violation report was accepted (judged from outside only: nobody looked whether it is kept)"
    }
}

fn flaw(seen: &Seen) -> Option<String> {
    let policies = Policy::parse_all(seen.values(HEADER_NAME));
    let flaws = policy::flaws(&policies, &seen.values(ENDPOINTS_NAME));
    (!flaws.is_empty()).then(|| flaws.join(", "))
}

/// What came of a violation made on purpose.
enum Act {
    /// Its report arrived.
    Arrived,
    /// It did not, or the page breaks its own policy.
    Lost(String),
}

async fn violate(site: &Site, browser: &Browser, operator: Option<&Operator>, url: &str) -> Result<Act, String> {
    let text = |error: BrowserError| error.to_string();
    let page = browser.page().await.map_err(text)?;
    page.goto(url).await.map_err(text)?;
    if let Some(own) = page.find(SETTLE, Event::violation).await {
        return Ok(Act::Lost(format!("the page breaks its own policy: {own}")));
    }
    // A name that exists nowhere (RFC 6761): even where the policy fails to stop it, nothing is called.
    let host = format!("{}.invalid", Uuid::new_v4().simple());
    page.run(&format!("void (new Image().src = 'https://{host}/dot.png')")).await.map_err(text)?;
    let about = |event: &Event| event.violation().filter(|violation| violation.contains(&host));
    if page.find(SETTLE * 10, about).await.is_none() {
        return Ok(Act::Lost("a picture from a made-up host was not stopped by the policy".to_owned()));
    }
    let ended = |event: &Event| {
        event.report_about(&host).filter(|s| ["Success", "MarkedForRemoval"].contains(s)).map(str::to_owned)
    };
    match page.find(DELIVERY, ended).await.as_deref() {
        Some("Success") => {}
        Some(_) => return Ok(Act::Lost("the browser gave up delivering its report".to_owned())),
        None => {
            return Ok(Act::Lost(format!("the browser could not deliver its report within {} s", DELIVERY.as_secs())));
        }
    }
    match operator {
        None => Ok(Act::Arrived),
        Some(operator) => stored(site, operator, &host).await,
    }
}

/// Looks for the report among those that the operator is shown.
async fn stored(site: &Site, operator: &Operator, host: &str) -> Result<Act, String> {
    let deadline = Instant::now() + STORAGE;
    loop {
        let answer = operator.get(site, OPERATOR_PATH).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!("the operator was answered {} instead of the stored reports", answer.status));
        }
        if answer.text().contains(host) {
            return Ok(Act::Arrived);
        }
        if Instant::now() > deadline {
            return Ok(Act::Lost("a delivered report was acknowledged but is not among the stored ones".to_owned()));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Rehearsal, Reply, TOKEN, nobody, promise};

    async fn outcome(service: &Rehearsal, operator: bool) -> (Outcome, String) {
        let operator = operator.then(|| Operator::new(TOKEN));
        let finding = probe(&service.site, operator.as_ref(), &promise("csp", &[])).await;
        (finding.outcome(), finding.saw().to_owned())
    }

    #[tokio::test]
    async fn a_report_arrives_and_is_stored() {
        let service = Rehearsal::good().await;
        let (inside, saw) = outcome(&service, true).await;
        assert_eq!(inside, Outcome::Held, "{saw}");
        let (outside, saw) = outcome(&service, false).await;
        assert_eq!(outside, Outcome::Held, "{saw}");
        assert!(saw.contains("from outside only"), "{saw}");
    }

    #[tokio::test]
    async fn loose_headers_are_found_on_one_page() {
        let loose = format!("script-src 'self' 'unsafe-inline'; {HEADER_VALUE}");
        let services = [
            Rehearsal::with(move |asked, reply| {
                if asked.path == "/trust/changes" {
                    reply.set(HEADER_NAME, &loose)
                }
            })
            .await,
            Rehearsal::with(|asked, reply| {
                if asked.path == "/trust/changes" {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|_, reply| reply.drop(ENDPOINTS_NAME)).await,
        ];
        for service in &services {
            let (outcome, saw) = outcome(service, true).await;
            assert_eq!(outcome, Outcome::Broke, "{saw}");
        }
    }

    #[tokio::test]
    async fn a_swallowed_report_is_missed_by_the_operator() {
        let service = Rehearsal::with(|asked, reply| {
            if asked.path == OPERATOR_PATH {
                *reply = Reply::new(200, "application/json", "{}");
            }
        })
        .await;
        let (outcome, saw) = outcome(&service, true).await;
        assert_eq!(outcome, Outcome::Broke, "{saw}");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_gone_is_found_from_outside() {
        let service = Rehearsal::with(|asked, reply| {
            if asked.path == REPORT_PATH {
                *reply = Reply::new(410, "", "");
            }
        })
        .await;
        let (outcome, saw) = outcome(&service, false).await;
        assert_eq!(outcome, Outcome::Broke, "{saw}");
    }

    #[tokio::test]
    async fn a_page_that_breaks_its_own_policy_is_found() {
        let service = Rehearsal::with(|asked, reply| {
            if asked.path == "/trust" {
                reply.body.push_str("<p style='color: red'>words<img src=https://elsewhere.invalid/x.png>");
            }
        })
        .await;
        let (outcome, saw) = outcome(&service, true).await;
        assert_eq!(outcome, Outcome::Broke, "{saw}");
        assert!(saw.contains("its own policy"), "{saw}");
    }

    #[tokio::test]
    async fn nobody_and_no_browser_prove_nothing() {
        let finding = probe(&nobody(), None, &promise("csp", &[])).await;
        assert_eq!(finding.outcome(), Outcome::Failed, "{}", finding.saw());
        let service = Rehearsal::good().await;
        let survey = Survey::take(&service.site).await;
        let finding = probe_with(&service.site, &survey, Err(BrowserError::Absent), None, &promise("csp", &[])).await;
        assert_eq!(finding.outcome(), Outcome::Nothing, "{}", finding.saw());
        assert!(finding.saw().contains("apt-get install"), "{}", finding.saw());
    }
}
