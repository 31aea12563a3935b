//! The reader takes documents and nothing else.

use proptest::prelude::*;
use saml::xml::{XmlError, parse};

const NO_DOCUMENTS: &[&str] = &[
    "",
    " ",
    "text",
    "<a>",
    "</a>",
    "<a></b>",
    "<a/><b/>",
    "<a/>x",
    "x<a/>",
    "<a",
    "<a b>",
    "<a b=c/>",
    "<a b='<'/>",
    "<a b='1' b='2'/>",
    "<a b='1'c='2'/>",
    "<a>]]></a>",
    "<a>&</a>",
    "<a>&amp</a>",
    "<a>&#0;</a>",
    "<a>&#x;</a>",
    "<a>&#-1;</a>",
    "<a>&#+65;</a>",
    "<a>&#xFFFE;</a>",
    "<a>&#x110000;</a>",
    "<a>\u{1}</a>",
    "<a>\u{ffff}</a>",
    "<p:a/>",
    "<a p:b='1'/>",
    "<a:b:c xmlns:a='u'/>",
    "<:a/>",
    "<a: xmlns:a='u'/>",
    "<1a/>",
    "<a xmlns:p=''/>",
    "<a xmlns:xmlns='u'/>",
    "<a xmlns:xml='u'/>",
    "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
    "<xmlns:a/>",
    "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
    "<a xmlns='u' xmlns='v'/>",
    "<a><!-- -- --></a>",
    "<a><!-- </a>",
    "<a><?xml ?></a>",
    "<a><? x?></a>",
    "<a><![CDATA[</a>",
    "<a><!ELEMENT x></a>",
    " <?xml version='1.0'?><a/>",
    "<?xml version='1.1'?><a/>",
    "<?xml version='1.0' encoding='latin1'?><a/>",
    "<?xml encoding='utf-8'?><a/>",
    "<?xml version='1.0' x='y'?><a/>",
    "<?xml version='1.0' standalone='maybe'?><a/>",
    "<a/><![CDATA[]]>",
    "<a>\u{0}</a>",
    "<a/ >",
    "< a/>",
    "<a></a b='1'>",
];

#[test]
fn what_is_no_document_is_refused() {
    for &text in NO_DOCUMENTS {
        assert!(
            matches!(parse(text), Err(XmlError::Malformed(_))),
            "{text:?}: {:?}",
            parse(text).map(|read| read.root.local)
        );
    }
}

#[test]
fn document_types_and_entities_are_refused_as_such() {
    for text in [
        "<!DOCTYPE a><a/>",
        "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<a><!DOCTYPE a></a>",
        "<!-- --><!DOCTYPE a><a/>",
    ] {
        assert_eq!(parse(text).unwrap_err(), XmlError::DocumentType);
    }
    assert_eq!(parse("<a>&nbsp;</a>").unwrap_err(), XmlError::Entity);
    assert_eq!(parse("<a b='&x;'/>").unwrap_err(), XmlError::Entity);
}

#[test]
fn sizes_that_only_attackers_send_are_refused() {
    let deep = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    assert!(parse(&deep(48)).is_ok());
    let wide: String = (0..65).map(|at| format!(" a{at}=''")).collect();
    let spaces: String = (0..60).map(|at| format!(" xmlns:a{at}='u'")).collect();
    for text in [
        deep(49),
        format!("<a>{}</a>", "<b/>".repeat(20_000)),
        format!("<a{wide}/>"),
        format!("<a xmlns='{}'/>", "u".repeat(257)),
        format!("<a{spaces}><a{spaces}><a{spaces}/></a></a>"),
        format!("<a>{}</a>", "x".repeat(512 * 1024)),
    ] {
        assert_eq!(parse(&text).unwrap_err(), XmlError::TooLarge);
    }
}

#[test]
fn documents_are_read_as_xml_says() {
    let read = parse("\u{feff}<?xml version=\"1.0\" encoding='utf-8' standalone=\"yes\" ?>\r\n<!--x--><?y z?><a b=\"1\r\n2&#13;\t3\">x\r\ny\rz&#13;</a>\n<!---->").unwrap();
    assert_eq!(read.remarks, 3);
    assert_eq!(read.root.attribute("b"), Some("1 2\r 3"));
    assert_eq!(read.root.text(), Some("x\ny\nz\r"));
    let read = parse("<a xmlns='u'>1<![CDATA[<2>]]>3<b c='d' xml:lang='e'/></a>").unwrap().root;
    assert!(read.is("u", "a") && read.text().is_none());
    let inner = read.elements().next().unwrap();
    assert!(inner.is("u", "b") && inner.attribute("lang").is_none() && inner.attribute("c") == Some("d"));
    assert_eq!(parse("<a>x<!-- -->y</a>").unwrap().root.text(), None, "a value with a comment in it is no value");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fall(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_markup_makes_the_reader_fall(bits in prop::collection::vec(prop::sample::select(vec![
        "<", ">", "/", "a", "b", ":", "=", "\"", "'", " ", "xmlns", "&", ";", "#", "x", "1", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "<a>", "</a>", "<a/>",
    ]), 0..40)) {
        if let Ok(read) = parse(&bits.concat()) {
            let form = saml::c14n::canonical(&read.root, &read.root, None, &[]);
            prop_assert!(parse(&form).is_ok());
        }
    }

    #[test]
    fn text_survives_escaping(text in "[\\t\\n\\r -\u{d7ff}]{0,40}") {
        let read = parse(&format!("<a b=\"{0}\">{0}</a>", saml::xml::escape(&text))).unwrap().root;
        prop_assert_eq!(read.text(), Some(text.as_str()));
        prop_assert_eq!(read.attribute("b"), Some(text.as_str()));
    }
}
