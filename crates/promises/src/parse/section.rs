//! One table of the text, read key by key. What is wrong goes to the sink, and reading goes on.

use crate::{
    diagnostics::{Sink, nearest},
    quantity::shorten,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kernel::Span;
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The longest text, in bytes. Whoever reads a stranger's profile does work that grows faster than a text does.
pub(crate) const LONGEST_TEXT: usize = 2_000;

/// The most tables of one kind, and the most items of one list.
pub(crate) const MOST_ITEMS: usize = 1_000;

/// A text with its place.
pub(crate) type Placed<T> = (T, Range<usize>);

/// One table of the text.
pub(crate) struct Section<'a> {
    pub(crate) sink: &'a Sink<'a>,
    /// What it is called in messages: `[service]`.
    pub(crate) name: &'static str,
    table: &'a DeTable<'a>,
    at: Range<usize>,
}

impl<'a> Section<'a> {
    /// Opens a table; every key that is not among `keys` is an error.
    pub(crate) fn open(
        sink: &'a Sink<'a>,
        name: &'static str,
        table: &'a DeTable<'a>,
        at: Range<usize>,
        keys: &[&'static str],
    ) -> Self {
        for (key, _) in table {
            if !keys.contains(&key.get_ref().as_ref()) {
                let help = nearest(key.get_ref(), keys.iter().copied())
                    .unwrap_or_else(|| format!("{name} knows {}", keys.join(", ")));
                sink.error(key.span(), format!("unknown key `{}` in {name}", shorten(key.get_ref())), Some(help));
            }
        }
        Self { sink, name, table, at }
    }

    /// Where the table begins.
    pub(crate) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// Says that a key is needed and not there.
    pub(crate) fn missing(&self, key: &str, example: &str) {
        self.sink.missing(
            self.at(),
            format!("{} needs `{key}`", self.name),
            Some(format!("for example `{key} = {example}`")),
        );
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let found = value.get_ref().type_str();
        self.sink.error(value.span(), format!("`{key}` expects {expected}, found {found}"), None);
    }

    /// A text that is not blank, trimmed.
    pub(crate) fn text(&self, key: &str) -> Option<Placed<String>> {
        let value = self.get(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.wrong(key, value, "a text in quotes");
            return None;
        };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            self.sink.error(
                value.span(),
                format!("`{key}` is empty"),
                Some("write it, or leave the key out".to_owned()),
            );
            return None;
        }
        if trimmed.len() > LONGEST_TEXT {
            self.sink.error(value.span(), format!("`{key}` is longer than {LONGEST_TEXT} bytes"), None);
            return None;
        }
        Some((trimmed.to_owned(), value.span()))
    }

    /// Says so if there are more items than are read.
    fn count(&self, key: &str, at: Range<usize>, count: usize) {
        if count > MOST_ITEMS {
            self.sink.error(at, format!("`{key}` has {count} items; at most {MOST_ITEMS} are read"), None);
        }
    }

    /// A text that must be there; empty where it is not, which has then been reported.
    pub(crate) fn required(&self, key: &str, example: &str) -> Placed<String> {
        if self.get(key).is_none() {
            self.missing(key, example);
        }
        self.text(key).unwrap_or_else(|| (String::new(), self.at()))
    }

    /// A slug that must be there: lower-case letters, digits and single hyphens.
    pub(crate) fn slug(&self, key: &str, example: &str) -> Placed<String> {
        let (text, at) = self.required(key, example);
        if !text.is_empty() && !is_slug(&text) {
            let message = format!(
                "`{}` is no {key}: expected lower-case letters and digits, words joined by `-`",
                shorten(&text)
            );
            self.sink.error(at.clone(), message, Some(format!("for example {example}")));
        }
        (text, at)
    }

