//! Bytes of any kind, sealed as they are: a file is not written as JSON first, which would make it three times as long.

use crate::{KeyRing, Place, Sealed, VaultError, envelope};
use zeroize::Zeroizing;

/// What a sealed column holds where it holds plain bytes: `Sealed<Raw>`.
#[derive(Clone, Copy, Debug)]
pub enum Raw {}

impl Sealed<Raw> {
    /// Seals `plain` for `place`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] when the subject has none, and what the key store says.
    pub fn seal_bytes(keys: &KeyRing, place: &Place, plain: &[u8]) -> Result<Self, VaultError> {
        let key = keys.data_key(place.tenant, place.subject)?;
        Self::from_bytes(envelope::seal(&key, &place.context(), plain)?)
    }

    /// Opens the bytes at `place`.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] after an erasure, [`VaultError::DamagedValue`] for bytes that were altered or moved here.
    pub fn open_bytes(&self, keys: &KeyRing, place: &Place) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let key = keys.data_key(place.tenant, place.subject)?;
        envelope::open(&key, &place.context(), self.as_bytes())
            .ok_or_else(|| VaultError::DamagedValue(place.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Subject;
    use kernel::{PersonId, TenantId};
    use uuid::Uuid;

    #[test]
    fn bytes_open_where_they_were_sealed_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(dir.path(), None).unwrap();
        let (tenant, person) = (TenantId::new(), PersonId::new());
        let subject = Subject::Person(person);
        keys.create(tenant, subject).unwrap();
        let place = Place { tenant, subject, table: "t", column: "c", row: Uuid::now_v7(), version: 1 };
        let plain: Vec<u8> = (0..=255).collect();
        let sealed = Sealed::seal_bytes(&keys, &place, &plain).unwrap();
        assert_eq!(sealed.as_bytes().len(), plain.len() + envelope::OVERHEAD);
        assert_eq!(*sealed.open_bytes(&keys, &place).unwrap(), plain);
        let elsewhere = Place { version: 2, ..place };
        assert!(matches!(sealed.open_bytes(&keys, &elsewhere), Err(VaultError::DamagedValue(_))));
    }
}
