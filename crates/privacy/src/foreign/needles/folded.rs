//! A copy of a text in which identifiers are looked for, with the place in the text that each part of it comes from: in
//! lower case, and with what JSON, addresses on the web and PostgreSQL's bytes write otherwise as what it means.

use std::ops::Range;

/// The copy.
pub(super) struct Folded {
    text: String,
    /// Where each part begins, in the copy and in the text, and where it ends there.
    from: Vec<(usize, Range<usize>)>,
    /// Whether that is noted: most texts name nobody, and nothing in them has a place.
    placed: bool,
}

/// What is left of the Turkish capital with a dot when it becomes small.
const DOT: char = '\u{307}';

/// Without regard to upper and lower case, in any script; letters that only differ by where they stand in a word, or by the
/// dot that Turkish tells apart, are the same.
pub(super) fn fold(text: &str) -> String {
    text.chars().flat_map(folded).collect()
}

fn folded(c: char) -> impl Iterator<Item = char> {
    c.to_uppercase().flat_map(char::to_lowercase).filter(|c| *c != DOT)
}

impl Folded {
    /// The text folded; `None` where that is for plain letters only, which need no copy.
    pub(super) fn of(text: &str, placed: bool) -> Option<Self> {
        if text.is_ascii() {
            return None;
        }
        let mut copy = Self { text: String::with_capacity(text.len()), from: Vec::new(), placed };
        for (at, c) in text.char_indices() {
            copy.put(c, at..at + c.len_utf8());
        }
        Some(copy)
    }

    /// The text folded, with every escape as what it stands for; `None` where there is none.
    pub(super) fn unescaped(text: &str, placed: bool) -> Option<Self> {
        if !text.contains(['\\', '%']) {
            return None;
        }
        let mut copy = Self { text: String::with_capacity(text.len()), from: Vec::new(), placed };
        let (mut at, mut found) = (0, false);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some((c, length)) = escape(rest) {
                copy.put(c, at..at + length);
                (at, found) = (at + length, true);
            } else if let Some(c) = rest.chars().next() {
                copy.put(c, at..at + c.len_utf8());
                at += c.len_utf8();
            }
        }
        found.then_some(copy)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What a place in the copy is in the text.
    pub(super) fn source(&self, place: &Range<usize>) -> Range<usize> {
        let part = |at: usize| self.from.partition_point(|(begin, _)| *begin <= at).checked_sub(1);
        let part = |at: usize| part(at).and_then(|number| self.from.get(number)).map(|(_, source)| source.clone());
        let (first, last) = (part(place.start), part(place.end.saturating_sub(1)));
        first.map_or(0, |source| source.start)..last.map_or(0, |source| source.end)
    }

    fn put(&mut self, c: char, source: Range<usize>) {
        let begin = self.text.len();
        self.text.extend(folded(c));
        if !self.placed {
            return;
        }
        match self.from.last_mut() {
            // What is nothing by itself belongs to what it stands on.
            Some((_, before)) if begin == self.text.len() => before.end = source.end,
            _ => self.from.push((begin, source)),
        }
    }
}

/// The sign that an escape at the beginning of the text stands for, and how long it is.
fn escape(text: &str) -> Option<(char, usize)> {
    match text.as_bytes() {
        [b'%', ..] => encoded(text, 3, |bytes| match bytes {
            [b'%', high, low] => Some(digit(*high, 16)? << 4 | digit(*low, 16)?),
            _ => None,
        }),
        [b'\\', b'0'..=b'3', ..] => encoded(text, 4, |bytes| match bytes {
            [b'\\', high, middle, low] => Some(digit(*high, 4)? << 6 | digit(*middle, 8)? << 3 | digit(*low, 8)?),
            _ => None,
        }),
        [b'\\', ..] => in_json(text),
        _ => None,
    }
}

fn digit(byte: u8, base: u32) -> Option<u8> {
    char::from(byte).to_digit(base).and_then(|digit| u8::try_from(digit).ok())
}

/// A sign of UTF-8 whose bytes are written one after another, in so many signs each.
fn encoded(text: &str, width: usize, byte: impl Fn(&[u8]) -> Option<u8>) -> Option<(char, usize)> {
    let mut bytes = Vec::new();
    for written in text.as_bytes().chunks_exact(width).take(4) {
        bytes.push(byte(written)?);
        if let Some(c) = std::str::from_utf8(&bytes).ok().and_then(|sign| sign.chars().next()) {
            return Some((c, bytes.len() * width));
        }
    }
    None
}

/// JSON in a string of JSON has every backslash twice: how many there are says nothing.
fn in_json(text: &str) -> Option<(char, usize)> {
    let slashes = text.bytes().take_while(|byte| *byte == b'\\').count();
    let after = text.get(slashes..)?;
    match after.bytes().next()? {
        b'u' => {
            let unit = unit(after)?;
            if let Some(c) = char::from_u32(u32::from(unit)) {
                return Some((c, slashes + 5));
            }
            let low = after.get(5..)?.trim_start_matches('\\');
            let c = char::decode_utf16([unit, self::unit(low)?]).next()?.ok()?;
            Some((c, text.len() - low.len() + 5))
        }
        c @ (b'"' | b'/') => Some((char::from(c), slashes + 1)),
        b'n' | b't' | b'r' => Some(('\n', slashes + 1)),
        _ => None,
    }
}

/// The four digits after a `u`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}
