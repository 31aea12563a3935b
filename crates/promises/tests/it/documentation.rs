//! The documentation is true: its examples read, and it lists every lint and every control.

use crate::{built, file};
use promises::{ANNOUNCED, Profile, lint, lint::CODES};

fn text() -> String {
    std::fs::read_to_string(file("../../docs/PROMISES.md")).unwrap()
}

/// The examples, each with the line of prose before it.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_example_reads() {
    let text = text();
    let examples = examples(&text);
    assert!(examples.len() >= 6);
    let whole = examples.first().unwrap();
    Profile::parse(whole, &built::catalogue()).unwrap_or_else(|errors| panic!("{}", errors.render("docs/PROMISES.md", whole)));
    for example in examples.iter().skip(1) {
        // The others are pieces: they stand in the first one's place of promises.
        let frame = whole.split("[[promise]]").next().unwrap();
        let piece = format!("{frame}\n{example}");
        let profile = Profile::parse(&piece, &built::catalogue()).unwrap_or_else(|errors| panic!("{}", errors.render("docs/PROMISES.md", &piece)));
        let found = lint(&profile, &built::catalogue(), crate::now());
        assert!(found.is_empty(), "{}", lint::render(&found, "docs/PROMISES.md", &piece));
    }
}

#[test]
fn every_lint_is_described() {
    let text = text();
    for (code, meaning) in CODES {
        assert!(text.contains(&format!("| {code} | {meaning} |")), "{code}: {meaning}");
    }
}

#[test]
fn every_announced_control_is_listed() {
    let text = text();
    for spec in ANNOUNCED {
        assert!(text.contains(&format!("| `{}` |", spec.id)), "{}", spec.id);
    }
}
