//! What names a person in a text: their identifiers, where they stand by themselves and are not part of something else.

mod folded;
mod json;

use aho_corasick::{AhoCorasick, MatchKind};
use folded::Folded;
use std::{collections::BTreeSet, ops::Range};

/// Shorter ones would be found everywhere.
const SHORTEST: usize = 4;

/// Up to so many, the database looks for them itself; above, every text is read here.
const FEW: usize = 24;

/// A part of an identifier that is shorter is in too many texts for the database to look for it.
const SHORTEST_PART: usize = 3;

/// Signs that addresses, names and numbers of people have, and most texts do not; the rarest first. None has an upper case.
const MARKS: [&str; 4] = ["@", "%40", "_", "-"];

/// What stands where an identifier stood.
pub const ERASED: &str = "[erased]";

/// How long what stands there is at least where no value may come twice.
pub const DISTINCT: usize = "[erased-00000000]".len();

/// A set of identifiers, made ready to be looked for.
#[derive(Debug)]
pub struct Needles {
    /// As they are, and as they stand in addresses on the web.
    words: BTreeSet<String>,
    machine: AhoCorasick,
}

impl Needles {
    /// These identifiers, without regard to upper and lower case, also as they stand in addresses and in JSON. Those of
    /// fewer than four characters are left out. `None`: there are too many to be looked for at once.
    #[must_use]
    pub fn new(identifiers: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut words = BTreeSet::new();
        for identifier in identifiers {
            let word = folded::fold(identifier.trim());
            if word.chars().count() >= SHORTEST {
                words.insert(word.replace('@', "%40"));
                words.insert(word);
            }
        }
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

    /// What the database itself can look for: of each the longest part that is written the same everywhere, but for upper
    /// and lower case of plain letters. Nothing when they are too many, or one has no such part.
    #[must_use]
    pub fn few(&self) -> Vec<String> {
        let parts: Option<BTreeSet<String>> = self.words.iter().map(|word| part(word)).collect();
        parts.filter(|parts| parts.len() <= FEW).into_iter().flatten().collect()
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
        self.is_as_it_stands(text)
            || Folded::unescaped(text, false).is_some_and(|copy| self.hits(copy.text()).next().is_some())
    }

    fn is_as_it_stands(&self, text: &str) -> bool {
        match Folded::of(text, false) {
            Some(copy) => self.hits(copy.text()).next().is_some(),
            None => self.hits(text).next().is_some(),
        }
    }

    /// The text with `instead` in their place; `None` when it names none. In a text that is JSON the strings change and
    /// nothing else, so that it stays JSON: a number that names somebody becomes a string.
    #[must_use]
    pub fn redact(&self, text: &str, instead: &str) -> Option<String> {
        if json::is(text) { json::redact(self, text, instead) } else { self.redact_plain(text, instead) }
    }

    /// The same for what is JSON whatever it looks like, such as a number in a column of that type.
    #[must_use]
    pub fn redact_json(&self, text: &str, instead: &str) -> Option<String> {
        json::redact(self, text, instead)
    }

    fn redact_plain(&self, text: &str, instead: &str) -> Option<String> {
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

    /// Where they stand, one after another.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = match Folded::of(text, true) {
            Some(copy) => self.hits(copy.text()).map(|hit| copy.source(&hit)).collect(),
            None => self.hits(text).collect(),
        };
        if let Some(copy) = Folded::unescaped(text, true) {
            places.extend(self.hits(copy.text()).map(|hit| copy.source(&hit)));
        }
        places.sort_by_key(|place| place.start);
        let mut out: Vec<Range<usize>> = Vec::new();
        for place in places {
            match out.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => out.push(place),
            }
        }
        out
    }

    fn hits<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Range<usize>> + 't {
        self.machine.find_iter(text).map(|hit| hit.range()).filter(move |range| stands_alone(text, range))
    }
}

