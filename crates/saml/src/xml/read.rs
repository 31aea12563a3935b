//! The reader. It takes XML 1.0 with namespaces in UTF-8 and refuses what SAML never needs: document types, entities of
//! the document's own, other encodings, and sizes that only an attacker sends. It does not recurse.

use super::{Attribute, Document, Element, Node, XML_NAMESPACE, is_space};
use thiserror::Error;

/// Longest document, in bytes.
const LONGEST: usize = 512 * 1024;
/// Deepest nesting of elements.
const DEEPEST: usize = 48;
/// Most elements in a document.
const MOST_ELEMENTS: usize = 20_000;
/// Most attributes, declarations included, of one element.
const MOST_ATTRIBUTES: usize = 64;
/// Most namespace declarations in scope at one place.
const MOST_DECLARATIONS: usize = 128;
/// Longest namespace, in bytes: every element keeps its own.
const LONGEST_NAMESPACE: usize = 256;
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// Why a text is not a document that is read here. Says nothing of its content.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum XmlError {
    /// More bytes, elements, attributes or levels than any honest document has.
    #[error("the document is larger or deeper than is read")]
    TooLarge,
    /// A document type: where entity attacks begin.
    #[error("the document has a document type")]
    DocumentType,
    /// An entity that XML does not name itself.
    #[error("the document refers to an entity")]
    Entity,
    /// Not well-formed, or not in UTF-8.
    #[error("not well-formed: {0}")]
    Malformed(&'static str),
}

type Read<T> = Result<T, XmlError>;

const fn malformed<T>(why: &'static str) -> Read<T> {
    Err(XmlError::Malformed(why))
}

/// Reads a document.
///
/// # Errors
///
/// When the text is not well-formed, or has what is not read here.
pub fn parse(text: &str) -> Result<Document, XmlError> {
    if text.len() > LONGEST {
        return Err(XmlError::TooLarge);
    }
    if !text.chars().all(is_char) {
        return malformed("a character that XML does not allow");
    }
    // Line ends are normalised before anything else is looked at.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let mut reader = Reader { rest: &text, scope: Vec::new(), elements: 0, remarks: 0 };
    reader.declaration()?;
    reader.between()?;
    let root = reader.tree()?;
    reader.between()?;
    if !reader.rest.is_empty() {
        return malformed("something stands after the outermost element");
    }
    Ok(Document { root, remarks: reader.remarks })
}

struct Reader<'a> {
    rest: &'a str,
    /// Declarations in scope, innermost last.
    scope: Vec<(String, String)>,
    elements: usize,
    remarks: usize,
}

