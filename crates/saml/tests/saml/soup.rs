//! Trees with everything that canonical form has to do with, and two ways to write each.

use proptest::prelude::*;

/// An element to be written.
#[derive(Clone, Debug)]
pub(crate) struct Soup {
    /// 0 is no prefix.
    prefix: usize,
    local: String,
    declared: Vec<(usize, usize)>,
    attributes: Vec<(usize, String, String)>,
    children: Vec<Bit>,
}

#[derive(Clone, Debug)]
enum Bit {
    Element(Soup),
    Text(String),
}

const PREFIXES: [&str; 5] = ["", "a", "b", "saml", "zz"];
/// Number 0 takes the default namespace away. None has an ampersand: libxml2 does not escape it in canonical form, so that
/// xmlsec1 would differ.
const NAMESPACES: [&str; 4] = ["", "urn:one", "urn:two", "http://example.com/three?x=1"];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["a", " ", "&", "<", ">", "\"", "'", "\t", "\n", "\r", "é", "𝄞", "]]", "x y"]),
        0..5,
    )
    .prop_map(|bits| bits.concat())
}

fn local() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["one", "two", "Three", "é", "_4", "five-5.x"]).prop_map(str::to_owned)
}

fn declared() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::btree_map(0..PREFIXES.len(), 0..NAMESPACES.len(), 0..3)
        .prop_map(|map| map.into_iter().filter(|(prefix, namespace)| *prefix == 0 || *namespace != 0).collect())
}

fn attributes() -> impl Strategy<Value = Vec<(usize, String, String)>> {
    prop::collection::btree_map((0..PREFIXES.len(), local()), text(), 0..4)
        .prop_map(|map| map.into_iter().map(|((prefix, local), value)| (prefix, local, value)).collect())
}

/// Trees of a few levels.
pub(crate) fn soup() -> impl Strategy<Value = Soup> {
    let leaf = (0..PREFIXES.len(), local(), declared(), attributes(), text()).prop_map(
        |(prefix, local, declared, attributes, text)| Soup {
            prefix,
            local,
            declared,
            attributes,
            children: vec![Bit::Text(text)],
        },
    );
    leaf.prop_recursive(4, 24, 4, |inner| {
        let bit = prop_oneof![inner.prop_map(Bit::Element), text().prop_map(Bit::Text)];
        (0..PREFIXES.len(), local(), declared(), attributes(), prop::collection::vec(bit, 0..5)).prop_map(
            |(prefix, local, declared, attributes, children)| Soup { prefix, local, declared, attributes, children },
        )
    })
}

impl Soup {
    /// As a fragment. `around` says which prefixes stand for what outside; what is not declared there is written without
    /// prefix. `other` picks other quotes, references and order of attributes, which mean the same.
    pub(crate) fn write(&self, around: &[(&'static str, &'static str)], other: bool) -> String {
        let mut out = String::new();
        self.put(&mut out, &mut around.to_vec(), other);
        out
    }

    fn put(&self, out: &mut String, scope: &mut Vec<(&'static str, &'static str)>, other: bool) {
        let outside = scope.len();
        scope.extend(self.declared.iter().map(|(prefix, namespace)| (PREFIXES[*prefix], NAMESPACES[*namespace])));
        let tag = named(self.prefix, &self.local, scope);
        let mut inside: Vec<String> = Vec::new();
        for (prefix, namespace) in &self.declared {
            let name = if *prefix == 0 { "xmlns".to_owned() } else { format!("xmlns:{}", PREFIXES[*prefix]) };
            inside.push(format!("{name}={}", quoted(NAMESPACES[*namespace], other)));
        }
        let mut used: Vec<(String, String)> = Vec::new();
        for (prefix, local, value) in &self.attributes {
            // Two prefixes may mean the same: such an attribute would stand twice.
            let key = (meaning(*prefix, scope), local.clone());
            if !used.contains(&key) {
                used.push(key);
                inside.push(format!("{}={}", named(*prefix, local, scope), quoted(value, other)));
            }
        }
        if other {
            inside.reverse();
        }
        let gap = if other { "\n  " } else { " " };
        out.push_str(&format!("<{tag}{}", inside.iter().map(|each| format!("{gap}{each}")).collect::<String>()));
        if self.children.is_empty() && other {
            out.push_str(" />");
        } else {
            out.push('>');
            for child in &self.children {
                match child {
                    Bit::Element(element) => element.put(out, scope, other),
                    Bit::Text(text) if other && !text.contains('\r') && !text.contains("]]") => {
                        out.push_str(&format!("<![CDATA[{text}]]>"))
                    }
                    Bit::Text(text) => out.push_str(&saml::xml::escape(text)),
                }
            }
            out.push_str(&format!("</{tag}>"));
        }
        scope.truncate(outside);
    }
}

fn meaning(prefix: usize, scope: &[(&'static str, &'static str)]) -> String {
    let known = scope.iter().rev().find(|(known, _)| prefix != 0 && *known == PREFIXES[prefix]);
    known.map_or_else(String::new, |(_, namespace)| (*namespace).to_owned())
}

fn named(prefix: usize, local: &str, scope: &[(&'static str, &'static str)]) -> String {
    if prefix != 0 && scope.iter().any(|(known, _)| *known == PREFIXES[prefix]) {
        format!("{}:{local}", PREFIXES[prefix])
    } else {
        local.to_owned()
    }
}

fn quoted(value: &str, other: bool) -> String {
    if !other {
        return format!("\"{}\"", saml::xml::escape(value));
    }
    let escaped: String = value
        .chars()
        .map(|c| match c {
            '\'' | '&' | '<' | '\t' | '\n' | '\r' | 'é' => format!("&#{};", u32::from(c)),
            other => other.to_string(),
        })
        .collect();
    format!("'{escaped}'")
}
