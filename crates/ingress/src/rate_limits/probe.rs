//! Attacks the promise: calls too often.

use crate::{audit_log::Plant, csp};
use outbound::{Answer, OutboundError, Site};
use promises::{Finding, Promise};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

/// How long the attack may take.
const DEADLINE: Duration = Duration::from_secs(40);
/// Limits up to this size are burst.
const MOST_BURST: u64 = 120;
/// How many calls of a burst are under way at a time.
const AT_ONCE: usize = 16;
/// How often a route is called to see what is left go down.
const LOOKS: u64 = 6;
/// How long a person's limit is burst at the most.
const PATIENCE: Duration = Duration::from_secs(12);
/// Routes that a description of the API does not name.
const PAGES: [&str; 7] = ["/", "/trust", "/trust.json", "/openapi.json", "/sign-in", "/sign-up", "/ledger/checkpoint"];
/// Where something is tried out or sent, and a small limit stands.
const BURST: [(&str, &str, &str); 5] = [
    ("POST", csp::REPORT_PATH, "application/reports+json"),
    ("POST", "/sign-in", "application/x-www-form-urlencoded"),
    ("POST", "/forgot", "application/x-www-form-urlencoded"),
    ("POST", "/sign-up", "application/x-www-form-urlencoded"),
    ("POST", "/api/tenants", "application/json"),
];

/// One quota as an answer tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quota {
    /// How many at once.
    quota: u64,
    /// In how many seconds it fills.
    window: u64,
    /// How many are left.
    left: u64,
}

/// What was seen.
#[derive(Debug, Default)]
struct Seen {
    routes: usize,
    bursts: usize,
    flaws: Vec<String>,
}

/// Attacks the promise with a new team.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    match Plant::sow(site).await {
        Ok(plant) => probe_with(site, &plant, promise).await,
        Err(error) => Finding::failed(error.to_string()),
    }
}

/// Attacks the promise as nobody, and as a person of a team that is there already.
pub async fn probe_with(site: &Site, plant: &Plant, _: &Promise) -> Finding {
    match timeout(DEADLINE, attack(site, plant)).await {
        Ok(Ok(finding)) => finding,
        Ok(Err(error)) => Finding::failed(error.to_string()),
        Err(_) => Finding::failed(format!("the attack was cut short after {} s", DEADLINE.as_secs())),
    }
}

async fn attack(site: &Site, plant: &Plant) -> Result<Finding, OutboundError> {
    let stranger = site.elsewhere().await;
    let mut seen = Seen::default();
    headers(&stranger, &mut seen).await?;
    count_down(&stranger, &mut seen).await?;
    actor(site, plant, &mut seen).await?;
    for (method, path, kind) in BURST {
        // Each burst has an address of its own, so that one does not use up another's.
        burst(site, &site.elsewhere().await, method, path, kind, &mut seen).await?;
    }
    let finding = match seen.flaws.first() {
        Some(first) if seen.flaws.len() > 1 => Finding::broke(format!("{first}, and {} more", seen.flaws.len() - 1)),
        Some(first) => Finding::broke(first.clone()),
        None if seen.bursts == 0 => Finding::nothing("no route with a limit small enough to burst was found"),
        None => Finding::held(format!(
            "limits are told on all {} routes, and {} bursts ended in 429 with Retry-After",
            seen.routes, seen.bursts
        )),
    };
    let finding = seen.flaws.iter().skip(1).take(9).fold(finding, |finding, flaw| finding.tried(flaw.clone()));
    Ok(finding
        .tried("called until 429 came, from addresses of its own, and looked whether others were still served")
        .covered("routes", seen.routes)
        .covered("bursts", seen.bursts))
}

