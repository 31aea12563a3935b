//! Making the two folders of keys the same, without losing a key.
//!
//! Either may be the older one: the mirror was away, or a backup was put in the place of the primary. So neither is right
//! as such. What opens is right; of two wrappings of one key the one under the newer epoch; and an epoch goes only when no
//! key needs it any more. All of this is planned before the first file is written, and refused where a key would be lost.

use super::{CHECK, epochs, split, unwrap};
use crate::{
    RootKeeper, Secret, VaultError,
    key_store::{KeyStore, Side},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

/// Makes both folders the same, and ends what a crash cut short in them. Doing so again goes on where it was. The caller
/// holds the lock, alone.
pub(super) fn settle(store: &KeyStore, root: &dyn RootKeeper) -> Result<(), VaultError> {
    let plan = if store.mirror().is_some() { Plan::make(store, root)? } else { Plan::default() };
    store.tidy()?;
    for (name, from) in plan.copies {
        store.copy(&name, from)?;
    }
    for name in plan.over {
        store.drop_file(&name)?;
    }
    Ok(())
}

/// The bytes of one name in the primary and in the mirror.
type Both = [Option<Vec<u8>>; 2];

/// What is to be done. In this order, each step leaves every key as good as it was.
#[derive(Debug, Default)]
struct Plan {
    /// What one folder gets from the other: epochs before the keys that they wrap.
    copies: Vec<(String, Side)>,
    /// Epochs that no key needs any more.
    over: Vec<String>,
}

impl Plan {
    fn make(store: &KeyStore, root: &dyn RootKeeper) -> Result<Self, VaultError> {
        let names = store.names_of_both()?;
        let epochs = Epochs::read(store, root, &names)?;
        let newest = epochs.right.last_key_value().map(|(number, _)| *number);
        // Whoever puts an old root key back must not see the keys of then take the place of those of now.
        if let Some(locked) = epochs.there.keys().find(|number| newest.is_none_or(|newest| **number > newest)) {
            return Err(lost(store, &epochs::name(*locked)));
        }
        let (mut needed, mut keys) = (BTreeSet::from_iter(newest), Vec::new());
        for name in names.iter().filter(|name| *name != CHECK && epochs::number(name).is_none()) {
            let both = store.read_both(name)?;
            match epochs.judge(name, &both) {
                Judged::Lost => return Err(lost(store, name)),
                Judged::Right(side, epoch) => {
                    needed.insert(epoch);
                    keys.push((name.clone(), side));
                }
                Judged::AsItIs => {
                    needed.extend(both.iter().flatten().filter_map(|bytes| split(bytes)).map(|key| key.0))
                }
            }
        }
        let mut plan = epochs.plan(&needed);
        plan.copies.extend(check(store, root)?);
        plan.copies.extend(keys);
        Ok(plan)
    }
}

/// The epochs of both folders.
#[derive(Default)]
struct Epochs {
    /// Which files there are, by number.
    there: BTreeMap<u32, Both>,
    /// The key of each, as far as the root key opens it.
    own: BTreeMap<(u32, Side), Option<Arc<Secret>>>,
    /// Whose is right: the primary's, where both open.
    right: BTreeMap<u32, (Side, Arc<Secret>)>,
}

/// What becomes of a key.
enum Judged {
    /// Nothing: it is the same in both, or opens in neither.
    AsItIs,
    /// Both get that folder's, which is wrapped under that epoch.
    Right(Side, u32),
    /// Only one of two could be kept, or none opens and another root key might.
    Lost,
}

impl Epochs {
    fn read(store: &KeyStore, root: &dyn RootKeeper, names: &BTreeSet<String>) -> Result<Self, VaultError> {
        let mut out = Self::default();
        for (name, number) in names.iter().filter_map(|name| Some((name, epochs::number(name)?))) {
            let both = store.read_both(name)?;
            for (side, bytes) in Side::BOTH.into_iter().zip(&both) {
                let Some(bytes) = bytes else { continue };
                let key = opened(epochs::secret(root, name, bytes))?.map(Arc::new);
                if let Some(key) = &key {
                    out.right.entry(number).or_insert_with(|| (side, Arc::clone(key)));
                }
                out.own.insert((number, side), key);
            }
            out.there.insert(number, both);
        }
        Ok(out)
    }

    fn judge(&self, name: &str, both: &Both) -> Judged {
        let [here, there] = both;
        if here == there {
            return Judged::AsItIs;
        }
        let (mut keys, mut right, mut locked) = (Vec::new(), None, false);
        for (side, bytes) in Side::BOTH.into_iter().zip(both) {
            let Some((epoch, sealed)) = bytes.as_deref().and_then(split) else { continue };
            let open = |wrapping: &Arc<Secret>| unwrap(wrapping, name, sealed).ok();
            let own = self.own.get(&(epoch, side));
            locked |= matches!(own, Some(None));
            keys.extend(own.and_then(Option::as_ref).and_then(open));
            let Some(key) = self.right.get(&epoch).and_then(|(_, wrapping)| open(wrapping)) else { continue };
            keys.push(key);
            if right.is_none_or(|(newest, _)| epoch > newest) {
                right = Some((epoch, side));
            }
        }
        // Whatever opens anywhere is one key, and stays.
        let one = keys.windows(2).all(|two| matches!(two, [one, other] if one.expose() == other.expose()));
        match right {
            Some((epoch, side)) if one => Judged::Right(side, epoch),
            None if keys.is_empty() && !locked => Judged::AsItIs,
            _ => Judged::Lost,
        }
    }

    /// What becomes of the epochs themselves, where these are needed.
    fn plan(&self, needed: &BTreeSet<u32>) -> Plan {
        let mut plan = Plan::default();
        for (number, [here, there]) in &self.there {
            let is_over = !needed.contains(number) && (here.is_none() || there.is_none());
            match self.right.get(number) {
                Some(_) if here == there => {}
                Some((side, _)) if !is_over => plan.copies.push((epochs::name(*number), *side)),
                None if needed.contains(number) => {}
                _ => plan.over.push(epochs::name(*number)),
            }
        }
        plan
    }
}

/// What shows whether the root key is the right one: the copy that does.
fn check(store: &KeyStore, root: &dyn RootKeeper) -> Result<Option<(String, Side)>, VaultError> {
    let both = store.read_both(CHECK)?;
    if both.first() == both.last() {
        return Ok(None);
    }
    for (side, bytes) in Side::BOTH.into_iter().zip(&both) {
        if let Some(bytes) = bytes
            && opened(root.unwrap(CHECK, bytes))?.is_some()
        {
            return Ok(Some((CHECK.to_owned(), side)));
        }
    }
    Ok(None)
}

/// What does not open is none; a keeper that cannot be asked is an error.
fn opened<T>(result: Result<T, VaultError>) -> Result<Option<T>, VaultError> {
    match result {
        Ok(opened) => Ok(Some(opened)),
        Err(VaultError::WrongRootKey(_) | VaultError::DamagedKey(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn lost(store: &KeyStore, name: &str) -> VaultError {
    VaultError::Diverged { mirror: store.mirror().map(Path::to_owned).unwrap_or_default(), name: name.to_owned() }
}

#[cfg(test)]
mod tests;
