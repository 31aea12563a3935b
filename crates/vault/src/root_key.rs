//! The key above all others: one file that only its owner reads, as it is or sealed with a passphrase.

mod form;

use crate::{
    Secret, VaultError, envelope,
    error::IoContext as _,
    keeper::RootKeeper,
    key_store::{overwrite, remove_path, tidy_beside, write_new},
};
pub use form::Passphrase;
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use zeroize::Zeroizing;

/// The root key in a file. Whoever has it and the key store can read everything; without it the key store is noise.
///
/// While it is being exchanged the next one lies beside it, under the same name with `.next` at its end.
///
/// The files are what counts: another process may have exchanged the key since this one read it, and nothing must be wrapped
/// under one that is gone.
#[derive(Debug)]
pub struct RootKey {
    path: PathBuf,
    held: Mutex<Held>,
}

/// With what a root key's file is sealed.
#[derive(Clone, Debug, Default)]
pub struct Seal {
    /// What opens it; `None` for a file that is not sealed.
    pub passphrase: Option<Passphrase>,
    /// What the next one is to be sealed with, where that changes.
    pub next: Option<Option<Passphrase>>,
}

impl Seal {
    /// With what the next key is sealed.
    fn then(&self) -> Option<&Passphrase> {
        self.next.as_ref().map_or(self.passphrase.as_ref(), Option::as_ref)
    }
}

#[derive(Debug)]
struct Held {
    seal: Seal,
    current: Secret,
    next: Option<Secret>,
}

impl RootKey {
    /// Reads the root key in `path`, or creates it when `first` says that there are no keys yet.
    ///
    /// # Errors
    /// [`VaultError::RootKeyLost`], [`VaultError::NoRootKey`], [`VaultError::ExposedRootKey`],
    /// [`VaultError::WrongPassphrase`], [`VaultError::NoPassphrase`]. Nothing is touched then.
    pub fn open(path: &Path, seal: Seal, first: bool) -> Result<Self, VaultError> {
        if !path.exists() {
            if !first {
                return Err(VaultError::RootKeyLost(path.to_owned()));
            }
            // Of two that start at once the first one wins, and the other reads what it wrote.
            write_new(path, &form::write(&Secret::random()?, seal.passphrase.as_ref())?)?;
        }
        let (current, next) = read_both(path, &seal)?;
        Ok(Self { path: path.to_owned(), held: Mutex::new(Held { seal, current, next }) })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the files again.
    fn refresh(&self) -> Result<MutexGuard<'_, Held>, VaultError> {
        let mut held = self.held();
        (held.current, held.next) = read_both(&self.path, &held.seal)?;
        Ok(held)
    }
}

impl Held {
    fn open(&self, name: &str, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        self.next.iter().chain([&self.current]).find_map(|root| envelope::open(root, name.as_bytes(), wrapped))
    }
}

impl RootKeeper for RootKey {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn wrap(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, VaultError> {
        let held = self.refresh()?;
        envelope::seal(held.next.as_ref().unwrap_or(&held.current), name.as_bytes(), key)
    }

    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let known = self.held().open(name, wrapped);
        if let Some(key) = known {
            return Ok(key);
        }
        self.refresh()?.open(name, wrapped).ok_or_else(|| VaultError::WrongRootKey(self.path.clone()))
    }

    fn advance(&self) -> Result<(), VaultError> {
        let next = beside(&self.path);
        if !next.exists() {
            let text = form::write(&Secret::random()?, self.held().seal.then())?;
            write_new(&next, &text)?;
        }
        self.refresh().map(drop)
    }

    /// All of it is wrapped under the next one: there are no more than two.
    fn retire(&self, _kept: &[Vec<u8>]) -> Result<(), VaultError> {
        let mut held = self.held();
        let Some(next) = held.next.take() else { return Ok(()) };
        let path = beside(&self.path);
        let bytes = Zeroizing::new(fs::read(&path).on("read", &path)?);
        let mut old = OpenOptions::new().write(true).open(&self.path).on("open", &self.path)?;
        let length = usize::try_from(old.metadata().on("look at", &self.path)?.len()).unwrap_or_default();
        overwrite(&self.path, &bytes)?;
        #[cfg(test)]
        crate::key_store::cut::here(&path)?;
        // The old key's bytes lie there no longer than its name; the next one's name goes last.
        old.write_all(&vec![0; length]).and_then(|()| old.sync_all()).on("overwrite", &self.path)?;
        // Nor do copies that an exchange cut short left beside them.
        self.tidy()?;
        remove_path(&path)?;
        held.current = next;
        if let Some(passphrase) = held.seal.next.take() {
            held.seal.passphrase = passphrase;
        }
        Ok(())
    }

    fn is_advancing(&self) -> bool {
        beside(&self.path).exists()
    }

    fn tidy(&self) -> Result<(), VaultError> {
        [&self.path, &beside(&self.path)].into_iter().try_for_each(|path| tidy_beside(path))
    }
}

/// The key and, while it is being exchanged, the next one.
fn read_both(path: &Path, seal: &Seal) -> Result<(Secret, Option<Secret>), VaultError> {
    let next = beside(path);
    let next = if next.exists() { Some(read_either(&next, seal)?) } else { None };
    Ok((read_either(path, seal)?, next))
}

/// An exchange that was cut short may have left the one file or the other sealed with either passphrase.
fn read_either(path: &Path, seal: &Seal) -> Result<Secret, VaultError> {
    read(path, seal.passphrase.as_ref()).or_else(|error| match &seal.next {
        Some(next) => read(path, next.as_ref()).map_err(|_| error),
        None => Err(error),
    })
}

/// Where the next one lies.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

fn read(path: &Path, passphrase: Option<&Passphrase>) -> Result<Secret, VaultError> {
    let mode = fs::metadata(path).on("look at", path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::ExposedRootKey { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(fs::read(path).on("read", path)?);
    form::read(path, &text, passphrase)
}
