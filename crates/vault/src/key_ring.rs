//! The keys in use: root, epochs, data keys.

use crate::{BlindIndex, RootKey, Secret, Subject, VaultError, envelope, key_store::KeyStore};
use kernel::TenantId;
use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroize as _;

/// How many data keys are kept in memory. Beyond that all are forgotten and read again when needed: reading one costs
/// some 20 µs.
const REMEMBERED: usize = 4_096;

/// The first bytes of a wrapped key's file; its epoch follows.
const WRAPPED: &[u8] = b"WK\x01";

/// Every key of one system. Cheap to clone; all clones share the same memory.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    root: RootKey,
    store: KeyStore,
    epochs: BTreeMap<u32, Secret>,
    known: Mutex<HashMap<(TenantId, Subject), Arc<Secret>>>,
}

impl KeyRing {
    /// Opens the keys below `data_dir` (`root.key` and `keys/`), creating them at the first start. `mirror` is a second
    /// directory for the wrapped keys, best on another disk.
    ///
    /// # Errors
    /// [`VaultError`]; a lost or wrong root key touches nothing.
    pub fn open(data_dir: &Path, mirror: Option<&Path>) -> Result<Self, VaultError> {
        let store = KeyStore::open(&data_dir.join("keys"), mirror)?;
        let root = RootKey::open_or_create(data_dir, &store)?;
        let mut epochs = BTreeMap::new();
        for name in store.names()?.iter().filter(|name| name.starts_with("epoch/")) {
            let number = name.trim_start_matches("epoch/").parse().map_err(|_| VaultError::DamagedKey(name.clone()))?;
            let bytes = store.get(name)?.ok_or_else(|| VaultError::NoKey(name.clone()))?;
            epochs.insert(number, unwrap(root.secret(), name, &bytes)?);
        }
        if epochs.is_empty() {
            let name = "epoch/1";
            let settled =
                store.put_new(name, &envelope::seal(root.secret(), name.as_bytes(), Secret::random()?.expose())?)?;
            epochs.insert(1, unwrap(root.secret(), name, &settled)?);
        }
        Ok(Self(Arc::new(Ring { root, store, epochs, known: Mutex::default() })))
    }

    /// Makes the data key of a subject, durable before this returns. A subject that has one keeps it.
    ///
    /// # Errors
    /// [`VaultError::Io`], [`VaultError::NoRandomness`].
    pub fn create(&self, tenant: TenantId, subject: Subject) -> Result<(), VaultError> {
        self.0.make(&object_name(tenant, subject)).map(drop)
    }

    /// The data key of a subject. Never made here: a key that is gone stays gone.
    pub(crate) fn data_key(&self, tenant: TenantId, subject: Subject) -> Result<Arc<Secret>, VaultError> {
        if let Some(key) = self.known().get(&(tenant, subject)) {
            return Ok(Arc::clone(key));
        }
        let name = object_name(tenant, subject);
        let key = Arc::new(self.0.read(&name)?.ok_or(VaultError::NoKey(name))?);
        let mut known = self.known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((tenant, subject), Arc::clone(&key));
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

    /// A key that follows from the root key and `label`. It changes with the root key, so it is for what may be lost.
    #[must_use]
    pub fn derive(&self, label: &str) -> Secret {
        self.0.root.secret().derive(label)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<(TenantId, Subject), Arc<Secret>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn make(&self, name: &str) -> Result<Secret, VaultError> {
        if let Some(key) = self.read(name)? {
            return Ok(key);
        }
        let (epoch, wrapping) = self.epochs.last_key_value().ok_or_else(|| VaultError::NoKey("epoch".to_owned()))?;
        let mut bytes = [WRAPPED, &epoch.to_be_bytes()].concat();
        bytes.extend(envelope::seal(wrapping, name.as_bytes(), Secret::random()?.expose())?);
        self.parse(name, &self.store.put_new(name, &bytes)?)
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        self.store.get(name)?.map(|bytes| self.parse(name, &bytes)).transpose()
    }

    fn parse(&self, name: &str, bytes: &[u8]) -> Result<Secret, VaultError> {
        let damaged = || VaultError::DamagedKey(name.to_owned());
        let rest = bytes.strip_prefix(WRAPPED).ok_or_else(damaged)?;
        let (epoch, sealed) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        let wrapping = self.epochs.get(&u32::from_be_bytes(*epoch)).ok_or_else(damaged)?;
        unwrap(wrapping, name, sealed)
    }
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

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(..)")
    }
}
