//! Placeholders in words: `{within}` stands for the parameter, so that a figure is said once.

use super::section::Section;
use crate::{diagnostics::nearest, quantity::shorten};
use std::{collections::BTreeMap, ops::Range};

/// Fills the placeholders of `template`, which stands at `at` of the text.
pub(super) fn fill(section: &Section<'_>, template: &str, at: Range<usize>, written: &BTreeMap<String, String>) -> String {
    let mut words = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        words.push_str(before);
        let Some((name, next)) = after.split_once('}') else {
            section.sink.error(at, "a `{` in the words is never closed", Some("`{name}` stands for a parameter".to_owned()));
            return words;
        };
        match written.get(name) {
            Some(value) => words.push_str(value),
            None => unknown(section, name, at.clone(), written),
        }
        rest = next;
    }
    words.push_str(rest);
    words
}

fn unknown(section: &Section<'_>, name: &str, at: Range<usize>, written: &BTreeMap<String, String>) {
    let help = nearest(name, written.keys().map(String::as_str)).unwrap_or_else(|| {
        format!("the words may use {}", written.keys().map(|key| format!("{{{key}}}")).collect::<Vec<_>>().join(", "))
    });
    section.sink.missing(at, format!("no parameter fills `{{{}}}`", shorten(name)), Some(help));
}
