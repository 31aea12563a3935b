//! Placeholders in words: `{within}` stands for the parameter, so that a figure is said once.

use super::section::Section;
use crate::{diagnostics::nearest, quantity::shorten};
use std::{collections::BTreeMap, ops::Range};

/// What may stand in the words of one promise.
pub(super) struct Fillers {
    /// The words for each placeholder.
    pub(super) written: BTreeMap<String, String>,
    /// Placeholders whose parameter has an error of its own; `None` where the control does.
    pub(super) declared: Option<Vec<&'static str>>,
}

impl Fillers {
    fn is_in_doubt(&self, name: &str) -> bool {
        self.declared.as_ref().is_none_or(|declared| declared.contains(&name))
    }
}

/// Fills the placeholders of `template`, which stands at `at` of the text.
pub(super) fn fill(section: &Section<'_>, template: &str, at: &Range<usize>, fillers: &Fillers) -> String {
    let mut words = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        words.push_str(before);
        let Some((name, next)) = after.split_once('}') else {
            let help = Some("`{name}` stands for a parameter".to_owned());
            section.sink.error(at.clone(), "a `{` in the words is never closed", help);
            return words;
        };
        match fillers.written.get(name) {
            Some(value) => words.push_str(value),
            None if fillers.is_in_doubt(name) => {}
            None => unknown(section, name, at, &fillers.written),
        }
        rest = next;
    }
    words.push_str(rest);
    words
}

fn unknown(section: &Section<'_>, name: &str, at: &Range<usize>, written: &BTreeMap<String, String>) {
    let help = nearest(name, written.keys().map(String::as_str)).unwrap_or_else(|| {
        format!("the words may use {}", written.keys().map(|key| format!("{{{key}}}")).collect::<Vec<_>>().join(", "))
    });
    let place = section.sink.part(at.clone(), &format!("{{{name}}}"));
    section.sink.missing(place, format!("no parameter fills `{{{}}}`", shorten(name)), Some(help));
}
