//! What is suspect in a profile that can be read: figures that disagree, words that no attack covers, statements without
//! an owner. Each finding has a stable code; docs/PROMISES.md lists them.

mod absolutes;
mod contradictions;
mod figures;
mod kinds;
mod parties;
mod places;
mod sentences;
mod service;
mod topics;

use crate::{
    control::Catalogue,
    profile::{Kind, Profile, Promise},
    report::{Level, Lines, Note},
};
use jiff::Timestamp;
use places::Places;
pub(crate) use places::templates;
use std::{fmt, ops::Range};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably wrong, or misleading.
    Warning,
    /// The page would say what cannot be true.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// Every code, with what it means.
pub const CODES: [(&str, &str); 15] = [
    ("WB001", "a figure is said twice with different values"),
    ("WB002", "an enforced or clocked promise without a control"),
    ("WB003", "an attestation without owner, document or expiry"),
    ("WB004", "an attestation that has expired, or soon will"),
    ("WB005", "a planned line worded as if it were true"),
    ("WB006", "a figure in the words that is no parameter"),
    ("WB007", "«all», «only», «never» and the like that no attack covers"),
    ("WB008", "a third party that is not in the register"),
    ("WB009", "promises that contradict each other"),
    ("WB010", "a promise that the service's mode cannot carry"),
    ("WB011", "no security contact"),
    ("WB012", "a public address without HTTPS"),
    ("WB013", "a waiver whose end has passed"),
    ("WB014", "a sub-processor that the register says too little about"),
    ("WB015", "a word that nobody can test"),
];

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Lint {
    /// Its code: `WB006`.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The promise it is about, if it is about one.
    pub promise: Option<String>,
    /// The line from 1, where the profile's text is known.
    pub line: Option<usize>,
    /// The column in characters from 1, where the profile's text is known.
    pub column: Option<usize>,
    /// What is suspect.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    #[serde(skip)]
    span: Option<Range<usize>>,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.severity, self.code)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, " {line}:{column}")?;
        }
        if let Some(promise) = &self.promise {
            write!(f, " {promise}")?;
        }
        write!(f, ": {} ({})", self.message, self.advice)
    }
}

/// Looks a profile over. `now` decides what has expired. Findings come in the order of the text.
#[must_use]
pub fn lint(profile: &Profile, catalogue: &Catalogue, now: Timestamp) -> Vec<Lint> {
    let context = Context { profile, catalogue, now, places: Places::of(&profile.source) };
    let mut found = Vec::new();
    service::check(&context, &mut found);
    for promise in &profile.promises {
        kinds::check(&context, promise, &mut found);
        figures::check(&context, promise, &mut found);
        absolutes::check(&context, promise, &mut found);
        parties::check(&context, promise, &mut found);
    }
    topics::check(&context, &mut found);
    contradictions::check(&context, &mut found);
    found.sort_by_key(|lint| (lint.span.as_ref().map_or(0, |span| span.start), lint.code));
    found
}

/// The findings with the lines of `text` they stand in and a caret below each, for a terminal. `text` is what was parsed.
#[must_use]
pub fn render(found: &[Lint], file_name: &str, text: &str) -> String {
    let lines = Lines::of(text);
    let mut out = String::new();
    for lint in found {
        let level = match lint.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Note => Level::Note,
        };
        let note = Note { level, code: Some(lint.code), help: Some(&lint.advice), span: lint.span.clone() };
        out.push_str(&note.render(&lint.message, file_name, &lines));
        out.push_str("\n\n");
    }
    out
}

/// What every check looks at.
struct Context<'a> {
    profile: &'a Profile,
    catalogue: &'a Catalogue,
    now: Timestamp,
    places: Places<'a>,
}

impl Context<'_> {
    /// A finding about a promise, at a word of it where that can be found, else at the value of `key`, else at its head.
    fn about(&self, promise: &Promise, word: Option<&str>, key: &str, code: &'static str, severity: Severity) -> Draft {
        Draft {
            code,
            severity,
            promise: Some(promise.id.clone()),
            at: self.place(self.places.promise(&promise.id, key, word)),
        }
    }

    /// A finding about something else.
    fn general(&self, span: Option<Range<usize>>, code: &'static str, severity: Severity) -> Draft {
        Draft { code, severity, promise: None, at: self.place(span) }
    }

    fn place(&self, span: Option<Range<usize>>) -> Option<(Range<usize>, usize, usize)> {
        let span = span?;
        let (line, column) = self.places.position(span.start);
        Some((span, line, column))
    }
}

/// A finding whose words are still missing.
struct Draft {
    code: &'static str,
    severity: Severity,
    promise: Option<String>,
    at: Option<(Range<usize>, usize, usize)>,
}

impl Draft {
    fn says(self, message: impl Into<String>, advice: impl Into<String>) -> Lint {
        let (span, line, column) = match self.at {
            Some((span, line, column)) => (Some(span), Some(line), Some(column)),
            None => (None, None, None),
        };
        let (message, advice) = (message.into(), advice.into());
        Lint { code: self.code, severity: self.severity, promise: self.promise, line, column, message, advice, span }
    }
}

/// How grave loose words are: a statement rests on its document, a plan on nothing yet.
const fn looseness(kind: Kind) -> Severity {
    match kind {
        Kind::Enforced | Kind::Clocked => Severity::Warning,
        Kind::Attested | Kind::Planned => Severity::Note,
    }
}
