//! What a survey asks next.

use super::Seen;
use crate::survey::links;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{BuildHasher, RandomState},
};
use uuid::Uuid;

/// How many requests one survey makes at most.
const MOST: usize = 160;
/// How many paths of one folder are asked: each survey draws its own among `/trust/promises/…`.
const PER_FOLDER: usize = 6;

/// Where a survey begins: the pages, the well-known files, and the ledger, which pages need not link to.
const SEEDS: [&str; 10] = [
    "/trust",
    "/",
    "/openapi.json",
    "/trust.json",
    "/.well-known/security.txt",
    "/ledger/checkpoint",
    "/ledger/vkey",
    "/robots.txt",
    "/favicon.ico",
    "/api/me",
];

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Over TLS, by an HTTP client.
    Secure,
    /// In the clear.
    Plain,
}

/// One request to be made.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) way: Way,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Ask {
    fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { way: Way::Secure, method, path: path.into(), headers: Vec::new() }
    }
}

/// The requests to come, and those that were made.
#[derive(Debug)]
pub(super) struct Plan {
    origin: String,
    made_up: VecDeque<Ask>,
    found: Vec<String>,
    known: BTreeSet<String>,
    folders: BTreeMap<String, usize>,
    left: usize,
    dice: RandomState,
}

impl Plan {
    pub(super) fn new(origin: &str) -> Self {
        let mut plan = Self {
            origin: origin.to_owned(),
            made_up: made_up(),
            found: Vec::new(),
            known: BTreeSet::new(),
            folders: BTreeMap::new(),
            left: MOST,
            dice: RandomState::new(),
        };
        for seed in SEEDS.iter().rev() {
            plan.made_up.push_front(Ask::new("GET", *seed));
            plan.known.insert((*seed).to_owned());
        }
        plan
    }

    /// The next request: made-up ones first, then what was found, drawn at random so that surveys differ.
    pub(super) fn next(&mut self) -> Option<Ask> {
        self.left = self.left.checked_sub(1)?;
        if let Some(ask) = self.made_up.pop_front() {
            return Some(ask);
        }
        loop {
            let draw =
                (0..self.found.len()).max_by_key(|at| self.found.get(*at).map(|path| self.dice.hash_one(path)))?;
            let path = self.found.swap_remove(draw);
            let count = self.folders.entry(folder(&path)).or_default();
            *count += 1;
            if *count <= PER_FOLDER {
                return Some(Ask::new("GET", path));
            }
        }
    }

    /// Adds what an answer links, redirects or describes, as far as it is at the same origin.
    pub(super) fn learn(&mut self, seen: &Seen) {
        let mut paths: Vec<String> = seen.links().iter().filter_map(|link| self.here(&seen.path, &link.url)).collect();
        paths.extend(seen.answer.header("location").and_then(|url| self.here(&seen.path, url)));
        if seen.path == "/openapi.json" && seen.answer.status == 200 {
            paths.extend(described(&seen.answer.json().unwrap_or_default()));
        }
        for path in paths {
            if self.known.insert(path.clone()) {
                self.found.push(path);
            }
        }
    }

    fn here(&self, base: &str, url: &str) -> Option<String> {
        links::resolve(&self.origin, base, url)
    }
}

/// The paths of an OpenAPI description, parameters filled with names that nothing has.
fn described(api: &Value) -> Vec<String> {
    let paths = api.get("paths").and_then(Value::as_object);
    paths.map(|paths| paths.keys().filter_map(|path| fill(path)).collect()).unwrap_or_default()
}

fn fill(template: &str) -> Option<String> {
    let fill_one = |part: &str| if part.starts_with('{') { Uuid::new_v4().to_string() } else { part.to_owned() };
    let path = template.split('/').map(fill_one).collect::<Vec<_>>().join("/");
    (path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic())).then_some(path)
}

/// Paths below one folder are of one kind. Those at the top are each their own.
fn folder(path: &str) -> String {
    let bare = path.split('?').next().unwrap_or_default();
    match bare.rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => folder.to_owned(),
        _ => bare.to_owned(),
    }
}

/// Requests that no link leads to: other methods, and what ends in errors.
fn made_up() -> VecDeque<Ask> {
    let nowhere = format!("/{}", Uuid::new_v4().simple());
    let long = format!("/{}", "a".repeat(9_000));
    let mut asks = VecDeque::from([
        Ask::new("HEAD", "/trust"),
        Ask::new("OPTIONS", "/trust"),
        Ask::new("POST", "/trust"),
        Ask::new("GET", nowhere.clone()),
        Ask::new("HEAD", nowhere.clone()),
        Ask::new("POST", nowhere.clone()),
        Ask::new("PUT", nowhere.clone()),
        Ask::new("DELETE", nowhere.clone()),
        Ask::new("OPTIONS", nowhere),
        Ask::new("POST", "/reports/csp"),
        Ask::new("GET", "/trust/promises/%zz"),
        Ask::new("GET", "/%ff%fe"),
        Ask::new("GET", "/trust/..%2f..%2fetc/passwd"),
        Ask::new("GET", "/trust?%zz=%"),
        Ask::new("GET", "/ledger/tile/0/zzz"),
        Ask::new("GET", long),
    ]);
    let mut accept = Ask::new("GET", "/trust");
    accept.headers.push(("accept", "application/nothing".to_owned()));
    asks.push_back(accept);
    let mut range = Ask::new("GET", "/trust");
    range.headers.push(("range", "bytes=99999999-".to_owned()));
    asks.push_back(range);
    let mut token = Ask::new("GET", "/api/me");
    token.headers.push(("authorization", format!("Bearer {}", Uuid::new_v4().simple())));
    asks.push_back(token);
    asks.push_back(Ask { way: Way::Plain, ..Ask::new("GET", "/trust") });
    asks.push_back(Ask { way: Way::Plain, ..Ask::new("POST", "/api/notes") });
    asks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_does_not_fill_a_survey() {
        let mut plan = Plan::new("https://a.test");
        plan.found = (0..500).map(|n| format!("/trust/promises/{n}")).chain(["/style.css".to_owned()]).collect();
        let asked: Vec<Ask> = std::iter::from_fn(|| plan.next()).collect();
        assert_eq!(
            asked
                .iter()
                .filter(|ask| ask.path.starts_with("/trust/promises/") && ask.path != "/trust/promises/%zz")
                .count(),
            PER_FOLDER
        );
        assert!(asked.iter().any(|ask| ask.path == "/style.css"));
        assert!(asked.len() <= MOST);
    }

    #[test]
    fn api_paths_are_filled() {
        let paths = described(&serde_json::json!({"paths": {"/api/notes/{id}/grants/{person}": {}, "no-slash": {}}}));
        assert_eq!(paths.len(), 1);
        assert!(paths.iter().all(|path| path.starts_with("/api/notes/") && !path.contains('{')));
    }
}