/// An element whose end has not come yet.
struct Open {
    element: Element,
    name: String,
    /// How many declarations were in scope outside of it.
    outside: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &str, why: &'static str) -> Read<()> {
        if self.take(token) { Ok(()) } else { malformed(why) }
    }

    /// What comes before `end`, which is taken too.
    fn until(&mut self, end: &str, why: &'static str) -> Read<&'a str> {
        let (before, after) = self.rest.split_once(end).ok_or(XmlError::Malformed(why))?;
        self.rest = after;
        Ok(before)
    }

    /// Takes characters while `wanted` holds.
    fn run(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest.trim_start_matches(wanted);
        let taken = self.rest.strip_suffix(rest).unwrap_or_default();
        self.rest = rest;
        taken
    }

    fn space(&mut self) -> bool {
        !self.run(is_space).is_empty()
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, if it is there.
    fn declaration(&mut self) -> Read<()> {
        if !self.rest.starts_with("<?xml") || !self.rest.chars().nth(5).is_some_and(is_space) {
            return Ok(());
        }
        self.expect("<?xml", "the XML declaration")?;
        let mut inner = Reader {
            rest: self.until("?>", "the XML declaration has no end")?,
            scope: Vec::new(),
            elements: 0,
            remarks: 0,
        };
        for (name, required) in [("version", true), ("encoding", false), ("standalone", false)] {
            let before = inner.rest;
            if !inner.space() || !inner.take(name) {
                inner.rest = before;
                if required {
                    return malformed("the XML declaration names no version");
                }
                continue;
            }
            let value = inner.pseudo_value()?;
            let fine = match name {
                "version" => value == "1.0",
                "encoding" => value.eq_ignore_ascii_case("utf-8"),
                _ => value == "yes" || value == "no",
            };
            if !fine {
                return malformed("the XML declaration asks for something else than XML 1.0 in UTF-8");
            }
        }
        inner.space();
        if inner.rest.is_empty() { Ok(()) } else { malformed("the XML declaration") }
    }

    fn pseudo_value(&mut self) -> Read<&'a str> {
        self.space();
        self.expect("=", "an equals sign is missing")?;
        self.space();
        self.quoted()
    }

    fn quoted(&mut self) -> Read<&'a str> {
        if self.take("\"") {
            self.until("\"", "a quoted value has no end")
        } else if self.take("'") {
            self.until("'", "a quoted value has no end")
        } else {
            malformed("a value is not quoted")
        }
    }

    /// White space, comments and instructions outside the outermost element.
    fn between(&mut self) -> Read<()> {
        loop {
            self.space();
            if self.rest.starts_with("<!DOCTYPE") {
                return Err(XmlError::DocumentType);
            }
            if self.take("<!--") {
                self.comment()?;
            } else if self.take("<?") {
                self.instruction()?;
            } else {
                return Ok(());
            }
        }
    }

    fn comment(&mut self) -> Read<()> {
        self.remarks += 1;
        self.until("--", "a comment has no end")?;
        self.expect(">", "two hyphens inside a comment")
    }

    fn instruction(&mut self) -> Read<(String, String)> {
        self.remarks += 1;
        let target = self.name()?;
        if target.eq_ignore_ascii_case("xml") || target.contains(':') {
            return malformed("the target of a processing instruction");
        }
        let spaced = self.space();
        let data = self.until("?>", "a processing instruction has no end")?;
        if !spaced && !data.is_empty() {
            return malformed("the target of a processing instruction");
        }
        Ok((target.to_owned(), data.to_owned()))
    }

    fn name(&mut self) -> Read<&'a str> {
        let name = self.run(is_name);
        match name.chars().next() {
            Some(first) if is_name_start(first) => Ok(name),
            _ => malformed("a name was expected"),
        }
    }

    fn tree(&mut self) -> Read<Element> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let closed = if self.take("</") {
                let Some(ended) = open.pop() else { return malformed("an end without a start") };
                if self.name()? != ended.name {
                    return malformed("an end tag that does not match its start");
                }
                self.space();
                self.expect(">", "an end tag has no end")?;
                self.scope.truncate(ended.outside);
                Some(ended.element)
            } else if self.rest.starts_with("<!--") || self.rest.starts_with("<?") || self.rest.starts_with("<!") {
                let Some(inside) = open.last_mut() else { return malformed("no outermost element") };
                self.markup(&mut inside.element)?;
                None
            } else if self.take("<") {
                self.start(&mut open)?
            } else {
                let Some(inside) = open.last_mut() else { return malformed("no outermost element") };
                let raw = self.run(|c| c != '<');
                if raw.is_empty() {
                    return malformed("an element has no end");
                }
                if raw.contains("]]>") {
                    return malformed("the end of a CDATA section in text");
                }
                let text = resolved(raw, false)?;
                push_text(&mut inside.element, &text);
                None
            };
            if let Some(element) = closed {
                match open.last_mut() {
                    Some(parent) => parent.element.children.push(Node::Element(element)),
                    None => return Ok(element),
                }
            }
        }
    }

    /// A comment, an instruction or a CDATA section inside an element.
    fn markup(&mut self, inside: &mut Element) -> Read<()> {
        if self.take("<!--") {
            self.comment()?;
            inside.children.push(Node::Comment);
        } else if self.take("<?") {
            let (target, data) = self.instruction()?;
            inside.children.push(Node::Instruction(target, data));
        } else if self.take("<![CDATA[") {
            let text = self.until("]]>", "a CDATA section has no end")?;
            push_text(inside, text);
        } else if self.rest.starts_with("<!DOCTYPE") {
            return Err(XmlError::DocumentType);
        } else {
            return malformed("unknown markup");
        }
        Ok(())
    }

    /// A start tag, after its `<`. An empty element comes back; any other stands open.
    fn start(&mut self, open: &mut Vec<Open>) -> Read<Option<Element>> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS || open.len() >= DEEPEST {
            return Err(XmlError::TooLarge);
        }
        let name = self.name()?;
        let outside = self.scope.len();
        let mut attributes = Vec::new();
        let empty = loop {
            let spaced = self.space();
            if self.take("/>") {
                break true;
            }
            if self.take(">") {
                break false;
            }
            if !spaced {
                return malformed("white space is missing between attributes");
            }
            if attributes.len() >= MOST_ATTRIBUTES {
                return Err(XmlError::TooLarge);
            }
            let name = self.name()?;
            let raw = self.pseudo_value()?;
            if raw.contains('<') {
                return malformed("a value contains markup");
            }
            attributes.push((name, resolved(raw, true)?));
        };
        let element = self.element(name, attributes)?;
        if empty {
            self.scope.truncate(outside);
            return Ok(Some(element));
        }
        open.push(Open { element, name: name.to_owned(), outside });
        Ok(None)
    }

    /// Gives names their namespaces.
    fn element(&mut self, name: &str, attributes: Vec<(&str, String)>) -> Read<Element> {
        let mut declared: Vec<(String, String)> = Vec::new();
        let mut plain = Vec::new();
        for (name, value) in attributes {
            let prefix = if name == "xmlns" { Some("") } else { name.strip_prefix("xmlns:") };
            let Some(prefix) = prefix else {
                plain.push((name, value));
                continue;
            };
            check_declaration(name, prefix, &value)?;
            if declared.iter().any(|(known, _)| known == prefix) {
                return malformed("a namespace is declared twice");
            }
            declared.push((prefix.to_owned(), value));
        }
        self.scope.extend(declared.iter().cloned());
        if self.scope.len() > MOST_DECLARATIONS {
            return Err(XmlError::TooLarge);
        }
        let (prefix, local) = split(name)?;
        let namespace = self.resolve(prefix)?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(plain.len());
        for (name, value) in plain {
            let (prefix, local) = split(name)?;
            // A default namespace is none for attributes.
            let namespace = if prefix.is_empty() { String::new() } else { self.resolve(prefix)? };
            if attributes.iter().any(|known| known.local == local && known.namespace == namespace) {
                return malformed("an attribute stands twice");
            }
            attributes.push(Attribute { prefix: prefix.to_owned(), local: local.to_owned(), namespace, value });
        }
        let (prefix, local) = (prefix.to_owned(), local.to_owned());
        Ok(Element { prefix, local, namespace, attributes, declared, children: Vec::new() })
    }

    fn resolve(&self, prefix: &str) -> Read<String> {
        match prefix {
            "xml" => Ok(XML_NAMESPACE.to_owned()),
            "xmlns" => malformed("the prefix xmlns on a name"),
            _ => match self.scope.iter().rev().find(|(known, _)| known == prefix) {
                Some((_, namespace)) => Ok(namespace.clone()),
                None if prefix.is_empty() => Ok(String::new()),
                None => malformed("a prefix that is not declared"),
            },
        }
    }
}

