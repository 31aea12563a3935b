//! What keys there are, without any of them: for whoever operates the system.

use super::{CHECK, KeyRing, epochs, parse_name, split};
use crate::{Subject, VaultError};
use serde::Serialize;
use std::collections::BTreeMap;

/// What keys there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// Who keeps the root key.
    pub root: String,
    /// Where the second copies lie.
    pub mirror: Option<String>,
    /// The epochs, oldest first. More than one while a rotation is under way.
    pub epochs: Vec<Epoch>,
    /// How many people and accounts have a key.
    pub people: usize,
    /// How many teams have one.
    pub teams: usize,
    /// How many secrets of the system itself there are.
    pub secrets: usize,
    /// How many keys were destroyed.
    pub destroyed: usize,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Epoch {
    /// Its number.
    pub number: u32,
    /// How many keys are wrapped under it.
    pub keys: usize,
    /// When it began, in seconds since 1970.
    pub began: i64,
}

impl KeyRing {
    /// Counts the keys.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn inventory(&self) -> Result<Inventory, VaultError> {
        let store = &self.0.store;
        let mut out = Inventory {
            root: self.0.root.name(),
            mirror: store.mirror().map(|mirror| mirror.display().to_string()),
            destroyed: store.destroyed()?,
            ..Inventory::default()
        };
        let mut wrapped: BTreeMap<u32, usize> = BTreeMap::new();
        for name in store.names()? {
            match parse_name(&name) {
                Some((_, Subject::Person(_))) => out.people += 1,
                Some((_, Subject::Tenant)) => out.teams += 1,
                None if name.starts_with("secret/") => out.secrets += 1,
                None => {}
            }
            if let Some((epoch, _)) = store.peek(&name)?.as_deref().and_then(split) {
                *wrapped.entry(epoch).or_default() += 1;
            }
        }
        for number in epochs::numbers(store)? {
            let began = store.stamp(&epochs::name(number))?.map_or(0, |stamp| stamp.written);
            out.epochs.push(Epoch { number, keys: wrapped.get(&number).copied().unwrap_or_default(), began });
        }
        Ok(out)
    }

    /// When the newest epoch began, in seconds since 1970.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn epoch_began(&self) -> Result<i64, VaultError> {
        let newest = epochs::numbers(&self.0.store)?.last().copied().unwrap_or_default();
        Ok(self.0.store.stamp(&epochs::name(newest))?.map_or(0, |stamp| stamp.written))
    }

    /// Opens every wrapped key and forgets it again. Yields the names of those that do not open.
    ///
    /// # Errors
    /// [`VaultError::Io`]; what the keeper of the root key says.
    pub fn damaged(&self) -> Result<Vec<String>, VaultError> {
        let store = &self.0.store;
        let mut out = Vec::new();
        for name in store.names()? {
            let Some(bytes) = store.peek(&name)? else { continue };
            let opens = if name == CHECK || name.starts_with("epoch/") {
                match self.0.root.unwrap(&name, &bytes) {
                    Ok(_) => true,
                    Err(VaultError::WrongRootKey(_)) => false,
                    Err(error) => return Err(error),
                }
            } else {
                self.0.opens(&name, &bytes)?
            };
            if !opens {
                out.push(name);
            }
        }
        Ok(out)
    }
}
