//! Markup that is known to be safe, because a component made it.

use askama::{Template, filters::HtmlSafe};
use std::fmt;

/// Markup that a component of this crate made. There is no way to make one from text: see [`Html::text`], which escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// A text, escaped.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut safe = String::with_capacity(text.len());
        for sign in text.chars() {
            match sign {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                other => safe.push(other),
            }
        }
        Self(safe)
    }

    /// What a template renders. Templates escape what is put into them, and are checked when the program is built.
    #[must_use]
    pub fn of(template: &impl Template) -> Self {
        // A template can fail only where a value's own `Display` does; ours do not.
        Self(template.render().unwrap_or_default())
    }

    /// An SVG drawing, as the program itself made it. Never pass what somebody sent.
    #[must_use]
    pub fn drawing(svg: &str) -> Self {
        let script = svg.to_ascii_lowercase().contains("<script");
        Self(if script || !svg.trim_start().starts_with("<svg") { String::new() } else { svg.to_owned() })
    }

    /// The markup.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
        self.0.push('\n');
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// The one place that says so; everything above escapes.
impl HtmlSafe for Html {}

/// Anything that can stand in a page.
pub trait Part {
    /// Its markup.
    fn html(&self) -> Html;

    /// What is wrong in it, for the summary at the head of the page: the id of a field and the words.
    fn errors(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether it works only with the script for passkeys.
    fn needs_script(&self) -> bool {
        false
    }
}

impl Part for Html {
    fn html(&self) -> Html {
        self.clone()
    }
}

impl<P: Part> Part for Option<P> {
    fn html(&self) -> Html {
        self.as_ref().map(Part::html).unwrap_or_default()
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.as_ref().map(Part::errors).unwrap_or_default()
    }

    fn needs_script(&self) -> bool {
        self.as_ref().is_some_and(Part::needs_script)
    }
}

impl<P: Part> Part for Vec<P> {
    fn html(&self) -> Html {
        self.iter().fold(Html::default(), |mut all, part| {
            all.push(&part.html());
            all
        })
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.iter().flat_map(Part::errors).collect()
    }

    fn needs_script(&self) -> bool {
        self.iter().any(Part::needs_script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(Html::text("<a href=\"x\">'&'").as_str(), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;");
    }

    #[test]
    fn a_drawing_with_a_script_is_dropped() {
        assert_eq!(Html::drawing("<svg><SCRIPT>x</SCRIPT></svg>").as_str(), "");
        assert_eq!(Html::drawing("text").as_str(), "");
        assert_eq!(Html::drawing("<svg></svg>").as_str(), "<svg></svg>");
    }
}
