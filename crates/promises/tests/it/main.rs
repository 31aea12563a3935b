//! The language against the profiles, the claims, the published pages and nonsense.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may fail loudly")]

mod built;
mod changes;
mod claims;
mod documentation;
mod findings;
mod language;
mod profiles;
mod rows;
mod verdicts;

use promises::Profile;
use std::path::PathBuf;

/// A file below the crate.
fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A profile that reads without errors.
fn read(path: &str) -> Profile {
    let text = std::fs::read_to_string(file(path)).unwrap();
    parse(path, &text)
}

fn parse(name: &str, text: &str) -> Profile {
    Profile::parse(text, &built::catalogue()).unwrap_or_else(|errors| panic!("{}", errors.render(name, text)))
}

/// The day on which these tests happen.
fn now() -> jiff::Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}