    /// One of several words.
    pub(crate) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> Option<Placed<T>> {
        let (text, at) = self.text(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some((*value, at));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = nearest(&text, known.iter().copied());
        self.sink.error(at, format!("`{}` is no {key}; expected one of {}", shorten(&text), known.join(", ")), help);
        None
    }

    /// A list of texts, each not blank and said once; empty where the key is not there.
    pub(crate) fn list(&self, key: &str) -> Vec<Placed<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, value, "a list of texts, as in `[\"one\", \"two\"]`");
            return Vec::new();
        };
        self.count(key, value.span(), array.len());
        let mut list: Vec<Placed<String>> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for item in array.iter().take(MOST_ITEMS) {
            match item.get_ref().as_str().map(str::trim) {
                None => self.wrong(key, item, "texts in its list"),
                Some("") => self.sink.error(item.span(), format!("`{key}` has an empty text in its list"), None),
                Some(text) if !seen.insert(text) => {
                    self.sink.error(item.span(), format!("`{}` stands twice in `{key}`", shorten(text)), None);
                }
                Some(text) => list.push((text.to_owned(), item.span())),
            }
        }
        list
    }

    /// A span of time.
    pub(crate) fn span(&self, key: &str) -> Option<Placed<Span>> {
        let (text, at) = self.text(key)?;
        match text.parse::<Span>() {
            Ok(span) if span.as_secs() == 0 => {
                self.sink.error(at, format!("`{key}` must be longer than nothing"), None);
                None
            }
            Ok(span) => Some((span, at)),
            Err(error) => {
                self.sink.error(at, format!("`{key}`: {error}"), None);
                None
            }
        }
    }

    /// A day, as a TOML date or a text; it begins at midnight UTC.
    pub(crate) fn date(&self, key: &str) -> Option<Timestamp> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.trim().to_owned(),
            _ => {
                self.wrong(key, value, "a date, as in `2027-03-31`");
                return None;
            }
        };
        let day = if text.len() == 10 { text.parse::<Date>().ok() } else { None };
        let midnight = day.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp());
        if midnight.is_none() {
            let message = format!("`{}` is no date; expected year, month and day, as in `2027-03-31`", shorten(&text));
            self.sink.error(value.span(), message, None);
        }
        midnight
    }

    /// A table below this one.
    pub(crate) fn table(&self, key: &str, name: &'static str, keys: &[&'static str]) -> Option<Section<'a>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, "a table, as in `{ key = \"value\" }`");
            return None;
        };
        Some(Section::open(self.sink, name, table, value.span(), keys))
    }

    /// The tables of an array of tables: `[[promise]]`.
    pub(crate) fn tables(&self, key: &str, name: &'static str, keys: &[&'static str]) -> Vec<Section<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.sink.error(value.span(), format!("`{key}` is a list of tables"), Some(format!("write `{name}`")));
            return Vec::new();
        };
        self.count(name, value.span(), array.len());
        let mut sections = Vec::new();
        for item in array.iter().take(MOST_ITEMS) {
            match item.get_ref().as_table() {
                Some(table) => sections.push(Section::open(self.sink, name, table, item.span(), keys)),
                None => self.wrong(key, item, "tables"),
            }
        }
        sections
    }
}

/// Whether a text is a slug.
pub(crate) fn is_slug(text: &str) -> bool {
    text.len() <= 64
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

/// The URL of a key, which must begin with one of the schemes.
pub(crate) fn url(section: &Section<'_>, key: &str, schemes: &[&str]) -> Option<String> {
    let (text, at) = section.text(key)?;
    let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace)) {
        return Some(text);
    }
    let expected = schemes.join("` or `");
    section.sink.error(
        at,
        format!("`{}` is no address; expected one that begins with `{expected}`", shorten(&text)),
        None,
    );
    None
}

/// The mail address of a key.
pub(crate) fn mail(section: &Section<'_>, key: &str) -> Option<String> {
    let (text, at) = section.text(key)?;
    let sound = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !text.contains(char::is_whitespace) && (is_host(host) || host == "localhost")
    });
    if !sound {
        section.sink.error(
            at,
            format!("`{}` is no mail address", shorten(&text)),
            Some("for example `security@example.org`".to_owned()),
        );
        return None;
    }
    Some(text)
}

/// Whether a text is the exact name of a host: lower case, with a dot, without scheme, port, path or wildcard.
pub(crate) fn is_host(text: &str) -> bool {
    let label = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}