/// The longest part of a word that stands so in every text, JSON and address that holds it.
fn part(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    let plain = word.replace("%40", "@");
    let longest = plain.split(|c| !is_plain(c)).max_by_key(|part| part.len());
    let longest = longest.filter(|part| part.len() >= SHORTEST_PART)?;
    Some(if word.contains("%40") { longest.replace('@', "%40") } else { longest.to_owned() })
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
        assert_eq!(needles(&["q\"uote"]).few(), ["uote"], "what JSON writes otherwise, the database does not look for");
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

    /// As JSON of Python, Java and .NET writes it: everything outside ASCII as its number, in UTF-16.
    fn escaped(text: &str, upper: bool) -> String {
        let escape = |unit: u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        let one = |c: char| match c {
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| escape(*unit)).collect(),
        };
        text.chars().map(one).collect()
    }

    #[test]
    fn a_name_with_a_capital_outside_ascii_is_found_however_it_is_written() {
        let people = ["Žofie Novotná", "Özlem", "Иван", "Σίσυφος", "İrem", "𐐀𐐁𐐂𐐃", "ada+tag@example.org"];
        let found = needles(&people);
        for name in people {
            for written in [name.to_owned(), name.to_uppercase(), name.to_lowercase(), folded::fold(name)] {
                for text in [
                    format!("by {written}, today"),
                    format!("„{written}“"),
                    format!(r#"{{"name": "{}"}}"#, escaped(&written, false)),
                    format!(r#"{{"name": "{}"}}"#, escaped(&written, true)),
                    // JSON in a string of JSON, and bytes as PostgreSQL shows them.
                    format!(r#"{{"log": "{{\"name\": \"{}\"}}"}}"#, escaped(&written, false).replace('\\', "\\\\")),
                    octal(&written),
                    format!("/?q={}&n=1", percent(&written)),
                ] {
                    assert!(found.are_in(&text), "{text}");
                    let redacted = found.redact(&text, ERASED).unwrap();
                    assert!(!found.are_in(&redacted) && redacted.contains(ERASED), "{text} → {redacted}");
                }
            }
        }
        assert_eq!(found.redact("by ŽOFIE NOVOTNÁ: žofie", ERASED).unwrap(), "by [erased]: žofie");
        assert_eq!(found.redact("х Иванов, ИВАН.", ERASED).unwrap(), "х Иванов, [erased].", "a longer name is another");
        assert!(found.few().is_empty(), "a name without one plain letter the database cannot look for");
        let shown = needles(&["Žofie Novotná", "ada+tag@example.org"]).few();
        assert_eq!(shown, ["novotn", "tag%40example.org", "tag@example.org"]);
    }

    fn octal(text: &str) -> String {
        let one = |byte: u8| if byte.is_ascii() { char::from(byte).to_string() } else { format!("\\{byte:03o}") };
        text.bytes().map(one).collect()
    }

    fn percent(text: &str) -> String {
        let one =
            |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        text.bytes().map(one).collect()
    }

    #[test]
    fn json_stays_json() {
        let found = needles(&["100234", "Žofie", "ada@example.org"]);
        for (text, becomes) in [
            (r#"{"customer": 100234}"#, r#"{"customer": "[erased]"}"#),
            (
                r#"{"customer": -100234, "n": 1e400, "m": 10023400000000000000000}"#,
                r#"{"customer": "[erased]", "n": 1e400, "m": 10023400000000000000000}"#,
            ),
            (
                r#"[100234, 100235, "100234", {"100234": null}]"#,
                r#"["[erased]", 100235, "[erased]", {"[erased]": null}]"#,
            ),
            (r#"{"a":"\u017dofie \"x\"","a":"\ud83d\ude00"}"#, r#"{"a":"[erased] \"x\"","a":"\ud83d\ude00"}"#),
            (r#"{"log": "{\"id\": 100234}"}"#, r#"{"log": "{\"id\": \"[erased]\"}"}"#),
            ("100234", "\"[erased]\""),
        ] {
            assert_eq!(found.redact_json(text, ERASED).as_deref(), Some(becomes));
            assert!(!found.are_in(becomes));
        }
        assert_eq!(found.redact("100234", ERASED).unwrap(), ERASED, "a text is no JSON for being a number");
        assert_eq!(found.redact_json(r#"{"n": 1002345, "s": "adaada@example.org"}"#, ERASED), None);
    }

    proptest! {
        #[test]
        fn any_name_is_found_in_any_case_and_any_writing(
            name in "[A-Za-zÀ-ÖØ-ÞĀ-ſΑ-ΡΣ-ΩА-Яа-я][a-zß-öø-ÿĀ-ſα-ωА-я]{3,9}", before in "[ ,;:<>]{0,4}", upper in any::<bool>(),
        ) {
            let found = needles(&[name.as_str()]);
            for written in [name.clone(), name.to_uppercase(), name.to_lowercase()] {
                let text = format!("{before}{written} ");
                prop_assert_eq!(found.redact(&text, ERASED), Some(format!("{before}{ERASED} ")));
                let json = format!("{{\"a\":\"{}\"}}", escaped(&written, upper));
                prop_assert!(found.are_in(&json), "{}", json);
                prop_assert_eq!(found.redact(&json, ERASED), Some(format!("{{\"a\":\"{ERASED}\"}}")));
            }
        }

        #[test]
        fn json_of_any_kind_stays_json(text in r#"(\{|\[|\}|\]|,|:|"|[a-z]{1,3}|100234|ada@example\.org|\\u017[dD]ofie|\\"| ){0,14}"#) {
            let found = needles(&["100234", "Žofie", "ada@example.org"]);
            let valid = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
            if let Some(redacted) = found.redact_json(&text, ERASED).filter(|_| valid(&text)) {
                prop_assert!(valid(&redacted) && !found.are_in(&redacted), "{}", redacted);
            }
        }

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
