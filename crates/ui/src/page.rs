//! A whole page.

use crate::{Html, Part, assets, texts};
use askama::Template;

/// A page could not be rendered. Templates are checked when the program is built, so this means that memory ran out.
#[derive(Debug, thiserror::Error)]
#[error("the page could not be rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// One entry of the navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Where to.
    pub href: String,
    /// What it says.
    pub label: String,
}

impl Item {
    /// One entry.
    #[must_use]
    pub fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

/// What stands in the head of a page for somebody who is signed in.
#[derive(Clone, Debug, Default)]
pub struct Nav {
    /// The active team, where there is one.
    pub team: Option<String>,
    /// The person.
    pub name: String,
    /// The role, as people read it.
    pub role: Option<String>,
    /// The token for the button that signs out.
    pub csrf: String,
    /// What the products and the wings offer.
    pub items: Vec<Item>,
}

/// What is the same on each page of one request.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The service's name.
    pub service: String,
    /// The path of the page, to mark its entry in the navigation.
    pub path: String,
    /// Who is signed in.
    pub nav: Option<Nav>,
}

impl Shell {
    fn is_here(&self, href: &str) -> bool {
        href == self.path || (href.len() > 1 && self.path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')))
    }
}

/// A page, put together from parts.
#[derive(Default)]
pub struct Page {
    title: String,
    lead: Option<String>,
    body: Html,
    errors: Vec<(String, String)>,
    wide: bool,
    script: bool,
}

impl Page {
    /// A page with this heading.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A sentence under the heading.
    #[must_use]
    pub fn lead(mut self, lead: impl Into<String>) -> Self {
        self.lead = Some(lead.into());
        self
    }

    /// Something that is wrong with the whole rather than with one field: stands in the summary without a link.
    #[must_use]
    pub fn error(mut self, words: Option<impl Into<String>>) -> Self {
        self.errors.extend(words.map(|words| (String::new(), words.into())));
        self
    }

    /// One more part. What is wrong in it joins the summary.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a builder's word; nothing is summed up")]
    pub fn add(mut self, part: impl Part) -> Self {
        self.body.push(&part.html());
        self.errors.extend(part.errors());
        self.script |= part.needs_script();
        self
    }

    /// The parts of another page after this one's; this one's heading stays.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.body.push(&other.body);
        self.errors.extend(other.errors);
        self.script |= other.script;
        self.wide |= other.wide;
        self.lead = self.lead.or(other.lead);
        self
    }

    /// As wide as tables need.
    #[must_use]
    pub const fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// The whole document.
    ///
    /// # Errors
    /// Memory ran out.
    pub fn render(&self, shell: &Shell) -> Result<String, RenderError> {
        Ok(Layout { page: self, shell, texts: &texts::EN }.render()?)
    }
}

#[derive(Template)]
#[template(path = "ui/layout.html")]
struct Layout<'a> {
    page: &'a Page,
    shell: &'a Shell,
    texts: &'a texts::Texts,
}
