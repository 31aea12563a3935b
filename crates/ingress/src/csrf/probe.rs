//! Attacks the promise as another site would, and as somebody with a session of their own.

use super::HEADER;
use crate::{
    survey::links,
    visitor::{VisitError, Visitor, word, words},
};
use kernel::Span;
use outbound::{Answer, OutboundError, Site};
use promises::{Finding, Outcome, Promise};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::{
    Store,
    sessions::{self, Lifetimes},
};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The pages whose forms are attacked, and whose links are followed once.
const PAGES: [&str; 7] = ["/account", "/team", "/sign-in", "/sign-up", "/forgot", "/confirm", "/"];
/// How many pages are read for forms.
const MOST_PAGES: usize = 40;
/// How many attacks are under way at a time.
const AT_ONCE: usize = 8;
/// Where the service lists its routes, where it does.
const LIST: &str = "/.well-known/wordbond/routes.json";
/// What carries its own proof: where an identity provider posts its signed documents.
const CARRIED: &str = "/acs";

/// One way to send what another site could send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From another site, with everything else right.
    Elsewhere,
    /// From another site, by a browser that tells no origin.
    Fetched,
    /// From here, without a token.
    Tokenless,
    /// From here, with the token of somebody else's session.
    Strangers,
}

impl Way {
    const ALL: [Self; 4] = [Self::Elsewhere, Self::Fetched, Self::Tokenless, Self::Strangers];

    const fn words(self) -> &'static str {
        match self {
            Self::Elsewhere => "from another origin",
            Self::Fetched => "marked as cross-site",
            Self::Tokenless => "without a form token",
            Self::Strangers => "with another session's token",
        }
    }
}

/// Something that changes something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Target {
    method: String,
    path: String,
    /// Whether a session can stand behind it; else only its origin can tell.
    by_session: bool,
    json: bool,
    /// Whether it takes a body; where it does not, one would be refused for its size.
    body: bool,
}

/// What became of the attacks.
#[derive(Debug, Default)]
struct Tally {
    refused: usize,
    absent: usize,
    flaws: Vec<String>,
    missed: Vec<String>,
}

/// Attacks the promise with two new users.
pub async fn probe(site: &Site, promise: &Promise) -> Finding {
    let mut users = Vec::new();
    for _ in 0..2 {
        let mut user = Visitor::stranger(site).await;
        match user.sign_up().await {
            Ok(_) => users.push(user),
            Err(VisitError::Outbound(error)) => return Finding::failed(error.to_string()),
            // What has no sessions can lend none; its open routes are attacked all the same.
            Err(VisitError::NoForm(_)) => return open_routes(site).await,
            Err(error) => return Finding::failed(format!("nobody can sign up: {error}")),
        }
    }
    match users.as_slice() {
        [one, other] => probe_with(one, other, promise).await,
        _ => Finding::nothing("nobody could sign up"),
    }
}

/// Attacks the promise with two users who are signed in.
pub async fn probe_with(one: &Visitor, other: &Visitor, _: &Promise) -> Finding {
    match attack(one.clone(), other.clone()).await {
        Ok(finding) => finding,
        Err(VisitError::Outbound(error)) => Finding::failed(error.to_string()),
        Err(error) => Finding::failed(format!("the users cannot be used: {error}")),
    }
}

/// Judges the sessions of everybody beside what was found: no two may have the secret of their forms in common.
pub async fn inside(store: &Store, finding: Finding) -> Finding {
    let lifetimes = Lifetimes { idle: Span::days(3_650), absolute: Span::days(3_650) };
    match sessions::census(store, lifetimes, store.clock().now()).await {
        Ok(census) if census.shared > 0 => {
            Finding::broke(format!("{} live sessions have the secret of their form tokens from another", census.shared))
        }
        Ok(census) if finding.outcome() == Outcome::Held => finding
            .tried("compared the secrets of the form tokens of all live sessions")
            .covered("live sessions", usize::try_from(census.sessions).unwrap_or(usize::MAX)),
        Ok(_) => finding,
        Err(error) if finding.outcome() == Outcome::Held => Finding::failed(error.to_string()),
        Err(_) => finding,
    }
}

async fn attack(mut one: Visitor, mut other: Visitor) -> Result<Finding, VisitError> {
    let own = one.form_token("/account").await?;
    let strangers = other.form_token("/account").await?;
    if own == strangers {
        return Ok(Finding::broke("two sessions have the same form token"));
    }
    // What is done right must be done, or refusals prove nothing.
    let right = json!({ "title": words(2), "text": words(5) });
    let answer = one.post_json("/api/notes", &right).await?;
    let counted = (answer.status == 201).then_some(());
    let before = if counted.is_some() { notes(&mut one).await? } else { 0 };
    let mut targets = forms(&mut one).await?;
    targets.extend(described(&one.site().get("/openapi.json").await?));
    targets.extend(listed(&one.site().get(LIST).await?));
    let tally = run(&one, &targets, &own, &strangers).await;
    let mut finding = tally.finding(targets.len());
    // The session may be gone where an attack succeeded; then that has been seen already.
    if tally.flaws.is_empty() && counted.is_some() && notes(&mut one).await? != before {
        finding = Finding::broke("a request that was refused changed something all the same");
    }
    if tally.flaws.is_empty() && tally.missed.is_empty() && own_form_fails(&mut one).await? {
        finding = Finding::failed("the user's own forms are refused too, so the refusals prove nothing");
    }
    Ok(finding.tried("sent each request from another site, without a token, and with another session's token"))
}

