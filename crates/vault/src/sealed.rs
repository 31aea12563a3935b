//! A value of a known type that nobody reads without its owner's key.

use crate::{KeyRing, Place, VaultError, envelope};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, marker::PhantomData};
use zeroize::Zeroizing;

/// A sealed `T`: what a personal or content column holds. Shows only its length.
pub struct Sealed<T> {
    bytes: Vec<u8>,
    holds: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    /// The bytes of a column.
    ///
    /// # Errors
    /// [`VaultError::NotSealed`] for bytes that do not even have the form.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, VaultError> {
        if envelope::looks_sealed(&bytes) { Ok(Self { bytes, holds: PhantomData }) } else { Err(VaultError::NotSealed) }
    }

    /// The bytes for a column.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: Serialize> Sealed<T> {
    /// Seals `value` for `place`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] when the subject has none, and what the key store says.
    pub fn seal(keys: &KeyRing, place: &Place, value: &T) -> Result<Self, VaultError> {
        let plain = Zeroizing::new(serde_json::to_vec(value).map_err(|_| VaultError::OtherType(place.to_string()))?);
        let key = keys.data_key(place.tenant, place.subject)?;
        Ok(Self { bytes: envelope::seal(&key, &place.context(), &plain)?, holds: PhantomData })
    }
}

impl<T: DeserializeOwned> Sealed<T> {
    /// Opens the value at `place`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] after an erasure, [`VaultError::DamagedValue`] for a value that was altered or moved here
    /// from elsewhere, [`VaultError::OtherType`].
    pub fn open(&self, keys: &KeyRing, place: &Place) -> Result<T, VaultError> {
        let key = keys.data_key(place.tenant, place.subject)?;
        let plain = envelope::open(&key, &place.context(), &self.bytes)
            .ok_or_else(|| VaultError::DamagedValue(place.to_string()))?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::OtherType(place.to_string()))
    }
}

impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.bytes.len())
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self { bytes: self.bytes.clone(), holds: PhantomData }
    }
}
