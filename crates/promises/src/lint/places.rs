//! Where things stand in a profile's text.

use crate::report::Lines;
use std::{collections::BTreeMap, ops::Range};
use toml::de::{DeTable, DeValue};

/// Where one table stands, and its keys.
#[derive(Debug, Default)]
struct Table {
    at: Range<usize>,
    keys: BTreeMap<String, Range<usize>>,
    /// The keys of its tables, as `attested.owner`, that hold something.
    filled: Vec<String>,
}

/// Where the tables of a profile stand. Empty for a profile without text.
#[derive(Debug)]
pub(super) struct Places<'a> {
    text: &'a str,
    lines: Lines<'a>,
    promises: BTreeMap<String, Table>,
    processors: BTreeMap<String, Table>,
    singles: BTreeMap<String, Table>,
}

impl<'a> Places<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let (document, _) = DeTable::parse_recoverable(text);
        let document = document.get_ref();
        let singles = ["service", "contacts"].into_iter().filter_map(|key| {
            let value = document.get(key)?;
            Some((key.to_owned(), table(value.get_ref().as_table()?, value.span())))
        });
        Self {
            text,
            lines: Lines::of(text),
            promises: tables(document, "promise", "id"),
            processors: tables(document, "processor", "name"),
            singles: singles.collect(),
        }
    }

    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        self.lines.position(offset)
    }

    /// A word in the value of a promise's key, or the value, or the promise.
    pub(super) fn promise(&self, id: &str, key: &str, word: Option<&str>) -> Option<Range<usize>> {
        let table = self.promises.get(id)?;
        let value = table.keys.get(key).cloned().unwrap_or_else(|| table.at.clone());
        let found = word.and_then(|word| {
            let at = value.start + find_word(self.text.get(value.clone())?, word)?;
            Some(at..at + word.len())
        });
        Some(found.unwrap_or(value))
    }

    /// A sub-processor.
    pub(super) fn processor(&self, name: &str) -> Option<Range<usize>> {
        self.processors.get(name).map(|table| table.at.clone())
    }

    /// A key of `[service]` or `[contacts]`, or the table.
    pub(super) fn single(&self, name: &str, key: &str) -> Option<Range<usize>> {
        let table = self.singles.get(name)?;
        Some(table.keys.get(key).cloned().unwrap_or_else(|| table.at.clone()))
    }

    /// Which of `keys` have something in a table of a promise.
    pub(super) fn filled(&self, id: &str, table: &str, keys: &[&'static str]) -> Vec<&'static str> {
        let filled = |key: &&'static str| {
            self.promises.get(id).is_some_and(|place| place.filled.contains(&format!("{table}.{key}")))
        };
        keys.iter().copied().filter(|key| filled(key)).collect()
    }
}

/// Where a word stands by itself, else where its letters do.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let joined = |c: char| c.is_alphanumeric() || c == '{';
    let alone = text.match_indices(word).find(|(at, _)| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|after| after.chars().next());
        !before.is_some_and(joined) && !after.is_some_and(joined)
    });
    alone.map(|(at, _)| at).or_else(|| text.find(word))
}

/// The words of each promise as they were written, placeholders unfilled.
pub(crate) fn templates(text: &str) -> BTreeMap<String, String> {
    let (document, _) = DeTable::parse_recoverable(text);
    let promises = document.get_ref().get("promise").and_then(|value| value.get_ref().as_array());
    let template = |table: &DeTable<'_>| {
        let id = table.get("id")?.get_ref().as_str()?.trim().to_owned();
        Some((id, table.get("words")?.get_ref().as_str()?.trim().to_owned()))
    };
    promises.into_iter().flatten().filter_map(|item| template(item.get_ref().as_table()?)).collect()
}

fn tables(document: &DeTable<'_>, key: &str, name: &str) -> BTreeMap<String, Table> {
    let array = document.get(key).and_then(|value| value.get_ref().as_array());
    let named = array.into_iter().flatten().filter_map(|item| {
        let fields = item.get_ref().as_table()?;
        Some((fields.get(name)?.get_ref().as_str()?.trim().to_owned(), table(fields, item.span())))
    });
    named.collect()
}

fn table(fields: &DeTable<'_>, at: Range<usize>) -> Table {
    let keys = fields.iter().map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
    let mut filled = Vec::new();
    for (key, value) in fields {
        for (inner, value) in value.get_ref().as_table().into_iter().flatten() {
            let empty = matches!(value.get_ref(), DeValue::String(text) if text.trim().is_empty());
            if !empty {
                filled.push(format!("{}.{}", key.get_ref(), inner.get_ref()));
            }
        }
    }
    Table { at, keys, filled }
}
