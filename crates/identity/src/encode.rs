//! The alphabets that tokens, codes and addresses are written in.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::fmt::Write as _;

/// Base64url without padding, and nothing else: one text for each value.
const STRICT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

/// Base64url without padding (RFC 4648 section 5).
#[must_use]
pub fn base64url(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

/// What is written in base64url without padding. Padding, line ends and unused bits that are not zero are refused.
#[must_use]
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    STRICT.decode(text).ok()
}

/// Base32 without padding (RFC 4648 section 6), in capitals, as authenticator apps expect.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    five_bits(bytes, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
}

/// The bytes five bits at a time, the last ones filled up with zeros, in an alphabet of 32 characters.
pub(crate) fn five_bits(bytes: &[u8], alphabet: &[u8; 32]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut push = |value: u32| {
        if let Some(letter) = alphabet.get((value & 31) as usize) {
            text.push(char::from(*letter));
        }
    };
    for byte in bytes {
        bits = (bits << 8 | u32::from(*byte)) & 0xfff;
        held += 8;
        while held >= 5 {
            held -= 5;
            push(bits >> held);
        }
    }
    if held > 0 {
        push(bits << (5 - held));
    }
    text
}

/// Percent-encoding of everything but the unreserved characters of RFC 3986. Good for queries, form bodies and labels.
#[must_use]
pub fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `name=value` pairs as a query or a form body.
#[must_use]
pub fn pairs(pairs: &[(&str, &str)]) -> String {
    let written: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    written.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        let vectors =
            [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("fooba", "MZXW6YTB")];
        for (plain, encoded) in vectors {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn base64url_has_one_text_for_each_value() {
        assert_eq!(from_base64url("-_8").unwrap(), [0xfb, 0xff]);
        for other in ["-_8=", "+/8", "-_9", "-_ 8", "-_8\n", "-"] {
            assert_eq!(from_base64url(other), None, "{other:?}");
        }
    }

    #[test]
    fn everything_but_the_unreserved_is_escaped() {
        assert_eq!(pairs(&[("a b", "ü&=+"), ("c", "~-._")]), "a%20b=%C3%BC%26%3D%2B&c=~-._");
    }

    proptest! {
        #[test]
        fn base64url_comes_back(bytes: Vec<u8>) {
            prop_assert_eq!(from_base64url(&base64url(&bytes)).unwrap(), bytes);
        }
    }
}
