//! One field of a form: a label, a hint, an error, and the input they describe.

use crate::{Html, texts};
use askama::Template;

/// One of several choices.
#[derive(Clone, Debug)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub label: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Input(&'static str),
    Area(u8),
    Select,
    Check,
    Hidden,
}

/// One field of a form. Its id is its name, or what [`Field::id`] says where two forms on a page share a name.
#[derive(Clone, Debug)]
pub struct Field {
    kind: Kind,
    name: &'static str,
    id: String,
    label: String,
    hint: Option<String>,
    error: Option<String>,
    value: String,
    required: bool,
    checked: bool,
    autocomplete: Option<&'static str>,
    inputmode: Option<&'static str>,
    accept: Option<&'static str>,
    least: Option<String>,
    most: Option<String>,
    longest: Option<u32>,
    focus: bool,
    choices: Vec<Choice>,
    code: bool,
    unseen: bool,
}

impl Field {
    fn new(kind: Kind, name: &'static str, label: impl Into<String>) -> Self {
        Self {
            kind,
            name,
            id: name.to_owned(),
            label: label.into(),
            hint: None,
            error: None,
            value: String::new(),
            required: true,
            checked: false,
            autocomplete: None,
            inputmode: None,
            accept: None,
            least: None,
            most: None,
            longest: None,
            focus: false,
            choices: Vec::new(),
            code: false,
            unseen: false,
        }
    }

    /// One line of text.
    #[must_use]
    pub fn text(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(Kind::Input("text"), name, label)
    }

    /// An e-mail address.
    #[must_use]
    pub fn email(name: &'static str, label: impl Into<String>) -> Self {
        let mut field = Self::new(Kind::Input("email"), name, label);
        field.autocomplete = Some("email");
        field
    }

    /// A password that is known already.
    #[must_use]
    pub fn password(name: &'static str, label: impl Into<String>) -> Self {
        let mut field = Self::new(Kind::Input("password"), name, label);
        field.autocomplete = Some("current-password");
        field
    }

    /// A password that is chosen now.
    #[must_use]
    pub fn new_password(name: &'static str, label: impl Into<String>) -> Self {
        let mut field = Self::new(Kind::Input("password"), name, label);
        field.autocomplete = Some("new-password");
        field
    }

    /// A code from an authenticator or a list of recovery codes.
    #[must_use]
    pub fn code(name: &'static str, label: impl Into<String>) -> Self {
        let mut field = Self::new(Kind::Input("text"), name, label);
        (field.autocomplete, field.code) = (Some("one-time-code"), true);
        field
    }

    /// A number.
    #[must_use]
    pub fn number(name: &'static str, label: impl Into<String>) -> Self {
        let mut field = Self::new(Kind::Input("number"), name, label);
        field.inputmode = Some("decimal");
        field
    }

    /// A date.
    #[must_use]
    pub fn date(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(Kind::Input("date"), name, label)
    }

    /// A file; the form that holds one is sent as `multipart/form-data`.
    #[must_use]
    pub fn file(name: &'static str, label: impl Into<String>) -> Self {
        Self::new(Kind::Input("file"), name, label)
    }

    /// Several lines of text.
    #[must_use]
    pub fn area(name: &'static str, label: impl Into<String>, rows: u8) -> Self {
        Self::new(Kind::Area(rows), name, label)
    }

    /// One of several choices.
    #[must_use]
    pub fn select<V: Into<String>, L: Into<String>>(
        name: &'static str,
        label: impl Into<String>,
        choices: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let mut field = Self::new(Kind::Select, name, label);
        field.choices =
            choices.into_iter().map(|(value, label)| Choice { value: value.into(), label: label.into() }).collect();
        field
    }

    /// A box to tick; sends `yes`.
    #[must_use]
    pub fn check(name: &'static str, label: impl Into<String>, checked: bool) -> Self {
        let mut field = Self::new(Kind::Check, name, label);
        (field.checked, field.required) = (checked, false);
        field
    }

    /// Something that is sent and not shown.
    #[must_use]
    pub fn hidden(name: &'static str, value: impl Into<String>) -> Self {
        Self::new(Kind::Hidden, name, "").value(value)
    }

    /// An id other than the name.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// What stands in it. Passwords are never sent back, whatever is given.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        if self.kind != Kind::Input("password") {
            self.value = value.into();
        }
        self
    }

    /// Says more than the label.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What is wrong with it, if anything.
    #[must_use]
    pub fn error(mut self, error: Option<impl Into<String>>) -> Self {
        self.error = error.map(Into::into);
        self
    }

    /// It may stay empty.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// What browsers may fill in: `name`, `organization`, `username webauthn`.
    #[must_use]
    pub const fn autocomplete(mut self, what: &'static str) -> Self {
        self.autocomplete = Some(what);
        self
    }

    /// The label is for screen readers: what stands around says the same to whoever sees it.
    #[must_use]
    pub const fn unseen_label(mut self) -> Self {
        self.unseen = true;
        self
    }

    /// Which files are offered.
    #[must_use]
    pub const fn accept(mut self, kinds: &'static str) -> Self {
        self.accept = Some(kinds);
        self
    }

    /// The least and the greatest value.
    #[must_use]
    pub fn between(mut self, least: impl ToString, most: impl ToString) -> Self {
        (self.least, self.most) = (Some(least.to_string()), Some(most.to_string()));
        self
    }

    /// At most so many signs.
    #[must_use]
    pub const fn longest(mut self, signs: u32) -> Self {
        self.longest = Some(signs);
        self
    }

    /// The cursor stands here when the page opens. On a page with errors the summary takes it instead.
    #[must_use]
    pub const fn focus(mut self) -> Self {
        self.focus = true;
        self
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == Kind::Input("file")
    }

    /// Whether a keyboard should leave it as it is typed.
    fn is_plain(&self) -> bool {
        self.code || self.kind == Kind::Input("email")
    }

    fn is_number(&self) -> bool {
        self.kind == Kind::Input("number")
    }

    pub(crate) fn wrong(&self) -> Option<(String, String)> {
        self.error.clone().map(|error| (self.id.clone(), error))
    }

    pub(crate) fn html(&self, may_focus: bool) -> Html {
        Html::of(&FieldView { field: self, focus: self.focus && may_focus, texts: &texts::EN })
    }
}

#[derive(Template)]
#[template(path = "ui/field.html")]
struct FieldView<'a> {
    field: &'a Field,
    focus: bool,
    texts: &'a texts::Texts,
}

impl FieldView<'_> {
    /// The ids that describe the input, for `aria-describedby`.
    fn described(&self) -> Option<String> {
        let id = &self.field.id;
        let hint = self.field.hint.as_ref().map(|_| format!("{id}-hint"));
        let error = self.field.error.as_ref().map(|_| format!("{id}-error"));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn input(&self) -> Option<&'static str> {
        if let Kind::Input(kind) = self.field.kind { Some(kind) } else { None }
    }

    fn rows(&self) -> Option<u8> {
        if let Kind::Area(rows) = self.field.kind { Some(rows) } else { None }
    }

    fn is_select(&self) -> bool {
        self.field.kind == Kind::Select
    }

    fn is_check(&self) -> bool {
        self.field.kind == Kind::Check
    }

    fn is_hidden(&self) -> bool {
        self.field.kind == Kind::Hidden
    }
}
