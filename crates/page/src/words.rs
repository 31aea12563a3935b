//! Figures, instants and counts as people read them.

use jiff::Timestamp;
use promises::profile::Value;

/// An instant, by value or behind any number of references: templates hand over either.
pub trait Moment {
    /// The instant.
    fn moment(&self) -> Timestamp;
}

impl Moment for Timestamp {
    fn moment(&self) -> Timestamp {
        *self
    }
}

impl<T: Moment + ?Sized> Moment for &T {
    fn moment(&self) -> Timestamp {
        (**self).moment()
    }
}

/// `2026-11-22 04:08:11 UTC`.
#[must_use]
pub fn utc(at: impl Moment) -> String {
    at.moment().strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `22 Nov 2026, 04:08 UTC`: where seconds do not matter.
#[must_use]
pub fn minute(at: impl Moment) -> String {
    at.moment().strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// `22 Nov 2026`.
#[must_use]
pub fn day(at: impl Moment) -> String {
    at.moment().strftime("%-d %b %Y").to_string()
}

/// `2026-11-22T04:08:11Z`: RFC 3339 in whole seconds, for `datetime` attributes and feeds.
#[must_use]
pub fn iso(at: impl Moment) -> String {
    at.moment().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time between two instants in its largest unit: `2 minutes`. Nothing for an instant that lies in the future.
#[must_use]
pub fn between(from: impl Moment, to: impl Moment) -> String {
    let seconds = u64::try_from(to.moment().duration_since(from.moment()).as_secs()).unwrap_or(0);
    match seconds {
        0 => "less than a second".to_owned(),
        1..120 => count(seconds, "second"),
        120..7_200 => count(seconds / 60, "minute"),
        7_200..172_800 => count(seconds / 3_600, "hour"),
        _ => count(seconds / 86_400, "day"),
    }
}

/// `1 promise`, `2 promises`.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The first sixteen characters of a hash, which name it well enough for a reader.
#[must_use]
pub fn abbreviated(hash: &str) -> String {
    hash.chars().take(16).collect()
}

/// The value of a parameter in words.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Span(span) => span.to_string(),
        Value::Time(text) | Value::Text(text) => plain(text),
        Value::Size(bytes) => size(*bytes),
        Value::Count(count) => count.to_string(),
        Value::Percent(share) => format!("{share} %"),
        Value::List(list) => list.iter().map(|item| plain(item)).collect::<Vec<_>>().join(", "),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
    }
}

fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let exact = units.into_iter().find(|(_, shift)| bytes >= 1 << shift && bytes.trailing_zeros() >= *shift);
    exact.map_or_else(|| format!("{bytes} bytes"), |(unit, shift)| format!("{} {unit}", bytes >> shift))
}

/// A text without the characters that neither HTML nor XML 1.0 may carry. An observation quotes what a foreign server
/// said, so anything may stand in it.
#[must_use]
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_text(c) { c } else { '\u{fffd}' }).collect()
}

/// The same with a capital letter and a full stop, as a line of its own.
#[must_use]
pub fn sentence(text: &str) -> String {
    let text = plain(text.trim());
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return text };
    let stop = if text.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
}

fn is_text(c: char) -> bool {
    let non_character = matches!(c as u32 & 0xffff, 0xfffe | 0xffff) || matches!(c, '\u{fdd0}'..='\u{fdef}');
    // Right-to-left overrides would let a quoted text rearrange the line that quotes it.
    let rearranges = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    matches!(c, '\n' | '\t') || !(c.is_control() || non_character || rearranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn instants_are_absolute() {
        let instant = at("2026-11-02T04:08:11.75Z");
        assert_eq!(utc(instant), "2026-11-02 04:08:11 UTC");
        assert_eq!(minute(instant), "2 Nov 2026, 04:08 UTC");
        assert_eq!(iso(instant), "2026-11-02T04:08:11Z");
    }

    #[test]
    fn spans_have_one_unit() {
        let to = at("2026-11-22T12:00:00Z");
        for (from, words) in [
            ("2026-11-22T12:00:00Z", "less than a second"),
            ("2026-11-22T11:59:59Z", "1 second"),
            ("2026-11-22T11:58:00Z", "2 minutes"),
            ("2026-11-22T08:00:00Z", "4 hours"),
            ("2026-11-01T12:00:00Z", "21 days"),
            ("2026-11-23T12:00:00Z", "less than a second"),
        ] {
            assert_eq!(between(at(from), to), words);
        }
    }

    #[test]
    fn sizes_are_exact() {
        assert_eq!(size(5 << 20), "5 MiB");
        assert_eq!(size(1_500), "1500 bytes");
        assert_eq!(size(0), "0 bytes");
    }

    #[test]
    fn nothing_unprintable_passes() {
        assert_eq!(plain("a\u{0}b\u{202e}c\nd"), "a\u{fffd}b\u{fffd}c\nd");
    }
}
