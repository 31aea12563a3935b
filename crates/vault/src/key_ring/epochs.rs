//! The keys that wrap data keys, a number each. There is one, except while survivors move to the next.

use super::CHECK;
use crate::{RootKeeper, Secret, VaultError, key_store::KeyStore};
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The folder of their files.
const FOLDER: &str = "epoch";

pub(super) struct Epochs(RwLock<BTreeMap<u32, Arc<Secret>>>);

impl Epochs {
    /// Reads every epoch, or makes the first. The caller holds the lock, together with others.
    pub(super) fn open(store: &KeyStore, root: &dyn RootKeeper) -> Result<Self, VaultError> {
        let epochs = Self(RwLock::default());
        if numbers(store)?.is_empty() {
            // Keys without the epoch that wraps them are not helped by a new one, which would take its number.
            if store.names()?.iter().any(|name| name != CHECK) {
                return Err(VaultError::NoKey(FOLDER.to_owned()));
            }
            make(store, root, 1)?;
        }
        epochs.refresh(store, root)?;
        Ok(epochs)
    }

    /// The epoch under which new keys are wrapped: whatever another process has begun meanwhile counts.
    pub(super) fn newest(&self, store: &KeyStore, root: &dyn RootKeeper) -> Result<(u32, Arc<Secret>), VaultError> {
        self.refresh(store, root)?;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (number, key) = known.last_key_value().ok_or_else(|| VaultError::NoKey(FOLDER.to_owned()))?;
        Ok((*number, Arc::clone(key)))
    }

    /// The key of an epoch. One that has ended opens nothing any more, and `name` is then damaged.
    pub(super) fn get(
        &self,
        number: u32,
        store: &KeyStore,
        root: &dyn RootKeeper,
        name: &str,
    ) -> Result<Arc<Secret>, VaultError> {
        let find = || self.0.read().unwrap_or_else(PoisonError::into_inner).get(&number).map(Arc::clone);
        if let Some(key) = find() {
            return Ok(key);
        }
        self.refresh(store, root)?;
        find().ok_or_else(|| VaultError::DamagedKey(name.to_owned()))
    }

    /// Learns of epochs that others have begun, and forgets those that they have ended.
    pub(super) fn refresh(&self, store: &KeyStore, root: &dyn RootKeeper) -> Result<(), VaultError> {
        let there = numbers(store)?;
        let unknown: Vec<u32> = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if known.len() == there.len() && there.iter().all(|number| known.contains_key(number)) {
                return Ok(());
            }
            there.iter().copied().filter(|number| !known.contains_key(number)).collect()
        };
        let mut read = BTreeMap::new();
        for number in unknown {
            let name = name(number);
            // Ended since it was listed.
            let Some(wrapped) = store.peek(&name)? else { continue };
            read.insert(number, Arc::new(secret(root, &name, &wrapped)?));
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|number, _| there.contains(number));
        known.extend(read);
        Ok(())
    }
}

/// Makes the epoch of that number, durable before this returns. One that is there stays.
pub(super) fn make(store: &KeyStore, root: &dyn RootKeeper, number: u32) -> Result<(), VaultError> {
    let name = name(number);
    let fresh = Secret::random()?;
    store.put_new(&name, &root.wrap(&name, fresh.expose())?).map(drop)
}

/// The numbers that are in use, lowest first.
pub(super) fn numbers(store: &KeyStore) -> Result<Vec<u32>, VaultError> {
    let read = |name: String| number(&name).ok_or(VaultError::DamagedKey(name));
    let mut numbers = store.names_below(FOLDER)?.into_iter().map(read).collect::<Result<Vec<u32>, _>>()?;
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the epoch of that name.
pub(super) fn number(name: &str) -> Option<u32> {
    name.strip_prefix(FOLDER)?.strip_prefix('/')?.parse().ok()
}

pub(super) fn name(number: u32) -> String {
    format!("{FOLDER}/{number}")
}

pub(super) fn secret(root: &dyn RootKeeper, name: &str, wrapped: &[u8]) -> Result<Secret, VaultError> {
    let plain = root.unwrap(name, wrapped)?;
    let mut bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| VaultError::DamagedKey(name.to_owned()))?;
    Ok(Secret::take(&mut bytes))
}
