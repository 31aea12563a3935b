//! The keys in use: root, epochs, data keys.
//!
//! An instance remembers data keys, but uses one only while its file is the very one that it was read from. What one
//! process destroys or wraps anew therefore counts for all of them at once.

mod epochs;
mod inventory;
mod rotate;
mod settle;

pub use inventory::{Epoch, Inventory};
pub use rotate::Rotated;

use crate::{
    BlindIndex, RootKeeper, RootKey, Secret, Subject, VaultError, envelope,
    key_store::{How, KeyStore, Stamp},
    root_key::Seal,
};
use epochs::Epochs;
use kernel::{PersonId, TenantId};
use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use zeroize::Zeroize as _;

/// How many data keys are kept in memory. Beyond that all are forgotten and read again when needed: reading one costs
/// some 20 µs.
const REMEMBERED: usize = 4_096;

/// The first bytes of a wrapped key's file; its epoch follows.
const WRAPPED: &[u8] = b"WK\x01";

/// What shows whether the root key is the right one.
const CHECK: &str = "check";

/// Who keeps the root key.
#[derive(Clone, Debug)]
pub enum RootSource {
    /// A file on this machine.
    File {
        /// Where; `root.key` in the data directory when not given.
        path: Option<PathBuf>,
        /// With what it is sealed.
        seal: Seal,
    },
    /// Somebody else.
    Keeper(Arc<dyn RootKeeper>),
}

impl Default for RootSource {
    fn default() -> Self {
        Self::File { path: None, seal: Seal::default() }
    }
}

/// Every key of one system. Cheap to clone; all clones share the same memory.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    root: Arc<dyn RootKeeper>,
    store: KeyStore,
    epochs: Epochs,
    derived: OnceLock<Secret>,
    known: Mutex<HashMap<(TenantId, Subject), Known>>,
}

/// A data key with the file that it was read from.
#[derive(Clone)]
struct Known {
    name: Arc<str>,
    stamp: Stamp,
    key: Arc<Secret>,
}

impl KeyRing {
    /// Opens the keys below `data_dir` (`root.key` and `keys/`), creating them at the first start. `mirror` is a second
    /// directory for the wrapped keys, best on another disk.
    ///
    /// # Errors
    /// [`VaultError`]; a lost or wrong root key touches nothing.
    pub fn open(data_dir: &Path, mirror: Option<&Path>) -> Result<Self, VaultError> {
        Self::open_with(data_dir, mirror, RootSource::default())
    }

