//! Attacks the promise with what nobody should send.

use super::sample::{Sample, body_schema, samples};
use crate::{
    audit_log::{Plant, PlantError},
    visitor::words,
};
use outbound::{Answer, OutboundError, Site};
use promises::{Finding, Promise};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

/// How long the attack may take.
const DEADLINE: Duration = Duration::from_secs(40);
/// How many calls are under way at a time.
const AT_ONCE: usize = 6;
/// What would run as a script where a page repeated it.
const MARK: &str = "<script>alert(7391)</script>";
/// Ids that are none.
const ODD_IDS: [&str; 7] =
    ["0", "%00", "..%2f..%2fetc%2fpasswd", "%ff%fe", "'%20or%201=1--", "00000000-0000-0000-0000-000000000000", "%zz"];

/// One call, and what may come of it.
#[derive(Clone, Debug)]
struct Ask {
    method: String,
    path: String,
    kind: &'static str,
    body: Vec<u8>,
    what: String,
    /// Whether the description rules it out.
    wrong: bool,
}

#[derive(Debug, Default)]
struct Seen {
    calls: usize,
    refused: usize,
    flaws: Vec<String>,
    missed: Vec<String>,
}

/// Attacks the promise with a new team.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    match Plant::sow(site).await {
        Ok(plant) => probe_with(site, &plant, promise).await,
        Err(PlantError::Outbound(error)) => Finding::failed(error.to_string()),
        Err(error) => Finding::nothing(error.to_string()),
    }
}

/// Attacks the promise as a person of a team that is there already.
pub async fn probe_with(site: &Site, plant: &Plant, _: &Promise) -> Finding {
    let site = site.elsewhere().await;
    match timeout(DEADLINE, attack(&site, plant)).await {
        Ok(Ok(finding)) => finding,
        Ok(Err(error)) => Finding::failed(error.to_string()),
        Err(_) => Finding::failed(format!("the attack was cut short after {} s", DEADLINE.as_secs())),
    }
}

async fn attack(site: &Site, plant: &Plant) -> Result<Finding, OutboundError> {
    let bearer = format!("Bearer {}", plant.token);
    let document: Value = site.get("/openapi.json").await?.json().unwrap_or_default();
    let (addressed, other) = (note(site, &bearer).await?, note(site, &bearer).await?);
    let (Some(addressed), Some(other)) = (addressed, other) else {
        return Ok(Finding::failed("the planted person cannot write a note"));
    };
    let before = read(site, &bearer, &other).await?;
    let mut seen = Seen::default();
    run(site, &bearer, asks(&document, &addressed), &mut seen).await;
    sizes(site, &bearer, &mut seen).await;
    let after = read(site, &bearer, &other).await?;
    if before.status != 200 || (after.status, &after.body) != (before.status, &before.body) {
        seen.flaws.push("a note that was not addressed is not as it was".to_owned());
    }
    for id in [&addressed, &other] {
        let path = format!("/api/notes/{id}");
        site.send("DELETE", &path, &[("authorization", &bearer)], &[]).await?;
    }
    Ok(seen.finding())
}

async fn note(site: &Site, bearer: &str) -> Result<Option<String>, OutboundError> {
    let body = json!({ "title": words(2), "text": words(8) }).to_string();
    let headers = [("authorization", bearer), ("content-type", "application/json")];
    let answer = site.send("POST", "/api/notes", &headers, body.as_bytes()).await?;
    let written: Value = answer.json().unwrap_or_default();
    Ok(written.get("note").and_then(Value::as_str).map(str::to_owned))
}

async fn read(site: &Site, bearer: &str, id: &str) -> Result<Answer, OutboundError> {
    site.send("GET", &format!("/api/notes/{id}"), &[("authorization", bearer)], &[]).await
}

/// Every call that is made, from the service's own description.
fn asks(document: &Value, note: &str) -> Vec<Ask> {
    let paths: BTreeMap<String, BTreeMap<String, Value>> =
        document.get("paths").cloned().and_then(|paths| serde_json::from_value(paths).ok()).unwrap_or_default();
    let mut asks = Vec::new();
    for (template, item) in &paths {
        for (method, operation) in item {
            let method = method.to_uppercase();
            let ask = |path: String, kind, body: Vec<u8>, what: String, wrong| Ask {
                method: method.clone(),
                path,
                kind,
                body,
                what,
                wrong,
            };
            if template.contains('{') {
                for odd in ODD_IDS {
                    let path = template.split('/').map(|part| if part.starts_with('{') { odd } else { part });
                    let path = path.collect::<Vec<_>>().join("/");
                    asks.push(ask(path, "application/json", Vec::new(), format!("the id {odd}"), true));
                }
            }
            // What is addressed must stay there until the end.
            let path = if method == "DELETE" { fill(template, "") } else { fill(template, note) };
            asks.push(ask(
                format!("{path}?{}=%zz&a=1&a=2", MARK_QUERY),
                "",
                Vec::new(),
                "an odd query".to_owned(),
                false,
            ));
            let Some(schema) = body_schema(document, operation) else { continue };
            // Who is nobody must not found teams by the dozen: open calls get only what must be refused.
            let open = operation.get("security").and_then(Value::as_array).is_none_or(Vec::is_empty);
            let json = "application/json";
            for Sample { what, body, allowed } in
                samples(&schema).into_iter().filter(|sample| !(open && sample.allowed))
            {
                asks.push(ask(path.clone(), json, body.to_string().into_bytes(), what, !allowed));
            }
            for (what, kind, body) in raw() {
                asks.push(ask(path.clone(), kind, body, what.to_owned(), true));
            }
        }
    }
    asks
}

