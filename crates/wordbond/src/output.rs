//! What the commands print.

use promises::Verdict;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// Writes to standard output. A reader that went away is no error of ours.
pub(crate) fn say(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", text.as_ref());
    let _ = out.flush();
}

/// Writes to standard error.
pub(crate) fn complain(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "wordbond: {}", text.as_ref());
}

/// Writes a value as JSON to standard output.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(text),
        Err(error) => complain(format!("the result cannot be written as JSON: {error}")),
    }
}

/// One promise as `check` and `up` report it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// The promise.
    pub(crate) id: String,
    /// The rows of the published page.
    pub(crate) claims: Vec<String>,
    /// enforced, clocked, attested or planned.
    pub(crate) kind: promises::Kind,
    /// The control behind it.
    pub(crate) control: Option<String>,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What was seen, or why there is nothing to see.
    pub(crate) observed: String,
    /// When.
    pub(crate) observed_at: Option<String>,
    /// Until when it counts.
    pub(crate) valid_until: Option<String>,
    /// How long the attack took.
    pub(crate) took_ms: Option<u64>,
    /// The ledger leaf of the observation.
    pub(crate) leaf: Option<u64>,
}

/// What `check --json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Every promise of the profile, or those asked for.
    pub(crate) promises: Vec<Line>,
    /// How many of each verdict.
    pub(crate) summary: BTreeMap<&'static str, usize>,
}

impl Report {
    /// The lines with their count. Every verdict is counted, also where there is none of it.
    pub(crate) fn of(promises: Vec<Line>) -> Self {
        let count = |verdict| promises.iter().filter(|line| line.verdict == verdict).count();
        let summary = Verdict::ALL.into_iter().map(|verdict| (verdict.slug(), count(verdict))).collect();
        Self { promises, summary }
    }

    /// The exit code of `check`: 1 when any promise is Broken or its probe failed, 3 when an enforced one is Unproven.
    pub(crate) fn exit_code(&self) -> u8 {
        let has = |test: &dyn Fn(&Line) -> bool| self.promises.iter().any(test);
        if has(&|line| matches!(line.verdict, Verdict::Broken | Verdict::Error)) {
            1
        } else if has(&|line| line.verdict == Verdict::Unproven && line.kind == promises::Kind::Enforced) {
            3
        } else {
            0
        }
    }

    /// The summary in words: «10 kept · 0 broken · …».
    pub(crate) fn summary_text(&self) -> String {
        let counts = Verdict::ALL.map(|verdict| {
            let count = self.summary.get(verdict.slug()).copied().unwrap_or_default();
            format!("{count} {}", verdict.slug())
        });
        format!("{} promises: {}", self.promises.len(), counts.join(" · "))
    }
}

impl Line {
    /// Verdict, id, what was seen, milliseconds; the verdict coloured on a terminal.
    pub(crate) fn text(&self, coloured: bool) -> String {
        let word = format!("{:<8}", self.verdict.word());
        let word = if coloured { format!("\u{1b}[{}m{word}\u{1b}[0m", colour(self.verdict)) } else { word };
        let took = self.took_ms.map_or_else(String::new, |ms| format!("  {ms} ms"));
        format!("{word}  {:<24}  {}{took}", self.id, self.observed)
    }
}

const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "32",
        Verdict::Broken => "1;31",
        Verdict::Error => "31",
        Verdict::Unproven => "33",
        Verdict::Attested => "36",
        Verdict::Planned | Verdict::Waived => "2",
    }
}
