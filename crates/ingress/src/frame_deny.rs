//! Control `frame-deny`: no other page may show this service inside a frame (clickjacking).

mod stage;

use crate::survey::{Seen, Survey};
use axum::http::{HeaderName, HeaderValue, header::X_FRAME_OPTIONS};
use kernel::Span;
use outbound::{
    Site,
    browser::{Browser, BrowserError, Page},
};
use promises::{
    Fault, Finding, Outcome, Promise,
    control::{ControlSpec, Mode, Standards, Vantage},
    fault::{Bites, Make, Meddling, On},
};
use stage::Stage;
use std::time::Duration;

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

/// Ways to break it.
pub const FAULTS: &[Fault] = &[
    Fault {
        id: "frame-header-missing-on-errors",
        about: "A layer below drops X-Frame-Options from answers that are errors.",
        breaks: &["frame-deny"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::DropHeader(On::Status(400), HEADER_NAME)]),
        bites: Bites::HeaderNot("/no-such-page", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "frame-header-loosened",
        about: "X-Frame-Options lets pages of the same origin frame the service.",
        breaks: &["frame-deny"],
        spares_plants: false,
        make: Make::Middle(&[Meddling::SetHeader(On::All, HEADER_NAME, "SAMEORIGIN")]),
        bites: Bites::HeaderNot("/trust", HEADER_NAME, HEADER_VALUE),
    },
    Fault {
        id: "framing-allowed-by-policy",
        about: "X-Frame-Options stays, but the policy says that anyone may frame the trust page, and browsers obey the policy.",
        breaks: &["frame-deny", "csp"],
        spares_plants: true,
        make: Make::Middle(&[Meddling::SetHeader(
            On::Path("/trust"),
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors *; \
             base-uri 'none'; report-uri /reports/csp; report-to csp",
        )]),
        bites: Bites::HeaderNot("/trust", "content-security-policy", crate::csp::HEADER_VALUE),
    },
];

/// How long frames may take to load, or to be refused.
const PATIENCE: Duration = Duration::from_secs(8);
/// How many pages of the site are framed.
const MOST: usize = 4;

/// Attacks the promise with a browser and a survey of its own.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    let survey = Survey::take(site).await;
    let browser = Browser::start(site).await;
    probe_with(site, &survey, browser.as_ref().map_err(Clone::clone), promise).await
}

/// Judges an existing survey, then frames the site in a browser. Without a browser (the error says why there is none) only a
/// flaw in the headers can be found, and nothing is proven.
pub async fn probe_with(
    site: &Site,
    survey: &Survey,
    browser: Result<&Browser, BrowserError>,
    _promise: &Promise,
) -> Finding {
    let headers = survey.judge("X-Frame-Options: DENY", |_| true, flaw);
    if headers.outcome() != Outcome::Held {
        return headers;
    }
    let browser = match browser {
        Ok(browser) => browser,
        Err(error @ (BrowserError::Absent | BrowserError::NoCertutil)) => return Finding::nothing(error.to_string()),
        Err(error) => return Finding::failed(error.to_string()),
    };
    let Some(page) = survey.page() else { return Finding::nothing("no page to put into a frame") };
    let targets = targets(site, survey, page);
    let framed = targets.len();
    let finding = match frame(browser, &targets).await {
        Ok(None) => Finding::held(format!(
            "{}; {framed} real frames stayed empty while a frame without the header showed",
            headers.saw()
        )),
        Ok(Some(shown)) => Finding::broke(format!("{shown} shows inside a frame of another page")),
        Err(error) => Finding::failed(error),
    };
    finding
        .tried(format!("looked for the header on {} answers", survey.seen.len()))
        .tried(format!("framed in a real browser: {}", targets.join(" ")))
        .covered("answers", survey.seen.len())
        .covered("frames", framed)
}

fn flaw(seen: &Seen) -> Option<String> {
    let values = seen.values(HEADER_NAME);
    let denies =
        !values.is_empty() && values.join(",").split(',').all(|value| value.trim().eq_ignore_ascii_case(HEADER_VALUE));
    let said =
        if values.is_empty() { "no header".to_owned() } else { format!("`{}` instead of DENY", values.join(", ")) };
    (!denies).then_some(said)
}

