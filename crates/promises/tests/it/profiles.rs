//! The shipped profiles, and the published pages as they were written.

use crate::{built, now, read};
use promises::lint;

fn findings(path: &str) -> String {
    let profile = read(path);
    let found = lint(&profile, &built::catalogue(), now());
    found.iter().map(|lint| format!("{lint}\n")).collect()
}

#[test]
fn leide_has_the_one_fault_of_its_page() {
    insta::assert_snapshot!(findings("../../profiles/leide.toml"));
}

#[test]
fn leemu_is_sound() {
    insta::assert_snapshot!(findings("../../profiles/leemu.toml"));
}

#[test]
fn the_starter_has_no_fault() {
    assert_eq!(findings("../../profiles/starter.toml"), "");
}

#[test]
fn what_lint_says_of_leide_as_published() {
    insta::assert_snapshot!(findings("tests/fixtures/as-published-leide.toml"));
}

#[test]
fn what_lint_says_of_leemu_as_published() {
    insta::assert_snapshot!(findings("tests/fixtures/as-published-leemu.toml"));
}
