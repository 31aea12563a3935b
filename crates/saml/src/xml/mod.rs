//! XML as far as SAML needs it, and no further: one tree per document, with prefixes kept for canonical form. There are
//! no document types and so no entities but the five that XML itself names.

mod read;

pub(crate) use read::is_plain_name as is_identifier;
pub use read::{XmlError, parse};

/// The namespace that the prefix `xml` always means.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// A document that was read.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its one outermost element.
    pub root: Element,
    /// How many comments and processing instructions it has, wherever they stand.
    pub remarks: usize,
}

/// An element.
#[derive(Clone, Debug)]
pub struct Element {
    /// Prefix as written; empty without one.
    pub prefix: String,
    /// Name without prefix.
    pub local: String,
    /// Namespace that the prefix means here; empty for none.
    pub namespace: String,
    /// Attributes without namespace declarations, in document order.
    pub attributes: Vec<Attribute>,
    /// Namespace declarations of this element: prefix (empty for the default) and namespace.
    pub declared: Vec<(String, String)>,
    /// What it contains, in document order.
    pub children: Vec<Node>,
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Prefix as written; empty without one.
    pub prefix: String,
    /// Name without prefix.
    pub local: String,
    /// Namespace that the prefix means here; empty without one.
    pub namespace: String,
    /// Value with references resolved and white space normalised.
    pub value: String,
}

/// What an element may contain.
#[derive(Clone, Debug)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Character data, references resolved; neighbours are merged and CDATA sections are plain text.
    Text(String),
    /// A comment.
    Comment,
    /// A processing instruction: target and data.
    Instruction(String, String),
}

impl Element {
    /// Whether this is the element `local` of `namespace`.
    #[must_use]
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && self.namespace == namespace
    }

    /// Value of the attribute `local` that has no prefix.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|each| each.namespace.is_empty() && each.local == local)
            .map(|each| each.value.as_str())
    }

    /// Child elements, in document order.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Comment | Node::Instruction(..) => None,
        })
    }

    /// Child elements `local` of `namespace`.
    pub fn named<'a>(&'a self, namespace: &'a str, local: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |each| each.is(namespace, local))
    }

    /// The child element `local` of `namespace`, if there is exactly one.
    #[must_use]
    pub fn only(&self, namespace: &str, local: &str) -> Option<&Self> {
        let mut found = self.elements().filter(|each| each.is(namespace, local));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// The element's text, if it contains nothing else: a comment or an element in between is no part of a value.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self.children.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether there is nothing but elements and white space in it.
    #[must_use]
    pub fn has_only_elements(&self) -> bool {
        self.children.iter().all(|child| match child {
            Node::Element(_) => true,
            Node::Text(text) => text.chars().all(is_space),
            Node::Comment | Node::Instruction(..) => false,
        })
    }

    /// Calls `visit` for this element and every one below it.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        for child in self.elements() {
            child.walk(visit);
        }
    }
}

/// White space as XML counts it.
#[must_use]
pub const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// `text` as the content of an element or of an attribute in double quotes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}
