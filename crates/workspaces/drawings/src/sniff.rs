//! What a file is, by its content. What the sender says it is counts for nothing.

use store::drawings::Kind;

/// How far into a file its kind must show. Readers of PDF look no further either.
const HEAD: usize = 1_024;
/// How far an SVG's root element may be away: programs put long comments before it.
const SVG_HEAD: usize = 16 * 1_024;
/// So much of a file says what it is: what comes behind it changes nothing.
pub const ENOUGH: usize = SVG_HEAD;

/// The kind of a file; `None` for one that is no drawing that we know.
#[must_use]
pub fn kind(content: &[u8]) -> Option<Kind> {
    let head = content.get(..HEAD).unwrap_or(content);
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Png)
    } else if head.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(Kind::Jpeg)
    } else if head.windows(5).any(|window| window == b"%PDF-") && !looks_like_markup(head) {
        Some(Kind::Pdf)
    } else if is_dwg(head) {
        Some(Kind::Dwg)
    } else if head.starts_with(b"AutoCAD Binary DXF\r\n\x1a\0") || is_dxf(head) {
        Some(Kind::Dxf)
    } else {
        is_svg(content.get(..SVG_HEAD).unwrap_or(content)).then_some(Kind::Svg)
    }
}

/// The media type under which a kind is served.
#[must_use]
pub const fn media_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Png => "image/png",
        Kind::Jpeg => "image/jpeg",
        Kind::Pdf => "application/pdf",
        Kind::Svg => "image/svg+xml",
        Kind::Dxf => "image/vnd.dxf",
        Kind::Dwg => "image/vnd.dwg",
    }
}

/// The kind that a media type names, where it names one.
#[must_use]
pub fn named(media_type: &str) -> Option<Kind> {
    match media_type {
        "image/png" => Some(Kind::Png),
        "image/jpeg" | "image/jpg" => Some(Kind::Jpeg),
        "application/pdf" => Some(Kind::Pdf),
        "image/svg+xml" => Some(Kind::Svg),
        "image/vnd.dxf" | "application/dxf" | "application/x-dxf" | "image/x-dxf" => Some(Kind::Dxf),
        "image/vnd.dwg" | "application/acad" | "application/x-dwg" | "image/x-dwg" => Some(Kind::Dwg),
        _ => None,
    }
}

/// A page of HTML with the mark of a PDF somewhere in it is not one.
fn looks_like_markup(head: &[u8]) -> bool {
    text(head).trim_start().starts_with('<')
}

/// The version: `AC1009` is release 11, `AC1032` release 2018. Before that there was a point.
fn is_dwg(head: &[u8]) -> bool {
    let Some(version) = head.get(..6) else { return false };
    version.strip_prefix(b"AC").is_some_and(|rest| {
        let digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        rest.starts_with(b"10") && digits(rest) || matches!(rest, b"1.2\0" | b"1.40" | b"1.50" | b"2.10")
    })
}

/// Lines in pairs, a number and a value. The first pair that is no comment (999) opens a section, or is the end.
fn is_dxf(head: &[u8]) -> bool {
    let head = text(head);
    let mut lines = head.trim_start_matches('\u{feff}').lines().map(str::trim);
    loop {
        let (Some(code), Some(value)) = (lines.next(), lines.next()) else { return false };
        match code {
            "999" => {}
            "0" => return matches!(value, "SECTION" | "EOF"),
            _ => return false,
        }
    }
}

/// XML whose root element is `svg`, in whatever prefix.
fn is_svg(head: &[u8]) -> bool {
    let head = text(head);
    let mut rest = head.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?xml") {
            "?>"
        } else if rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("<!doctype")) {
            // With a subset of its own it could declare entities: not a drawing that we want to keep.
            let Some((declaration, _)) = rest.split_once('>') else { return false };
            if declaration.contains('[') {
                return false;
            }
            ">"
        } else {
            break;
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    let Some(name) = rest.strip_prefix('<') else { return false };
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).unwrap_or(name.len());
    let name = name.get(..end).unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local) == "svg"
}

fn text(head: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{fs, path::Path};

    /// Beside the checkout, where there is such a folder.
    const BESIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data/drawings");

    #[test]
    fn each_kind_is_known_by_its_content() {
        for (content, expected) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some(Kind::Png)),
            (b"\xff\xd8\xff\xe0", Some(Kind::Jpeg)),
            (b"%PDF-1.7\n", Some(Kind::Pdf)),
            (b"\r\n\r\n%PDF-1.4", Some(Kind::Pdf)),
            (b"AC1032\0\0", Some(Kind::Dwg)),
            (b"AutoCAD Binary DXF\r\n\x1a\0\0", Some(Kind::Dxf)),
            (b"  0\nSECTION\n  2\nHEADER\n", Some(Kind::Dxf)),
            (b"999\r\nmade by x\r\n0\r\nSECTION\r\n", Some(Kind::Dxf)),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Some(Kind::Svg)),
            (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><!DOCTYPE svg PUBLIC 'a' 'b'>\n<s:svg>", Some(Kind::Svg)),
            (b"", None),
            (b"<html><svg></svg></html>", None),
            (b"<!doctype svg [<!ENTITY a 'b'>]><svg/>", None),
            (b"<html>%PDF-1.4</html>", None),
            (b"<svgx/>", None),
            (b"ACCOUNTS", None),
            (b"0\nLINE\n", None),
            (b"GIF89a", None),
            (b"PK\x03\x04", None),
        ] {
            assert_eq!(kind(content), expected, "{}", String::from_utf8_lossy(content));
        }
    }

    #[test]
    fn the_media_type_of_a_kind_names_it() {
        for kind in Kind::ALL {
            assert_eq!(named(media_type(kind)), Some(kind));
        }
    }

    proptest! {
        #[test]
        fn no_content_makes_it_fail(content in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let _ = kind(&content);
        }

        #[test]
        fn what_begins_as_text_of_a_page_is_never_a_drawing(tail in ".*") {
            prop_assert_eq!(kind(format!("<html>{tail}").as_bytes()), None);
            prop_assert_eq!(kind(format!("<script>{tail}").as_bytes()), None);
        }
    }

    /// Real drawings by others, where they are on this machine. They are read and never kept.
    #[test]
    fn real_drawings_are_known() {
        let folder = std::env::var_os("WORDBOND_DRAWINGS").unwrap_or_else(|| BESIDE.into());
        if !Path::new(&folder).is_dir() {
            println!("skipped: no folder of real drawings (WORDBOND_DRAWINGS) is here");
            return;
        }
        let mut read = 0;
        for sub in fs::read_dir(&folder).unwrap() {
            for file in fs::read_dir(sub.unwrap().path()).unwrap() {
                let path = file.unwrap().path();
                let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
                let expected = match ending.as_str() {
                    "jpg" => Some(Kind::Jpeg),
                    ending => Kind::parse(ending),
                };
                // Only what is a drawing by its name; beside them are licences and tables.
                if expected.is_some() || matches!(ending.as_str(), "csv" | "json") {
                    assert_eq!(kind(&fs::read(&path).unwrap()), expected, "{}", path.display());
                    read += 1;
                }
            }
        }
        assert!(read > 0, "the folder holds no drawing");
    }
}
