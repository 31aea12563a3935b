//! Names of files: as they are sent to us, and as we send them.

use store::drawings::{Kind, LONGEST_NAME};

/// The name of a file without its folders and without control characters, no longer than a name may be. `None` where
/// nothing is left.
#[must_use]
pub fn cleaned(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let short: String = visible.trim().chars().take(LONGEST_NAME).collect();
    let short = short.trim().to_owned();
    (!short.is_empty() && !short.chars().all(|c| c == '.')).then_some(short)
}

/// Characters that turn the direction of writing, so that `fdp.exe` reads as something else.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The file name in a `Content-Disposition` header (RFC 6266), where it names one. `filename*` counts before `filename`.
#[must_use]
pub fn from_header(value: &str) -> Option<String> {
    let mut plain = None;
    for parameter in value.split(';').skip(1) {
        let Some((name, text)) = parameter.split_once('=') else { continue };
        let text = text.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "filename*" => {
                let encoded = text.get(..7).filter(|start| start.eq_ignore_ascii_case("utf-8''")).and(text.get(7..));
                if let Some(name) = encoded.and_then(decoded).and_then(|name| cleaned(&name)) {
                    return Some(name);
                }
            }
            "filename" => plain = cleaned(text.trim_matches('"')),
            _ => {}
        }
    }
    plain
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (pair, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The value of `Content-Disposition` for a drawing: shown in place or saved, under its name. The name has the ending of its
/// kind whatever it was called, so that nothing else opens it.
#[must_use]
pub fn disposition(name: &str, kind: Kind, in_place: bool) -> String {
    let name = with_ending(name, kind);
    // What is no plain letter is left to the encoded form, which every browser of today reads.
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let encoded: String = name.bytes().map(percent).collect();
    let how = if in_place { "inline" } else { "attachment" };
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

fn with_ending(name: &str, kind: Kind) -> String {
    let endings: &[&str] = if kind == Kind::Jpeg { &[".jpg", ".jpeg"] } else { &[] };
    let usual = format!(".{}", kind.word());
    let lower = name.to_lowercase();
    let fits = lower.ends_with(&usual) || endings.iter().any(|ending| lower.ends_with(ending));
    if fits { name.to_owned() } else { format!("{name}{usual}") }
}

/// `attr-char` of RFC 8187 as it is, everything else encoded.
fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_has_no_folders_and_nothing_invisible() {
        assert_eq!(cleaned("C:\\plans\\gear box.dxf").as_deref(), Some("gear box.dxf"));
        assert_eq!(cleaned("../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(cleaned("a\r\nb\u{202e}fdp.exe").as_deref(), Some("abfdp.exe"));
        assert_eq!(cleaned("Getriebe ü.pdf").as_deref(), Some("Getriebe ü.pdf"));
        for nothing in ["", "  ", "..", "a/", "\u{0}"] {
            assert_eq!(cleaned(nothing), None, "{nothing:?}");
        }
        assert_eq!(cleaned(&"ä".repeat(300)).unwrap().chars().count(), LONGEST_NAME);
    }

    #[test]
    fn a_header_names_a_file() {
        assert_eq!(from_header("attachment; filename=\"a b.pdf\"").as_deref(), Some("a b.pdf"));
        let both = "attachment; filename=\"x.pdf\"; filename*=UTF-8''Getriebe%20%C3%BC.pdf";
        assert_eq!(from_header(both).as_deref(), Some("Getriebe ü.pdf"));
        for none in ["attachment", "attachment; filename*=UTF-8''%f", "attachment; filename*=UTF-8''%ff", "x"] {
            assert_eq!(from_header(none), None, "{none}");
        }
    }

    #[test]
    fn what_we_send_is_harmless() {
        let value = disposition("ü\"; x=\"y.svg\r\n", Kind::Pdf, false);
        assert_eq!(
            value,
            "attachment; filename=\"___ x__y.svg__.pdf\"; filename*=UTF-8''%C3%BC%22%3B%20x%3D%22y.svg%0D%0A.pdf"
        );
        assert!(disposition("a.JPG", Kind::Jpeg, true).starts_with("inline; filename=\"a.JPG\";"));
    }

    proptest! {
        #[test]
        fn what_we_send_is_read_back(name in ".{1,100}") {
            if let Some(name) = cleaned(&name) {
                let sent = disposition(&name, Kind::Pdf, false);
                prop_assert!(sent.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                let read = from_header(&sent).unwrap();
                prop_assert!(read.starts_with(name.as_str()) || name.chars().count() > LONGEST_NAME - 5);
            }
        }
    }
}
