//! Rotations. A new epoch rewraps the keys of all who are still there and ends the one before: a wrapped key that somebody
//! copied earlier, of a person who was erased since, opens no more. No data is touched.
//!
//! Each step is small and durable, and a rotation that was cut short is gone on with, by whoever calls next. Keys may be
//! made, used and destroyed meanwhile.

use super::{CHECK, KeyRing, Ring, epochs, settle::settle, split, unwrap, wrap};
use crate::{VaultError, key_store::How};

/// What a rotation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// The epoch that is in force now.
    pub epoch: u32,
    /// How many keys were wrapped anew.
    pub keys: usize,
    /// How many epochs ended.
    pub ended: usize,
}

impl KeyRing {
    /// Begins a new epoch, moves every key to it and ends the one before; goes on with a rotation that was cut short.
    ///
    /// # Errors
    /// What the key store or the keeper of the root key says. Every key is as usable then as before.
    pub fn rotate(&self) -> Result<Rotated, VaultError> {
        {
            let _alone = self.0.store.lock(How::Alone)?;
            let numbers = epochs::numbers(&self.0.store)?;
            if let [only] = numbers.as_slice() {
                let next = only.checked_add(1).ok_or_else(|| VaultError::DamagedKey(epochs::name(*only)))?;
                epochs::make(&self.0.store, &*self.0.root, next)?;
            }
        }
        self.0.move_keys()
    }

    /// Exchanges the root key: the epochs are wrapped under a new one, and the old one is forgotten. Goes on with an
    /// exchange that was cut short.
    ///
    /// # Errors
    /// As [`KeyRing::rotate`].
    pub fn rotate_root(&self) -> Result<(), VaultError> {
        let _alone = self.0.store.lock(How::Alone)?;
        self.0.root.advance()?;
        self.0.move_epochs()
    }

    /// Ends what was cut short: a rotation, an exchange of the root key.
    ///
    /// # Errors
    /// As [`KeyRing::rotate`].
    pub fn resume(&self) -> Result<(), VaultError> {
        if self.0.root.is_advancing() {
            let _alone = self.0.store.lock(How::Alone)?;
            self.0.move_epochs()?;
        }
        if epochs::numbers(&self.0.store)?.len() > 1 {
            self.0.move_keys()?;
        }
        Ok(())
    }
}

impl Ring {
    /// Wraps every epoch under the newest root key. The caller holds the lock, alone.
    fn move_epochs(&self) -> Result<(), VaultError> {
        let names = epochs::numbers(&self.store)?.into_iter().map(epochs::name).chain([CHECK.to_owned()]);
        let mut kept = Vec::new();
        for name in names {
            let wrapped = self.store.peek(&name)?.ok_or_else(|| VaultError::NoKey(name.clone()))?;
            let key = self.root.unwrap(&name, &wrapped)?;
            let wrapped = self.root.wrap(&name, &key)?;
            self.store.replace(&name, &wrapped)?;
            kept.push(wrapped);
        }
        // A mirror that was away during an earlier exchange must not be all that is left of an epoch.
        settle(&self.store, &*self.root)?;
        self.root.retire(&kept)
    }

    fn move_keys(&self) -> Result<Rotated, VaultError> {
        let mut done = Rotated::default();
        loop {
            let (newest, wrapping) = self.epochs.newest(&self.store, &*self.root)?;
            done.epoch = newest;
            for name in self.behind(newest)? {
                // One at a time, so that nobody waits for long.
                let _alone = self.store.lock(How::Alone)?;
                let Some(bytes) = self.store.peek(&name)?.filter(|bytes| is_behind(bytes, newest)) else { continue };
                let key = self.parse(&name, &bytes)?;
                self.store.replace(&name, &wrap(newest, &wrapping, &name, &key)?)?;
                done.keys += 1;
            }
            let _alone = self.store.lock(How::Alone)?;
            // What the mirror still has of the old epoch goes before the epoch does.
            settle(&self.store, &*self.root)?;
            let latest = epochs::numbers(&self.store)?.last().copied();
            if latest != Some(newest) || !self.behind(newest)?.is_empty() {
                continue;
            }
            for number in epochs::numbers(&self.store)?.into_iter().filter(|number| *number < newest) {
                self.store.drop_file(&epochs::name(number))?;
                done.ended += 1;
            }
            self.epochs.refresh(&self.store, &*self.root)?;
            return Ok(done);
        }
    }

    /// The keys that are wrapped under an older epoch.
    fn behind(&self, newest: u32) -> Result<Vec<String>, VaultError> {
        let mut out = Vec::new();
        for name in self.store.names()? {
            if name != CHECK
                && !name.starts_with("epoch/")
                && self.store.peek(&name)?.is_some_and(|bytes| is_behind(&bytes, newest))
            {
                out.push(name);
            }
        }
        Ok(out)
    }

    /// Whether the wrapped key of that name opens.
    pub(super) fn opens(&self, name: &str, bytes: &[u8]) -> Result<bool, VaultError> {
        let Some((epoch, sealed)) = split(bytes) else { return Ok(false) };
        match self.epochs.get(epoch, &self.store, &*self.root, name) {
            Ok(wrapping) => Ok(unwrap(&wrapping, name, sealed).is_ok()),
            Err(VaultError::DamagedKey(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A file that is no wrapped key is nobody's to move: it stays, and the old epoch ends without it.
fn is_behind(bytes: &[u8], newest: u32) -> bool {
    split(bytes).is_some_and(|(epoch, _)| epoch < newest)
}
