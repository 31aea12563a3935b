//! Argon2id on threads of its own, a few at a time.

use super::{
    normal,
    phc::{Params, Phc},
};
use crate::{NoRandomness, random};
use argon2::{Algorithm, Argon2, Block, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use zeroize::Zeroizing;

/// The longest password that is hashed, in bytes. Longer ones match nothing.
pub const LONGEST: usize = 1024;
/// How many may wait for each one that is hashed.
const WAITING: usize = 32;
/// How long one may wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// The length of salts and hashes that are made here.
const SALT: usize = 16;
const HASH: usize = 32;

/// Why a password was not hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Too many passwords are being hashed; try again in a moment.
    #[error("too many passwords are being checked at this moment")]
    Busy,
    /// The password is longer than [`LONGEST`].
    #[error("the password is longer than {LONGEST} bytes")]
    TooLong,
    /// There is no randomness for a salt.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The work was not carried out.
    #[error("the password hash could not be computed")]
    Failed,
}

/// What came of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password is the right one.
    pub ok: bool,
    /// Whether a right password should be hashed anew and stored, since the parameters have changed.
    pub rehash: bool,
}

/// Hashes and compares passwords. Clones share the limit: never more than `at_once` hashes are computed at the same time, on
/// memory that is kept and used again, and only so many callers may wait.
#[derive(Clone)]
pub struct Hasher(Arc<Inner>);

struct Inner {
    params: Params,
    /// Who may compute.
    turns: Arc<Semaphore>,
    /// Who may compute or wait.
    places: Arc<Semaphore>,
    /// The memory of past computations.
    memory: Mutex<Vec<Vec<Block>>>,
    /// What a password is compared with where there is no account.
    nobody: Phc,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.0.params)
    }
}

impl Hasher {
    /// A hasher that computes at most `at_once` hashes at the same time.
    ///
    /// # Errors
    /// There is no randomness to be had.
    pub fn new(params: Params, at_once: usize) -> Result<Self, NoRandomness> {
        let at_once = at_once.clamp(1, 256);
        let nobody = Phc { params, salt: random::bytes::<SALT>()?.to_vec(), hash: random::bytes::<HASH>()?.to_vec() };
        Ok(Self(Arc::new(Inner {
            params,
            turns: Arc::new(Semaphore::new(at_once)),
            places: Arc::new(Semaphore::new(at_once * (WAITING + 1))),
            memory: Mutex::default(),
            nobody,
        })))
    }

    /// The parameters of new hashes.
    #[must_use]
    pub fn params(&self) -> Params {
        self.0.params
    }

    /// The text to store for a password.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn hash(&self, password: &str) -> Result<String, HashError> {
        if password.len() > LONGEST {
            return Err(HashError::TooLong);
        }
        let salt = random::bytes::<SALT>()?.to_vec();
        let mut phc = Phc { params: self.0.params, salt, hash: vec![0; HASH] };
        let computed = self.compute(phc.clone(), normal(password)).await?;
        phc.hash.copy_from_slice(&computed);
        Ok(phc.to_string())
    }

    /// Compares a password with a stored text. Without one, the same work is done and the answer is no: whether an account
    /// exists cannot be told from the time. An account whose hash has other parameters takes another time until its owner
    /// next signs in and the hash is renewed.
    ///
    /// # Errors
    /// See [`HashError`]; never [`HashError::TooLong`], since no password that long exists.
    pub async fn verify(&self, stored: Option<&str>, password: &str) -> Result<Verified, HashError> {
        let known = stored.and_then(|text| {
            let parsed = Phc::parse(text);
            if parsed.is_none() {
                tracing::error!("a stored password hash cannot be read; its owner cannot sign in with it");
            }
            parsed
        });
        let possible = password.len() <= LONGEST;
        let real = known.is_some() && possible;
        let phc = known.unwrap_or_else(|| self.0.nobody.clone());
        let password = if possible { normal(password) } else { Zeroizing::default() };
        let computed = self.compute(phc.clone(), password).await?;
        let same = verify_slices_are_equal(&computed, &phc.hash).is_ok();
        let current = phc.params == self.0.params && phc.salt.len() == SALT && phc.hash.len() == HASH;
        let ok = real && same;
        Ok(Verified { ok, rehash: ok && !current })
    }

    /// Waits for a turn and computes on a blocking thread. Who goes away while waiting leaves the queue; who goes away later
    /// does not free the turn before the work is done.
    async fn compute(&self, phc: Phc, password: Zeroizing<String>) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let place = Arc::clone(&self.0.places).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let turn = timeout(PATIENCE, Arc::clone(&self.0.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| HashError::Busy)?.map_err(|_| HashError::Failed)?;
        let inner = Arc::clone(&self.0);
        spawn_blocking(move || inner.argon2(&phc, &password, (place, turn))).await.map_err(|_| HashError::Failed)?
    }
}

impl Inner {
    fn argon2(
        &self,
        phc: &Phc,
        password: &str,
        held: (OwnedSemaphorePermit, OwnedSemaphorePermit),
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let (memory, passes, lanes) = (phc.params.memory_kib(), phc.params.passes(), phc.params.lanes());
        let params = argon2::Params::new(memory, passes, lanes, Some(phc.hash.len())).map_err(|_| HashError::Failed)?;
        let blocks = params.block_count();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        memory.resize(blocks, Block::new());
        let mut hash = Zeroizing::new(vec![0; phc.hash.len()]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let done = argon2.hash_password_into_with_memory(password.as_bytes(), &phc.salt, &mut hash, &mut memory);
        // What an older, dearer hash needed is given back; what the next one needs is kept.
        if memory.len() > self.params.memory_kib() as usize {
            memory = Vec::new();
        }
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
        drop(held);
        done.map(|()| hash).map_err(|_| HashError::Failed)
    }
}

#[cfg(test)]
mod tests;
