//! What the pages of this crate are made of beside the usual components.

use crate::{
    people::People,
    progress::Light,
    texts::{self, EN},
};
use askama::Template;
use kernel::PersonId;
use store::objectives::{KeyResultFields, Unit};
use ui::{Html, Part, Prose};

/// How far something is: a bar that the browser colours, and the figure beside it, with what the colour says.
#[derive(Template)]
#[template(
    source = "<span class=\"progress\"><meter min=\"0\" max=\"100\" low=\"33.33\" high=\"66.66\" optimum=\"100\" \
              value=\"{{ percent }}\" aria-hidden=\"true\"></meter> {{ percent }} %<span class=\"hide\">, {{ says }}</span></span>",
    ext = "html"
)]
struct Bar {
    percent: u8,
    says: &'static str,
}

pub(crate) struct Progress(pub(crate) Option<f64>);

impl Part for Progress {
    fn html(&self) -> Html {
        match self.0 {
            None => Prose::soft(EN.no_progress).html(),
            Some(share) => Html::of(&Bar { percent: percent(share), says: texts::light(Light::of(share)) }),
        }
    }
}

/// A share in whole per cent, rounded down: 99.9 % is not done.
pub(crate) fn percent(share: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share between 0 and 1, times 100")]
    let percent = (share.clamp(0.0, 1.0) * 100.0 + 1e-9).floor() as u8;
    percent
}

/// A figure in its unit.
pub(crate) fn figure(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Number | Unit::Currency => value.to_string(),
        Unit::Percentage => format!("{value} %"),
        Unit::Boolean if value >= 1.0 => "yes".to_owned(),
        Unit::Boolean => "no".to_owned(),
    }
}

/// What is aimed for.
pub(crate) fn aim(fields: &KeyResultFields) -> String {
    let target = figure(fields.unit, fields.target);
    match fields.lower {
        Some(lower) => format!("{} – {target}", figure(fields.unit, lower)),
        None => target,
    }
}

/// The name of an owner.
pub(crate) fn owner(people: &People, owner: Option<PersonId>) -> &str {
    owner.map_or(EN.nobody, |owner| people.name(owner).unwrap_or(EN.former))
}

/// A longer text, paragraph by paragraph.
pub(crate) fn paragraphs(text: &str) -> Vec<Prose> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Prose::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cents_are_rounded_down_and_figures_shown_in_their_unit() {
        assert_eq!([0.0, 0.333, 0.57, 0.999, 1.0].map(percent), [0, 33, 57, 99, 100]);
        assert_eq!(figure(Unit::Percentage, 12.5), "12.5 %");
        assert_eq!((figure(Unit::Boolean, 1.0), figure(Unit::Boolean, 0.0)), ("yes".to_owned(), "no".to_owned()));
    }
}
