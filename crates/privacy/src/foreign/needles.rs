//! What names a person in a text: their identifiers, where they stand by themselves and are not part of something else.

use aho_corasick::{AhoCorasick, MatchKind};
use std::{collections::BTreeSet, ops::Range};

/// Shorter ones would be found everywhere.
const SHORTEST: usize = 4;

/// Up to so many, the database looks for them itself; above, every text is read here.
const FEW: usize = 24;

/// Signs that addresses, names and numbers of people have, and most texts do not; the rarest first. None has an upper case.
const MARKS: [&str; 4] = ["@", "%40", "_", "-"];

/// What stands where an identifier stood.
pub const ERASED: &str = "[erased]";

/// A set of identifiers, made ready to be looked for.
#[derive(Debug)]
pub struct Needles {
    words: Vec<String>,
    machine: AhoCorasick,
}

impl Needles {
    /// These identifiers, without regard to upper and lower case, also as they stand in addresses and in JSON. Those of
    /// fewer than four characters are left out. `None`: there are too many to be looked for at once.
    #[must_use]
    pub fn new(identifiers: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut words = BTreeSet::new();
        for identifier in identifiers {
            let word = identifier.trim().to_lowercase();
            if word.chars().count() < SHORTEST {
                continue;
            }
            words.insert(word.replace('@', "%40"));
            words.insert(in_json(&word));
            words.insert(word);
        }
        let words: Vec<String> = words.into_iter().collect();
        let mut builder = AhoCorasick::builder();
        let machine = builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(&words).ok()?;
        Some(Self { words, machine })
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// What the database itself can look for; nothing when they are too many.
    #[must_use]
    pub fn few(&self) -> Vec<String> {
        if self.words.len() <= FEW { self.words.clone() } else { Vec::new() }
    }

    /// A few signs of which each of them holds one, so that the database need not bring a text without any; nothing when
    /// there are none.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        let mut left: Vec<&String> = self.words.iter().collect();
        let mut marks = Vec::new();
        for mark in MARKS {
            let before = left.len();
            left.retain(|word| !word.contains(mark));
            if left.len() < before {
                marks.push(mark.to_owned());
            }
        }
        if left.is_empty() { marks } else { Vec::new() }
    }

    /// Whether the text names one of them.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        self.places(text).next().is_some()
    }

    /// The text with `instead` in their place; `None` when it names none.
    #[must_use]
    pub fn redact(&self, text: &str, instead: &str) -> Option<String> {
        let mut out = String::new();
        let mut end = 0;
        for place in self.places(text) {
            out.push_str(text.get(end..place.start)?);
            out.push_str(instead);
            end = place.end;
        }
        out.push_str(text.get(end..)?);
        (end > 0).then_some(out)
    }

    fn places<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        self.machine.find_iter(text).map(|hit| hit.range()).filter(move |range| stands_alone(text, range))
    }
}

/// As JSON writes it, where that differs.
fn in_json(word: &str) -> String {
    serde_json::to_string(word).map_or_else(|_| word.to_owned(), |quoted| quoted.trim_matches('"').to_owned())
}

/// Whether what stands there is not part of a longer name or address.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let (Some(before), Some(after)) = (text.get(..range.start), text.get(range.end..)) else { return true };
    let inner = text.get(range.clone()).unwrap_or_default();
    let is_address = inner.contains('@') || inner.contains("%40");
    !continues_backwards(before) && !continues(after, is_address)
}

fn continues_backwards(before: &str) -> bool {
    let mut back = before.chars().rev();
    match back.next() {
        // `%3D` before it is an equals sign in an address on the web; `\n` is the end of a line in JSON.
        Some(last) if last.is_alphanumeric() => !ends_in_escape(before),
        Some('_' | '+') => true,
        Some('.' | '-' | '@') => back.next().is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

fn ends_in_escape(before: &str) -> bool {
    let bytes = before.as_bytes();
    let [.., percent, high, low] = bytes else { return matches!(bytes, [.., b'\\', b'n' | b't' | b'r']) };
    let percent = *percent == b'%' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit();
    percent || (*high == b'\\' && matches!(low, b'n' | b't' | b'r'))
}

fn continues(after: &str, is_address: bool) -> bool {
    let mut on = after.chars();
    match on.next() {
        Some(next) if next.is_alphanumeric() => true,
        Some('_') => true,
        Some('.' | '-') => on.next().is_some_and(char::is_alphanumeric),
        // A name before an at sign is another's address, not this name.
        Some('@') => !is_address,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needles(words: &[&str]) -> Needles {
        Needles::new(words.iter().map(|word| (*word).to_owned())).unwrap()
    }

    #[test]
    fn an_address_is_found_as_people_and_programs_write_it() {
        let ada = needles(&["Ada@Example.org"]);
        for text in [
            "ada@example.org",
            "Write to ADA@example.ORG.",
            "<ada@example.org>, bo@example.org",
            "https://x.example/?mail=ada%40example.org&y",
            "https://x.example/?q=mail%3Dada@example.org",
            r#"{"user":{"email":"ada@example.org"}}"#,
            r#"{"text":"first\nada@example.org"}"#,
        ] {
            assert!(ada.are_in(text), "{text}");
            assert!(!ada.are_in(&ada.redact(text, ERASED).unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_somebody_elses_is_left_alone() {
        let ada = needles(&["ada@example.org", "adalove"]);
        for text in [
            "lada@example.org",
            "x.ada@example.org",
            "ada@example.org.evil.example",
            "ada@example.organic",
            "adalovelace",
            "adalove@other.example",
            "my_adalove",
            "",
        ] {
            assert!(!ada.are_in(text), "{text}");
            assert_eq!(ada.redact(text, ERASED), None, "{text}");
        }
        assert_eq!(ada.redact("by adalove, ada@example.org", ERASED).unwrap(), "by [erased], [erased]");
    }

    #[test]
    fn what_is_too_short_is_not_looked_for() {
        assert!(needles(&["bo", " al "]).is_empty());
        assert_eq!(needles(&["q\"uote"]).few().len(), 2, "as it is, and as JSON writes it");
        let many: Vec<String> = (0..100).map(|n| format!("person-{n}")).collect();
        let many = Needles::new(many).unwrap();
        assert!(many.few().is_empty() && many.are_in("by person-7 today") && !many.are_in("person-700"));
    }

    #[test]
    fn a_text_without_a_mark_names_nobody() {
        assert_eq!(needles(&["Ada@Example.org", "bo@example.org"]).marks(), ["@", "%40"]);
        assert_eq!(needles(&["6f1c2a9e-0000", "ada_lovelace"]).marks(), ["_", "-"]);
        assert!(needles(&["ada@example.org", "lovelace"]).marks().is_empty(), "a name has no mark");
        assert!(needles(&[]).marks().is_empty());
    }

    proptest! {
        #[test]
        fn redacting_leaves_nothing_and_touches_nothing_else(before in "[ ,;:<>]{0,8}", after in "[ ,;:<>]{0,8}") {
            let ada = needles(&["ada@example.org"]);
            let text = format!("{before}ada@example.org{after}");
            prop_assert_eq!(ada.redact(&text, ERASED), Some(format!("{before}{ERASED}{after}")));
        }

        #[test]
        fn any_text_can_be_searched(text in ".{0,80}") {
            let ada = needles(&["ada@example.org", "žofie novotná"]);
            if let Some(redacted) = ada.redact(&text, ERASED) {
                prop_assert!(!ada.are_in(&redacted));
            }
        }
    }
}
