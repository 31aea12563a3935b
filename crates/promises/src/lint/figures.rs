//! Figures in the words. A figure that is no parameter is not what the probe measures.

use super::{
    Context, Lint, looseness,
    sentences::{self, Word},
};
use crate::{
    profile::{Promise, Value},
    quantity,
};
use kernel::Span;

/// What a figure says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Quantity {
    /// Seconds.
    Span(u64),
    /// Months or years, in about as many seconds: never the same as a span.
    Calendar(u64),
    Percent(f64),
    Bytes(u64),
    Number(f64),
}

/// A figure in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figure<'a> {
    /// Its first word, as it stands there.
    pub(super) text: &'a str,
    /// How it reads.
    pub(super) shown: String,
    pub(super) quantity: Quantity,
    pub(super) clause: usize,
}

const DAY: u64 = 86_400;

const CALENDAR: [(&str, u64); 4] =
    [("month", 30 * DAY), ("months", 30 * DAY), ("year", 365 * DAY), ("years", 365 * DAY)];

const RHYTHMS: [(&str, Quantity); 8] = [
    ("hourly", Quantity::Span(3_600)),
    ("daily", Quantity::Span(DAY)),
    ("nightly", Quantity::Span(DAY)),
    ("weekly", Quantity::Span(7 * DAY)),
    ("monthly", Quantity::Calendar(30 * DAY)),
    ("quarterly", Quantity::Calendar(91 * DAY)),
    ("yearly", Quantity::Calendar(365 * DAY)),
    ("annually", Quantity::Calendar(365 * DAY)),
];

/// Number words up to nineteen, from one.
const ONES: &str = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                    seventeen eighteen nineteen";

/// Tens, from twenty, and a hundred for the hundredth.
const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety hundred";

/// Words between a number and its unit.
const BETWEEN: [&str; 6] = ["business", "working", "calendar", "further", "full", "more"];

/// Words after which a number is a name: «article 17», «Phase 2». So is it after an abbreviation: «ISO 27001».
const NAMING: [&str; 10] =
    ["article", "articles", "phase", "version", "annex", "chapter", "section", "level", "part", "type"];

pub(super) fn check(context: &Context<'_>, promise: &Promise, found: &mut Vec<Lint>) {
    for figure in figures(&promise.words) {
        if backed(promise, &figure) {
            continue;
        }
        let place = context.about(promise, Some(figure.text), "words", "WB006", looseness(promise.kind));
        let advice = match promise.control.as_deref().and_then(|id| context.catalogue.get(id)) {
            Some(spec) if spec.params.is_empty() => {
                format!("the control `{}` measures no figure: leave it out", spec.id)
            }
            Some(spec) => {
                let names: Vec<String> = spec.params.iter().map(|param| format!("{{{}}}", param.name)).collect();
                format!("say it through a parameter of `{}`: {}", spec.id, names.join(", "))
            }
            None => "leave it out, or give the promise a control that measures it".to_owned(),
        };
        found.push(
            place.says(format!("«{}» is no parameter of this promise: nothing measures it", figure.shown), advice),
        );
    }
}

/// Whether a parameter of the promise says the same.
fn backed(promise: &Promise, figure: &Figure<'_>) -> bool {
    let span = |span: Span| figure.quantity == Quantity::Span(span.as_secs());
    let says = |text: &str| text.contains(figure.shown.as_str()) || text.contains(figure.text);
    let own = promise.params.values().any(|value| match value {
        Value::Span(value) => span(*value),
        Value::Size(bytes) => figure.quantity == Quantity::Bytes(*bytes),
        Value::Percent(share) => figure.quantity == Quantity::Percent(*share),
        Value::Count(count) => matches!(figure.quantity, Quantity::Number(n) if n.to_string() == count.to_string()),
        Value::Text(text) | Value::Time(text) => says(text),
        Value::List(items) => items.iter().any(|item| says(item)),
        Value::Flag(_) => false,
    });
    let attacked = promise.control.is_some() && (span(promise.cadence) || span(promise.freshness));
    own || attacked || promise.planned.as_ref().is_some_and(|plan| says(&plan.phase))
}

/// The figures of a text.
pub(super) fn figures(text: &str) -> Vec<Figure<'_>> {
    let words = sentences::words(text);
    let mut figures = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| words.get(index));
        let after = words.get(index + 1..).unwrap_or_default();
        if let Some((shown, quantity)) = figure(*word, before, after) {
            figures.push(Figure { text: word.text, shown, quantity, clause: word.clause });
        }
    }
    figures
}

