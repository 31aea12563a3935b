//! Which part of a content a request asks for (RFC 9110 sections 13.1.5 and 14.2).

use axum::http::{HeaderMap, header};
use std::ops::Range;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it: also where the range is none that we know, or several, which nobody has to serve.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// A part that the content does not have.
    Nothing,
}

impl Asked {
    /// What the headers ask for of a content with that entity tag and length.
    pub(super) fn of(headers: &HeaderMap, tag: &str, length: u64) -> Self {
        let mut ranges = headers.get_all(header::RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return Self::Whole };
        // Only the very same entity tag will do; a date never does, since none was told.
        if headers.get_all(header::IF_RANGE).iter().any(|known| known.as_bytes() != tag.as_bytes()) {
            return Self::Whole;
        }
        range.to_str().ok().and_then(|range| parse(range, length)).unwrap_or(Self::Whole)
    }
}

/// One range; `None` for what is not.
fn parse(range: &str, length: u64) -> Option<Asked> {
    let (unit, set) = range.split_once('=')?;
    let (first, last) = set.trim_matches([' ', '\t']).split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") || ![first, last].iter().all(|part| is_number(part)) {
        return None;
    }
    if first.is_empty() {
        // The last so many bytes.
        let count = number(last)?;
        return Some(part(length.saturating_sub(count)..length));
    }
    let first = number(first)?;
    let end = if last.is_empty() { length } else { number(last)?.saturating_add(1) };
    // A range that ends before it begins is none.
    (last.is_empty() || first < end).then(|| part(first..end.min(length)))
}

fn part(range: Range<u64>) -> Asked {
    if range.start < range.end { Asked::Part(range) } else { Asked::Nothing }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number that does not fit is beyond every content.
fn number(part: &str) -> Option<u64> {
    (!part.is_empty()).then(|| part.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    fn asked(range: &str, if_range: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(known) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(known).unwrap());
        }
        Asked::of(&headers, "\"a\"", 100)
    }

    #[test]
    fn one_range_is_understood_and_everything_else_is_the_whole() {
        for (range, expected) in [
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-99", Asked::Part(0..100)),
            ("bytes=10-", Asked::Part(10..100)),
            ("Bytes=10-1000", Asked::Part(10..100)),
            ("bytes=-1", Asked::Part(99..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes= 5-9", Asked::Part(5..10)),
            ("bytes=99-99999999999999999999999", Asked::Part(99..100)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=100-200", Asked::Nothing),
            ("bytes=99999999999999999999999-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=--2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("0-1", Asked::Whole),
        ] {
            assert_eq!(asked(range, None), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-0", Some("\"a\"")), Asked::Part(0..1));
        assert_eq!(asked("bytes=0-0", Some("\"b\"")), Asked::Whole);
        assert_eq!(
            asked("bytes=0-0", Some("W/\"a\"")),
            Asked::Whole,
            "a weak tag does not say that bytes are the same"
        );
        assert_eq!(asked("bytes=0-0", Some("Sun, 22 Nov 2026 10:00:00 GMT")), Asked::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_in_the_content(range in "[ -~]{0,30}", length in 0_u64..1_000) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_str(&range).unwrap());
            if let Asked::Part(part) = Asked::of(&headers, "\"a\"", length) {
                prop_assert!(part.start < part.end && part.end <= length);
            }
        }
    }
}
