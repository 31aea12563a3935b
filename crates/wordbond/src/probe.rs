//! `wordbond probe`: what anybody can attack at anybody's service, without credentials.

use crate::{
    catalogue,
    cli::Outside,
    output::{Line, Report, json, say},
    round::Round,
    system::trust,
};
use kernel::{Clock, SystemClock};
use outbound::Site;
use promises::{Catalogue, ControlSpec, Kind, Outcome, Profile, Promise, control::Vantage, story::outcome_verdict};
use std::{collections::BTreeMap, error::Error, io::IsTerminal, sync::Arc};

/// Runs the command and says how it ended.
pub(crate) async fn run(arguments: Outside) -> Result<u8, Box<dyn Error>> {
    let site = Site::new(&arguments.url, trust(arguments.ca.as_deref())?)?;
    let catalogue = Arc::new(catalogue::catalogue());
    let promises = promises_of(&site, &catalogue).await;
    let mut findings = Round::outside(site, Arc::clone(&catalogue)).attack(promises);
    let coloured = std::io::stdout().is_terminal();
    let mut lines = Vec::new();
    while let Some(attacked) = findings.recv().await {
        let line = line(&attacked);
        if !arguments.json {
            say(line.text(coloured));
        }
        lines.push(line);
    }
    lines.sort_by(|a, b| a.id.cmp(&b.id));
    let report = Report::of(lines);
    if arguments.json {
        json(&report);
    } else {
        say(report.summary_text());
    }
    Ok(report.exit_code())
}

/// What the service itself promises that can be attacked from outside; where it publishes no promises, every control that
/// can be attacked from outside, with its defaults.
async fn promises_of(site: &Site, catalogue: &Catalogue) -> Vec<Promise> {
    let published = site.get("/promises.toml").await.ok().filter(|answer| answer.status == 200);
    let profile = published.and_then(|answer| Profile::parse(&answer.text(), catalogue).ok());
    let from_outside =
        |id: &str| catalogue.is_built(id) && catalogue.get(id).is_some_and(|spec| spec.vantage == Vantage::Outside);
    match profile {
        Some(profile) => {
            let outside = |promise: &Promise| promise.control.as_deref().is_some_and(from_outside);
            profile.promises.into_iter().filter(outside).collect()
        }
        // What judges the page needs a page; all else can be asked of any service.
        None => {
            catalogue.iter().filter(|spec| from_outside(spec.id) && spec.id != "honest-page").map(assumed).collect()
        }
    }
}

/// The promise that a control stands for when nobody has worded one.
fn assumed(spec: &ControlSpec) -> Promise {
    Promise {
        id: spec.id.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: spec.title.to_owned(),
        kind: Kind::Enforced,
        control: Some(spec.id.to_owned()),
        params: BTreeMap::new(),
        cadence: spec.cadence,
        freshness: spec.freshness,
        attested: None,
        planned: None,
        waiver: None,
    }
}

fn line(attacked: &crate::round::Attacked) -> Line {
    let outcome: Outcome = attacked.finding.outcome();
    Line {
        id: attacked.promise.id.clone(),
        claims: attacked.promise.claims.clone(),
        kind: attacked.promise.kind,
        control: attacked.promise.control.clone(),
        verdict: outcome_verdict(outcome),
        observed: attacked.finding.saw().to_owned(),
        observed_at: Some(SystemClock.now().to_string()),
        valid_until: None,
        took_ms: u64::try_from(attacked.took.as_millis()).ok(),
        leaf: None,
    }
}
