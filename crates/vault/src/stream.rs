//! Large values, sealed piece by piece: what is read or written is never in memory as a whole, and a range is opened
//! without the rest.
//!
//! The construction is STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015) over AES-256-GCM. The form is
//! `0x57 0x02 | chunk size (4, big-endian) | salt (32)`, then chunks of that many bytes with a tag of 16 each; the last one
//! may be shorter, and only an empty value has an empty one. Key and nonce prefix follow by HKDF-SHA-256 from the data key,
//! the salt and the place, so that every object has a key of its own; a chunk's nonce is `prefix (7) | number (4) | whether
//! it is the last (1)`. A chunk that is moved, repeated, left out or cut off therefore does not open, nor does one of
//! another object, subject or team: header and place are authenticated with each.

use crate::{KeyRing, Place, Plain, Secret, VaultError, secret::Length};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, rand,
};
use std::{fmt, ops::Range};
use zeroize::{Zeroize as _, Zeroizing};

/// The first two bytes.
pub const MARK: [u8; 2] = [0x57, 0x02];
/// The plain bytes of a chunk.
pub const CHUNK: usize = 64 * 1024;
/// The length of the header.
pub const HEADER: usize = 38;

const TAG: usize = 16;
const SALT: usize = 32;
/// What a chunk takes sealed.
const SEALED_CHUNK: u64 = (CHUNK + TAG) as u64;

/// How long a value of `plain` bytes is when sealed.
#[must_use]
pub const fn sealed_length(plain: u64) -> u64 {
    HEADER as u64 + plain + TAG as u64 * chunks(plain)
}

/// How many chunks a value has: an empty one has one.
const fn chunks(plain: u64) -> u64 {
    let full = plain.div_ceil(CHUNK as u64);
    if full == 0 { 1 } else { full }
}

/// The cipher of one object.
struct Object {
    cipher: LessSafeKey,
    prefix: [u8; 7],
    /// The header and the place, bound to every chunk.
    bound: Vec<u8>,
}

impl Object {
    fn new(key: &Secret, place: &[u8], header: &[u8; HEADER]) -> Result<Self, VaultError> {
        let salt = header.get(HEADER - SALT..).ok_or(VaultError::NotSealed)?;
        let mut material = Zeroizing::new([0; 39]);
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.expose());
        prk.expand(&[b"wordbond/stream/1".as_slice(), place], Length(39))
            .and_then(|okm| okm.fill(material.as_mut_slice()))
            .map_err(|_| VaultError::NotSealed)?;
        let (key, rest) = material.split_at(32);
        let cipher = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::NotSealed)?;
        let prefix = rest.try_into().map_err(|_| VaultError::NotSealed)?;
        Ok(Self { cipher: LessSafeKey::new(cipher), prefix, bound: [header.as_slice(), place].concat() })
    }

    fn nonce(&self, number: u32, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        let bytes = self.prefix.iter().copied().chain(number.to_be_bytes()).chain([u8::from(last)]);
        for (to, from) in nonce.iter_mut().zip(bytes) {
            *to = from;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals `plain` into `out`, which is as long and has room for the tag. Nothing is copied first: a copy would cost as
    /// much as the cipher.
    fn seal(&self, number: u32, last: bool, plain: &[u8], out: &mut [u8]) -> Option<()> {
        let (sealed, tag) = out.split_at_mut_checked(plain.len())?;
        let bound = Aad::from(&self.bound);
        self.cipher.seal_out_of_place_scatter(self.nonce(number, last), bound, plain, sealed, &[], tag).ok()
    }

    /// Opens `sealed`, tag included, into `out`, which is as long as what comes out.
    fn open(&self, number: u32, last: bool, sealed: &[u8], out: &mut [u8]) -> Option<()> {
        let (sealed, tag) = sealed.split_at_checked(out.len())?;
        let bound = Aad::from(&self.bound);
        self.cipher.open_separate_gather(self.nonce(number, last), bound, sealed, tag, out).ok()
    }
}

/// Seals a value as it comes.
pub struct Sealer {
    object: Object,
    number: u32,
    /// What has come and is not sealed yet: up to one chunk, for nobody knows whether it is the last.
    waiting: Plain,
    length: u64,
}

impl Sealer {
    /// Begins a value at `place` and writes its header to `out`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] when the subject has none, and what the key store says.
    pub fn begin(keys: &KeyRing, place: &Place, out: &mut Vec<u8>) -> Result<Self, VaultError> {
        let mut salt = [0; SALT];
        rand::fill(&mut salt).map_err(|_| VaultError::NoRandomness)?;
        let key = keys.data_key(place.tenant, place.subject)?;
        Self::with(&key, &place.context(), &salt, out)
    }

    fn with(key: &Secret, place: &[u8], salt: &[u8; SALT], out: &mut Vec<u8>) -> Result<Self, VaultError> {
        let header = header(salt);
        out.extend_from_slice(&header);
        let waiting = Plain::with_capacity(CHUNK);
        Ok(Self { object: Object::new(key, place, &header)?, number: 0, waiting, length: 0 })
    }

    /// Takes more of the value and writes to `out` what can be sealed by now.
    ///
    /// # Errors
    /// [`VaultError::NotSealed`] for a value beyond 256 TiB.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
        self.length += plain.len() as u64;
        while !plain.is_empty() {
            if self.waiting.len() == CHUNK {
                self.seal_waiting(false, out)?;
            }
            // Whole chunks with something behind them need no second copy.
            while self.waiting.is_empty() && plain.len() > CHUNK {
                let Some((chunk, rest)) = plain.split_at_checked(CHUNK) else { break };
                self.seal(chunk, false, out)?;
                plain = rest;
            }
            let (now, rest) = plain.split_at_checked(CHUNK - self.waiting.len()).unwrap_or((plain, &[]));
            self.waiting.extend_from_slice(now);
            plain = rest;
        }
        Ok(())
    }

    /// Ends the value and writes the rest to `out`. Yields how long it was.
    ///
    /// # Errors
    /// As [`Sealer::push`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<u64, VaultError> {
        self.seal_waiting(true, out)?;
        Ok(self.length)
    }

    /// How many plain bytes have come.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    fn seal_waiting(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), VaultError> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let sealed = self.seal(&waiting, last, out);
        waiting.wipe();
        self.waiting = waiting;
        sealed
    }

    fn seal(&mut self, chunk: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), VaultError> {
        let from = out.len();
        out.resize(from + chunk.len() + TAG, 0);
        let to = out.get_mut(from..).ok_or(VaultError::NotSealed)?;
        self.object.seal(self.number, last, chunk, to).ok_or(VaultError::NotSealed)?;
        self.number = self.number.checked_add(1).ok_or(VaultError::NotSealed)?;
        Ok(())
    }
}

