//! Spans of time as people write them: `30 days`, `24 hours`, `90 s`, `1 hour 30 minutes`.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A span of time in whole seconds. A day is 24 hours, a week 7 days; months and years are no spans, because their
/// length depends on the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// Units, longest first: singular word, seconds, further spellings.
const UNITS: [(&str, u64, &[&str]); 5] = [
    ("week", 604_800, &["weeks", "w"]),
    ("day", 86_400, &["days", "d"]),
    ("hour", 3_600, &["hours", "h"]),
    ("minute", 60, &["minutes", "min", "m"]),
    ("second", 1, &["seconds", "sec", "s"]),
];

/// The longest span: about 1 000 years, so that adding one to a present date cannot overflow.
const LONGEST: u64 = 365 * 86_400 * 1_000;

/// Why a text is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// A number was expected.
    #[error("expected a number and a unit, as in `30 days`, found `{0}`")]
    Shape(String),
    /// The unit is none of ours.
    #[error("`{0}` is no unit of time; expected seconds, minutes, hours, days or weeks")]
    Unit(String),
    /// Longer than 1 000 years.
    #[error("the span is longer than 1000 years")]
    TooLong,
}

impl Span {
    /// A span of `seconds`.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(if seconds > LONGEST { LONGEST } else { seconds })
    }

    /// A span of `minutes`.
    #[must_use]
    pub const fn minutes(minutes: u64) -> Self {
        Self::seconds(minutes.saturating_mul(60))
    }

    /// A span of `hours`.
    #[must_use]
    pub const fn hours(hours: u64) -> Self {
        Self::seconds(hours.saturating_mul(3_600))
    }

    /// A span of `days`.
    #[must_use]
    pub const fn days(days: u64) -> Self {
        Self::seconds(days.saturating_mul(86_400))
    }

    /// The length in seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The length for the standard library.
    #[must_use]
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_secs(self.0)
    }

    /// The length for calendar arithmetic.
    #[must_use]
    pub const fn signed(self) -> SignedDuration {
        SignedDuration::from_secs(self.0.cast_signed())
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let shape = || SpanError::Shape(text.trim().to_owned());
        let mut total: u64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(shape());
        }
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let count: u64 =
                number.parse().map_err(|_| if number.is_empty() { shape() } else { SpanError::TooLong })?;
            let after = after.trim_start();
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_alphabetic()).len();
            let (word, next) = after.split_at(letters);
            let unit = UNITS
                .iter()
                .find(|(singular, _, others)| *singular == word || others.contains(&word))
                .ok_or_else(|| if word.is_empty() { shape() } else { SpanError::Unit(word.to_owned()) })?;
            total = count.checked_mul(unit.1).and_then(|s| s.checked_add(total)).ok_or(SpanError::TooLong)?;
            rest = next.trim_start();
        }
        if total > LONGEST { Err(SpanError::TooLong) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0 seconds");
        }
        let mut rest = self.0;
        let mut first = true;
        // Weeks are read but never written: «30 days» must come back as it was said.
        for (word, length, _) in UNITS.iter().skip(1) {
            let count = rest / length;
            rest %= length;
            if count > 0 {
                let gap = if first { "" } else { " " };
                let plural = if count == 1 { "" } else { "s" };
                write!(f, "{gap}{count} {word}{plural}")?;
                first = false;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, seconds) in [
            ("30 days", 2_592_000),
            ("1 hour 30 minutes", 5_400),
            ("90s", 90),
            ("2 weeks", 1_209_600),
            (" 24 h ", 86_400),
        ] {
            assert_eq!(text.parse(), Ok(Span::seconds(seconds)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!("".parse::<Span>(), Err(SpanError::Shape(_))));
        assert!(matches!("thirty days".parse::<Span>(), Err(SpanError::Shape(_))));
        assert!(matches!("30".parse::<Span>(), Err(SpanError::Shape(_))));
        assert!(matches!("30 months".parse::<Span>(), Err(SpanError::Unit(_))));
        assert!(matches!("99999999999999999999 days".parse::<Span>(), Err(SpanError::TooLong)));
        assert!(matches!("9999999999 weeks".parse::<Span>(), Err(SpanError::TooLong)));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in 0..LONGEST) {
            let span = Span::seconds(seconds);
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Span>();
        }
    }
}
