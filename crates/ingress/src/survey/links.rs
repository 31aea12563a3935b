//! Links in markup and style sheets, read the way a forgiving browser would: what looks like a link is one.

/// A link in a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The element in lower case; `style` for an address in a style sheet.
    pub element: String,
    /// The attribute in lower case; `url` for an address in a style sheet.
    pub attribute: String,
    /// The address as written, entities decoded.
    pub url: String,
    /// What the element says the link is for (`rel`), in lower case.
    pub rel: String,
}

impl Link {
    /// Whether a browser that shows the page fetches the address by itself, or sends a form there: everything but links that
    /// a person follows.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        match (self.element.as_str(), self.attribute.as_str()) {
            ("a" | "area", "href") | ("blockquote" | "q" | "del" | "ins", "cite") => false,
            ("link", "href") => self.rel.split_ascii_whitespace().any(|rel| FETCHED.contains(&rel)),
            _ => true,
        }
    }
}

/// Link relations whose target a browser fetches.
const FETCHED: [&str; 8] =
    ["stylesheet", "icon", "apple-touch-icon", "manifest", "modulepreload", "preload", "prefetch", "preconnect"];

/// Attributes that hold one address.
const ADDRESSES: [&str; 11] =
    ["href", "src", "action", "formaction", "poster", "data", "background", "cite", "xlink:href", "manifest", "ping"];

/// The links in HTML, SVG or a feed. Comments are no markup; text inside an element is not read.
#[must_use]
pub fn in_markup(text: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let Some((element, after)) = name(after) else {
            rest = after;
            continue;
        };
        let (attributes, after) = attributes(after);
        collect(&element, &attributes, &mut links);
        rest = after;
        if element == "style" {
            let (style, _) = rest.split_once("</").unwrap_or((rest, ""));
            links.extend(in_style(style));
        }
    }
    links
}

fn collect(element: &str, attributes: &[(String, String)], links: &mut Vec<Link>) {
    let rel = attributes
        .iter()
        .find(|(name, _)| name == "rel")
        .map(|(_, value)| value.to_ascii_lowercase())
        .unwrap_or_default();
    let link = |attribute: &str, url: &str| Link {
        element: element.to_owned(),
        attribute: attribute.to_owned(),
        url: url.trim().to_owned(),
        rel: rel.clone(),
    };
    for (attribute, value) in attributes {
        if ADDRESSES.contains(&attribute.as_str()) {
            links.push(link(attribute, value));
        } else if matches!(attribute.as_str(), "srcset" | "imagesrcset") {
            let candidates = value.split(',').filter_map(|candidate| candidate.split_ascii_whitespace().next());
            links.extend(candidates.map(|url| link(attribute, url)));
        } else if attribute == "style" {
            links.extend(in_style(value));
        }
    }
}

/// The addresses in a style sheet: `url(…)` and `@import "…"`.
#[must_use]
pub fn in_style(text: &str) -> Vec<Link> {
    let link = |url: &str| Link {
        element: "style".to_owned(),
        attribute: "url".to_owned(),
        url: url.trim().trim_matches(['"', '\'']).to_owned(),
        rel: String::new(),
    };
    let calls = text.split("url(").skip(1).filter_map(|part| part.split_once(')')).map(|(url, _)| link(url));
    let imports = text.split("@import").skip(1).filter_map(|part| part.split(';').next()).map(str::trim);
    let quoted = imports.filter(|part| part.starts_with(['"', '\''])).map(|part| {
        let quote = part.chars().next().unwrap_or('"');
        link(part.trim_start_matches(quote).split(quote).next().unwrap_or_default())
    });
    calls.chain(quoted).collect()
}

/// An element's name at the start of a text, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | ':'))).unwrap_or(text.len());
    let (name, after) = text.split_at_checked(end)?;
    name.starts_with(|c: char| c.is_ascii_alphabetic()).then(|| (name.to_ascii_lowercase(), after))
}

/// The attributes up to the end of a tag, and what follows it.
fn attributes(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut all = Vec::new();
    loop {
        text = text.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if let Some(after) = text.strip_prefix('>') {
            return (all, after);
        }
        if text.is_empty() {
            return (all, text);
        }
        let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(text.len());
        // A stray `=` at the start is part of a name, as browsers read it; so every round takes at least one character.
        let end = if end == 0 { text.chars().next().map_or(0, char::len_utf8) } else { end };
        let (name, after) = text.split_at_checked(end).unwrap_or((text, ""));
        let (value, after) = value(after);
        all.push((name.to_ascii_lowercase(), decode(value)));
        text = after;
    }
}

