//! Where wrapped keys lie: small files in a directory of their own, each durable before anything is sealed with it.
//!
//! With a second directory on another disk or host a key is written there first. A key that the primary has is therefore
//! in both, and losing either loses nothing. A destroyed key leaves a mark without content in both: where the mark is, a
//! copy that comes back from anywhere is no key any more.

mod files;
mod lock;

pub use files::Stamp;
pub use lock::{Held, How};

pub(crate) use files::{overwrite, write_new};

use crate::{VaultError, error::IoContext as _};
use aws_lc_rs::digest::{SHA256, digest};
use files::{make_dir, place, read, remove, replace};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the marks of destroyed keys lie.
const MARKS: &str = "destroyed";

/// A key store. Names are relative paths made by this crate out of ids and fixed words.
#[derive(Debug)]
pub struct KeyStore {
    primary: PathBuf,
    mirror: Option<PathBuf>,
}

impl KeyStore {
    /// Opens the store in `primary`, creating the directory. With `mirror`, every key is kept there too.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn open(primary: &Path, mirror: Option<&Path>) -> Result<Self, VaultError> {
        make_dir(primary)?;
        if let Some(mirror) = mirror {
            make_dir(mirror)?;
        }
        Ok(Self { primary: primary.to_owned(), mirror: mirror.map(Path::to_owned) })
    }

    /// The object of that name. One that only the mirror has is brought back, unless it was destroyed.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        Ok(self.get_stamped(name)?.map(|(bytes, _)| bytes))
    }

    /// The object of that name, and which file it was.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn get_stamped(&self, name: &str) -> Result<Option<(Vec<u8>, Stamp)>, VaultError> {
        if self.is_destroyed(name)? {
            return Ok(None);
        }
        let path = self.primary.join(name);
        if let Some(found) = files::read_stamped(&path)? {
            return Ok(Some(found));
        }
        let Some(mirror) = &self.mirror else { return Ok(None) };
        let _held = self.lock(How::Together)?;
        match read(&mirror.join(name))? {
            Some(bytes) if !self.is_destroyed(name)? => {
                place(&self.primary, name, &bytes)?;
                files::read_stamped(&path)
            }
            _ => Ok(None),
        }
    }

    /// The object of that name in either directory, without bringing it back.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn look(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        match (read(&self.primary.join(name))?, &self.mirror) {
            (None, Some(mirror)) => read(&mirror.join(name)),
            (found, _) => Ok(found),
        }
    }

    /// The bytes of the primary directory alone, for whoever holds the lock already.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn peek(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        read(&self.primary.join(name))
    }

    /// Which file holds the object now; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn stamp(&self, name: &str) -> Result<Option<Stamp>, VaultError> {
        Stamp::of(&self.primary.join(name))
    }

    /// Stores a new object durably in every directory, and returns what is stored: where two writers meet, the first
    /// one's bytes for both. The caller holds the lock, together with others.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] for the name of a destroyed key: it is never used again. [`VaultError::Io`].
    pub fn put_new(&self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        if self.is_destroyed(name)? {
            return Err(VaultError::NoKey(name.to_owned()));
        }
        let settled = match &self.mirror {
            Some(mirror) => place(mirror, name, bytes)?,
            None => bytes.to_vec(),
        };
        place(&self.primary, name, &settled)
    }

    /// Puts other bytes in the place of an object, in the mirror first, each at once. The file keeps its time. The caller
    /// holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.mirror.iter().chain([&self.primary]).try_for_each(|dir| replace(dir, name, bytes))
    }

    /// Marks an object as destroyed and removes it, in the mirror first, each durably. Doing so again finishes what was
    /// cut short. Yields whether there was anything left. The caller holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`]: then the key may still be there, and the caller tries again.
    pub fn destroy(&self, name: &str) -> Result<bool, VaultError> {
        let mark = mark(name);
        for dir in self.dirs() {
            place(dir, &mark, b"")?;
        }
        self.drop_file(name)
    }

    /// Removes an object without a mark: an epoch, whose number no other ever has. The caller holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn drop_file(&self, name: &str) -> Result<bool, VaultError> {
        let mut there = false;
        for dir in self.dirs() {
            there |= remove(dir, name)?;
        }
        Ok(there)
    }

    /// Whether the object of that name was destroyed.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_destroyed(&self, name: &str) -> Result<bool, VaultError> {
        Ok(Stamp::of(&self.primary.join(mark(name)))?.is_some())
    }

    /// How many keys were destroyed.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn destroyed(&self) -> Result<usize, VaultError> {
        Ok(names_in(&self.primary)?.iter().filter(|name| is_mark(name)).count())
    }

    /// Every name, sorted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn names(&self) -> Result<Vec<String>, VaultError> {
        Ok(names_in(&self.primary)?.into_iter().filter(|name| !is_mark(name)).collect())
    }

    /// Every name in one of its folders, sorted.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn names_below(&self, folder: &str) -> Result<Vec<String>, VaultError> {
        let dir = self.primary.join(folder);
        if !dir.is_dir() {
            return Ok(Vec::new());
        }
        Ok(names_in(&dir)?.into_iter().map(|name| format!("{folder}/{name}")).collect())
    }

    /// Whether there is nothing, neither here nor in the mirror.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_empty(&self) -> Result<bool, VaultError> {
        for dir in self.dirs() {
            if !names_in(dir)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A path beside the folder of the keys.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.primary.with_file_name(name)
    }

    /// Where the mirror is.
    #[must_use]
    pub fn mirror(&self) -> Option<&Path> {
        self.mirror.as_deref()
    }

    /// Makes both directories the same: what was destroyed goes from both, what only one has comes to the other, and where
    /// they differ the primary is right, for the mirror may have been away. The caller holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn settle(&self) -> Result<(), VaultError> {
        let Some(mirror) = &self.mirror else { return self.finish_destroying() };
        for (from, to) in [(&self.primary, mirror), (mirror, &self.primary)] {
            for name in names_in(from)?.iter().filter(|name| is_mark(name)) {
                if Stamp::of(&to.join(name))?.is_none() {
                    place(to, name, b"")?;
                }
            }
        }
        self.finish_destroying()?;
        for name in self.names()? {
            let Some(bytes) = read(&self.primary.join(&name))? else { continue };
            if read(&mirror.join(&name))?.as_ref() != Some(&bytes) {
                replace(mirror, &name, &bytes)?;
            }
        }
        // Keys that only the mirror has are brought back. An epoch that is gone here is over, as long as there is one here.
        let has_epoch = !self.names_below("epoch")?.is_empty();
        for name in names_in(mirror)?.into_iter().filter(|name| !is_mark(name)) {
            if Stamp::of(&self.primary.join(&name))?.is_some() {
                continue;
            }
            if has_epoch && name.starts_with("epoch/") {
                remove(mirror, &name)?;
            } else if let Some(bytes) = read(&mirror.join(&name))? {
                place(&self.primary, &name, &bytes)?;
            }
        }
        Ok(())
    }

    /// What is marked and still there goes: a destruction was cut short, or a copy was put back.
    fn finish_destroying(&self) -> Result<(), VaultError> {
        for dir in self.dirs() {
            for name in names_in(dir)?.iter().filter(|name| !is_mark(name)) {
                if self.is_destroyed(name)? {
                    remove(dir, name)?;
                }
            }
        }
        Ok(())
    }

    /// Waits for the lock that all processes on these keys share.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lock(&self, how: How) -> Result<Held, VaultError> {
        lock::hold(&self.primary.join(".lock"), how)
    }

    fn dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.mirror.iter().chain([&self.primary])
    }
}