/// Opens a value, or parts of it.
pub struct Opener {
    object: Object,
    plain: u64,
    /// For error messages.
    name: String,
}

impl Opener {
    /// Prepares to open the value at `place`, of which the header was read and whose sealed length is known.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] after an erasure; [`VaultError::DamagedValue`] for what cannot be such a value.
    pub fn new(
        keys: &KeyRing,
        place: &Place,
        name: &str,
        header: &[u8],
        sealed_length: u64,
    ) -> Result<Self, VaultError> {
        let key = keys.data_key(place.tenant, place.subject)?;
        Self::with(&key, &place.context(), name, header, sealed_length)
    }

    fn with(key: &Secret, place: &[u8], name: &str, header: &[u8], sealed: u64) -> Result<Self, VaultError> {
        let damaged = || VaultError::DamagedValue(name.to_owned());
        let header: &[u8; HEADER] = header.try_into().map_err(|_| damaged())?;
        let salt = header.get(HEADER - SALT..).and_then(|salt| salt.try_into().ok()).ok_or_else(damaged)?;
        let plain = plain_length(sealed).ok_or_else(damaged)?;
        if *header != self::header(salt) {
            return Err(damaged());
        }
        Ok(Self { object: Object::new(key, place, header)?, plain, name: name.to_owned() })
    }

    /// How long the value is.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.plain
    }

    /// The part of the sealed value that has to be read for a range of the plain one: whole chunks. Empty when the range
    /// is.
    #[must_use]
    pub fn needed(&self, range: &Range<u64>) -> Range<u64> {
        let end = range.end.min(self.plain);
        if range.start >= end && self.plain > 0 {
            return 0..0;
        }
        let (first, behind) = (range.start / CHUNK as u64, end.div_ceil(CHUNK as u64).max(1));
        let whole = sealed_length(self.plain);
        HEADER as u64 + first * SEALED_CHUNK..(HEADER as u64 + behind * SEALED_CHUNK).min(whole)
    }

    /// Opens whole chunks, of which the first has that number, and puts what comes out behind what `out` holds.
    ///
    /// # Errors
    /// [`VaultError::DamagedValue`] when a single bit differs, or chunks are missing, added or exchanged; `out` is then as it
    /// was.
    pub fn open(&self, first: u64, sealed: &[u8], out: &mut Vec<u8>) -> Result<(), VaultError> {
        let held = out.len();
        out.reserve(sealed.len());
        let opened = self.open_chunks(first, sealed, out);
        if opened.is_none() {
            out.get_mut(held..).unwrap_or_default().zeroize();
            out.truncate(held);
        }
        opened.ok_or_else(|| VaultError::DamagedValue(self.name.clone()))
    }

    fn open_chunks(&self, first: u64, sealed: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let count = chunks(self.plain);
        // Even an empty value has a chunk.
        let none = sealed.is_empty().then_some(sealed);
        for (number, chunk) in (first..).zip(sealed.chunks(CHUNK + TAG).chain(none)) {
            let narrow = u32::try_from(number).ok().filter(|_| number < count)?;
            let from = out.len();
            out.resize(from + chunk.len().checked_sub(TAG)?, 0);
            self.object.open(narrow, number + 1 == count, chunk, out.get_mut(from..)?)?;
        }
        Some(())
    }

    /// The number of the chunk in which the plain byte lies, and where in it.
    #[must_use]
    pub const fn chunk_of(at: u64) -> (u64, usize) {
        #[expect(clippy::cast_possible_truncation, reason = "a remainder is smaller than what it was divided by")]
        (at / CHUNK as u64, (at % CHUNK as u64) as usize)
    }
}

/// How long the plain value is; `None` for a length that no sealed value has.
#[must_use]
pub fn plain_length(sealed: u64) -> Option<u64> {
    let body = sealed.checked_sub(HEADER as u64)?;
    let plain = body.checked_sub(TAG as u64 * body.div_ceil(SEALED_CHUNK).max(1))?;
    (sealed_length(plain) == sealed && chunks(plain) <= u64::from(u32::MAX)).then_some(plain)
}

fn header(salt: &[u8; SALT]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let size = u32::try_from(CHUNK).unwrap_or_default().to_be_bytes();
    for (to, from) in header.iter_mut().zip(MARK.into_iter().chain(size).chain(*salt)) {
        *to = from;
    }
    header
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} bytes)", self.length)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opener({}, {} bytes)", self.name, self.plain)
    }
}

#[cfg(test)]
mod tests;