    /// Whether there is no key of any system below `data_dir`, nor in the mirror: as before a first start. Makes nothing.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_none_at(data_dir: &Path, mirror: Option<&Path>) -> Result<bool, VaultError> {
        KeyStore::is_none_at(&data_dir.join("keys"), mirror)
    }

    /// The same with a root key that lies elsewhere or is kept by somebody else.
    ///
    /// # Errors
    /// As [`KeyRing::open`].
    pub fn open_with(data_dir: &Path, mirror: Option<&Path>, root: RootSource) -> Result<Self, VaultError> {
        let store = KeyStore::open(&data_dir.join("keys"), mirror)?;
        // Neither the mirror nor anything else is touched before the root key has proven right.
        let (checks, first) = (store.read_both(CHECK)?, store.is_empty()?);
        let unchecked = checks.iter().all(Option::is_none);
        let root = match root {
            RootSource::Keeper(keeper) => keeper,
            RootSource::File { path, seal } => {
                let path = path.unwrap_or_else(|| data_dir.join("root.key"));
                Arc::new(RootKey::open(&path, seal, unchecked && first)?)
            }
        };
        prove(&*root, &checks)?;
        if unchecked && !first {
            // Keys without their check were not made by a first start that was cut short.
            return Err(VaultError::DamagedKey(CHECK.to_owned()));
        }
        {
            let _alone = store.lock(How::Alone)?;
            settle::settle(&store, &*root)?;
            root.tidy()?;
        }
        let together = store.lock(How::Together)?;
        if unchecked {
            store.put_new(CHECK, &root.wrap(CHECK, b"wordbond")?)?;
        }
        let epochs = Epochs::open(&store, &*root)?;
        drop(together);
        let ring = Self(Arc::new(Ring { root, store, epochs, derived: OnceLock::new(), known: Mutex::default() }));
        // Made once and kept for good: what follows from it is the same in every instance.
        let derived = ring.secret("derived")?;
        ring.0.derived.get_or_init(|| derived);
        Ok(ring)
    }

    /// The file in which the root key lies, wherever that is; `None` where somebody else keeps it.
    #[must_use]
    pub fn root_file(&self) -> Option<&Path> {
        self.0.root.file()
    }

    /// A path beside the folder of the keys, for what belongs to the same system.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.0.store.beside(name)
    }

    /// Makes the data key of a subject, durable before this returns. A subject that has one keeps it.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] for a subject whose key was destroyed: its id is never used again. [`VaultError::Io`],
    /// [`VaultError::NoRandomness`].
    pub fn create(&self, tenant: TenantId, subject: Subject) -> Result<(), VaultError> {
        self.0.make(&object_name(tenant, subject)).map(drop)
    }

    /// Destroys the data key of a subject: nobody reads what it sealed from here on, in whatever instance. Doing so again
    /// finishes what was cut short. Yields whether there was anything left.
    ///
    /// # Errors
    /// [`VaultError::Io`]: the key may still be there then, in one place or the other, and the caller tries again.
    pub fn destroy(&self, tenant: TenantId, subject: Subject) -> Result<bool, VaultError> {
        let _alone = self.0.store.lock(How::Alone)?;
        self.known().remove(&(tenant, subject));
        self.0.store.destroy(&object_name(tenant, subject))
    }

    /// Whether the subject has a data key.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn has(&self, tenant: TenantId, subject: Subject) -> Result<bool, VaultError> {
        Ok(self.0.store.get(&object_name(tenant, subject))?.is_some())
    }

    /// Whether a wrapped key of the subject lies in the key store or its mirror, used or not: one that was put back beside the
    /// mark of its destruction is no key for [`KeyRing::has`], and is one for whoever copies the folder without the mark.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lies(&self, tenant: TenantId, subject: Subject) -> Result<bool, VaultError> {
        self.0.store.lies(&object_name(tenant, subject))
    }

    /// Everybody of whom a wrapped key lies in the key store or its mirror, used or not.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lying(&self) -> Result<Vec<(TenantId, Subject)>, VaultError> {
        let names = self.0.store.names_of_both()?.into_iter().filter(|name| name.starts_with("tenant/"));
        names.map(|name| parse_name(&name).ok_or(VaultError::DamagedKey(name))).collect()
    }

    /// The directories in which wrapped keys lie: the system's own, and the mirror where there is one.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.0.store.folders()
    }

    /// Whether the subject's key was destroyed.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_destroyed(&self, tenant: TenantId, subject: Subject) -> Result<bool, VaultError> {
        self.0.store.is_destroyed(&object_name(tenant, subject))
    }

    /// Everybody who has a data key, with when it was made, in seconds since 1970.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn subjects(&self) -> Result<Vec<(TenantId, Subject, i64)>, VaultError> {
        let mut out = Vec::new();
        for name in self.0.store.names_below("tenant")? {
            let (tenant, subject) = parse_name(&name).ok_or_else(|| VaultError::DamagedKey(name.clone()))?;
            if let Some(stamp) = self.0.store.stamp(&name)? {
                out.push((tenant, subject, stamp.written));
            }
        }
        Ok(out)
    }

    /// The data key of a subject. Never made here: a key that is gone stays gone.
    pub(crate) fn data_key(&self, tenant: TenantId, subject: Subject) -> Result<Arc<Secret>, VaultError> {
        let known = self.known().get(&(tenant, subject)).cloned();
        if let Some(known) = known {
            if self.0.store.stamp(&known.name)? == Some(known.stamp) {
                return Ok(known.key);
            }
            self.known().remove(&(tenant, subject));
        }
        let name = object_name(tenant, subject);
        let (key, stamp) = self.0.read(&name)?.ok_or_else(|| VaultError::NoKey(name.clone()))?;
        let key = Arc::new(key);
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((tenant, subject), Known { name: name.into(), stamp, key: Arc::clone(&key) });
        Ok(key)
    }

    /// The index by which a tenant looks up its own people.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] for a tenant without a key.
    pub fn blind_index(&self, tenant: TenantId) -> Result<BlindIndex, VaultError> {
        Ok(BlindIndex::new(&self.data_key(tenant, Subject::Tenant)?.derive("blind-index")))
    }

    /// The index of the identity role, by which sign-in finds the tenant of a token. Its key opens nothing else.
    ///
    /// # Errors
    /// What the key store says.
    pub fn identity_index(&self) -> Result<BlindIndex, VaultError> {
        Ok(BlindIndex::new(&self.secret("identity-index")?))
    }

    /// The seed of the signing key of that name, for example the ledger's. Made at first use, kept for good.
    ///
    /// # Errors
    /// What the key store says.
    pub fn signing_seed(&self, name: &str) -> Result<Secret, VaultError> {
        self.secret(&format!("signing-{name}"))
    }

    /// A secret of the system itself, such as a password for a database role. Made at first use, kept for good. `name`
    /// is a word of this program, never a user's.
    ///
    /// # Errors
    /// What the key store says.
    pub fn secret(&self, name: &str) -> Result<Secret, VaultError> {
        self.0.make(&format!("secret/{name}"))
    }

    /// A key that follows from one of the system's own and `label`. The same in every instance, and after every rotation.
    #[must_use]
    pub fn derive(&self, label: &str) -> Secret {
        // Set before anybody gets hold of the ring.
        self.0.derived.get().map_or_else(|| Secret::take(&mut [0; 32]), |key| key.derive(label))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<(TenantId, Subject), Known>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn make(&self, name: &str) -> Result<Secret, VaultError> {
        // Rotations and destructions wait: none of them may end an epoch under which a key is being wrapped.
        let _together = self.store.lock(How::Together)?;
        if let Some((key, _)) = self.read(name)? {
            return Ok(key);
        }
        let (epoch, wrapping) = self.epochs.newest(&self.store, &*self.root)?;
        let bytes = wrap(epoch, &wrapping, name, &Secret::random()?)?;
        self.parse(name, &self.store.put_new(name, &bytes)?)
    }

    fn read(&self, name: &str) -> Result<Option<(Secret, Stamp)>, VaultError> {
        let Some((bytes, stamp)) = self.store.get_stamped(name)? else { return Ok(None) };
        match self.parse(name, &bytes) {
            Ok(key) => Ok(Some((key, stamp))),
            // It may have been destroyed, or wrapped under an epoch that has ended, while it was being read.
            Err(error) => match self.store.get_stamped(name)? {
                None => Ok(None),
                Some((again, stamp)) if again != bytes => Ok(Some((self.parse(name, &again)?, stamp))),
                Some(_) => Err(error),
            },
        }
    }

    fn parse(&self, name: &str, bytes: &[u8]) -> Result<Secret, VaultError> {
        let (epoch, sealed) = split(bytes).ok_or_else(|| VaultError::DamagedKey(name.to_owned()))?;
        unwrap(&*self.epochs.get(epoch, &self.store, &*self.root, name)?, name, sealed)
    }
}