/// Whether even a form sent as it should be is refused for want of a proof.
async fn own_form_fails(one: &mut Visitor) -> Result<bool, VisitError> {
    let answer = one.post_json("/api/notes", &json!({ "title": words(1), "text": words(1) })).await?;
    Ok(answer.status == 403 && answer.text().contains("/problems/csrf"))
}

async fn notes(user: &mut Visitor) -> Result<usize, VisitError> {
    let answer = user.get("/api/notes").await?;
    let list: Value = answer.json().unwrap_or_default();
    Ok(list.get("notes").and_then(Value::as_array).map_or(0, Vec::len))
}

/// The forms on the pages that the user is shown.
async fn forms(user: &mut Visitor) -> Result<BTreeSet<Target>, VisitError> {
    let mut queue: Vec<String> = PAGES.iter().rev().map(|page| (*page).to_owned()).collect();
    let mut known: BTreeSet<String> = queue.iter().cloned().collect();
    let (mut targets, mut read) = (BTreeSet::new(), 0);
    let origin = user.site().url().to_owned();
    while let Some(page) = queue.pop().filter(|_| read < MOST_PAGES) {
        read += 1;
        // A page may lead elsewhere or not be there; leaving is done last, by nobody.
        let answer = user.site().send("GET", &page, &[("cookie", &jar(user))], &[]).await?;
        for link in links::in_markup(&answer.text()) {
            let Some(path) = links::resolve(&origin, &page, &link.url) else { continue };
            if matches!(link.attribute.as_str(), "action" | "formaction") {
                let path = path.split('?').next().unwrap_or_default().to_owned();
                targets.insert(Target { method: "POST".to_owned(), path, by_session: true, json: false, body: true });
            } else if link.element == "a"
                && PAGES.iter().any(|seed| seed.len() > 1 && path.starts_with(seed))
                && known.insert(path.clone())
            {
                queue.insert(0, path);
            }
        }
    }
    Ok(targets)
}

fn jar(user: &Visitor) -> String {
    let pair = |name: &str| user.cookie(name).map(|value| format!("{name}={value}"));
    crate::cookie::OWN.iter().filter_map(|name| pair(name)).collect::<Vec<_>>().join("; ")
}

/// What changes something, by the service's own description.
fn described(document: &Answer) -> BTreeSet<Target> {
    let document: Value = document.json().unwrap_or_default();
    let mut targets = BTreeSet::new();
    let paths: BTreeMap<String, Value> =
        document.get("paths").cloned().and_then(|paths| serde_json::from_value(paths).ok()).unwrap_or_default();
    // Reports of browsers speak for nobody, and every page may make a browser send one.
    for (path, item) in paths.into_iter().filter(|(path, _)| path != crate::csp::REPORT_PATH) {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !matches!(method.as_str(), "post" | "put" | "patch" | "delete") {
                continue;
            }
            let ways = operation.get("security").and_then(Value::as_array).cloned().unwrap_or_default();
            let by_session = ways.iter().any(|way| way.get("session").is_some());
            let fill = |part: &str| if part.starts_with('{') { Uuid::new_v4().to_string() } else { part.to_owned() };
            let path = path.split('/').map(fill).collect::<Vec<_>>().join("/");
            let body = operation.get("requestBody").is_some();
            targets.insert(Target { method: method.to_uppercase(), path, by_session, json: true, body });
        }
    }
    targets
}

/// What changes something, by the service's list of its routes: also what no page links to.
fn listed(list: &Answer) -> BTreeSet<Target> {
    let routes: Vec<Value> = list.json().unwrap_or_default();
    let target = |route: &Value| {
        let text = |key: &str| route.get(key).and_then(Value::as_str).unwrap_or_default();
        let (method, path, auth) = (text("method"), text("path"), text("auth"));
        let changes = matches!(method, "POST" | "PUT" | "PATCH" | "DELETE");
        if !changes || (text("proof") == "carried" && path.ends_with(CARRIED)) || path == crate::csp::REPORT_PATH {
            return None;
        }
        let fill = |part: &str| if part.starts_with('{') { Uuid::new_v4().to_string() } else { part.to_owned() };
        Some(Target {
            method: method.to_owned(),
            path: path.split('/').map(fill).collect::<Vec<_>>().join("/"),
            by_session: !matches!(auth, "public" | "operator"),
            json: text("face") == "api",
            body: route.get("body").and_then(Value::as_u64).is_some_and(|most| most > 0),
        })
    };
    routes.iter().filter_map(target).collect()
}