fn value(text: &str) -> (&str, &str) {
    let Some(text) = text.trim_ascii_start().strip_prefix('=') else { return ("", text) };
    let text = text.trim_ascii_start();
    for quote in ['"', '\''] {
        if let Some(text) = text.strip_prefix(quote) {
            return text.split_once(quote).unwrap_or((text, ""));
        }
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The few entities that stand in addresses.
fn decode(value: &str) -> String {
    [("&#x2F;", "/"), ("&#47;", "/"), ("&#x3A;", ":"), ("&#58;", ":"), ("&quot;", "\""), ("&amp;", "&"), ("&#38;", "&")]
        .iter()
        .fold(value.to_owned(), |text, (entity, plain)| text.replace(entity, plain))
}

/// The path and query at `origin` that an address in the page `base` leads to. `None` for another origin, another scheme, and
/// a mere fragment.
#[must_use]
pub fn resolve(origin: &str, base: &str, url: &str) -> Option<String> {
    let url = url.trim().split('#').next().unwrap_or_default();
    if url.is_empty() || url.bytes().any(|byte| !byte.is_ascii_graphic()) || url.contains('\\') {
        return None;
    }
    let path = match url.strip_prefix(origin) {
        Some("") => "/".to_owned(),
        Some(path) if path.starts_with('/') => path.to_owned(),
        Some(query) if query.starts_with('?') => format!("/{query}"),
        _ if url.starts_with("//") || has_scheme(url) => return None,
        _ if url.starts_with('/') => url.to_owned(),
        _ => {
            let bare = base.split('?').next().unwrap_or_default();
            if url.starts_with('?') {
                format!("{bare}{url}")
            } else {
                format!("{}/{url}", bare.rsplit_once('/').map_or("", |(folder, _)| folder))
            }
        }
    };
    Some(without_dots(&path))
}

fn has_scheme(url: &str) -> bool {
    let head = url.split(['/', '?']).next().unwrap_or_default();
    head.contains(':')
}

fn without_dots(path: &str) -> String {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut parts: Vec<&str> = Vec::new();
    let mut open = false;
    for part in path.split('/').skip(1) {
        open = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let mut clean = format!("/{}", parts.join("/"));
    if open && !clean.ends_with('/') {
        clean.push('/');
    }
    query.map_or_else(|| clean.clone(), |query| format!("{clean}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn urls(text: &str) -> Vec<String> {
        in_markup(text).into_iter().map(|link| link.url).collect()
    }

    #[test]
    fn links_of_every_kind_are_found() {
        let page = r#"<!doctype html><!-- <a href="/not"> --><a class=x href='/a?b=1&amp;c=2'>t</a><IMG SRC=/b.png>
            <link rel=stylesheet href="/c.css"/><img srcset="/d.png 1x, /e.png 2x"><style>@import "/f.css"; p{background:url(/g.png)}</style>
            <form action="/h"><p style="background:url('/i.png')">"#;
        assert_eq!(
            urls(page),
            ["/a?b=1&c=2", "/b.png", "/c.css", "/d.png", "/e.png", "/g.png", "/f.css", "/h", "/i.png"]
        );
    }

    #[test]
    fn what_a_person_follows_is_not_loaded() {
        let loaded = |text: &str| in_markup(text).iter().any(Link::is_loaded);
        assert!(!loaded(r#"<a href="http://x.test/">"#));
        assert!(!loaded(r#"<link rel="canonical" href="http://x.test/">"#));
        assert!(loaded(r#"<link rel="stylesheet" href="http://x.test/">"#));
        assert!(loaded(r#"<script src="http://x.test/"></script>"#));
        assert!(loaded(r#"<form action="http://x.test/">"#));
    }

    #[test]
    fn addresses_resolve_to_this_origin_only() {
        let at = |url| resolve("https://a.test:8443", "/trust/promises/x?y", url);
        assert_eq!(at("/b").as_deref(), Some("/b"));
        assert_eq!(at("b?c#d").as_deref(), Some("/trust/promises/b?c"));
        assert_eq!(at("../b").as_deref(), Some("/trust/b"));
        assert_eq!(at("..").as_deref(), Some("/trust/"));
        assert_eq!(at("?z").as_deref(), Some("/trust/promises/x?z"));
        assert_eq!(at("https://a.test:8443").as_deref(), Some("/"));
        assert_eq!(at("https://a.test:8443/c").as_deref(), Some("/c"));
        for elsewhere in [
            "https://a.test:84430/",
            "https://a.test:8443@b.test/",
            "//b.test/",
            "mailto:x@y.test",
            "data:,x",
            "#top",
            "",
            "/\\b.test",
        ] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "\\PC{0,200}", soup in "[<>=\"'/a !-]{0,80}") {
            let _ = (in_markup(&text), in_style(&text), in_markup(&soup), resolve("https://a.test", &soup, &text));
        }

        #[test]
        fn what_resolves_is_a_path(url in "[a-z./?#:@]{0,30}") {
            if let Some(path) = resolve("https://a.test", "/x/y", &url) {
                prop_assert!(path.starts_with('/'), "{path}");
                prop_assert!(!path.split('?').next().unwrap_or_default().split('/').any(|part| part == ".."));
            }
        }
    }
}
