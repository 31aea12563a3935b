//! A strict reader of the markup that our templates write: stricter than browsers are, so that what passes here is read
//! alike by all of them.

use std::collections::BTreeSet;

/// Elements that have no end tag.
const VOID: [&str; 4] = ["meta", "link", "img", "br"];

/// One start tag.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The text directly after it, up to the next tag, entities unread.
    pub(crate) text: String,
}

impl Tag {
    /// The value of an attribute.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads markup; panics where a tag is not closed, an attribute is doubled or unquoted, or a bare `<` or `&` stands.
pub(crate) fn read(markup: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest =
        markup.trim_start_matches("<!DOCTYPE html>").trim_start_matches("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = rest[start..].find('>').unwrap_or_else(|| panic!("no end of tag in {}", &rest[start..])) + start;
        let inside = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "wrong end tag");
            continue;
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "«{name}» is no element");
        let text = rest.split('<').next().unwrap_or_default().to_owned();
        tags.push(Tag { name: name.to_owned(), attributes: read_attributes(attributes), text });
        if !closed && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "never closed: {open:?}");
    tags
}

fn read_attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let stop = rest.find([' ', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(stop);
        assert!(
            name.chars().all(|c| c.is_ascii_lowercase()
                || "-:".contains(c)
                || c == 'B'
                || c == 'A'
                || c == 'R'
                || c == 'T'),
            "«{name}» is no attribute"
        );
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap_or_else(|| panic!("no end of the value of {name}")),
            None => ("", after),
        };
        check_text(value);
        assert!(found.iter().all(|(known, _): &(String, String)| known != name), "{name} stands twice");
        found.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    found
}

/// Every `&` begins an entity, and nothing is in it that XML forbids.
fn check_text(text: &str) {
    for part in text.split('&').skip(1) {
        let entity = part.split(';').next().unwrap_or_default();
        let known = ["amp", "lt", "gt", "quot"].contains(&entity)
            || entity
                .strip_prefix('#')
                .is_some_and(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
        assert!(known && part.contains(';'), "a bare & in «{text}»");
    }
    assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()), "a control character in «{text}»");
}

/// What must hold of every page, whatever is written into it.
pub(crate) fn check_page(html: &str) -> Vec<Tag> {
    let tags = read(html);
    let mut ids = BTreeSet::new();
    for tag in &tags {
        assert!(
            !["script", "style", "iframe", "object", "embed", "form", "base"].contains(&tag.name.as_str()),
            "a <{}>",
            tag.name
        );
        for (name, value) in &tag.attributes {
            assert!(name != "style" && !name.starts_with("on"), "{name} on <{}>", tag.name);
            if name == "id" {
                assert!(ids.insert(value.clone()), "the id {value} stands twice");
            }
            if ["href", "src"].contains(&name.as_str()) {
                let local = value.starts_with('/') || value.starts_with('#');
                assert!(local || (tag.name == "a" && value.starts_with("https://")), "{name} leads to {value}");
            }
        }
    }
    for tag in &tags {
        let named =
            tag.get("aria-labelledby").into_iter().chain(tag.get("href").and_then(|href| href.strip_prefix('#')));
        for id in named {
            assert!(ids.contains(id), "nothing has the id {id}");
        }
    }
    tags
}