const MARK_QUERY: &str = "q=%3Cscript%3Ealert(7391)%3C%2Fscript%3E&b";

fn fill(template: &str, note: &str) -> String {
    let is_note = template.starts_with("/api/notes/");
    let part = |(at, part): (usize, &str)| match part.starts_with('{') {
        true if is_note && at == 3 && !note.is_empty() => note.to_owned(),
        true => Uuid::new_v4().to_string(),
        false => part.to_owned(),
    };
    template.split('/').enumerate().map(part).collect::<Vec<_>>().join("/")
}

/// Bodies that are no JSON, or not only.
fn raw() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let json = "application/json";
    vec![
        ("no body", json, Vec::new()),
        ("half a body", json, b"{\"title\": \"a".to_vec()),
        ("bytes that are no text", json, vec![0xff, 0xfe, 0x00, 0x7b]),
        ("a deep nest", json, ["[".repeat(5_000), "]".repeat(5_000)].concat().into_bytes()),
        ("a great number", json, b"1e999999".to_vec()),
        ("a script", json, MARK.as_bytes().to_vec()),
        ("JSON called text", "text/plain", b"{}".to_vec()),
        ("a form instead", "application/x-www-form-urlencoded", b"title=a&text=b".to_vec()),
    ]
}

async fn run(site: &Site, bearer: &str, asks: Vec<Ask>, seen: &mut Seen) {
    let mut flying = JoinSet::new();
    let mut asks = asks.into_iter();
    loop {
        while flying.len() < AT_ONCE {
            let Some(ask) = asks.next() else { break };
            let (site, bearer) = (site.clone(), bearer.to_owned());
            flying.spawn(async move {
                let mut headers = vec![("authorization", bearer.as_str())];
                headers.extend((!ask.kind.is_empty()).then_some(("content-type", ask.kind)));
                let answer = site.send(&ask.method, &ask.path, &headers, &ask.body).await;
                (ask, answer)
            });
        }
        match flying.join_next().await {
            Some(Ok((ask, Ok(answer)))) => seen.judge(&ask, &answer),
            Some(Ok((ask, Err(error)))) => seen.missed.push(format!("no answer to {}: {error}", ask.name())),
            Some(Err(_)) => seen.missed.push("a call crashed".to_owned()),
            None => return,
        }
    }
}

/// What is larger than anybody needs.
async fn sizes(site: &Site, bearer: &str, seen: &mut Seen) {
    let long = format!("/api/notes?{}", "a".repeat(9_000));
    let value = "v".repeat(20_000);
    let large = vec![b'x'; 2 * 1024 * 1024];
    let kind = ("content-type", "application/json");
    let bearer = ("authorization", bearer);
    for (what, status, answer) in [
        ("an address of 9 kB", 414, site.send("GET", &long, &[bearer], &[]).await),
        ("a header of 20 kB", 431, site.send("GET", "/api/notes", &[bearer, ("x-large", &value)], &[]).await),
        ("a body of 2 MB", 413, site.send("POST", "/api/notes", &[bearer, kind], &large).await),
    ] {
        seen.calls += 1;
        match answer {
            Ok(answer) if answer.status == status => seen.refused += 1,
            Ok(answer) => seen.flaws.push(format!("{what} was answered {} instead of {status}", answer.status)),
            // A peer that hangs up on what is far too large refuses it as well.
            Err(OutboundError::Protocol { .. }) => seen.refused += 1,
            Err(error) => seen.missed.push(format!("no answer to {what}: {error}")),
        }
    }
}

impl Ask {
    fn name(&self) -> String {
        let path: String = self.path.chars().take(60).collect();
        format!("{} {path} with {}", self.method, self.what)
    }
}

impl Seen {
    fn judge(&mut self, ask: &Ask, answer: &Answer) {
        self.calls += 1;
        let name = || ask.name();
        let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
        match answer.status {
            429 => self.missed.push(format!("{}: answered 429", name())),
            500.. => self.flaws.push(format!("{}: answered {}", name(), answer.status)),
            200..=399 if ask.wrong && ask.method != "GET" => {
                self.flaws.push(format!("{}: accepted with {}", name(), answer.status));
            }
            400..=499 => self.refused += 1,
            _ => {}
        }
        if is_page && answer.text().contains(MARK) {
            self.flaws.push(format!("{}: the page repeats a script", name()));
        }
    }

    fn finding(&self) -> Finding {
        let finding = match (self.flaws.first(), self.missed.first()) {
            (Some(first), _) if self.flaws.len() > 1 => {
                Finding::broke(format!("{first}, and {} more", self.flaws.len() - 1))
            }
            (Some(first), _) => Finding::broke(first.clone()),
            (None, Some(missed)) => Finding::failed(missed.clone()),
            (None, None) if self.calls < 20 => Finding::nothing("the service describes no calls"),
            (None, None) => Finding::held(format!(
                "{} odd calls, {} of them refused: no error of ours, nothing repeated, nothing else changed",
                self.calls, self.refused
            )),
        };
        let finding = self.flaws.iter().skip(1).take(9).fold(finding, |finding, flaw| finding.tried(flaw.clone()));
        finding
            .tried("called every route of the API's description with what it rules out, and at its limits")
            .covered("calls", self.calls)
    }
}