fn check_declaration(name: &str, prefix: &str, namespace: &str) -> Read<()> {
    if name != "xmlns" && (!is_plain_name(prefix) || namespace.is_empty()) {
        return malformed("a namespace declaration");
    }
    if namespace.len() > LONGEST_NAMESPACE {
        return Err(XmlError::TooLarge);
    }
    let reserved =
        prefix == "xmlns" || namespace == XMLNS_NAMESPACE || (prefix == "xml") != (namespace == XML_NAMESPACE);
    if reserved { malformed("a reserved namespace is declared anew") } else { Ok(()) }
}

fn split(name: &str) -> Read<(&str, &str)> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let fine = is_plain_name(local) && (is_plain_name(prefix) || !name.contains(':'));
    if fine { Ok((prefix, local)) } else { malformed("a name with colons") }
}

/// Whether `text` is a name without a colon, as identifiers must be.
pub(crate) fn is_plain_name(text: &str) -> bool {
    text.chars().next().is_some_and(is_name_start) && text.chars().all(is_name) && !text.contains(':')
}

fn push_text(element: &mut Element, text: &str) {
    if let Some(Node::Text(before)) = element.children.last_mut() {
        before.push_str(text);
    } else if !text.is_empty() {
        element.children.push(Node::Text(text.to_owned()));
    }
}

/// `raw` with its references resolved; in attributes, white space as such becomes a space.
fn resolved(raw: &str, in_attribute: bool) -> Read<String> {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        if c != '&' {
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            out.push(if in_attribute && is_space(c) { ' ' } else { c });
            continue;
        }
        let (reference, after) = rest.split_once(';').ok_or(XmlError::Malformed("an ampersand stands alone"))?;
        rest = after;
        out.push(referred(reference)?);
    }
    Ok(out)
}

fn referred(reference: &str) -> Read<char> {
    let number = match reference {
        "&amp" => return Ok('&'),
        "&lt" => return Ok('<'),
        "&gt" => return Ok('>'),
        "&quot" => return Ok('"'),
        "&apos" => return Ok('\''),
        other => match (other.strip_prefix("&#x"), other.strip_prefix("&#")) {
            (Some(digits), _) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_hexdigit()) => {
                u32::from_str_radix(digits, 16)
            }
            (None, Some(digits)) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => digits.parse(),
            (_, Some(_)) => return malformed("a character reference"),
            _ if other.strip_prefix('&').is_some_and(is_plain_name) => return Err(XmlError::Entity),
            _ => return malformed("an ampersand stands alone"),
        },
    };
    let found = number.ok().and_then(char::from_u32).filter(|c| is_char(*c));
    found.ok_or(XmlError::Malformed("a reference to a character that XML does not allow"))
}

const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

const fn is_name_start(c: char) -> bool {
    matches!(c, ':' | 'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

const fn is_name(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
