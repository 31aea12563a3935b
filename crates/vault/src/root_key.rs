//! The key above all others: one file that only its owner reads.

use crate::{
    Secret, VaultError, envelope,
    error::IoContext as _,
    key_store::{KeyStore, write_new},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use zeroize::{Zeroize as _, Zeroizing};

const TITLE: &str = "wordbond root key 1";
const CHECK: &str = "check";

/// The root key. Whoever has it and the key store can read everything; without it the key store is noise.
#[derive(Debug)]
pub struct RootKey(Secret);

impl RootKey {
    /// Reads `<dir>/root.key`, or creates it at the first start. `keys` tells which of the two it is: where there are
    /// keys already, a missing or different root key is an error, and nothing is touched.
    ///
    /// # Errors
    /// [`VaultError::RootKeyLost`], [`VaultError::WrongRootKey`], [`VaultError::NoRootKey`],
    /// [`VaultError::ExposedRootKey`].
    pub fn open_or_create(dir: &Path, keys: &KeyStore) -> Result<Self, VaultError> {
        let path = dir.join("root.key");
        let check = keys.get(CHECK)?;
        if !path.exists() {
            if check.is_some() || !keys.is_empty()? {
                return Err(VaultError::RootKeyLost(path));
            }
            create(&path)?;
        }
        let root = Self(read(&path)?);
        match check {
            Some(check) if envelope::open(&root.0, CHECK.as_bytes(), &check).is_none() => {
                return Err(VaultError::WrongRootKey(path));
            }
            Some(_) => {}
            // Keys without their check were not made by a first start that was cut short.
            None if !keys.is_empty()? => return Err(VaultError::DamagedKey(CHECK.to_owned())),
            None => drop(keys.put_new(CHECK, &envelope::seal(&root.0, CHECK.as_bytes(), b"")?)?),
        }
        Ok(root)
    }

    /// The key itself.
    pub(crate) const fn secret(&self) -> &Secret {
        &self.0
    }
}

fn create(path: &Path) -> Result<(), VaultError> {
    let fresh = Secret::random()?;
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str(TITLE);
    text.push('\n');
    for byte in fresh.expose() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or_default());
        }
    }
    text.push('\n');
    // Of two that start at once the first one wins, and the other reads what it wrote.
    write_new(path, text.as_bytes()).map(drop)
}

fn read(path: &Path) -> Result<Secret, VaultError> {
    let mode = fs::metadata(path).on("look at", path)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(VaultError::ExposedRootKey { path: path.to_owned(), mode });
    }
    let text = Zeroizing::new(fs::read(path).on("read", path)?);
    let mut bytes = parse(&text).ok_or_else(|| VaultError::NoRootKey(path.to_owned()))?;
    Ok(Secret::take(&mut bytes))
}

fn parse(text: &[u8]) -> Option<[u8; 32]> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.strip_prefix(TITLE)?.trim().as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let mut pair = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let (Some(Some(high)), Some(Some(low))) = (pair.next(), pair.next()) else {
            bytes.zeroize();
            return None;
        };
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}
