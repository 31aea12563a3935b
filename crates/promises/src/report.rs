//! Findings about a profile's text, drawn for a terminal: the line, a caret below it, and a hint.

use annotate_snippets::{AnnotationKind, Group, Level as Drawn, Origin, Renderer, Snippet};
use std::ops::Range;

/// A longer line is named but not drawn.
const WIDEST: usize = 2_000;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
    Note,
}

/// A text with the offsets at which its lines begin.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { text, starts }
    }

    /// Line and column of an offset, both from 1, the column in characters.
    pub(crate) fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    /// The line from 1 without its end, and where it begins.
    fn line(&self, line: usize) -> (&'a str, usize) {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let rest = self.text.get(start..).unwrap_or_default();
        (rest.lines().next().unwrap_or_default(), start)
    }
}

/// One finding, ready to be drawn.
pub(crate) struct Note<'a> {
    pub(crate) level: Level,
    pub(crate) code: Option<&'a str>,
    pub(crate) help: Option<&'a str>,
    pub(crate) span: Option<Range<usize>>,
}

impl Note<'_> {
    /// The finding with its line of the text. Control characters of the text are drawn as the renderer sees fit, never
    /// passed to the terminal.
    pub(crate) fn render(&self, title: &str, file_name: &str, lines: &Lines<'_>) -> String {
        let level = match self.level {
            Level::Error => Drawn::ERROR,
            Level::Warning => Drawn::WARNING,
            Level::Note => Drawn::NOTE,
        };
        let title = level.primary_title(title.to_owned());
        let title = match self.code {
            Some(code) => title.id(code.to_owned()),
            None => title,
        };
        let mut group = self.place(title, file_name, lines);
        if let Some(help) = self.help {
            group = group.element(Drawn::HELP.message(help.to_owned()));
        }
        Renderer::plain().render(&[group])
    }

    fn place<'a>(&self, title: annotate_snippets::Title<'a>, file_name: &'a str, lines: &Lines<'a>) -> Group<'a> {
        let Some(span) = &self.span else { return title.element(Origin::path(file_name)) };
        let (number, column) = lines.position(span.start);
        let (line, start) = lines.line(number);
        if line.len() > WIDEST {
            return title.element(Origin::path(file_name).line(number).char_column(column));
        }
        let from = line.floor_char_boundary(span.start.saturating_sub(start).min(line.len()));
        let to = line.floor_char_boundary(span.end.saturating_sub(start).clamp(from, line.len()));
        title.element(
            Snippet::source(line).line_start(number).path(file_name).annotation(AnnotationKind::Primary.span(from..to)),
        )
    }
}
