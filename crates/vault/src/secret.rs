//! Thirty-two secret bytes that forget themselves.

use crate::VaultError;
use aws_lc_rs::{hkdf, rand};
use std::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// A key of 256 bits. Overwritten when dropped, and never shown.
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A fresh key.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`].
    pub fn random() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| VaultError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// A key made of these bytes; the caller's copy is overwritten.
    #[must_use]
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(Zeroizing::new(*bytes));
        bytes.zeroize();
        secret
    }

    /// The bytes, for the one that computes with them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Another key, from which this one cannot be told: HKDF-SHA-256 (RFC 5869) with `label` as its information.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"wordbond/derive/1").extract(self.expose());
        // Thirty-two bytes are one block of SHA-256 and cannot be too many; zeros would show at once in every test.
        let filled = prk.expand(&[label.as_bytes()], Length(32)).and_then(|okm| okm.fill(bytes.as_mut_slice()));
        debug_assert!(filled.is_ok(), "one block of HKDF");
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How many bytes HKDF yields.
#[derive(Clone, Copy)]
pub(crate) struct Length(pub(crate) usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
