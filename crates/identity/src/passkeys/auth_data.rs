//! What the device says: authenticator data (WebAuthn section 6.1).

use super::{Refusal, cbor::Value, cose::Key};

/// What the device says.
pub(crate) struct AuthData<'a> {
    pub(crate) rp_id_hash: &'a [u8; 32],
    flags: u8,
    pub(crate) counter: u32,
    pub(crate) credential: Option<New<'a>>,
}

/// A key that was made just now.
pub(crate) struct New<'a> {
    pub(crate) id: &'a [u8],
    /// The key, and the bytes that it was read from.
    pub(crate) key: Key,
    pub(crate) cose: &'a [u8],
}

impl<'a> AuthData<'a> {
    /// Reads all of it; nothing may follow.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Self::read(bytes).ok_or(Refusal::Malformed)?
    }

    /// Nothing, if it is malformed; a refusal, if only its key is not accepted.
    fn read(bytes: &'a [u8]) -> Option<Result<Self, Refusal>> {
        let (rp_id_hash, rest) = bytes.split_first_chunk::<32>()?;
        let (&flags, rest) = rest.split_first()?;
        let (counter, mut rest) = rest.split_first_chunk::<4>()?;
        let mut credential = None;
        if flags & 0x40 != 0 {
            let (_aaguid, behind) = rest.split_first_chunk::<16>()?;
            let (length, behind) = behind.split_first_chunk::<2>()?;
            let (id, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            if id.is_empty() || id.len() > 1023 {
                return None;
            }
            Value::read(behind)?;
            let Some((key, after)) = Key::read(behind) else { return Some(Err(Refusal::Key)) };
            let cose = behind.get(..behind.len() - after.len())?;
            credential = Some(New { id, key, cose });
            rest = after;
        }
        if flags & 0x80 != 0 {
            let (extensions, after) = Value::read(rest)?;
            extensions.entries()?;
            rest = after;
        }
        let counter = u32::from_be_bytes(*counter);
        rest.is_empty().then_some(Ok(Self { rp_id_hash, flags, counter, credential }))
    }

    /// Somebody touched the device.
    pub(crate) const fn is_present(&self) -> bool {
        self.flags & 0x01 != 0
    }

    /// The device checked who.
    pub(crate) const fn is_verified(&self) -> bool {
        self.flags & 0x04 != 0
    }

    /// The key may be copied to other devices.
    pub(crate) const fn is_backup_eligible(&self) -> bool {
        self.flags & 0x08 != 0
    }

    /// The key has been copied.
    pub(crate) const fn is_backed_up(&self) -> bool {
        self.flags & 0x10 != 0
    }
}
