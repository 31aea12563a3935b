//! What is wrong with a profile's text: every error of one reading, each with its place, what was expected, and a hint.

use crate::report::{self, Lines};
use std::{cell::RefCell, fmt, ops::Range};

/// The most errors that one reading keeps; a text with more is hardly a profile.
const MOST: usize = 200;

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong and what was expected.
    pub message: String,
    /// What to do about it, where that can be guessed.
    pub help: Option<String>,
    span: Range<usize>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

/// Every error that one reading of a profile found, in the order of the text. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    left_out: usize,
}

impl Diagnostics {
    /// One error about the text as a whole.
    pub(crate) fn single(message: String) -> Self {
        Self { list: vec![Diagnostic { line: 1, column: 1, message, help: None, span: 0..0 }], left_out: 0 }
    }

    /// The errors.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many errors were found, those beyond the kept ones included.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.list.len() + self.left_out
    }

    /// The errors with the lines of `text` they stand in and a caret below each, for a terminal. `text` is what was parsed.
    #[must_use]
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let lines = Lines::of(text);
        let mut out = String::new();
        for error in &self.list {
            let note = report::Note {
                level: report::Level::Error,
                code: None,
                help: error.help.as_deref(),
                span: Some(error.span.clone()),
            };
            out.push_str(&note.render(&error.message, file_name, &lines));
            out.push_str("\n\n");
        }
        out.push_str(&self.tally());
        out.push('\n');
        out
    }

    fn tally(&self) -> String {
        let kept = if self.left_out > 0 { format!(", the first {MOST} shown") } else { String::new() };
        match self.count() {
            1 => "1 error".to_owned(),
            count => format!("{count} errors{kept}"),
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.list {
            writeln!(f, "{error}")?;
        }
        f.write_str(&self.tally())
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An error before its line and column are known.
type Found = (Range<usize>, String, Option<String>);

/// Collects errors while a profile is read. Shared by every reader of one text.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    text: &'a str,
    found: RefCell<Vec<Found>>,
    /// The text has syntax errors: what is missing may only have been lost with a broken line, and is not reported.
    pub(crate) recovering: bool,
}

impl<'a> Sink<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::new(Vec::new()), recovering: false }
    }

    /// Where `part` stands between two places of the text, or else the whole of it.
    pub(crate) fn part(&self, within: Range<usize>, part: &str) -> Range<usize> {
        let found = self.text.get(within.clone()).and_then(|text| text.find(part));
        found.map_or(within.clone(), |at| within.start + at..within.start + at + part.len())
    }

    /// Records an error at a place of the text.
    pub(crate) fn error(&self, at: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.found.borrow_mut().push((at, message.into(), help));
    }

    /// Records that something required is not there.
    pub(crate) fn missing(&self, at: Range<usize>, message: impl Into<String>, help: Option<String>) {
        if !self.recovering {
            self.error(at, message, help);
        }
    }

    /// The errors with their places, or `None` if there are none.
    pub(crate) fn into_diagnostics(self) -> Option<Diagnostics> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, ..)| at.start);
        let left_out = found.len().saturating_sub(MOST);
        let lines = Lines::of(self.text);
        let list: Vec<_> = found
            .into_iter()
            .take(MOST)
            .map(|(span, message, help)| {
                let (line, column) = lines.position(span.start);
                Diagnostic { line, column, message, help, span }
            })
            .collect();
        (!list.is_empty()).then_some(Diagnostics { list, left_out })
    }
}

/// The name among `known` that was probably meant by `word`, as a hint.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A longer word is no typing error, and would make the comparison slow.
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(word.len()) / 3)
        .min()
        .map(|(_, name)| format!("did you mean `{name}`?"))
}
