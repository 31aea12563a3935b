//! Where wrapped keys lie: small files in a directory of their own, each durable before anything is sealed with it.
//!
//! With a second directory on another disk or host a key is written there first. A key that the primary has is therefore
//! in both, and losing either loses nothing.

use crate::{VaultError, error::IoContext as _};
use rustix::fs::{AtFlags, CWD, linkat};
use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// A key store. Names are relative paths made by this crate out of ids and fixed words.
#[derive(Debug)]
pub struct KeyStore {
    primary: PathBuf,
    mirror: Option<PathBuf>,
}

impl KeyStore {
    /// Opens the store in `primary`, creating the directory. With `mirror`, every key is kept there too, and what it
    /// does not have yet is copied.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn open(primary: &Path, mirror: Option<&Path>) -> Result<Self, VaultError> {
        let store = Self { primary: primary.to_owned(), mirror: mirror.map(Path::to_owned) };
        make_dir(primary)?;
        if let Some(mirror) = mirror {
            make_dir(mirror)?;
            for name in store.names()? {
                if let Some(bytes) = read(&primary.join(&name))? {
                    place(mirror, &name, &bytes)?;
                }
            }
        }
        Ok(store)
    }

    /// The object of that name. One that only the mirror has is brought back.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        if let Some(bytes) = read(&self.primary.join(name))? {
            return Ok(Some(bytes));
        }
        let Some(mirror) = &self.mirror else { return Ok(None) };
        match read(&mirror.join(name))? {
            Some(bytes) => place(&self.primary, name, &bytes).map(Some),
            None => Ok(None),
        }
    }

    /// Stores a new object durably in every directory, and returns what is stored: where two writers meet, the first
    /// one's bytes for both.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        let settled = match &self.mirror {
            Some(mirror) => place(mirror, name, bytes)?,
            None => bytes.to_vec(),
        };
        place(&self.primary, name, &settled)
    }

    /// Every name, sorted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn names(&self) -> Result<Vec<String>, VaultError> {
        let mut names = Vec::new();
        collect(&self.primary, "", &mut names)?;
        names.sort();
        Ok(names)
    }

    /// Whether there is nothing.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_empty(&self) -> Result<bool, VaultError> {
        self.names().map(|names| names.is_empty())
    }
}

fn collect(dir: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), VaultError> {
    for entry in fs::read_dir(dir).on("list", dir)? {
        let entry = entry.on("list", dir)?;
        let Some(name) = entry.file_name().to_str().map(|name| format!("{prefix}{name}")) else { continue };
        if entry.file_type().on("look at", dir)?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else if !entry.file_name().to_string_lossy().starts_with('.') {
            names.push(name);
        }
    }
    Ok(())
}

fn place(dir: &Path, name: &str, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let path = dir.join(name);
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    write_new(&path, bytes)
}

/// Writes a file that is not there yet, readable by its owner only, and durable: the bytes first, then the name. Returns
/// what the file holds, which is somebody else's if they were faster.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    let fresh = dir.join(format!(".new-{}", Uuid::new_v4().simple()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).on("write", &fresh)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).on("write", &fresh);
    let linked = written.and_then(|()| match linkat(CWD, &fresh, CWD, path, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()).on("write", path),
    });
    fs::remove_file(&fresh).on("remove", &fresh)?;
    linked?;
    sync_dir(dir)?;
    read(path)?.ok_or_else(|| VaultError::NoKey(path.display().to_string()))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).on("read", path),
    }
}

/// Creates a directory of mode 0700 and what is missing above it, each made durable in its parent.
fn make_dir(dir: &Path) -> Result<(), VaultError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make_dir(parent)?;
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).on("create", dir),
        _ => sync_dir(parent),
    }
}

fn sync_dir(dir: &Path) -> Result<(), VaultError> {
    File::open(dir).and_then(|dir| dir.sync_all()).on("make durable", dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_writers_the_first_wins_for_both() {
        let room = tempfile::tempdir().unwrap();
        let store = KeyStore::open(&room.path().join("keys"), None).unwrap();
        let settled: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8_u8)
                .map(|n| {
                    scope.spawn({
                        let store = &store;
                        move || store.put_new("a/b", &[n])
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap().unwrap()).collect()
        });
        assert!(settled.iter().all(|bytes| Some(bytes) == settled.first()));
        assert_eq!(store.names().unwrap(), ["a/b"]);
    }

    #[test]
    fn either_directory_can_be_lost() {
        let room = tempfile::tempdir().unwrap();
        let (here, there) = (room.path().join("here"), room.path().join("there"));
        let store = KeyStore::open(&here, Some(&there)).unwrap();
        store.put_new("a/b", b"key").unwrap();
        fs::remove_file(here.join("a/b")).unwrap();
        assert_eq!(store.get("a/b").unwrap().unwrap(), b"key");
        assert!(here.join("a/b").exists(), "the mirror's copy is brought back");
        fs::remove_dir_all(&there).unwrap();
        let again = KeyStore::open(&here, Some(&there)).unwrap();
        assert_eq!(again.get("a/b").unwrap().unwrap(), b"key");
        assert_eq!(fs::read(there.join("a/b")).unwrap(), b"key", "a new mirror is filled");
    }
}