/// Every route tells its limit, also where it refuses.
async fn headers(site: &Site, seen: &mut Seen) -> Result<(), OutboundError> {
    let document: Value = site.get("/openapi.json").await?.json().unwrap_or_default();
    let mut asks: BTreeSet<(String, String)> =
        PAGES.iter().map(|page| ("GET".to_owned(), (*page).to_owned())).collect();
    let paths: BTreeMap<String, BTreeMap<String, Value>> =
        document.get("paths").cloned().and_then(|paths| serde_json::from_value(paths).ok()).unwrap_or_default();
    let fill = |part: &str| if part.starts_with('{') { Uuid::new_v4().to_string() } else { part.to_owned() };
    for (path, item) in paths {
        let path = path.split('/').map(fill).collect::<Vec<_>>().join("/");
        asks.extend(item.into_keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    for (method, path) in asks {
        // Nothing is sent along: what would change something refuses it.
        let answer = site.send(&method, &path, &[], &[]).await?;
        if matches!(answer.status, 404 | 405) && quotas(&answer).is_empty() {
            continue;
        }
        seen.routes += 1;
        if !quotas(&answer).contains_key("address") {
            seen.flaws.push(format!("{method} {path} ({}) tells no limit for its callers", answer.status));
        }
    }
    Ok(())
}

/// What is left goes down with each call.
async fn count_down(site: &Site, seen: &mut Seen) -> Result<(), OutboundError> {
    let (mut first, mut last, began) = (None, None, Instant::now());
    for _ in 0..=LOOKS {
        let answer = site.get("/api/me").await?;
        last = quotas(&answer).get("address").copied();
        first = first.or(last);
    }
    if let (Some(first), Some(last)) = (first, last) {
        seen.went_down("an address", first, last, LOOKS, began.elapsed());
    }
    Ok(())
}

/// Whoever changes their address stays who they are: one person calls from two addresses in turn, none of which is over its
/// limit, until the person is.
async fn actor(site: &Site, plant: &Plant, seen: &mut Seen) -> Result<(), OutboundError> {
    let strangers = [site.elsewhere().await, site.elsewhere().await];
    let [first, _] = &strangers;
    let bearer = format!("Bearer {}", plant.token);
    let answer = write(first.clone(), bearer.clone()).await?;
    let Some(quota) = quotas(&answer).get("actor").copied() else {
        seen.flaws.push(format!("POST /api/notes ({}) tells no limit for the person who calls", answer.status));
        return Ok(());
    };
    let (began, mut calls) = (Instant::now(), 1);
    let (mut through, mut refused) = (u64::from(answer.status != 429), answer.status == 429);
    let mut last = quota.left;
    let mut flying = JoinSet::new();
    loop {
        while !refused && calls < quota.quota * 2 && began.elapsed() < PATIENCE && flying.len() < AT_ONCE {
            let from = strangers.get(usize::from(calls % 2 == 1)).unwrap_or(first);
            calls += 1;
            flying.spawn(write(from.clone(), bearer.clone()));
        }
        match flying.join_next().await {
            Some(Ok(Ok(answer))) if answer.status == 429 => refused = true,
            Some(Ok(Ok(answer))) => {
                through += 1;
                last = quotas(&answer).get("actor").map_or(last, |quota| quota.left.min(last));
            }
            Some(Ok(Err(error))) => return Err(error),
            Some(Err(_)) => {}
            None => break,
        }
    }
    // On a machine that is too slow to reach the limit, no more may have got through than the limit and what came back
    // meanwhile; and what is left must have gone down by the rest, less what one instance may hold in hand.
    let back =
        quota.quota * u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX) / (quota.window.max(1) * 1_000);
    let limit = quota.quota;
    if through > limit + limit / 8 + back + 1 {
        seen.flaws.push(format!(
            "POST /api/notes: {through} calls by a person at two addresses got through a limit of {limit}"
        ));
    } else if !refused && last + through > quota.left + back + limit / 8 + 1 {
        seen.flaws.push(format!("POST /api/notes: {through} calls by a person left {last} of {limit}"));
    }
    seen.bursts += usize::from(refused);
    Ok(())
}

/// A call that is refused for its content, once it has been let in.
async fn write(site: Site, bearer: String) -> Result<Answer, OutboundError> {
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    site.send("POST", "/api/notes", &headers, b"{}").await
}

impl Seen {
    /// What is left must have gone down by what was called, less what has come back meanwhile.
    fn went_down(&mut self, whose: &str, first: Quota, last: Quota, calls: u64, took: Duration) {
        let back = first.quota * (took.as_secs() + 1) / first.window.max(1);
        if last.left + calls > first.left + back {
            let (from, to) = (first.left, last.left);
            self.flaws.push(format!("{calls} calls by {whose} took what is left from {from} to {to}"));
        }
    }
}

/// Bursts a route past its limit.
async fn burst(
    site: &Site,
    stranger: &Site,
    method: &'static str,
    path: &'static str,
    kind: &'static str,
    seen: &mut Seen,
) -> Result<(), OutboundError> {
    let first = send(stranger.clone(), method, path, kind).await?;
    let Some(quota) = quotas(&first).get("address").copied() else { return Ok(()) };
    if quota.quota > MOST_BURST {
        return Ok(());
    }
    seen.bursts += 1;
    let (began, calls) = (Instant::now(), quota.quota + quota.quota / 2 + 5);
    let (mut through, mut refused) = (1, None);
    let mut flying = JoinSet::new();
    let mut left = calls;
    loop {
        while left > 0 && flying.len() < AT_ONCE {
            left -= 1;
            flying.spawn(send(stranger.clone(), method, path, kind));
        }
        let Some(landed) = flying.join_next().await else { break };
        match landed {
            Ok(Ok(answer)) if answer.status == 429 => refused = refused.or(Some(answer)),
            Ok(Ok(_)) => through += 1,
            Ok(Err(error)) => return Err(error),
            Err(_) => {}
        }
    }
    let allowed = quota.quota + quota.quota * (began.elapsed().as_secs() + 1) / quota.window.max(1) + 1;
    let name = format!("{method} {path}");
    match &refused {
        None => seen
            .flaws
            .push(format!("{name}: {calls} calls at once, and none was refused; the limit is {}", quota.quota)),
        Some(answer) => {
            let wait: Option<u64> = answer.header("retry-after").and_then(|value| value.parse().ok());
            if wait.is_none_or(|wait| wait == 0 || wait > 86_400) {
                seen.flaws.push(format!("{name}: 429 without a sensible Retry-After"));
            }
            if through > allowed {
                seen.flaws.push(format!("{name}: {through} calls got through a limit of {}", quota.quota));
            }
        }
    }
    // Where this machine has one address only, the next caller is the same one.
    let other = site.elsewhere().await;
    if other.has_own_address() && send(other, method, path, kind).await?.status == 429 {
        seen.flaws.push(format!("{name}: one address used up the limit of others"));
    }
    Ok(())
}

/// A call that ends in a refusal: nothing is changed by it.
async fn send(site: Site, method: &str, path: &str, kind: &str) -> Result<Answer, OutboundError> {
    site.send(method, path, &[("content-type", kind)], b"").await
}

/// The quotas of an answer by name, where it tells both what they are and what is left.
fn quotas(answer: &Answer) -> BTreeMap<String, Quota> {
    let policy = items(answer, "ratelimit-policy");
    let left = items(answer, "ratelimit");
    let quota = |name: &String, params: &BTreeMap<String, u64>| {
        let (quota, window) = (*params.get("q")?, *params.get("w")?);
        Some(Quota { quota, window, left: *left.get(name)?.get("r")? })
    };
    policy.iter().filter_map(|(name, params)| Some((name.clone(), quota(name, params)?))).collect()
}

/// A list of strings with numeric parameters (RFC 9651, as far as these headers use it).
fn items(answer: &Answer, header: &str) -> BTreeMap<String, BTreeMap<String, u64>> {
    let text = answer.header(header).unwrap_or_default();
    let item = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next()?.strip_prefix('"')?.strip_suffix('"')?.to_owned();
        let params = parts
            .filter_map(|part| part.split_once('='))
            .filter_map(|(key, value)| Some((key.to_owned(), value.parse().ok()?)));
        Some((name, params.collect()))
    };
    text.split(',').filter_map(|text| item(text.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use outbound::http::HeaderMap;

    #[test]
    fn quotas_are_read_from_both_headers() {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-policy", "\"address\";q=30;w=60, \"actor\";q=5;w=1".parse().unwrap());
        headers.insert("ratelimit", "\"address\";r=29;t=2".parse().unwrap());
        let answer = Answer { status: 200, headers, body: Vec::new() };
        let read = quotas(&answer);
        assert_eq!(read.get("address"), Some(&Quota { quota: 30, window: 60, left: 29 }));
        assert_eq!(read.get("actor"), None, "what is left of it is not told");
    }

    #[test]
    fn what_does_not_go_down_is_a_flaw() {
        let quota = |left| Quota { quota: 1_500, window: 30, left };
        let mut seen = Seen::default();
        seen.went_down("x", quota(1_499), quota(1_493), 6, Duration::from_millis(10));
        // Fifty come back each second.
        seen.went_down("x", quota(1_499), quota(1_499), 6, Duration::from_millis(10));
        assert_eq!(seen.flaws, Vec::<String>::new());
        let small = |left| Quota { quota: 30, window: 60, left };
        seen.went_down("x", small(29), small(29), 6, Duration::from_millis(10));
        assert_eq!(seen.flaws.len(), 1);
    }
}
