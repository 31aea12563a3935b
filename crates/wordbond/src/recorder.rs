//! Rounds of attacks, recorded: each run is counted before it begins and leaves an observation in the ledger, whatever
//! becomes of it.

use crate::{catalogue, output::Line, round::Round, system::System};
use kernel::{Span, Timestamp};
use ledger::EntryId;
use promises::{About, Finding, Observation, Promise, Recorded, Story, Verdict, control::Vantage, judge};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use store::{StoreError, instances, observations, turn};

/// How long sealing is waited for before a line goes out without its leaf.
const SEALED: Duration = Duration::from_secs(5);
/// How long after its last sign of life an instance counts as serving.
const ALIVE: Span = Span::seconds(30);

/// Attacks each of `promises` that has a control in this build, records what was seen, and hands over a line for each as
/// it comes.
///
/// # Errors
/// The ledger cannot be written. What was recorded until then stays.
pub(crate) async fn attack(
    system: &Arc<System>,
    promises: &[Promise],
    mut tell: impl FnMut(&Line),
) -> Result<Vec<Line>, StoreError> {
    let _turn = turn::take(&system.store).await?;
    finish_interrupted(system).await?;
    let built: Vec<Promise> = promises.iter().filter(|promise| catalogue::is_built(promise)).cloned().collect();
    let mut runs = BTreeMap::new();
    for promise in &built {
        runs.insert(promise.id.clone(), observations::begin(&system.store, &promise.id).await?);
    }
    let doubt = doubt(system).await?;
    let mut recorded: Vec<(Promise, Observation, Result<EntryId, StoreError>)> = Vec::new();
    let mut findings = Round::inside(Arc::clone(system)).attack(built);
    while let Some(attacked) = findings.recv().await {
        let run = runs.get(&attacked.promise.id).copied().unwrap_or_default();
        let finding = doubt.as_ref().map_or(attacked.finding.clone(), |doubt| attacked.finding.doubted(doubt));
        let observation = observe(system, &attacked.promise, finding, run, attacked.took);
        let entry = observations::record(&system.store, observation.clone()).await;
        tell(&line(system, &attacked.promise, Some((&observation, None))));
        recorded.push((attacked.promise, observation, entry));
    }
    let mut lines = Vec::new();
    for (promise, observation, entry) in recorded {
        let mut session = system.store.connect_as(store::Role::Auditor).await?;
        let leaf = ledger::wait_sealed(&mut session, entry?, SEALED).await?;
        lines.push(line(system, &promise, Some((&observation, leaf))));
    }
    Ok(lines)
}

/// The line of a promise by what was just seen of it, or by what the profile alone says.
pub(crate) fn line(system: &System, promise: &Promise, seen: Option<(&Observation, Option<u64>)>) -> Line {
    let mut story = Story::default();
    if let Some((observation, leaf)) = seen {
        story.tell(promise, Recorded { leaf: leaf.unwrap_or_default(), observation: observation.clone() });
    }
    let judgement = judge(promise, &system.in_force.hash, &story, system.store.clock().now());
    let about = seen.map(|(observation, _)| &observation.about);
    let unbuilt = judgement.verdict == Verdict::Unproven && promise.control.is_some() && !catalogue::is_built(promise);
    Line {
        id: promise.id.clone(),
        claims: promise.claims.clone(),
        kind: promise.kind,
        control: promise.control.clone(),
        verdict: judgement.verdict,
        observed: if unbuilt { "its control is announced and not built yet".to_owned() } else { judgement.why },
        observed_at: about.map(|about| about.observed_at.to_string()),
        valid_until: about.map(|about| about.valid_until.to_string()),
        took_ms: about.map(|about| about.took_ms),
        leaf: seen.and_then(|(_, leaf)| leaf),
    }
}

fn observe(system: &System, promise: &Promise, finding: Finding, run: u64, took: Duration) -> Observation {
    let now = system.store.clock().now();
    let control = promise.control.clone().unwrap_or_default();
    let vantage = system.catalogue.get(&control).map_or(Vantage::Inside, |spec| spec.vantage);
    finding.at(About {
        promise: promise.id.clone(),
        control,
        run,
        vantage,
        target: system.site.url().to_owned(),
        observed_at: now,
        valid_until: valid_until(now, promise.freshness),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        build: system.build.clone(),
        profile: system.in_force.hash.clone(),
    })
}

fn valid_until(now: Timestamp, freshness: Span) -> Timestamp {
    now.checked_add(freshness.signed()).unwrap_or(Timestamp::MAX)
}

/// Why an attack that held would prove nothing of the service as a whole: it met the public address and one instance, while
/// another instance serves too, or the one that serves is another build or keeps other promises than the one that attacks.
async fn doubt(system: &System) -> Result<Option<String>, StoreError> {
    let since = system.store.clock().now().checked_sub(ALIVE.signed()).unwrap_or(Timestamp::UNIX_EPOCH);
    let alive = instances::alive(&system.store, since).await?;
    let other = alive.iter().find(|one| one.build != system.build || one.profile != system.in_force.hash);
    Ok(match (other, alive.len()) {
        (Some(one), _) if one.profile != system.in_force.hash => {
            Some("an instance keeps another profile than was attacked".to_owned())
        }
        (Some(_), _) => Some("an instance runs another build than the one that attacks".to_owned()),
        (None, 0 | 1) => None,
        (None, count) => {
            Some(format!("{count} instances serve, and an attack on the public address meets one of them"))
        }
    })
}

/// Runs that began and never ended were cut short, by a crash or by somebody. Each gets its observation: the probe failed.
/// Nobody else attacks meanwhile, so none of them is still under way.
async fn finish_interrupted(system: &System) -> Result<(), StoreError> {
    for open in observations::unfinished(&system.store).await? {
        let Some(promise) = system.in_force.profile.promise(&open.promise) else { continue };
        let finding = Finding::failed("the attack was interrupted before it left an observation");
        let observation = observe(system, promise, finding, open.n, Duration::ZERO);
        observations::record(&system.store, observation).await?;
    }
    Ok(())
}