/// An origin that is not `own`, of another kind each time: sites of strangers, and some that look like this one.
fn elsewhere(own: &str) -> String {
    let stranger = word().to_lowercase();
    let host = own.trim_start_matches("https://");
    match Uuid::new_v4().into_bytes().first().map(|byte| byte % 6) {
        Some(0) => format!("https://{host}.{stranger}.com"),
        Some(1) => format!("http://{host}"),
        Some(2) => format!("https://{stranger}{host}"),
        Some(3) => "null".to_owned(),
        Some(4) => format!("https://{}:1{}", host.split(':').next().unwrap_or(host), 1_000),
        _ => format!("https://{stranger}.com"),
    }
}

async fn run(one: &Visitor, targets: &BTreeSet<Target>, own: &str, strangers: &str) -> Tally {
    let mut asks = Vec::new();
    for target in targets {
        let ways = Way::ALL.into_iter().filter(|way| target.by_session || matches!(way, Way::Elsewhere | Way::Fetched));
        asks.extend(ways.map(|way| (target.clone(), way)));
    }
    let mut tally = Tally::default();
    let mut flying = JoinSet::new();
    let mut asks = asks.into_iter();
    loop {
        while flying.len() < AT_ONCE {
            let Some((target, way)) = asks.next() else { break };
            let token = if way == Way::Strangers { strangers } else { own };
            flying.spawn(send(one.site().clone(), jar(one), target, way, token.to_owned()));
        }
        match flying.join_next().await {
            Some(Ok((target, way, answer))) => tally.count(&target, way, answer),
            Some(Err(_)) => tally.missed.push("an attack crashed".to_owned()),
            None => return tally,
        }
    }
}

async fn send(
    site: Site,
    jar: String,
    target: Target,
    way: Way,
    token: String,
) -> (Target, Way, Result<Answer, OutboundError>) {
    let (origin, foreign) = (site.url().to_owned(), elsewhere(site.url()));
    let mut headers: Vec<(&str, &str)> = Vec::new();
    if target.by_session {
        headers.push(("cookie", &jar));
    }
    match way {
        // Each wall alone: a browser that sends both would hide that one of them is gone.
        Way::Elsewhere => headers.push(("origin", foreign.as_str())),
        Way::Fetched => headers.push(("sec-fetch-site", if foreign == "null" { "same-site" } else { "cross-site" })),
        Way::Tokenless | Way::Strangers => {
            headers.extend([("origin", origin.as_str()), ("sec-fetch-site", "same-origin")]);
        }
    }
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("csrf", &token).finish();
    let (kind, body) = match (target.json, way) {
        (true, _) => ("application/json", "{}"),
        (false, Way::Tokenless) => ("application/x-www-form-urlencoded", ""),
        (false, _) => ("application/x-www-form-urlencoded", form.as_str()),
    };
    if target.json && way != Way::Tokenless {
        headers.push((HEADER, &token));
    }
    let body: &[u8] = if target.body { body.as_bytes() } else { &[] };
    headers.push(("content-type", kind));
    let answer = site.send(&target.method, &target.path, &headers, body).await;
    (target, way, answer)
}

impl Tally {
    fn count(&mut self, target: &Target, way: Way, answer: Result<Answer, OutboundError>) {
        let name = format!("{} {} {}", target.method, target.path, way.words());
        match answer {
            Err(error) => self.missed.push(format!("no answer to {name}: {error}")),
            Ok(answer) => match answer.status {
                403 => self.refused += 1,
                // No route: nothing that could change anything.
                404 | 405 => self.absent += 1,
                429 | 502..=504 => self.missed.push(format!("{name}: answered {}", answer.status)),
                status => self.flaws.push(format!("{name}: answered {status}")),
            },
        }
    }

    fn finding(&self, targets: usize) -> Finding {
        let finding = match (self.flaws.first(), self.missed.first()) {
            (Some(first), _) if self.flaws.len() > 1 => {
                Finding::broke(format!("{first}, and {} more", self.flaws.len() - 1))
            }
            (Some(first), _) => Finding::broke(first.clone()),
            (None, Some(missed)) => Finding::failed(missed.clone()),
            (None, None) if self.refused == 0 => Finding::nothing("nothing was found that changes something"),
            (None, None) => {
                Finding::held(format!("all {} forged requests to {targets} forms and calls were refused", self.refused))
            }
        };
        let finding = self.flaws.iter().skip(1).take(9).fold(finding, |finding, flaw| finding.tried(flaw.clone()));
        finding.covered("forged requests", self.refused + self.flaws.len()).covered("forms and calls", targets)
    }
}

/// What is left to attack where nobody can sign up.
async fn open_routes(site: &Site) -> Finding {
    let document = match site.get("/openapi.json").await {
        Ok(document) => document,
        Err(error) => return Finding::failed(error.to_string()),
    };
    let mut targets = described(&document);
    targets = targets.into_iter().map(|target| Target { by_session: false, ..target }).collect();
    let tally = run(&Visitor::new(site), &targets, "", "").await;
    tally.finding(targets.len()).tried("sent each request of the API from another site; nobody can sign up here")
}
