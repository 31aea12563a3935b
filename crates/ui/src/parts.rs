//! Smaller parts of pages.

use crate::{Html, Part, Tone};
use askama::Template;

/// What a notice says beside its words: each has a word and a shape as well as a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Done,
    Info,
    Warning,
}

/// Something to take note of.
#[derive(Clone, Debug)]
pub struct Notice {
    mood: Mood,
    title: String,
    text: String,
}

impl Notice {
    /// Something that was done.
    #[must_use]
    pub fn done(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mood: Mood::Done, title: title.into(), text: text.into() }
    }

    /// Something to know.
    #[must_use]
    pub fn info(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mood: Mood::Info, title: title.into(), text: text.into() }
    }

    /// Something to be careful about.
    #[must_use]
    pub fn warning(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { mood: Mood::Warning, title: title.into(), text: text.into() }
    }
}

#[derive(Template)]
#[template(path = "ui/notice.html")]
struct NoticeView<'a> {
    class: &'static str,
    notice: &'a Notice,
}

impl Part for Notice {
    fn html(&self) -> Html {
        let class = match self.mood {
            Mood::Done => "done",
            Mood::Info => "info",
            Mood::Warning => "warning",
        };
        Html::of(&NoticeView { class, notice: self })
    }
}

/// A heading of the second level.
#[derive(Clone, Debug, Template)]
#[template(source = "<h2{% if let Some(id) = id %} id=\"{{ id }}\"{% endif %}>{{ text }}</h2>", ext = "html")]
pub struct Heading {
    text: String,
    id: Option<&'static str>,
}

impl Heading {
    /// A heading.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), id: None }
    }

    /// A heading that can be linked to.
    #[must_use]
    pub const fn id(mut self, id: &'static str) -> Self {
        self.id = Some(id);
        self
    }
}

impl Part for Heading {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// A paragraph.
#[derive(Clone, Debug, Template)]
#[template(source = "<p{% if soft %} class=\"soft\"{% endif %}>{{ text }}</p>", ext = "html")]
pub struct Prose {
    text: String,
    soft: bool,
}

impl Prose {
    /// A paragraph.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), soft: false }
    }

    /// A paragraph that explains.
    #[must_use]
    pub fn soft(text: impl Into<String>) -> Self {
        Self { text: text.into(), soft: true }
    }
}

impl Part for Prose {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// How a link looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Here,
    Button(Tone),
}

#[derive(Clone, Debug)]
struct Way {
    href: String,
    label: String,
    look: Look,
}

impl Way {
    fn class(&self) -> Option<&'static str> {
        match self.look {
            Look::Button(tone) => Some(tone.class()),
            Look::Plain | Look::Here => None,
        }
    }

    fn is_here(&self) -> bool {
        self.look == Look::Here
    }
}

/// Links: under one another, or beside each other as ways to see the same thing. Nothing where there are none.
#[derive(Clone, Debug, Default, Template)]
#[template(
    source = "{% if !ways.is_empty() %}<ul class=\"links{% if beside %} row{% endif %}\">{% for way in ways %}<li><a href=\"{{ way.href }}\"{% if let Some(class) = way.class() %} class=\"button {{ class }}\"{% endif %}{% if way.is_here() %} aria-current=\"page\"{% endif %}>{{ way.label }}</a></li>{% endfor %}</ul>{% endif %}",
    ext = "html"
)]
pub struct Links {
    ways: Vec<Way>,
    beside: bool,
}

impl Links {
    /// No links yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No links yet; they will stand beside each other where there is room.
    #[must_use]
    pub fn row() -> Self {
        Self { beside: true, ..Self::default() }
    }

    /// One more: where to, and what it says.
    #[must_use]
    pub fn link(self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.way(href, label, Look::Plain)
    }

    /// One more that leads to what is seen already.
    #[must_use]
    pub fn here(self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.way(href, label, Look::Here)
    }

    /// One more that looks like a button: the way to a form, not an act.
    #[must_use]
    pub fn button(self, href: impl Into<String>, label: impl Into<String>, tone: Tone) -> Self {
        self.way(href, label, Look::Button(tone))
    }

    fn way(mut self, href: impl Into<String>, label: impl Into<String>, look: Look) -> Self {
        self.ways.push(Way { href: href.into(), label: label.into(), look });
        self
    }
}

impl Part for Links {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// Names and values under one another.
#[derive(Clone, Debug, Default, Template)]
#[template(
    source = "<dl class=\"facts\">{% for (name, value) in facts %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>{% endfor %}</dl>",
    ext = "html"
)]
pub struct Facts {
    facts: Vec<(String, Html)>,
}

