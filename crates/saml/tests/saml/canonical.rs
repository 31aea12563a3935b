//! Canonical form: examples of the recommendations, and what must hold for every tree.

use crate::soup::soup;
use proptest::prelude::*;
use saml::c14n::canonical;
use saml::xml::{Element, Node, parse};

fn whole(text: &str) -> String {
    let root = parse(text).unwrap().root;
    canonical(&root, &root, None, &[])
}

fn find<'a>(root: &'a Element, local: &str) -> &'a Element {
    let mut found = None;
    root.walk(&mut |element| {
        if element.local == local {
            found = Some(element);
        }
    });
    found.unwrap()
}

#[test]
fn canonical_xml_examples() {
    // Canonical XML 1.0, 3.3 and 3.4, where the exclusive form agrees.
    let tags = "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      xmlns=\"http://example.org\"/>\n</doc>";
    assert_eq!(
        whole(tags),
        "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n</doc>"
    );
    let characters = "<doc>\n   <text>First line&#x0d;&#10;Second line</text>\n   <value>&#x32;</value>\n   <compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute>\n   <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\n   <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/>\n</doc>";
    assert_eq!(
        whole(characters),
        "<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   <compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute>\n   <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\n   <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm>\n</doc>"
    );
    assert_eq!(whole("<?xml version=\"1.0\"?>\n<!-- a --><a><?t  d ?><!-- b --></a>"), "<a><?t d ?></a>");
}

#[test]
fn exclusive_form_leaves_the_context_behind() {
    // Exclusive XML Canonicalization, 2.2: the same element in two contexts.
    let one = parse("<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"/></n1:elem2></n0:local>").unwrap().root;
    let other = parse("<n2:pdu xmlns:n1=\"http://example.com\" xmlns:n2=\"http://foo.example\" xml:lang=\"fr\" xml:space=\"retain\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"/></n1:elem2></n2:pdu>").unwrap().root;
    let expected = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
    assert_eq!(canonical(&one, find(&one, "elem2"), None, &[]), expected);
    assert_eq!(canonical(&other, find(&other, "elem2"), None, &[]), expected);
    // With the prefix inclusive, its declaration comes along from outside.
    let listed = canonical(&one, find(&one, "elem2"), None, &["n3".to_owned(), "n0".to_owned()]);
    assert_eq!(
        listed,
        "<n1:elem2 xmlns:n0=\"foo:bar\" xmlns:n1=\"http://example.net\" xmlns:n3=\"ftp://example.org\" xml:lang=\"en\"><n3:stuff></n3:stuff></n1:elem2>"
    );
}

#[test]
fn a_default_namespace_can_be_taken_away() {
    assert_eq!(
        whole("<a xmlns=\"urn:x\"><b xmlns=\"\"><c xmlns=\"\"/></b></a>"),
        "<a xmlns=\"urn:x\"><b xmlns=\"\"><c></c></b></a>"
    );
    let root = parse("<p:a xmlns:p=\"urn:p\" xmlns=\"urn:x\"><p:b xmlns=\"\"/></p:a>").unwrap().root;
    assert_eq!(canonical(&root, &root, None, &[]), "<p:a xmlns:p=\"urn:p\"><p:b></p:b></p:a>");
    let with_default = canonical(&root, &root, None, &[String::new()]);
    assert_eq!(with_default, "<p:a xmlns=\"urn:x\" xmlns:p=\"urn:p\"><p:b xmlns=\"\"></p:b></p:a>");
}

#[test]
fn namespaces_are_escaped_like_attributes() {
    assert_eq!(whole("<p:a xmlns:p='urn:x?a&amp;b'/>"), "<p:a xmlns:p=\"urn:x?a&amp;b\"></p:a>");
}

#[test]
fn what_is_omitted_is_gone_with_all_it_contains() {
    let root = parse("<a>1<s><t/></s>2</a>").unwrap().root;
    assert_eq!(canonical(&root, &root, Some(find(&root, "s")), &[]), "<a>12</a>");
}

/// What a tree means, without how it is written.
fn meaning(element: &Element, out: &mut String) {
    let mut attributes: Vec<String> = element
        .attributes
        .iter()
        .map(|each| format!("{{{}}}{}={:?}", each.namespace, each.local, each.value))
        .collect();
    attributes.sort();
    out.push_str(&format!("({{{}}}{} {attributes:?}", element.namespace, element.local));
    for child in &element.children {
        match child {
            Node::Element(child) => meaning(child, out),
            Node::Text(text) => out.push_str(&format!("{text:?}")),
            Node::Comment | Node::Instruction(..) => {}
        }
    }
    out.push(')');
}

fn said(element: &Element) -> String {
    let mut out = String::new();
    meaning(element, &mut out);
    out
}

proptest! {
    #[test]
    fn canonical_form_keeps_the_meaning_and_is_stable(soup in soup()) {
        let root = parse(&soup.write(&[], false)).unwrap().root;
        let once = canonical(&root, &root, None, &[]);
        let again = parse(&once).unwrap().root;
        prop_assert_eq!(said(&root), said(&again));
        prop_assert_eq!(canonical(&again, &again, None, &[]), once);
    }

    #[test]
    fn spellings_of_one_tree_have_one_form(soup in soup()) {
        let (one, other) = (soup.write(&[], false), soup.write(&[], true));
        prop_assert_eq!(whole(&one), whole(&other));
    }

    #[test]
    fn the_form_of_a_part_does_not_depend_on_what_is_around(soup in soup()) {
        let alone = parse(&soup.write(&[], false)).unwrap().root;
        let within = format!("<w:out xmlns:w=\"urn:w\" xmlns:unused=\"urn:u\">\n{}</w:out>", soup.write(&[], false));
        let within = parse(&within).unwrap().root;
        let part = within.elements().next().unwrap();
        prop_assert_eq!(canonical(&alone, &alone, None, &[]), canonical(&within, part, None, &[]));
    }

    #[test]
    fn inclusive_prefixes_change_declarations_only(soup in soup()) {
        let around = [("a", "urn:one"), ("zz", "urn:two")];
        let text = format!("<out xmlns:a=\"urn:one\" xmlns:zz=\"urn:two\">{}</out>", soup.write(&around, false));
        let root = parse(&text).unwrap().root;
        let part = root.elements().next().unwrap();
        let listed: Vec<String> = ["a", "zz", "", "absent"].map(str::to_owned).to_vec();
        let plain = parse(&canonical(&root, part, None, &[])).unwrap().root;
        let inclusive = canonical(&root, part, None, &listed);
        let read = parse(&inclusive).unwrap().root;
        prop_assert_eq!(said(&plain), said(&read));
        // Nothing is left to inherit: the form is its own form.
        prop_assert_eq!(canonical(&read, &read, None, &listed), inclusive);
    }
}
