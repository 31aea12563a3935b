//! The acts themselves, and what is told of them.

use super::{Plant, Stop, plant::word};
use ledger::{
    Leaf, Log,
    audit::{Commitment, Event, Salt, commit},
};
use outbound::{Answer, Operator, Site};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long an event may wait for its place in the ledger.
const SEALED_WITHIN: Duration = Duration::from_secs(10);

/// An act that was done.
pub(super) struct Act {
    action: &'static str,
    reason: String,
}

/// An event as the API shows it.
#[derive(Deserialize)]
pub(super) struct Told {
    leaf: Option<u64>,
    #[serde(flatten)]
    event: Shown,
    salt: String,
}

/// The parts of [`Event`], beside others.
#[derive(Deserialize)]
struct Shown {
    actor: kernel::Actor,
    action: String,
    targets: Vec<String>,
    context: std::collections::BTreeMap<String, String>,
    at: kernel::Timestamp,
}

#[derive(Deserialize)]
struct Trail {
    events: Vec<Told>,
}

/// Suspends and resumes the plant, and sees that both take effect.
pub(super) async fn act(site: &Site, operator: &Operator, plant: &Plant) -> Result<Vec<Act>, Stop> {
    if me(site, plant).await? == 403 {
        // An attack that was cut short left it so.
        one(site, operator, plant, "resume").await?;
    }
    expect_me(site, plant, 200, "before the operator did anything").await?;
    let suspended = one(site, operator, plant, "suspend").await?;
    expect_me(site, plant, 403, "while the team is suspended").await?;
    let resumed = one(site, operator, plant, "resume").await?;
    expect_me(site, plant, 200, "after the team was resumed").await?;
    Ok(vec![suspended, resumed])
}

async fn one(site: &Site, operator: &Operator, plant: &Plant, verb: &str) -> Result<Act, Stop> {
    let reason = format!("{} {} {}", word(), word(), word());
    let path = format!("/operator/tenants/{}/{verb}", plant.tenant);
    let answer = operator.post(site, &path, &json!({ "reason": reason })).await?;
    if answer.status != 204 {
        return Err(Stop::Failed(format!("the operator's act `{verb}` was answered with {}", answer.status)));
    }
    let action = if verb == "suspend" { "tenant.suspend" } else { "tenant.resume" };
    Ok(Act { action, reason })
}

async fn me(site: &Site, plant: &Plant) -> Result<u16, Stop> {
    let bearer = format!("Bearer {}", plant.token);
    Ok(site.send("GET", "/api/me", &[("authorization", &bearer)], &[]).await?.status)
}

async fn expect_me(site: &Site, plant: &Plant, wanted: u16, when: &str) -> Result<(), Stop> {
    let status = me(site, plant).await?;
    let fits = status == wanted;
    if fits { Ok(()) } else { Err(Stop::Failed(format!("a person of the team was answered with {status} {when}"))) }
}

/// Tries what must be refused, and sees that it changed and told nothing. Returns how many attempts there were.
pub(super) async fn refuse(site: &Site, operator: &Operator, plant: &Plant) -> Result<usize, Stop> {
    let before = count(site, operator, plant).await?;
    let path = format!("/operator/tenants/{}/suspend", plant.tenant);
    let reason = json!({ "reason": word() });
    let mut statuses = Vec::new();
    for bearer in [None, Some(format!("Bearer {}", plant.token)), Some("Bearer wbo_0".to_owned())] {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        statuses.push(site.send("POST", &path, &headers, reason.to_string().as_bytes()).await?.status);
    }
    for body in [json!({}), json!({ "reason": " " }), json!({ "reason": word(), "quietly": true })] {
        statuses.push(operator.post(site, &path, &body).await?.status);
    }
    let nobody = format!("/operator/tenants/{}/suspend", Uuid::now_v7());
    statuses.push(operator.post(site, &nobody, &reason).await?.status);
    if let Some(status) = statuses.iter().find(|status| !(400..500).contains(*status)) {
        return Err(Stop::Broke(format!("an act that must be refused was answered with {status}")));
    }
    if me(site, plant).await? != 200 || count(site, operator, plant).await? != before {
        return Err(Stop::Broke("an act that was refused left a change or an event behind".to_owned()));
    }
    Ok(statuses.len())
}