/// The name of the mark says nothing about whose key it was to whoever does not know the id already.
fn mark(name: &str) -> String {
    let bytes = digest(&SHA256, format!("wordbond/destroyed/1\0{name}").as_bytes());
    let hex: String = bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{MARKS}/{hex}")
}

fn is_mark(name: &str) -> bool {
    name.strip_prefix(MARKS).is_some_and(|rest| rest.starts_with('/'))
}

fn names_in(dir: &Path) -> Result<Vec<String>, VaultError> {
    let mut names = Vec::new();
    collect(dir, "", &mut names)?;
    names.sort();
    Ok(names)
}

fn collect(dir: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), VaultError> {
    let entries = match fs::read_dir(dir) {
        // Removed since it was listed: its last key was destroyed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !prefix.is_empty() => return Ok(()),
        entries => entries.on("list", dir)?,
    };
    for entry in entries {
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
        again.settle().unwrap();
        assert_eq!(again.get("a/b").unwrap().unwrap(), b"key");
        assert_eq!(fs::read(there.join("a/b")).unwrap(), b"key", "a new mirror is filled");
    }

    #[test]
    fn what_is_destroyed_comes_back_from_nowhere() {
        let room = tempfile::tempdir().unwrap();
        let (here, there) = (room.path().join("here"), room.path().join("there"));
        let store = KeyStore::open(&here, Some(&there)).unwrap();
        store.put_new("tenant/t/p", b"key").unwrap();
        store.put_new("tenant/t/q", b"other").unwrap();
        assert!(store.destroy("tenant/t/p").unwrap());
        assert!(!store.destroy("tenant/t/p").unwrap(), "nothing was left the second time");
        for dir in [&here, &there] {
            assert!(!dir.join("tenant/t/p").exists());
            // Somebody puts a copy back.
            fs::write(dir.join("tenant/t/p"), b"key").unwrap();
            assert_eq!(store.get("tenant/t/p").unwrap(), None);
        }
        assert!(matches!(store.put_new("tenant/t/p", b"new"), Err(VaultError::NoKey(_))));
        store.settle().unwrap();
        for dir in [&here, &there] {
            assert!(!dir.join("tenant/t/p").exists(), "the copy is cleared away");
        }
        assert_eq!(store.get("tenant/t/q").unwrap().unwrap(), b"other");
        assert_eq!((store.destroyed().unwrap(), store.names().unwrap()), (1, vec!["tenant/t/q".to_owned()]));
    }

    #[test]
    fn a_mirror_that_was_away_learns_what_happened_meanwhile() {
        let room = tempfile::tempdir().unwrap();
        let (here, there) = (room.path().join("here"), room.path().join("there"));
        let both = KeyStore::open(&here, Some(&there)).unwrap();
        for (name, bytes) in [("epoch/1", b"one"), ("tenant/t/p", b"old"), ("tenant/t/q", b"que")] {
            both.put_new(name, bytes).unwrap();
        }
        let alone = KeyStore::open(&here, None).unwrap();
        alone.destroy("tenant/t/q").unwrap();
        alone.replace("tenant/t/p", b"new").unwrap();
        alone.put_new("epoch/2", b"two").unwrap();
        alone.drop_file("epoch/1").unwrap();
        both.settle().unwrap();
        assert_eq!(names_in(&there).unwrap(), names_in(&here).unwrap());
        assert_eq!(fs::read(there.join("tenant/t/p")).unwrap(), b"new");
        assert!(!there.join("epoch/1").exists() && !there.join("tenant/t/q").exists());
    }
}
