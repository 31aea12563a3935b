//! Signed notes by the text of <https://c2sp.org/signed-note>: a text, and below it lines with signatures.

use crate::merkle::sha256;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{fmt, str::FromStr};

/// The longest note that is read, in bytes: room for a hundred post-quantum signatures.
pub const MAX_NOTE: usize = 1 << 20;

/// The most signature lines that are read. The text demands at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// How a key signs. Each has a byte in key ids and verifier keys, assigned by C2SP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 (RFC 8032) over the text of the note.
    Ed25519,
}

impl Algorithm {
    /// The byte that C2SP assigned: `0x01` for Ed25519. ML-DSA-44 has `0x06` there; it gets its variant here with its code.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
        }
    }

    /// The algorithm of that byte, where this build verifies it.
    #[must_use]
    pub const fn of(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Ed25519),
            _ => None,
        }
    }
}

/// Why a note, a key or a signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The note is not written as notes are.
    #[error("this is no signed note: {0}")]
    Malformed(&'static str),
    /// The key is not written as keys are.
    #[error("this is no verifier key: {0}")]
    Key(&'static str),
    /// The key is of an algorithm that this build does not verify.
    #[error("the key is of algorithm {0:#04x}, which this build does not verify")]
    Algorithm(u8),
    /// No signature is by a known key.
    #[error("no signature is by {0}")]
    Unsigned(String),
    /// A signature that names a known key does not verify.
    #[error("the signature by {0} does not verify")]
    Forged(String),
}

/// What verifies the signatures of one key. Written `name+keyid+base64(algorithm || public key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    algorithm: Algorithm,
    public: [u8; 32],
}

impl VerifierKey {
    /// The name, as it stands before signatures: for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `SHA-256(name || 0x0A || algorithm || public key)[:4]`.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        let bytes = [self.name.as_bytes(), b"\n", &[self.algorithm.byte()], &self.public].concat();
        let [a, b, c, d, ..] = sha256(&bytes);
        [a, b, c, d]
    }

    fn verify(&self, text: &str, signature: &[u8]) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, self.public).verify(text.as_bytes(), signature).is_ok()
            }
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.byte()], self.public.as_slice()].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key("it needs a name, an id and a key, with plus signs between"));
        };
        check_name(name).map_err(NoteError::Key)?;
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key("the key is not base64"))?;
        let (byte, public) = key.split_first().ok_or(NoteError::Key("the key is empty"))?;
        let algorithm = Algorithm::of(*byte).ok_or(NoteError::Algorithm(*byte))?;
        let public = public.try_into().map_err(|_| NoteError::Key("an Ed25519 key has 32 bytes"))?;
        let key = Self { name: name.to_owned(), algorithm, public };
        if format!("{:08x}", u32::from_be_bytes(key.id())) != id {
            return Err(NoteError::Key("the id does not belong to the key"));
        }
        Ok(key)
    }
}

/// What signs notes under one name.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl SigningKey {
    /// The Ed25519 key of that name with that seed (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// If the name is empty or holds a plus sign, a space or a control character.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        check_name(name).map_err(NoteError::Key)?;
        let refused = |_| NoteError::Key("the seed was refused");
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(refused)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::Key("the seed was refused"))?;
        let verifier = VerifierKey { name: name.to_owned(), algorithm: Algorithm::Ed25519, public };
        Ok(Self { pair, verifier })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// What verifies its signatures; public.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The text as a note with one signature.
    ///
    /// # Errors
    /// If the text does not end in a newline, or holds a control character.
    pub fn sign(&self, text: &str) -> Result<String, NoteError> {
        check_text(text)?;
        let signature = [&self.verifier.id(), self.pair.sign(text.as_bytes()).as_ref()].concat();
        Ok(format!("{text}\n— {} {}\n", self.name(), STANDARD.encode(signature)))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifier)
    }
}

/// The text of a note that `key` signed. Signatures by other keys are ignored, whatever their algorithm; one that names
/// `key` must verify.
///
/// # Errors
/// If the note is malformed, not signed by `key`, or a signature that names `key` does not verify.
pub fn open<'a>(note: &'a str, key: &VerifierKey) -> Result<&'a str, NoteError> {
    let (text, lines) = split(note)?;
    let mut signed = false;
    for Line { name, id, signature } in lines {
        if name != key.name() || id != key.id() {
            continue;
        }
        if !key.verify(text, &signature) {
            return Err(NoteError::Forged(key.name().to_owned()));
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::Unsigned(key.name().to_owned())) }
}

/// A signature line.
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

/// The text and the signature lines. Nothing is verified yet.
fn split(note: &str) -> Result<(&str, Vec<Line<'_>>), NoteError> {
    if note.len() > MAX_NOTE {
        return Err(NoteError::Malformed("it is too long"));
    }
    let cut = note.rfind("\n\n").ok_or(NoteError::Malformed("no empty line parts text and signatures"))? + 1;
    let (text, rest) = note.split_at_checked(cut).ok_or(NoteError::Malformed("it cannot be parted"))?;
    check_text(text)?;
    let block = rest.strip_prefix('\n').and_then(|block| block.strip_suffix('\n'));
    let block = block.filter(|b| !b.is_empty()).ok_or(NoteError::Malformed("it does not end in a signature line"))?;
    let mut signatures = Vec::new();
    for line in block.split('\n') {
        if signatures.len() == MAX_SIGNATURES {
            return Err(NoteError::Malformed("it has too many signatures"));
        }
        signatures.push(signature_line(line).ok_or(NoteError::Malformed("a signature line is malformed"))?);
    }
    Ok((text, signatures))
}

fn signature_line(line: &str) -> Option<Line<'_>> {
    let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
    check_name(name).ok()?;
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>().filter(|(_, signature)| !signature.is_empty())?;
    Some(Line { name, id: *id, signature: signature.to_vec() })
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if !text.ends_with('\n') {
        return Err(NoteError::Malformed("the text does not end in a newline"));
    }
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(NoteError::Malformed("the text holds a control character"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("the name is empty");
    }
    if name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ') {
        return Err("the name holds a space, a plus sign or a control character");
    }
    Ok(())
}

#[cfg(test)]
#[path = "note/tests.rs"]
mod tests;
