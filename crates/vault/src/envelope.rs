//! The sealed form of a value: `0x57 0x01 | salt (32) | ciphertext | tag (16)`.
//!
//! AES-256-GCM under a key and nonce that HKDF-SHA-256 derives from the data key, the random salt and the object's
//! context. Every value therefore has a key of its own and no nonce is ever repeated under one. The header and the
//! context are authenticated with the value.

use crate::{Secret, VaultError, secret::Length};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hkdf, rand,
};
use zeroize::Zeroizing;

/// The first two bytes of every sealed value: a letter that no UTF-8 text column starts with by chance more often than
/// any other, and the version of this format.
pub const HEADER: [u8; 2] = [0x57, 0x01];

const SALT: usize = 32;
const TAG: usize = 16;

/// How many bytes a sealed value is longer than what it holds.
pub const OVERHEAD: usize = HEADER.len() + SALT + TAG;

/// Seals `plain` under `key`, bound to `context`.
///
/// # Errors
/// [`VaultError::NoRandomness`]; a value near the limit of AES-GCM (64 GiB) is [`VaultError::NotSealed`].
pub fn seal(key: &Secret, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut salt = [0; SALT];
    rand::fill(&mut salt).map_err(|_| VaultError::NoRandomness)?;
    seal_with(key, context, plain, &salt)
}

fn seal_with(key: &Secret, context: &[u8], plain: &[u8], salt: &[u8; SALT]) -> Result<Vec<u8>, VaultError> {
    let mut out = Vec::with_capacity(plain.len() + OVERHEAD);
    out.extend_from_slice(&HEADER);
    out.extend_from_slice(salt);
    let body = out.len();
    out.extend_from_slice(plain);
    let (cipher, nonce) = object_key(key, salt, context)?;
    let bound = [HEADER.as_slice(), context].concat();
    let rest = out.get_mut(body..).ok_or(VaultError::NotSealed)?;
    let tag = cipher.seal_in_place_separate_tag(nonce, Aad::from(bound), rest).map_err(|_| VaultError::NotSealed)?;
    out.extend_from_slice(tag.as_ref());
    Ok(out)
}

/// Opens what [`seal`] made. `None` when the key, the context or a single bit differs.
#[must_use]
pub fn open(key: &Secret, context: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let rest = sealed.strip_prefix(&HEADER)?;
    let (salt, body) = rest.split_at_checked(SALT)?;
    let (cipher, nonce) = object_key(key, salt, context).ok()?;
    let bound = [HEADER.as_slice(), context].concat();
    let mut buffer = Zeroizing::new(body.to_vec());
    let length = cipher.open_in_place(nonce, Aad::from(bound), &mut buffer).ok()?.len();
    buffer.truncate(length);
    Some(buffer)
}

/// Whether the bytes have the form of a sealed value. Says nothing about whether they open.
#[must_use]
pub fn looks_sealed(bytes: &[u8]) -> bool {
    bytes.len() >= OVERHEAD && bytes.starts_with(&HEADER)
}

fn object_key(key: &Secret, salt: &[u8], context: &[u8]) -> Result<(LessSafeKey, Nonce), VaultError> {
    let mut material = Zeroizing::new([0; 44]);
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key.expose());
    let info = [b"wordbond/seal/1".as_slice(), context];
    prk.expand(&info, Length(44))
        .and_then(|okm| okm.fill(material.as_mut_slice()))
        .map_err(|_| VaultError::NotSealed)?;
    let (key, nonce) = material.split_at(32);
    let cipher = UnboundKey::new(&AES_256_GCM, key).map_err(|_| VaultError::NotSealed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::NotSealed)?;
    Ok((LessSafeKey::new(cipher), nonce))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(byte: u8) -> Secret {
        Secret::take(&mut [byte; 32])
    }

    /// Computed with another implementation (Python, `hmac` for HKDF and `cryptography` for AES-256-GCM).
    #[test]
    fn known_answer() {
        let sealed = seal_with(&key(7), b"context", b"a quiet word", &[9; 32]).unwrap();
        let hex: String = sealed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, KNOWN);
        assert_eq!(open(&key(7), b"context", &sealed).unwrap().as_slice(), b"a quiet word");
    }

    const KNOWN: &str = "57010909090909090909090909090909090909090909090909090909090909090909e7737f01a63e25f0770aaa49049901ad4435d8a2daf095a6f1c1c87e";

    proptest! {
        #[test]
        fn what_is_sealed_opens_and_nothing_else_does(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            context in proptest::collection::vec(any::<u8>(), 0..60),
            other in proptest::collection::vec(any::<u8>(), 0..60),
            at in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let sealed = seal(&key(1), &context, &plain).unwrap();
            prop_assert!(looks_sealed(&sealed));
            prop_assert_eq!(sealed.len(), plain.len() + OVERHEAD);
            prop_assert_eq!(open(&key(1), &context, &sealed).unwrap().to_vec(), plain);
            prop_assert!(open(&key(2), &context, &sealed).is_none());
            if other != context {
                prop_assert!(open(&key(1), &other, &sealed).is_none());
            }
            let mut flipped = sealed.clone();
            *flipped.get_mut(at.index(sealed.len())).unwrap() ^= 1 << bit;
            prop_assert!(open(&key(1), &context, &flipped).is_none());
            prop_assert!(open(&key(1), &context, sealed.get(..at.index(sealed.len())).unwrap()).is_none());
        }

        #[test]
        fn any_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert!(open(&key(1), b"", &bytes).is_none());
        }
    }

    #[test]
    fn the_same_value_is_sealed_differently_each_time() {
        assert_ne!(seal(&key(1), b"", b"x").unwrap(), seal(&key(1), b"", b"x").unwrap());
    }
}
