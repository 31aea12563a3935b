//! What values look like.

use std::{collections::BTreeSet, net::IpAddr};

/// A shape that values have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Email,
    Phone,
    Ip,
    Uuid,
    /// A password's hash, with its method.
    PasswordHash,
    /// Hexadecimal, as long as a digest.
    Digest,
    /// Long, without spaces, letters and digits mixed.
    Token,
    /// Words with a capital letter each.
    Name,
    /// Sentences.
    FreeText,
    Json,
    Url,
}

impl Shape {
    /// Its name, after «look like».
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Phone => "telephone numbers",
            Self::Ip => "IP addresses",
            Self::Uuid => "UUIDs",
            Self::PasswordHash => "hashes of passwords",
            Self::Digest => "digests",
            Self::Token => "tokens",
            Self::Name => "names of people",
            Self::FreeText => "sentences",
            Self::Json => "JSON",
            Self::Url => "addresses on the web",
        }
    }
}

/// What is known about the values of one column.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// How many were looked at.
    pub(super) count: usize,
    /// How many of them are different.
    pub(super) different: usize,
    /// The commonest shape, and which share of them has it.
    pub(super) shape: Option<(Shape, f64)>,
    /// Which share holds an e-mail address among other things.
    pub(super) with_address: f64,
}

/// Looks at values.
pub(super) fn look(values: &[String]) -> Values {
    let mut counts = std::collections::BTreeMap::<Shape, usize>::new();
    let mut with_address = 0_usize;
    for value in values {
        if let Some(shape) = shape(value.trim()) {
            *counts.entry(shape).or_default() += 1;
            with_address += usize::from(shape != Shape::Email && holds_address(value));
        } else {
            with_address += usize::from(holds_address(value));
        }
    }
    let share = |count: usize| if values.is_empty() { 0.0 } else { count as f64 / values.len() as f64 };
    let commonest = counts.into_iter().max_by_key(|(_, count)| *count);
    Values {
        count: values.len(),
        different: values.iter().collect::<BTreeSet<_>>().len(),
        shape: commonest.map(|(shape, count)| (shape, share(count))),
        with_address: share(with_address),
    }
}

fn shape(value: &str) -> Option<Shape> {
    let is_hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_email(value) {
        Some(Shape::Email)
    } else if is_uuid(value) {
        Some(Shape::Uuid)
    } else if value.contains(['.', ':']) && value.split('/').next().is_some_and(|ip| ip.parse::<IpAddr>().is_ok()) {
        Some(Shape::Ip)
    } else if ["pbkdf2_", "$argon2", "$2a$", "$2b$", "$2y$", "scrypt", "bcrypt"].iter().any(|p| value.starts_with(p)) {
        Some(Shape::PasswordHash)
    } else if is_hex && matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) {
        Some(Shape::Digest)
    } else if value.starts_with("http://") || value.starts_with("https://") {
        Some(Shape::Url)
    } else if (value.starts_with('{') && value.ends_with('}')) || (value.starts_with('[') && value.ends_with(']')) {
        Some(Shape::Json)
    } else if is_phone(value) {
        Some(Shape::Phone)
    } else if is_token(value) {
        Some(Shape::Token)
    } else if is_name(value) {
        Some(Shape::Name)
    } else {
        (value.len() >= 25 && value.split_whitespace().count() >= 4).then_some(Shape::FreeText)
    }
}

fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.split_once('@') else { return false };
    let is_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let is_label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    !local.is_empty() && local.chars().all(is_local) && domain.contains('.') && domain.split('.').all(is_label)
}

/// Whether somewhere in it stands an address.
fn holds_address(value: &str) -> bool {
    let ends_word = |c: char| c.is_whitespace() || "\"'<>(),;:[]{}\\".contains(c);
    value.contains('@') && value.split(ends_word).any(|word| is_email(word.trim_matches(['.', '!', '?'])))
}

fn is_uuid(value: &str) -> bool {
    let dashes: Vec<usize> = value.match_indices('-').map(|(at, _)| at).collect();
    value.len() == 36 && dashes == [8, 13, 18, 23] && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

fn is_phone(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_written = value.chars().all(|c| c.is_ascii_digit() || "+-/(). ".contains(c));
    // A date has two dashes too, and begins with a year.
    let is_date = value.len() >= 10 && value.get(4..5) == Some("-") && value.get(7..8) == Some("-");
    let has_marks = value.starts_with('+') || value.starts_with('0') && value.contains([' ', '-', '/', '(']);
    (7..=15).contains(&digits) && is_written && has_marks && !is_date
}

fn is_token(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=+/.".contains(c);
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    value.len() >= 20 && value.chars().all(is_plain) && letters >= 4 && digits >= 3
}

fn is_name(value: &str) -> bool {
    let words: Vec<&str> = value.split(' ').collect();
    let is_word = |word: &&str| {
        let mut letters = word.trim_end_matches('.').chars();
        letters.next().is_some_and(char::is_uppercase)
            && letters.all(|c| c.is_alphabetic() || c == '-' || c == '\'')
            && word.chars().any(char::is_lowercase)
    };
    (2..=4).contains(&words.len()) && words.iter().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_by_their_looks() {
        for (value, wanted) in [
            ("ada@example.org", Some(Shape::Email)),
            ("+49 30 1234567", Some(Shape::Phone)),
            ("030/1234567", Some(Shape::Phone)),
            ("192.0.2.7", Some(Shape::Ip)),
            ("2001:db8::1/128", Some(Shape::Ip)),
            ("0190b0a0-0000-7000-8000-000000000000", Some(Shape::Uuid)),
            ("pbkdf2_sha256$1000000$abc$def", Some(Shape::PasswordHash)),
            ("d41d8cd98f00b204e9800998ecf8427e", Some(Shape::Digest)),
            ("eyJhbGciOiJFZERTQSJ9.e30.x12345", Some(Shape::Token)),
            ("Ada King", Some(Shape::Name)),
            ("Jean-Luc O'Neill", Some(Shape::Name)),
            ("{\"a\":1}", Some(Shape::Json)),
            ("https://example.org/x", Some(Shape::Url)),
            ("It did not work when I tried it.", Some(Shape::FreeText)),
            ("2026-11-22", None),
            ("2026-11-22 10:00:00", None),
            ("open", None),
            ("1234567", None),
        ] {
            assert_eq!(shape(value), wanted, "{value}");
        }
    }

    #[test]
    fn shares_are_of_all_values() {
        let values: Vec<String> =
            ["ada@example.org", "bo@example.org", "-", "mail me: cy@example.org."].map(Into::into).into();
        let seen = look(&values);
        assert_eq!((seen.count, seen.different, seen.shape), (4, 4, Some((Shape::Email, 0.5))));
        assert!((seen.with_address - 0.25).abs() < f64::EPSILON);
        assert_eq!(look(&[]).shape, None);
    }
}