/// The pages to put into frames: the main one, some others, and one that is an error.
fn targets(site: &Site, survey: &Survey, page: &Seen) -> Vec<String> {
    let shown = |seen: &&Seen| seen.secure && seen.method == "GET" && seen.path != page.path && seen.path.len() < 200;
    let pages = survey.seen.iter().filter(shown).filter(|seen| seen.is_html() && seen.answer.status == 200);
    let error = survey.seen.iter().filter(shown).find(|seen| seen.answer.status == 404 && !seen.answer.body.is_empty());
    let all = std::iter::once(page).chain(error).chain(pages).take(MOST);
    all.map(|seen| format!("{}{}", site.url(), seen.path)).collect()
}

/// Puts the addresses into frames of one page. The first that shows, if any does; an error where the browser proves nothing.
async fn frame(browser: &Browser, targets: &[String]) -> Result<Option<String>, String> {
    let text = |error: BrowserError| error.to_string();
    // Opened by itself the page must load: an address that the browser cannot reach leaves every frame empty.
    let page = browser.page().await.map_err(text)?;
    page.goto(targets.first().ok_or("nothing to frame")?).await.map_err(text)?;
    let stage = Stage::open(targets).await.map_err(|error| error.to_string())?;
    page.goto(&stage.url()).await.map_err(text)?;
    let shown = page.run("frames.control.document.body.innerText").await.map_err(text)?;
    if shown != stage.control() {
        return Err("the frame without the header did not show, so empty frames prove nothing".to_owned());
    }
    empty(&page, targets).await
}

/// Waits until each frame was refused or shows something.
async fn empty(page: &Page, targets: &[String]) -> Result<Option<String>, String> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let frames = page.frames().await.map_err(|error| error.to_string())?;
        let at =
            |number: usize| frames.iter().find(|(name, _)| *name == Stage::frame(number)).map(|(_, url)| url.as_str());
        let states: Vec<Option<&str>> = (0..targets.len()).map(at).collect();
        if let Some(shown) =
            targets.iter().zip(&states).find(|(_, url)| url.is_some_and(|url| url.starts_with("https:")))
        {
            return Ok(Some(shown.0.clone()));
        }
        if states.iter().all(|url| url.is_some_and(|url| url.starts_with("chrome-error:"))) {
            return Ok(None);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(format!("frames neither showed nor were refused within {} s", PATIENCE.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Rehearsal, nobody, promise};

    async fn outcome(service: &Rehearsal) -> (Outcome, String) {
        let finding = probe(&service.site, &promise("frame-deny", &[])).await;
        (finding.outcome(), finding.saw().to_owned())
    }

    #[tokio::test]
    async fn real_frames_stay_empty() {
        let (outcome, saw) = outcome(&Rehearsal::good().await).await;
        assert_eq!(outcome, Outcome::Held, "{saw}");
    }

    #[tokio::test]
    async fn a_missing_or_loose_header_is_found() {
        let services = [
            Rehearsal::with(|_, reply| {
                if reply.status == 404 {
                    reply.drop(HEADER_NAME)
                }
            })
            .await,
            Rehearsal::with(|_, reply| reply.set(HEADER_NAME, "SAMEORIGIN")).await,
            Rehearsal::with(|asked, reply| {
                if asked.path == "/trust" {
                    reply.add(HEADER_NAME, "ALLOW-FROM https://x.test")
                }
            })
            .await,
        ];
        for service in &services {
            let (outcome, saw) = outcome(service).await;
            assert_eq!(outcome, Outcome::Broke, "{saw}");
        }
    }

    #[tokio::test]
    async fn a_policy_that_overrides_the_header_is_found_by_the_frame() {
        let open = crate::csp::HEADER_VALUE.replace("frame-ancestors 'none'", "frame-ancestors *");
        let service = Rehearsal::with(move |asked, reply| {
            if asked.path == "/trust" {
                reply.set(crate::csp::HEADER_NAME, &open);
            }
        })
        .await;
        let (outcome, saw) = outcome(&service).await;
        assert_eq!(outcome, Outcome::Broke, "{saw}");
        assert!(saw.contains("shows inside a frame"), "{saw}");
    }

    #[tokio::test]
    async fn nobody_proves_nothing() {
        let finding = probe(&nobody(), &promise("frame-deny", &[])).await;
        assert_eq!(finding.outcome(), Outcome::Failed, "{}", finding.saw());
    }
}