/// The root key opens the check of one of the folders: the other may be a backup from before an exchange.
fn prove(root: &dyn RootKeeper, checks: &[Option<Vec<u8>>]) -> Result<(), VaultError> {
    let mut wrong = Ok(());
    for check in checks.iter().flatten() {
        match root.unwrap(CHECK, check) {
            Ok(_) => return Ok(()),
            Err(error @ VaultError::WrongRootKey(_)) => wrong = Err(error),
            Err(error) => return Err(error),
        }
    }
    wrong
}

/// The epoch of a wrapped key, and the rest.
fn split(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (epoch, sealed) = bytes.strip_prefix(WRAPPED)?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*epoch), sealed))
}

fn wrap(epoch: u32, wrapping: &Secret, name: &str, key: &Secret) -> Result<Vec<u8>, VaultError> {
    let mut bytes = [WRAPPED, &epoch.to_be_bytes()].concat();
    bytes.extend(envelope::seal(wrapping, name.as_bytes(), key.expose())?);
    Ok(bytes)
}

/// A key is bound to its name: a file that is moved to another name does not open.
fn unwrap(wrapping: &Secret, name: &str, sealed: &[u8]) -> Result<Secret, VaultError> {
    let damaged = || VaultError::DamagedKey(name.to_owned());
    let plain = envelope::open(wrapping, name.as_bytes(), sealed).ok_or_else(damaged)?;
    let mut bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| damaged())?;
    let secret = Secret::take(&mut bytes);
    bytes.zeroize();
    Ok(secret)
}

fn object_name(tenant: TenantId, subject: Subject) -> String {
    match subject {
        Subject::Tenant => format!("tenant/{tenant}/tenant"),
        Subject::Person(person) => format!("tenant/{tenant}/{person}"),
    }
}

fn parse_name(name: &str) -> Option<(TenantId, Subject)> {
    let (tenant, subject) = name.strip_prefix("tenant/")?.split_once('/')?;
    let subject = match subject {
        "tenant" => Subject::Tenant,
        person => Subject::Person(person.parse::<PersonId>().ok()?),
    };
    Some((tenant.parse().ok()?, subject))
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(..)")
    }
}
