//! What can be known about a team from within: its ids, and how it looks.

use super::{attack::Stop, list::Listed};
use crate::provider::planting::Browser;
use aws_lc_rs::digest::{SHA256, digest};
use kernel::{Clock as _, SystemClock, Timestamp};
use outbound::Answer;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The length of an id in text.
const ID: usize = 36;
/// How many ids of one kind are tried.
const MOST: usize = 2;

/// A team as its owner sees it.
pub(super) struct View {
    /// The ids on each page or list, by its path.
    ids: BTreeMap<String, Vec<String>>,
    /// How each of them looks, without what changes by itself.
    looks: BTreeMap<String, Vec<u8>>,
}

impl View {
    /// Reads everything that the owner can list.
    pub(super) async fn of(owner: &mut Browser, routes: &[Listed]) -> Result<Self, Stop> {
        let mut view = Self { ids: BTreeMap::new(), looks: BTreeMap::new() };
        let lists = routes
            .iter()
            .filter(|route| route.reads() && route.permission().is_some() && route.parameters().next().is_none());
        // What a document says of its own making is younger than this; what somebody did before is not.
        let begun = SystemClock.now();
        for route in lists {
            let answer = owner.get(&route.path).await?;
            if answer.status != 200 {
                continue;
            }
            let text = answer.text().replace(owner.token(), "");
            view.ids.insert(route.path.clone(), ids(&text));
            // The place in the ledger is written into a log when it is sealed, whoever does what.
            let by_itself = route.path.contains("audit") || route.path.contains("log") || is_archive(&answer);
            if !by_itself {
                let text = without_instants_since(&text, begun);
                view.looks.insert(route.path.clone(), digest(&SHA256, text.as_bytes()).as_ref().to_vec());
            }
        }
        Ok(view)
    }

    /// The first list that looks otherwise now.
    pub(super) fn changed<'a>(&'a self, now: &'a Self) -> Option<&'a str> {
        self.looks.iter().find(|(path, look)| now.looks.get(*path) != Some(look)).map(|(path, _)| path.as_str())
    }

    /// Ids that could stand for one parameter of a route: those on the list that its path goes through, and people.
    pub(super) fn candidates(&self, route: &Listed, parameter: usize) -> Vec<String> {
        let upto: Vec<&str> = route.path.split('/').collect();
        let place = upto.iter().enumerate().filter(|(_, segment)| segment.starts_with('{')).nth(parameter);
        let mut end = place.map_or(0, |(at, _)| at);
        let mut found = Vec::new();
        while end > 1 && found.is_empty() {
            let prefix = upto.get(..end).unwrap_or_default().join("/");
            found = self.ids.get(&prefix).cloned().unwrap_or_default();
            end -= 1;
        }
        found.truncate(MOST);
        let people = self.ids.get("/team").into_iter().flatten().take(1).cloned();
        let all: BTreeSet<String> = found.into_iter().chain(people).collect();
        all.into_iter().collect()
    }

    /// How many ids there are.
    pub(super) fn count(&self) -> usize {
        self.ids.values().flatten().collect::<BTreeSet<_>>().len()
    }
}

/// Whether an answer is an archive: it holds what other lists show, with the instant of its making inside.
fn is_archive(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.starts_with("application/zip"))
}

/// A text without the instants in it that are not before `begun`.
fn without_instants_since(text: &str, begun: Timestamp) -> String {
    let elsewhere = |c: char| !matches!(c, '0'..='9' | '-' | ':' | '.' | 'T' | 'Z');
    let young = |piece: &&str| piece.parse::<Timestamp>().is_ok_and(|instant| instant >= begun);
    let pieces = text.split_inclusive(elsewhere);
    pieces
        .map(|piece| {
            Some(piece.trim_end_matches(elsewhere)).filter(young).map_or(piece, |young| piece.trim_start_matches(young))
        })
        .collect()
}

/// Every id in a text, in its order, each once.
fn ids(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices('-') {
        let candidate = at.checked_sub(8).and_then(|from| text.get(from..from + ID));
        if let Some(id) = candidate.filter(|id| Uuid::try_parse(id).is_ok())
            && !found.iter().any(|known| known == id)
        {
            found.push(id.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_pages_and_in_json() {
        let (a, b) = (Uuid::now_v7().to_string(), Uuid::new_v4().to_string());
        let text = format!("<a href=\"/team/members/{a}/role\">{{\"id\":\"{b}\"}} {a} x-y ü-");
        assert_eq!(ids(&text), [a, b]);
    }

    #[test]
    fn only_instants_of_the_making_are_left_out() {
        let begun = "2026-11-22T12:00:00.5Z".parse().unwrap();
        let text =
            r#"{"at":"2026-11-22T12:00:00.500001Z","old":"2026-11-22T12:00:00.499999Z","T":"ü-"} 2026-11-22T12:00:01Z"#;
        let left = r#"{"at":"","old":"2026-11-22T12:00:00.499999Z","T":"ü-"} "#;
        assert_eq!(without_instants_since(text, begun), left);
    }
}
