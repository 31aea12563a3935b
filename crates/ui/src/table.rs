//! Tables that turn into cards where the window is narrow.

use crate::{Html, Part};
use askama::Template;
use kernel::Timestamp;

/// One cell.
#[derive(Clone, Debug, Default)]
pub struct Cell(Html);

impl Cell {
    /// Text.
    #[must_use]
    pub fn text(text: impl AsRef<str>) -> Self {
        Self(Html::text(text.as_ref()))
    }

    /// Text with a softer line under it.
    #[must_use]
    pub fn lines(text: impl Into<String>, below: impl Into<String>) -> Self {
        Self(Html::of(&Lines { text: text.into(), below: below.into() }))
    }

    /// A link.
    #[must_use]
    pub fn link(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self(Html::of(&Link { href: href.into(), label: label.into() }))
    }

    /// A short word in a frame.
    #[must_use]
    pub fn badge(word: impl Into<String>) -> Self {
        Self(Html::of(&Badge { word: word.into() }))
    }

    /// An instant.
    #[must_use]
    pub fn moment(at: Timestamp) -> Self {
        Self(crate::moment(at))
    }

    /// Any part: a button, several of them.
    #[must_use]
    pub fn part(part: impl Part) -> Self {
        Self(part.html())
    }
}

impl From<Cell> for Html {
    fn from(cell: Cell) -> Self {
        cell.0
    }
}

#[derive(Template)]
#[template(source = "<span>{{ text }}</span> <span class=\"soft below\">{{ below }}</span>", ext = "html")]
struct Lines {
    text: String,
    below: String,
}

#[derive(Template)]
#[template(source = "<a href=\"{{ href }}\">{{ label }}</a>", ext = "html")]
struct Link {
    href: String,
    label: String,
}

#[derive(Template)]
#[template(source = "<span class=\"badge\">{{ word }}</span>", ext = "html")]
struct Badge {
    word: String,
}

/// A table with a caption.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
    empty: String,
}

impl Table {
    /// A table; the caption names it for screen readers, the heads name its columns. An empty head is right for buttons.
    #[must_use]
    pub fn new<H: Into<String>>(caption: impl Into<String>, head: impl IntoIterator<Item = H>) -> Self {
        let head = head.into_iter().map(Into::into).collect();
        Self { caption: caption.into(), head, rows: Vec::new(), empty: String::new() }
    }

    /// One more row; its first cell names it.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// What stands there instead, where there is no row.
    #[must_use]
    pub fn empty(mut self, words: impl Into<String>) -> Self {
        self.empty = words.into();
        self
    }
}

#[derive(Template)]
#[template(path = "ui/table.html")]
struct TableView<'a> {
    table: &'a Table,
    rows: Vec<Vec<(&'a str, &'a Html)>>,
}

impl Part for Table {
    fn html(&self) -> Html {
        if self.rows.is_empty() {
            return crate::Prose::soft(&self.empty).html();
        }
        let heads = || self.head.iter().map(String::as_str).chain(std::iter::repeat(""));
        let rows =
            self.rows.iter().map(|row| heads().zip(row.iter().map(|cell| &cell.0)).collect::<Vec<_>>()).collect();
        Html::of(&TableView { table: self, rows })
    }
}
