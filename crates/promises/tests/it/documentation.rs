//! The documentation is true: its examples read, and it lists every lint and every control.

use crate::{built, file, now, parse, read};
use promises::{ANNOUNCED, Severity, lint, lint::CODES};

fn text() -> String {
    std::fs::read_to_string(file("../../docs/PROMISES.md")).unwrap()
}

/// The examples.
fn examples(text: &str) -> Vec<String> {
    let blocks = text.split("```toml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_example_reads() {
    let text = text();
    let examples = examples(&text);
    assert!(examples.len() >= 6);
    let (whole, pieces) = examples.split_first().unwrap();
    // The first is a whole profile; the others are promises that could stand in it.
    let frame = whole.split("[[promise]]").next().unwrap();
    for example in std::iter::once(whole.clone()).chain(pieces.iter().map(|piece| format!("{frame}\n{piece}"))) {
        let found = lint(&parse("docs/PROMISES.md", &example), &built::catalogue(), now());
        assert!(found.is_empty(), "{}", lint::render(&found, "docs/PROMISES.md", &example));
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
fn every_announced_control_is_listed_as_it_is() {
    let text = text();
    for spec in ANNOUNCED {
        let row = crate::rows::row(spec);
        assert!(text.contains(&row), "docs/PROMISES.md lacks the line\n{row}");
    }
}

#[test]
fn what_lint_says_of_the_published_pages_is_quoted() {
    let text = text();
    for page in ["leide", "leemu"] {
        let profile = read(&format!("tests/fixtures/as-published-{page}.toml"));
        for finding in lint(&profile, &built::catalogue(), now()).iter().filter(|lint| lint.severity > Severity::Note) {
            assert!(text.contains(&format!("\n{finding}\n")), "docs/PROMISES.md lacks the line\n{finding}");
        }
    }
}
