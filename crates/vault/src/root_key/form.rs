//! How a root key is written: a line that says what it is, and hexadecimal digits.

use crate::{Secret, VaultError, envelope, error::IoContext as _};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use std::{fmt, fs, path::Path, sync::Arc};
use zeroize::{Zeroize as _, Zeroizing};

/// As it is: 64 digits follow.
const PLAIN: &str = "wordbond root key 1";
/// Sealed with a passphrase: a line with memory (KiB), passes and salt follows, and one with the sealed key.
const SEALED: &str = "wordbond root key 2";

/// What a guess costs: 64 MiB and three passes (RFC 9106, second recommendation).
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// The most that a file may ask for: a file that asks for more is no key of ours.
const MOST_MEMORY: u32 = 1024 * 1024;

/// What opens a sealed root key. Never shown.
#[derive(Clone)]
pub struct Passphrase(Arc<Zeroizing<Vec<u8>>>);

impl Passphrase {
    /// The first line of a file, such as one that a service manager hands over.
    ///
    /// # Errors
    /// [`VaultError::Io`]; [`VaultError::NoPassphrase`] for an empty one.
    pub fn from_file(path: &Path) -> Result<Self, VaultError> {
        let text = Zeroizing::new(fs::read(path).on("read", path)?);
        let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        if line.is_empty() { Err(VaultError::NoPassphrase(path.to_owned())) } else { Ok(Self::from(line)) }
    }
}

impl From<&[u8]> for Passphrase {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes.to_vec())))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// The text of a file.
pub(super) fn write(key: &Secret, passphrase: Option<&Passphrase>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut text = Zeroizing::new(String::with_capacity(512));
    match passphrase {
        None => {
            text.push_str(PLAIN);
            text.push('\n');
            push_hex(&mut text, key.expose());
        }
        Some(passphrase) => {
            let mut salt = [0; 16];
            rand::fill(&mut salt).map_err(|_| VaultError::NoRandomness)?;
            let above = stretch(passphrase, &salt, MEMORY, PASSES).ok_or(VaultError::NotSealed)?;
            text.push_str(&format!("{SEALED}\nargon2id {MEMORY} {PASSES} "));
            push_hex(&mut text, &salt);
            text.push('\n');
            push_hex(&mut text, &envelope::seal(&above, SEALED.as_bytes(), key.expose())?);
        }
    }
    text.push('\n');
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

/// The key in a file's text.
pub(super) fn read(path: &Path, text: &[u8], passphrase: Option<&Passphrase>) -> Result<Secret, VaultError> {
    let unreadable = || VaultError::NoRootKey(path.to_owned());
    let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
    if let Some(digits) = text.strip_prefix(PLAIN) {
        // A passphrase that nothing needs would give its user a wrong idea of the file.
        if passphrase.is_some() {
            return Err(VaultError::UnsealedRootKey(path.to_owned()));
        }
        return plain(digits.trim()).ok_or_else(unreadable);
    }
    let rest = text.strip_prefix(SEALED).ok_or_else(unreadable)?;
    let sealed = Sealed::parse(rest).ok_or_else(unreadable)?;
    let passphrase = passphrase.ok_or_else(|| VaultError::NoPassphrase(path.to_owned()))?;
    sealed.open(passphrase).ok_or_else(|| VaultError::WrongPassphrase(path.to_owned()))
}

struct Sealed {
    memory: u32,
    passes: u32,
    salt: Vec<u8>,
    key: Vec<u8>,
}

impl Sealed {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        if words.next()? != "argon2id" {
            return None;
        }
        let (memory, passes) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (salt, key) = (unhex(words.next()?)?, unhex(words.next()?)?);
        let fits = memory <= MOST_MEMORY && (1..=64).contains(&passes) && words.next().is_none();
        fits.then_some(Self { memory, passes, salt, key })
    }

    fn open(&self, passphrase: &Passphrase) -> Option<Secret> {
        let above = stretch(passphrase, &self.salt, self.memory, self.passes)?;
        let plain = envelope::open(&above, SEALED.as_bytes(), &self.key)?;
        let mut bytes: [u8; 32] = plain.as_slice().try_into().ok()?;
        Some(Secret::take(&mut bytes))
    }
}

fn stretch(passphrase: &Passphrase, salt: &[u8], memory: u32, passes: u32) -> Option<Secret> {
    let params = Params::new(memory, passes, 1, Some(32)).ok()?;
    let mut bytes = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(&passphrase.0, salt, &mut bytes).ok()?;
    Some(Secret::take(&mut bytes))
}

fn plain(digits: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(unhex(digits)?);
    let mut bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
    Some(Secret::take(&mut bytes))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks_exact(2) {
        let mut pair = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let (Some(Some(high)), Some(Some(low))) = (pair.next(), pair.next()) else {
            bytes.zeroize();
            return None;
        };
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_passphrase_opens() {
        let (path, key) = (Path::new("root.key"), Secret::random().unwrap());
        let right = Passphrase::from(&b"correct horse"[..]);
        let text = write(&key, Some(&right)).unwrap();
        assert!(!text.windows(64).any(|part| unhex(&String::from_utf8_lossy(part)).as_deref() == Some(key.expose())));
        assert_eq!(read(path, &text, Some(&right)).unwrap().expose(), key.expose());
        let wrong = Passphrase::from(&b"correct horses"[..]);
        assert!(matches!(read(path, &text, Some(&wrong)), Err(VaultError::WrongPassphrase(_))));
        assert!(matches!(read(path, &text, None), Err(VaultError::NoPassphrase(_))));
        let plain = write(&key, None).unwrap();
        assert_eq!(read(path, &plain, None).unwrap().expose(), key.expose());
        assert!(matches!(read(path, &plain, Some(&right)), Err(VaultError::UnsealedRootKey(_))));
        assert_eq!(format!("{right:?}"), "Passphrase(..)");
    }

    /// Computed with another implementation (Python: `cryptography`'s Argon2id, HKDF and AES-256-GCM).
    #[test]
    fn known_answer() {
        let read = read(Path::new("k"), KNOWN.as_bytes(), Some(&Passphrase::from(&b"a quiet word"[..]))).unwrap();
        assert_eq!(read.expose(), &[0x5a; 32]);
    }

    const KNOWN: &str = include_str!("known_root_key.txt");

    #[test]
    fn a_file_that_asks_for_too_much_is_no_key() {
        for line in
            ["argon2id 999999999 3 00 00", "argon2id 65536 999 00 00", "argon2d 65536 3 00 00", "argon2id 1 1 0 0"]
        {
            let text = format!("{SEALED}\n{line}\n");
            let error = read(Path::new("k"), text.as_bytes(), Some(&Passphrase::from(&b"x"[..]))).unwrap_err();
            assert!(matches!(error, VaultError::NoRootKey(_)), "{line}");
        }
    }
}
