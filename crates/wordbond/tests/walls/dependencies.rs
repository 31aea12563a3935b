//! What is depended on has a reason, and stays within the budget.

use crate::workspace::{EDGES, root};
use std::collections::{BTreeMap, BTreeSet};

/// Locked crates that are not ours.
const MOST_LOCKED: usize = 330;

/// Crates that are locked in more than one version.
const MOST_DUPLICATED: usize = 15;

#[test]
fn every_direct_dependency_has_a_line_of_reason() {
    let text = std::fs::read_to_string(root().join("docs/DEPENDENCIES.md")).unwrap();
    let explained: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .filter(|(_, reason)| reason.trim_matches([' ', '|']).len() > 10)
        .map(|(name, _)| name)
        .collect();
    let direct: BTreeSet<&str> = EDGES.iter().filter(|edge| !edge.ours).map(|edge| edge.to.as_str()).collect();
    let silent: Vec<_> = direct.difference(&explained).collect();
    assert!(silent.is_empty(), "docs/DEPENDENCIES.md gives no reason for {silent:?}");
    let stale: Vec<_> = explained.difference(&direct).collect();
    assert!(stale.is_empty(), "docs/DEPENDENCIES.md explains what nothing depends on: {stale:?}");
}

#[test]
fn the_lock_file_stays_within_the_budget() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
    for package in lock.split("[[package]]").filter(|package| package.contains("\nsource = ")) {
        let name = package.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        *versions.entry(name.trim_matches('"')).or_default() += 1;
    }
    let locked: usize = versions.values().sum();
    assert!(locked <= MOST_LOCKED, "{locked} external crates are locked, more than {MOST_LOCKED}: trim features");
    let twice: Vec<_> = versions.iter().filter(|(_, count)| **count > 1).map(|(name, _)| name).collect();
    assert!(twice.len() <= MOST_DUPLICATED, "{} crates are locked more than once: {twice:?}", twice.len());
}
