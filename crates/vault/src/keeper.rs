//! Who keeps the root key: this machine in a file, or a service that never gives it away.

use crate::VaultError;
use std::{fmt, path::Path};
use zeroize::Zeroizing;

/// Wraps and opens the keys of epochs under a root key that only the keeper knows. Asked at the start and at rotations,
/// never for each value; it may take its time.
pub trait RootKeeper: Send + Sync + fmt::Debug {
    /// How it is called in messages: a file's path, or a service's address without credentials.
    fn name(&self) -> String;

    /// The file in which the root key lies, where it lies in one.
    fn file(&self) -> Option<&Path> {
        None
    }

    /// Wraps a key under the newest root key, bound to its name.
    ///
    /// # Errors
    /// [`VaultError::Keeper`] when it cannot be asked.
    fn wrap(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Opens what [`RootKeeper::wrap`] made for that name.
    ///
    /// # Errors
    /// [`VaultError::WrongRootKey`] when it does not open, [`VaultError::Keeper`] when it cannot be asked.
    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError>;

    /// Begins to wrap under a new root key. What is wrapped still opens. Begun twice it is begun once.
    ///
    /// # Errors
    /// [`VaultError::Keeper`], [`VaultError::Io`].
    fn advance(&self) -> Result<(), VaultError>;

    /// Forgets every root key that nothing of `kept` needs. Only called once that is everything which this keeper has wrapped.
    ///
    /// # Errors
    /// [`VaultError::Keeper`], [`VaultError::Io`].
    fn retire(&self, kept: &[Vec<u8>]) -> Result<(), VaultError>;

    /// Whether an exchange was begun and not ended.
    fn is_advancing(&self) -> bool;

    /// Takes away what a crash left of the root key beside it. Nobody exchanges it meanwhile.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    fn tidy(&self) -> Result<(), VaultError> {
        Ok(())
    }
}
