//! The probes attack the real edge.

use crate::{house::House, members::Members, system::OPERATOR};
use ingress::{csp, frame_deny, hsts, https_only, nosniff, survey::Survey, tls_in};
use kernel::Span;
use outbound::{Operator, browser::Browser};
use promises::{Finding, Kind, Outcome, Promise};
use std::{collections::BTreeMap, time::Instant};

fn promise(control: &str) -> Promise {
    Promise {
        id: control.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some(control.to_owned()),
        params: BTreeMap::new(),
        cadence: Span::minutes(5),
        freshness: Span::minutes(30),
        attested: None,
        planned: None,
        waiver: None,
    }
}

fn assert_held(control: &str, finding: &Finding) {
    assert_eq!(finding.outcome(), Outcome::Held, "{control}: {}", finding.saw());
}

#[tokio::test]
async fn the_edge_keeps_what_it_promises() {
    let house = House::open().await;
    let begun = Instant::now();
    let survey = Survey::take(&house.site).await;
    let took = begun.elapsed();
    assert_eq!(survey.missed, Vec::<String>::new());
    assert!(survey.seen.iter().any(|seen| !seen.secure), "the redirect was seen");
    assert_held("hsts", &hsts::probe_with(&survey, &promise("hsts")));
    assert_held("nosniff", &nosniff::probe_with(&survey, &promise("nosniff")));
    assert_held("https-only", &https_only::probe_with(&house.site, &survey, &promise("https-only")).await);
    assert_held("tls-in", &tls_in::probe(&house.site, &promise("tls-in")).await);
    assert!(took.as_secs() < 3, "the survey took {took:?}");
}

#[tokio::test]
async fn a_browser_may_not_frame_it() {
    let house = House::open().await;
    let survey = Survey::take(&house.site).await;
    let browser = Browser::start(&house.site).await.unwrap();
    assert_held(
        "frame-deny",
        &frame_deny::probe_with(&house.site, &survey, Ok(&browser), &promise("frame-deny")).await,
    );
    // This house has no desk that takes reports: a policy that nobody hears of is a broken promise.
    let finding = csp::probe_with(&house.site, &survey, Ok(&browser), None, &promise("csp")).await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    assert!(finding.saw().contains("deliver"), "{}", finding.saw());
}

#[tokio::test]
async fn what_a_browser_stops_is_reported() {
    let members = Members::open().await;
    let survey = Survey::take(&members.site).await;
    let browser = Browser::start(&members.site).await.unwrap();
    let operator = Operator::new(OPERATOR);
    let finding = csp::probe_with(&members.site, &survey, Ok(&browser), Some(&operator), &promise("csp")).await;
    assert_held("csp", &finding);
}
