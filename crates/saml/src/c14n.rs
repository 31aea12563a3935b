//! Exclusive XML Canonicalization 1.0 without comments, with and without a list of inclusive prefixes.

use crate::xml::{Attribute, Element, Node, XML_NAMESPACE};

/// The canonical form of `apex`, which stands somewhere in `root`. `omitted` is left out with all it contains: the
/// signature, under the enveloped-signature transform. `inclusive` lists prefixes that are treated as in inclusive
/// canonical form; the default namespace is the empty prefix.
#[must_use]
pub fn canonical(root: &Element, apex: &Element, omitted: Option<&Element>, inclusive: &[String]) -> String {
    let mut writer = Writer { out: String::new(), rendered: Vec::new(), scope: Vec::new(), omitted, inclusive };
    if !inclusive.is_empty() {
        lead(root, apex, &mut writer.scope);
    }
    writer.element(apex);
    writer.out
}

/// Collects the declarations of all elements around `apex`. Returns whether `apex` stands in `at`.
fn lead(at: &Element, apex: &Element, scope: &mut Vec<(String, String)>) -> bool {
    if std::ptr::eq(at, apex) {
        return true;
    }
    let outside = scope.len();
    scope.extend(at.declared.iter().cloned());
    if at.elements().any(|child| lead(child, apex, scope)) {
        return true;
    }
    scope.truncate(outside);
    false
}

struct Writer<'a> {
    out: String,
    /// Declarations that ancestors in the output made, innermost last.
    rendered: Vec<(String, String)>,
    /// Declarations in scope in the document; kept only when prefixes are inclusive.
    scope: Vec<(String, String)>,
    omitted: Option<&'a Element>,
    inclusive: &'a [String],
}

impl Writer<'_> {
    fn element(&mut self, element: &Element) {
        let (rendered, scope) = (self.rendered.len(), self.scope.len());
        if !self.inclusive.is_empty() {
            self.scope.extend(element.declared.iter().cloned());
        }
        self.out.push('<');
        self.name(&element.prefix, &element.local);
        self.declarations(element);
        let mut attributes: Vec<&Attribute> = element.attributes.iter().collect();
        attributes.sort_by(|a, b| (&a.namespace, &a.local).cmp(&(&b.namespace, &b.local)));
        for attribute in attributes {
            self.out.push(' ');
            self.name(&attribute.prefix, &attribute.local);
            self.value(&attribute.value);
        }
        self.out.push('>');
        for child in &element.children {
            match child {
                Node::Element(child) if self.omitted.is_some_and(|omitted| std::ptr::eq(omitted, child)) => {}
                Node::Element(child) => self.element(child),
                Node::Text(text) => self.text(text),
                Node::Comment => {}
                Node::Instruction(target, data) => {
                    let space = if data.is_empty() { "" } else { " " };
                    self.out.push_str(&format!("<?{target}{space}{data}?>"));
                }
            }
        }
        self.out.push_str("</");
        self.name(&element.prefix, &element.local);
        self.out.push('>');
        self.rendered.truncate(rendered);
        self.scope.truncate(scope);
    }

    /// Declares what the element uses visibly, and what is inclusive, unless an ancestor in the output says the same.
    fn declarations(&mut self, element: &Element) {
        let mut needed: Vec<(String, String)> = vec![(element.prefix.clone(), element.namespace.clone())];
        let prefixed = element.attributes.iter().filter(|each| !each.prefix.is_empty());
        needed.extend(prefixed.map(|each| (each.prefix.clone(), each.namespace.clone())));
        for prefix in self.inclusive {
            match innermost(&self.scope, prefix) {
                Some(namespace) => needed.push((prefix.clone(), namespace.to_owned())),
                None if prefix.is_empty() => needed.push((String::new(), String::new())),
                None => {}
            }
        }
        needed.sort();
        needed.dedup();
        for (prefix, namespace) in needed {
            let said = innermost(&self.rendered, &prefix);
            // No default namespace is what a document starts with.
            let known = said == Some(&namespace) || (said.is_none() && prefix.is_empty() && namespace.is_empty());
            if known || (prefix == "xml" && namespace == XML_NAMESPACE) {
                continue;
            }
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.push(':');
                self.out.push_str(&prefix);
            }
            self.value(&namespace);
            self.rendered.push((prefix, namespace));
        }
    }

    fn name(&mut self, prefix: &str, local: &str) {
        if !prefix.is_empty() {
            self.out.push_str(prefix);
            self.out.push(':');
        }
        self.out.push_str(local);
    }

    fn value(&mut self, value: &str) {
        self.out.push_str("=\"");
        for c in value.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' => self.out.push_str("&#x9;"),
                '\n' => self.out.push_str("&#xA;"),
                '\r' => self.out.push_str("&#xD;"),
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#xD;"),
                other => self.out.push(other),
            }
        }
    }
}

fn innermost<'a>(scope: &'a [(String, String)], prefix: &str) -> Option<&'a str> {
    scope.iter().rev().find(|(known, _)| known == prefix).map(|(_, namespace)| namespace.as_str())
}
