//! Imports run one way. ARCHITECTURE.md says why; this is the list.

use crate::workspace::{EDGES, Kind, crates, files, root};

/// For each crate, the crates of the house that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("promises", &["kernel"]),
    ("outbound", &["kernel", "promises"]),
    ("ledger", &["kernel", "promises"]),
    ("vault", &["kernel"]),
    ("store", &["kernel", "promises", "outbound", "ledger", "vault"]),
    ("privacy", &["kernel", "promises", "vault", "store"]),
    ("identity", &["kernel", "outbound"]),
    ("saml", &["kernel"]),
    ("ui", &["kernel"]),
    ("ingress", &["kernel", "promises", "outbound", "ledger", "vault", "store"]),
    ("proxy", &["kernel", "promises", "outbound", "identity", "ingress"]),
    ("accounts", &["kernel", "promises", "outbound", "vault", "store", "privacy", "identity", "saml", "ui", "ingress"]),
    ("drawings", &["kernel", "promises", "outbound", "store", "ui", "ingress"]),
    ("okrs", &["kernel", "promises", "outbound", "store", "ui", "ingress"]),
    ("page", &["kernel", "promises", "outbound", "ledger", "store"]),
    ("testkit", &["kernel", "promises", "outbound", "vault", "store"]),
    (
        "wordbond",
        &[
            "kernel", "promises", "outbound", "ledger", "vault", "store", "privacy", "identity", "saml", "ui",
            "ingress", "proxy", "accounts", "drawings", "okrs", "page", "testkit",
        ],
    ),
];

/// The one part of the program that may use `testkit`: it runs scratch copies, and serves nothing.
const SABOTAGE: &str = "sabotage";

#[test]
fn every_import_is_on_the_list() {
    let offending: Vec<String> = EDGES
        .iter()
        .filter(|edge| edge.ours)
        .filter(|edge| !(edge.kind == Kind::Dev && edge.to == "testkit"))
        .filter(|edge| {
            let allowed = MAY_IMPORT.iter().find(|(name, _)| *name == edge.from);
            !allowed.is_some_and(|(_, allowed)| allowed.contains(&edge.to.as_str()))
        })
        .map(|edge| format!("{} -> {}", edge.from, edge.to))
        .collect();
    assert!(offending.is_empty(), "imports against the direction of the house: {}", offending.join(", "));
}

#[test]
fn every_crate_is_on_the_list() {
    let mut listed: Vec<&str> = MAY_IMPORT.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(crates(), listed, "crates/ and the list of imports differ");
}

#[test]
fn the_list_has_no_circle() {
    for (place, (name, allowed)) in MAY_IMPORT.iter().enumerate() {
        for import in *allowed {
            let earlier = MAY_IMPORT[..place].iter().any(|(other, _)| other == import);
            assert!(earlier, "{name} may import {import}, which does not stand before it");
        }
    }
}

#[test]
fn nothing_that_serves_uses_the_testkit() {
    let source = root().join("crates/wordbond/src");
    let offending: Vec<String> = files(&source, ".rs")
        .into_iter()
        .filter(|path| !path.strip_prefix(&source).unwrap().starts_with(SABOTAGE))
        .filter(|path| path.file_stem().is_none_or(|stem| stem != SABOTAGE))
        .filter(|path| std::fs::read_to_string(path).unwrap().contains("testkit::"))
        .map(|path| path.strip_prefix(&source).unwrap().display().to_string())
        .collect();
    assert!(offending.is_empty(), "only {SABOTAGE} may use the testkit, but these do: {}", offending.join(", "));
}
