//! Recovery codes: ten of fifty bits, for the day the phone is lost. Each works once.

use crate::{NoRandomness, encode::five_bits, random};
use aws_lc_rs::hmac;

/// How many codes are given out.
pub const COUNT: usize = 10;
/// How many characters a code has, five bits each.
const LENGTH: usize = 10;
/// Crockford's base32: no letters that look like digits, and no u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Fresh codes as they are shown, such as `7k2mx-0qv9d`.
///
/// # Errors
/// There is no randomness to be had.
pub fn codes() -> Result<Vec<String>, NoRandomness> {
    (0..COUNT)
        .map(|_| {
            // Seven bytes are 56 bits; the first fifty are used.
            let text = five_bits(&random::bytes::<7>()?, ALPHABET);
            let (first, rest) = text.split_at_checked(LENGTH / 2).unwrap_or((&text, ""));
            Ok(format!("{first}-{}", rest.get(..LENGTH / 2).unwrap_or(rest)))
        })
        .collect()
}

/// A typed code in its one form, without the hyphen: capitals, spaces and hyphens make no difference, and `o`, `i`, `l` are
/// read as the digits they look like. Nothing, if it cannot be a code.
#[must_use]
pub fn normal(typed: &str) -> Option<String> {
    let mut text = String::with_capacity(LENGTH);
    for letter in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let letter = match letter.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        let known = u8::try_from(letter).is_ok_and(|letter| ALPHABET.contains(&letter));
        if !known || text.len() == LENGTH {
            return None;
        }
        text.push(letter);
    }
    (text.len() == LENGTH).then_some(text)
}

/// What is stored of a code: HMAC-SHA-256 under a key of the service's, bound to the account. Fifty bits are beyond guessing
/// at a sign-in page, but not beyond a thief of a plain hash.
#[must_use]
pub fn digest(key: &[u8; 32], account: &[u8], normal: &str) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"recovery code 1\0");
    context.update(&(account.len() as u64).to_be_bytes());
    context.update(account);
    context.update(normal.as_bytes());
    let tag = context.sign();
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn ten_different_codes_of_fifty_bits() {
        let codes = codes().unwrap();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), COUNT);
        for code in codes {
            assert_eq!(code.len(), LENGTH + 1);
            assert_eq!(normal(&code).unwrap(), code.replace('-', ""));
        }
    }

    #[test]
    fn every_character_of_the_alphabet_comes_up() {
        let seen: BTreeSet<char> =
            (0..40).flat_map(|_| codes().unwrap()).flat_map(|code| code.chars().collect::<Vec<_>>()).collect();
        assert_eq!(seen.len(), 33, "32 and the hyphen: {seen:?}");
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        assert_eq!(normal(" 7K2MX 0QV9D ").unwrap(), "7k2mx0qv9d");
        assert_eq!(normal("oOiIl-lLabc").unwrap(), "0011111abc");
        for other in ["", "7k2mx-0qv9", "7k2mx-0qv9dd", "7k2mx-0qv9u", "7k2mx_0qv9d", "7k2mx-0qv9ü"] {
            assert_eq!(normal(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_stored_depends_on_key_account_and_code() {
        let all = [
            digest(&[1; 32], b"ada", "7k2mx0qv9d"),
            digest(&[2; 32], b"ada", "7k2mx0qv9d"),
            digest(&[1; 32], b"bob", "7k2mx0qv9d"),
            digest(&[1; 32], b"ada", "7k2mx0qv9e"),
            digest(&[1; 32], b"ada7", "k2mx0qv9d"),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_ne!(all[0], [0; 32]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Some(normal) = normal(&text) {
                prop_assert_eq!(super::normal(&normal), Some(normal.clone()));
            }
        }
    }
}
