//! A stored hash as text, in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use std::fmt;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The parameters cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected memory of 8 KiB to 256 MiB, 1 to 32 passes and 1 to 16 lanes with at least 8 KiB each")]
pub struct ParamsError;

impl Params {
    /// The least that OWASP's cheat sheet on password storage names first: 19 MiB, two passes, one lane.
    pub const LEAST: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// Parameters of Argon2id.
    ///
    /// # Errors
    /// They are beyond what this machine should be asked for, or Argon2 does not know them.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, ParamsError> {
        let lanes_ok = lanes >= 1 && lanes <= 16;
        let passes_ok = passes >= 1 && passes <= 32;
        if lanes_ok && passes_ok && memory_kib >= 8 * lanes && memory_kib <= 256 * 1024 {
            return Ok(Self { memory_kib, passes, lanes });
        }
        Err(ParamsError)
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over that memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$argon2id$v=19$m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

/// A stored hash.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Phc {
    pub(crate) params: Params,
    pub(crate) salt: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

impl Phc {
    /// Reads the text. Only what this program could have written, with other parameters, is read.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut costs = costs.split(',');
        let memory = number(costs.next()?.strip_prefix("m=")?)?;
        let passes = number(costs.next()?.strip_prefix("t=")?)?;
        let lanes = number(costs.next()?.strip_prefix("p=")?)?;
        if parts.next().is_some() || costs.next().is_some() {
            return None;
        }
        let params = Params::new(memory, passes, lanes).ok()?;
        let (salt, hash) = (BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?);
        let sizes = (8..=64).contains(&salt.len()) && (16..=64).contains(&hash.len());
        sizes.then_some(Self { params, salt, hash })
    }
}

/// A number in its one decimal form.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

impl fmt::Display for Phc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}${}${}", self.params, BASE64.encode(&self.salt), BASE64.encode(&self.hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw";

    #[test]
    fn only_one_text_stands_for_a_hash() {
        assert_eq!(Phc::parse(GOOD).unwrap().to_string(), GOOD);
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=19456", "m=019456"),
            ("m=19456", "m=+19456"),
            ("m=19456", "m=4294967295"),
            ("t=2", "t=0"),
            ("p=1", "p=1,x=2"),
            ("t=2,p=1", "p=1,t=2"),
            ("$AAECAwQFBgcICQoLDA0ODw$", "$AAEC$"),
            ("$AAECAwQFBgcICQoLDA0ODw$", "$AAECAwQFBgcICQoLDA0ODw==$"),
            ("v=19$", "v=19$$"),
        ] {
            let bad = GOOD.replacen(from, to, 1);
            assert!(Phc::parse(&bad).is_none(), "{bad}");
        }
        assert!(Phc::parse(&format!("{GOOD}$")).is_none());
        assert!(Phc::parse(&format!("{GOOD} ")).is_none());
    }

    #[test]
    fn a_stored_hash_cannot_ask_for_a_quarter_of_a_gigabyte_and_more() {
        assert!(Params::new(256 * 1024, 32, 16).is_ok());
        for (memory, passes, lanes) in [(256 * 1024 + 1, 2, 1), (19_456, 33, 1), (19_456, 2, 17), (15, 1, 2), (8, 1, 0)]
        {
            assert_eq!(Params::new(memory, passes, lanes), Err(ParamsError));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(\\$argon2id\\$v=19\\$m=[0-9]{1,10},t=[0-9]{1,3},p=[0-9]\\$[A-Za-z0-9+/=]{0,90}\\$[A-Za-z0-9+/]{0,90})|.*") {
            if let Some(phc) = Phc::parse(&text) {
                prop_assert_eq!(phc.to_string(), text);
            }
        }
    }
}