fn figure(word: Word<'_>, before: Option<&Word<'_>>, after: &[Word<'_>]) -> Option<(String, Quantity)> {
    let text = word.text;
    if let Some((_, quantity)) = RHYTHMS.iter().find(|(rhythm, _)| word.is(rhythm)) {
        return Some((text.to_owned(), *quantity));
    }
    if let Some((number, unit)) = text.split_once('-')
        && let Some(quantity) = cardinal(number).and_then(|count| of_unit(count, unit))
    {
        return Some((text.to_owned(), quantity));
    }
    // «a month», but not «a second factor».
    let article = word.is_one_of(&["a", "an"]) && after.first().is_some_and(|unit| !unit.is("second"));
    if let Some(count) = cardinal(text).or(article.then_some(1.0)) {
        let unit = after.iter().find(|word| !word.is_one_of(&BETWEEN));
        if let Some((unit, quantity)) = unit.and_then(|unit| Some((unit, of_unit(count, unit.text)?))) {
            return Some((format!("{text} {}", unit.text), quantity));
        }
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) || before.is_some_and(|word| names(*word)) {
        return None;
    }
    if let Ok(number) = text.replace(',', "").parse::<f64>() {
        return Some((text.to_owned(), Quantity::Number(number)));
    }
    if let Ok(span) = text.parse::<Span>() {
        return Some((text.to_owned(), Quantity::Span(span.as_secs())));
    }
    if let Ok(bytes) = quantity::size(text) {
        return Some((text.to_owned(), Quantity::Bytes(bytes)));
    }
    // «24/7» says as much as a number; «2FA» is a name.
    let digits = text.chars().all(|c| c.is_ascii_digit() || c == '/');
    digits.then(|| (text.to_owned(), Quantity::Number(f64::NAN)))
}

/// A number in digits or in words.
pub(super) fn cardinal(text: &str) -> Option<f64> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return text.replace(',', "").parse().ok();
    }
    let spoken = text.split_once('-').map_or_else(
        || spoken(text),
        |(tens, ones)| {
            let (tens, ones) = (spoken(tens)?, spoken(ones)?);
            (tens >= 20 && ones < 10).then_some(tens + ones)
        },
    );
    spoken.map(f64::from)
}

fn spoken(word: &str) -> Option<u32> {
    let position = |words: &str| words.split(' ').position(|known| word.eq_ignore_ascii_case(known));
    let ones = position(ONES).map(|at| at + 1);
    ones.or_else(|| position(TENS).map(|at| (at + 2) * 10)).and_then(|number| u32::try_from(number).ok())
}

fn of_unit(count: f64, unit: &str) -> Option<Quantity> {
    if unit == "%" || unit.eq_ignore_ascii_case("percent") {
        return Some(Quantity::Percent(count));
    }
    if let Some((_, seconds)) = CALENDAR.iter().find(|(word, _)| unit.eq_ignore_ascii_case(word)) {
        return Some(Quantity::Calendar(times(count, *seconds)));
    }
    if let Ok(one) = format!("1 {}", unit.to_lowercase()).parse::<Span>() {
        return Some(Quantity::Span(times(count, one.as_secs())));
    }
    quantity::size(&format!("1 {unit}")).ok().map(|one| Quantity::Bytes(times(count, one)))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates"
)]
fn times(count: f64, unit: u64) -> u64 {
    (count * unit as f64) as u64
}

/// Whether a number after this word is part of a name.
fn names(word: Word<'_>) -> bool {
    let capitals = word.text.chars().filter(char::is_ascii_uppercase).count();
    capitals >= 2 || word.is_one_of(&NAMING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_figures_and_leaves_names_alone() {
        let shown = |text: &str| figures(text).into_iter().map(|figure| figure.shown).collect::<Vec<_>>().join("|");
        assert_eq!(shown("kept 30 days, a 30-minute target, 24h, 95 % and 5 MiB"), "30 days|30-minute|24h|95 %|5 MiB");
        assert_eq!(shown("daily, within three business days, thirty-day, 24/7"), "daily|three days|thirty-day|24/7");
        assert_eq!(shown("within a further 90 further days, 1,000 rows"), "90 days|1,000");
        assert_eq!(
            shown("TLS 1.3, ISO 27001, SOC 2 Type II, OAuth 2.0, AES-256-GCM, us-central1, Phase 2, article 17, 2FA"),
            ""
        );
    }
}
