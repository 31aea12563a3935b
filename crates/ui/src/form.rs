//! Forms, and buttons that are forms of their own.

use crate::{Field, Html, Part};
use askama::Template;

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// The one thing to do on this page.
    #[default]
    Main,
    /// One of several.
    Quiet,
    /// Something that cannot be undone.
    Danger,
}

impl Tone {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Quiet => "quiet",
            Self::Danger => "danger",
        }
    }
}

/// A form that is sent by POST, with the token that protects it.
#[derive(Clone, Debug)]
pub struct Form {
    action: String,
    csrf: String,
    title: Option<String>,
    lead: Option<String>,
    fields: Vec<Field>,
    submit: String,
    tone: Tone,
    wide: bool,
}

impl Form {
    /// A form that posts to `action`, with the value of `ingress::csrf::FormToken`, and a button that says `submit`.
    #[must_use]
    pub fn post(action: impl Into<String>, csrf: impl Into<String>, submit: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            csrf: csrf.into(),
            title: None,
            lead: None,
            fields: Vec::new(),
            submit: submit.into(),
            tone: Tone::Main,
            wide: false,
        }
    }

    /// A heading above it; the form is then a card of its own.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// A sentence under the heading.
    #[must_use]
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = Some(lead.into());
        self
    }

    /// One more field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// More fields.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// How its button looks.
    #[must_use]
    pub const fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Fields stand beside each other where there is room.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    fn multipart(&self) -> bool {
        self.fields.iter().any(Field::is_file)
    }
}

#[derive(Template)]
#[template(path = "ui/form.html")]
struct FormView<'a> {
    form: &'a Form,
    fields: Vec<Html>,
    tone: &'static str,
    multipart: bool,
}

impl Part for Form {
    fn html(&self) -> Html {
        let calm = self.errors().is_empty();
        let fields = self.fields.iter().map(|field| field.html(calm)).collect();
        Html::of(&FormView { form: self, fields, tone: self.tone.class(), multipart: self.multipart() })
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.fields.iter().filter_map(Field::wrong).collect()
    }
}

/// A button that does one thing: a form without visible fields.
#[derive(Clone, Debug)]
pub struct Act {
    action: String,
    csrf: String,
    label: String,
    about: Option<String>,
    hidden: Vec<(&'static str, String)>,
    tone: Tone,
}

impl Act {
    /// A button that posts to `action`.
    #[must_use]
    pub fn new(action: impl Into<String>, csrf: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            csrf: csrf.into(),
            label: label.into(),
            about: None,
            hidden: Vec::new(),
            tone: Tone::Quiet,
        }
    }

    /// What it acts on, for screen readers: several buttons of a table may say the same.
    #[must_use]
    pub fn about(mut self, what: impl Into<String>) -> Self {
        self.about = Some(what.into());
        self
    }

    /// Something that is sent along.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// How it looks.
    #[must_use]
    pub const fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }
}

#[derive(Template)]
#[template(path = "ui/act.html")]
struct ActView<'a> {
    act: &'a Act,
    tone: &'static str,
}

impl Part for Act {
    fn html(&self) -> Html {
        Html::of(&ActView { act: self, tone: self.tone.class() })
    }
}
