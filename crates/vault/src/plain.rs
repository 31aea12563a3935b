//! Opened bytes that do not stay in memory.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};
use zeroize::optimization_barrier;

/// Bytes that are overwritten when dropped. `Zeroizing<Vec<u8>>` does the same one byte at a time, which for content of any
/// size takes longer than the cipher.
#[derive(Default, PartialEq, Eq)]
pub struct Plain(Vec<u8>);

impl Plain {
    /// None yet, and room for so many.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Overwrites them, and what was cut off or moved away before. The room stays.
    pub fn wipe(&mut self) {
        self.0.clear();
        // To the full capacity, so that nothing is allocated anew.
        self.0.resize(self.0.capacity(), 0);
        optimization_barrier(self.0.as_slice());
        self.0.clear();
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl Deref for Plain {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Plain {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plain({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_keeps_the_room_and_shows_nothing() {
        let mut plain = Plain::with_capacity(100);
        plain.extend_from_slice(&[7; 80]);
        plain.truncate(10);
        let (room, place) = (plain.capacity(), plain.as_ptr());
        plain.wipe();
        assert_eq!((plain.len(), plain.capacity(), plain.as_ptr()), (0, room, place));
        assert_eq!(format!("{plain:?}"), "Plain(0 bytes)");
    }
}