impl Facts {
    /// No facts yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub fn fact(self, name: impl Into<String>, value: impl AsRef<str>) -> Self {
        self.html(name, Html::text(value.as_ref()))
    }

    /// One more, whose value is copied sign by sign: a key, an address for a program.
    #[must_use]
    pub fn code(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.html(name, Html::of(&Code { text: value.into() }))
    }

    /// One more, whose value is a component's markup.
    #[must_use]
    pub fn html(mut self, name: impl Into<String>, value: Html) -> Self {
        self.facts.push((name.into(), value));
        self
    }
}

#[derive(Template)]
#[template(source = "<code>{{ text }}</code>", ext = "html")]
struct Code {
    text: String,
}

impl Part for Facts {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// A card: a heading with parts under it.
#[derive(Default)]
pub struct Section {
    title: String,
    body: Html,
    errors: Vec<(String, String)>,
    script: bool,
}

impl Section {
    /// A card with this heading.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// One more part.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a builder's word; nothing is summed up")]
    pub fn add(mut self, part: impl Part) -> Self {
        self.body.push(&part.html());
        self.errors.extend(part.errors());
        self.script |= part.needs_script();
        self
    }
}

#[derive(Template)]
#[template(source = "<section class=\"card\"><h2>{{ title }}</h2>\n{{ body }}</section>", ext = "html")]
struct SectionView<'a> {
    title: &'a str,
    body: &'a Html,
}

impl Part for Section {
    fn html(&self) -> Html {
        Html::of(&SectionView { title: &self.title, body: &self.body })
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.errors.clone()
    }

    fn needs_script(&self) -> bool {
        self.script
    }
}

/// Acts under one another, as wide as the column: other ways to do what the form above does. Nothing where there are none.
#[derive(Clone, Debug, Default, Template)]
#[template(
    source = "{% if !acts.is_empty() %}<div class=\"ways\">{% for act in acts %}{{ act }}{% endfor %}</div>{% endif %}",
    ext = "html"
)]
pub struct Acts {
    acts: Vec<Html>,
}

impl Acts {
    /// These.
    #[must_use]
    pub fn of<P: Part>(acts: impl IntoIterator<Item = P>) -> Self {
        Self { acts: acts.into_iter().map(|act| act.html()).collect() }
    }
}

impl Part for Acts {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// Lines of text in a box that can be scrolled and selected: codes, keys, tokens.
#[derive(Clone, Debug, Template)]
#[template(
    source = "<pre class=\"codes\" tabindex=\"0\" aria-label=\"{{ label }}\">{% for line in lines %}{{ line }}\n{% endfor %}</pre>",
    ext = "html"
)]
pub struct Scroll {
    label: String,
    lines: Vec<String>,
}

impl Scroll {
    /// These lines, named for screen readers.
    #[must_use]
    pub fn new<L: Into<String>>(label: impl Into<String>, lines: impl IntoIterator<Item = L>) -> Self {
        Self { label: label.into(), lines: lines.into_iter().map(Into::into).collect() }
    }
}

impl Part for Scroll {
    fn html(&self) -> Html {
        Html::of(self)
    }
}

/// The button that uses or makes a passkey. Hidden until the script has found that the browser can.
#[derive(Clone, Debug, Template)]
#[template(path = "ui/passkey.html")]
pub struct Passkey {
    create: bool,
    options: String,
    finish: String,
    csrf: String,
    next: String,
    label: String,
    failed: String,
}

impl Passkey {
    /// Signs in with a passkey: options are fetched from the one path, the answer is posted to the other.
    #[must_use]
    pub fn sign_in(options: impl Into<String>, finish: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self {
            create: false,
            options: options.into(),
            finish: finish.into(),
            csrf: csrf.into(),
            next: String::new(),
            label: String::new(),
            failed: String::new(),
        }
    }

    /// Makes a passkey.
    #[must_use]
    pub fn create(options: impl Into<String>, finish: impl Into<String>, csrf: impl Into<String>) -> Self {
        Self { create: true, ..Self::sign_in(options, finish, csrf) }
    }

    /// What the button says, and what is said when it did not work.
    #[must_use]
    pub fn says(mut self, label: impl Into<String>, failed: impl Into<String>) -> Self {
        (self.label, self.failed) = (label.into(), failed.into());
        self
    }

    /// Where to go afterwards, where the server may choose otherwise.
    #[must_use]
    pub fn next(mut self, path: impl Into<String>) -> Self {
        self.next = path.into();
        self
    }
}

impl Part for Passkey {
    fn html(&self) -> Html {
        Html::of(self)
    }

    fn needs_script(&self) -> bool {
        true
    }
}
