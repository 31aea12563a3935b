//! Looking a value up without being able to read it.

use crate::Secret;
use aws_lc_rs::hmac;
use std::fmt;

/// A keyed hash (HMAC-SHA-256) by which an address or token is found. Whoever has the database but not the key can
/// neither read the value nor try guesses.
pub struct BlindIndex(hmac::Key);

impl BlindIndex {
    /// An index under `key`. Indexes of different tenants have different keys, so that equal addresses look different.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    /// Where an e-mail address is found, however it is written: spaces around it and the case of letters do not count.
    #[must_use]
    pub fn email(&self, address: &str) -> [u8; 32] {
        self.of("email", address.trim().to_lowercase().as_bytes())
    }

    /// Where a token is found.
    #[must_use]
    pub fn token(&self, token: &[u8]) -> [u8; 32] {
        self.of("token", token)
    }

    /// Where a value of the given kind is found. `kind` is a word of this program.
    #[must_use]
    pub fn named(&self, kind: &'static str, value: &[u8]) -> [u8; 32] {
        self.of(kind, value)
    }

    fn of(&self, kind: &str, value: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [kind.as_bytes(), b"\0", value] {
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        out
    }
}

impl fmt::Debug for BlindIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindIndex(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(byte: u8) -> BlindIndex {
        BlindIndex::new(&Secret::take(&mut [byte; 32]))
    }

    /// Computed with another implementation (Python, `hmac`) over `email\0ada@example.org`.
    #[test]
    fn known_answer() {
        let hex: String = index(7).email("ada@example.org").iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "e35564a149cfdcd5f4c53472e8f8352de197b1f25c27380320c2e417a0dae812");
    }

    #[test]
    fn spelling_does_not_count_and_keys_and_kinds_do() {
        assert_eq!(index(1).email(" Ada@Example.ORG\n"), index(1).email("ada@example.org"));
        assert_ne!(index(1).email("ada@example.org"), index(2).email("ada@example.org"));
        assert_ne!(index(1).email("ada"), index(1).token(b"ada"));
    }
}
