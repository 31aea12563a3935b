//! What must not stand in the database beside what the probe planted: keys, which would open the rest, and anybody's address.

use crate::{Store, StoreError, forensics::Needles};
use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};
use zeroize::Zeroizing;

/// The needles with every key that opens others among them: the root key where it lies in a file, whether as it is or sealed
/// with a passphrase, and what is wrapped under it directly. A root key that somebody else keeps cannot be read here.
pub(super) fn keys(mut needles: Needles, store: &Store, data_dir: &Path) -> Result<Needles, StoreError> {
    if let Some(root) = store.keys().root_file() {
        let mut next = root.as_os_str().to_owned();
        next.push(".next");
        for path in [root.to_owned(), next.into()] {
            if let Some(text) = read(&path)? {
                needles = digits(&text).map_or(needles.clone(), |key| needles.copies("the root key", &key));
            }
        }
    }
    for folder in ["epoch", "secret"] {
        for entry in list(&data_dir.join("keys").join(folder))? {
            let path = entry.map_err(|error| unexpected(&error))?.path();
            if let Some(wrapped) = path.is_file().then(|| read(&path)).transpose()?.flatten() {
                needles = needles.copies("a wrapped key", &wrapped);
            }
        }
    }
    Ok(needles)
}

/// The needles with addresses among them, as they are sealed: as JSON.
pub(super) fn addresses(mut needles: Needles, sealed: &[Zeroizing<Vec<u8>>]) -> Needles {
    for address in sealed.iter().filter_map(|json| serde_json::from_slice::<String>(json).ok()).map(Zeroizing::new) {
        needles = needles.phrase("the address of somebody who was not planted for this", &address);
    }
    needles
}

/// The key in a root key's file: its last line, in hexadecimal digits.
fn digits(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let line = std::str::from_utf8(text).ok()?.lines().rfind(|line| !line.trim().is_empty())?.trim();
    let pairs = line.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unexpected(&error)),
    }
}

fn list(folder: &Path) -> Result<Vec<io::Result<fs::DirEntry>>, StoreError> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(unexpected(&error)),
    }
}

fn unexpected(error: &io::Error) -> StoreError {
    StoreError::Unexpected(format!("a key's file cannot be read: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forensics;

    #[test]
    fn a_root_key_is_found_however_it_is_written() {
        let text = format!("wordbond root key 1\n{}\n", "0f1e2d3c".repeat(8));
        let key = digits(text.as_bytes()).unwrap();
        assert_eq!(key.len(), 32);
        let needles = Needles::new().copies("key", &key);
        let found = |bytes: &[u8]| forensics::first_in(bytes, &needles).unwrap().is_some();
        assert!(found(text.as_bytes()) && found(&key) && found(text.to_uppercase().as_bytes()));
        // Base64 of the same bytes (Python's base64).
        assert!(found(b"Dx4tPA8eLTwPHi08Dx4tPA8eLTwPHi08Dx4tPA8eLTw="));
        assert!(!found(b"0f1e2d3c0f1e2d3c"), "eight bytes alone are nobody's key");
        assert!(digits(b"no digits").is_none());
    }
}
