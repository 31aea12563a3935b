//! The history bar: ninety days of one promise as one small drawing. Drawn with SVG attributes only, so that the page
//! needs no inline style, and with a text that says the same.

use crate::words;
use promises::{Verdict, verdict::Day};
use std::fmt::Write as _;

/// The width of one day and its distance to the next, in drawing units.
const STEP: usize = 4;
const WIDTH: usize = 3;

/// A history bar, ready for the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The drawing's width in drawing units.
    pub width: usize,
    /// One path per verdict: its CSS class, and the path's `d`.
    pub paths: Vec<(&'static str, String)>,
    /// The same in words.
    pub alt: String,
}

/// Draws a history, oldest day first.
#[must_use]
pub fn bar(history: &[Day]) -> Bar {
    let kinds = [None, Some(Verdict::Kept), Some(Verdict::Broken), Some(Verdict::Error), Some(Verdict::Unproven)];
    let paths = kinds.into_iter().filter_map(|kind| {
        let d = path(history, kind);
        (!d.is_empty()).then(|| (kind.map_or("none", Verdict::slug), d))
    });
    Bar { width: (history.len() * STEP).saturating_sub(STEP - WIDTH), paths: paths.collect(), alt: alt(history) }
}

/// One rectangle per day of that kind. Kinds differ in height as well as in colour: nothing rests on colour alone.
fn path(history: &[Day], kind: Option<Verdict>) -> String {
    let (top, height) = match kind {
        None => (14, 4),
        Some(Verdict::Kept) => (2, 16),
        Some(Verdict::Unproven) => (10, 8),
        Some(Verdict::Error) => (6, 12),
        Some(_) => (0, 20),
    };
    let days = history.iter().enumerate().filter(|(_, day)| day.worst == kind);
    days.fold(String::new(), |mut d, (index, _)| {
        // Writing to a String cannot fail.
        let _ = write!(d, "M{} {top}h{WIDTH}v{height}h-{WIDTH}z", index * STEP);
        d
    })
}

fn alt(history: &[Day]) -> String {
    let days = |kind: Option<Verdict>| -> Vec<&str> {
        history.iter().filter(|day| day.worst == kind).map(|day| day.date.as_str()).collect()
    };
    let mut parts = Vec::new();
    for (kind, what) in [
        (Some(Verdict::Kept), "withstood every attack"),
        (Some(Verdict::Broken), "with a break"),
        (Some(Verdict::Error), "with a failed probe"),
        (Some(Verdict::Unproven), "with an attack that proved nothing"),
        (None, "without an attack"),
    ] {
        let dates = days(kind);
        if dates.is_empty() {
            continue;
        }
        let mut part = format!("{} {what}", words::count(u64::try_from(dates.len()).unwrap_or(u64::MAX), "day"));
        if matches!(kind, Some(Verdict::Broken | Verdict::Error)) && dates.len() <= 3 {
            let _ = write!(part, " ({})", dates.join(", "));
        }
        parts.push(part);
    }
    format!("The last {} days: {}.", history.len(), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, worst: Option<Verdict>) -> Day {
        Day { date: date.to_owned(), worst, attacks: u64::from(worst.is_some()) }
    }

    #[test]
    fn says_in_words_what_it_draws() {
        let history =
            [day("2026-11-20", None), day("2026-11-21", Some(Verdict::Broken)), day("2026-11-22", Some(Verdict::Kept))];
        let bar = bar(&history);
        assert_eq!(bar.width, 11);
        assert_eq!(bar.paths.len(), 3);
        assert_eq!(
            bar.alt,
            "The last 3 days: 1 day withstood every attack, 1 day with a break (2026-11-21), 1 day without an attack."
        );
    }
}