/// How many events tell of the plant: in its own log, and in the operator's.
async fn count(site: &Site, operator: &Operator, plant: &Plant) -> Result<(usize, usize), Stop> {
    let target = format!("tenant:{}", plant.tenant);
    let ours = operator_log(site, operator).await?;
    let ours = ours.iter().filter(|told| told.event.targets.contains(&target)).count();
    Ok((team_log(site, plant).await?.len(), ours))
}

/// The events of the acts, from both logs, once the ledger has sealed them. Each must be there exactly once.
pub(super) async fn told(site: &Site, operator: &Operator, plant: &Plant, acts: &[Act]) -> Result<Vec<Told>, Stop> {
    let begun = Instant::now();
    loop {
        let mut found = Vec::new();
        for act in acts {
            found.push(pick(team_log(site, plant).await?, act, plant, "team's")?);
            found.push(pick(operator_log(site, operator).await?, act, plant, "operator's")?);
        }
        if found.iter().all(|told| told.leaf.is_some()) {
            return Ok(found);
        }
        if begun.elapsed() > SEALED_WITHIN {
            let seconds = SEALED_WITHIN.as_secs();
            return Err(Stop::Broke(format!("the entry of an act was not sealed in the ledger within {seconds} s")));
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn team_log(site: &Site, plant: &Plant) -> Result<Vec<Told>, Stop> {
    let bearer = format!("Bearer {}", plant.token);
    read(&site.send("GET", "/api/audit", &[("authorization", &bearer)], &[]).await?)
}

async fn operator_log(site: &Site, operator: &Operator) -> Result<Vec<Told>, Stop> {
    read(&operator.get(site, "/operator/audit").await?)
}

fn read(answer: &Answer) -> Result<Vec<Told>, Stop> {
    let trail = answer
        .json::<Trail>()
        .map_err(|_| Stop::Failed(format!("an audit log was answered with {}", answer.status)))?;
    Ok(trail.events)
}

fn pick(log: Vec<Told>, act: &Act, plant: &Plant, whose: &str) -> Result<Told, Stop> {
    let target = format!("tenant:{}", plant.tenant);
    let is_it = |told: &Told| {
        let event = &told.event;
        let reason = event.context.get("reason");
        event.action == act.action && event.targets.contains(&target) && reason == Some(&act.reason)
    };
    let mut found: Vec<Told> = log.into_iter().filter(is_it).collect();
    let (count, first) = (found.len(), found.pop());
    first.filter(|_| count == 1).ok_or_else(|| {
        Stop::Broke(format!("the act `{}` is told {count} times in the {whose} log instead of once", act.action))
    })
}

impl Told {
    /// Whether the ledger holds, at the place that is named, the commitment to this event.
    pub(super) fn stands_in(&self, log: &Log) -> Result<(), Stop> {
        let broke = |why: &str| Err(Stop::Broke(format!("the event of `{}` {why}", self.event.action)));
        let entry = self.leaf.and_then(|leaf| usize::try_from(leaf).ok()).and_then(|leaf| log.entries.get(leaf));
        let Some(entry) = entry else { return broke("is not in the ledger at the place that is named") };
        let Some(commitment) = self.commitment() else { return broke("cannot be opened") };
        match serde_json::from_slice(entry) {
            Ok(Leaf::Audit { commitment: held, .. }) if held == commitment => Ok(()),
            _ => broke("does not open the commitment that stands in the ledger"),
        }
    }

    fn commitment(&self) -> Option<Commitment> {
        let Shown { actor, action, targets, context, at } = &self.event;
        let (actor, action) = (actor.clone(), action.clone());
        let event = Event { actor, action, targets: targets.clone(), context: context.clone(), at: *at };
        let mut salt = Salt([0; 32]);
        for (at, byte) in salt.0.iter_mut().enumerate() {
            *byte = u8::from_str_radix(self.salt.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(commit(&event.to_json().ok()?, &salt))
    }
}
