//! Where wrapped keys lie: small files in a directory of their own, each durable before anything is sealed with it.
//!
//! With a second directory on another disk or host a key is written there first. A key that the primary has is therefore
//! in both, and losing either loses nothing. A destroyed key leaves a mark without content in both: where the mark is, a
//! copy that comes back from anywhere is no key any more.

mod files;
mod lock;

pub use files::Stamp;
pub use lock::{Held, How};

#[cfg(test)]
pub(crate) use files::cut;
pub(crate) use files::{overwrite, remove_path, tidy_beside, write_new};

use crate::VaultError;
use aws_lc_rs::digest::{SHA256, digest};
use files::{make_dir, names_in, place, read, remove, replace};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Where the marks of destroyed keys lie.
const MARKS: &str = "destroyed";

/// One of the two directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The system's own.
    Primary,
    /// The second one.
    Mirror,
}

impl Side {
    /// Both, in the order in which [`KeyStore::read_both`] reads them.
    pub(crate) const BOTH: [Self; 2] = [Self::Primary, Self::Mirror];
}

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

    /// The bytes of that name in the primary and in the mirror; none where it was destroyed.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn read_both(&self, name: &str) -> Result<[Option<Vec<u8>>; 2], VaultError> {
        for dir in self.dirs() {
            if Stamp::of(&dir.join(mark(name)))?.is_some() {
                return Ok([None, None]);
            }
        }
        let there = self.mirror.as_ref().map(|mirror| read(&mirror.join(name))).transpose()?;
        Ok([read(&self.primary.join(name))?, there.flatten()])
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

    /// Whether a file of that name lies in either directory, destroyed or not: what was put back beside its mark lies there.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn lies(&self, name: &str) -> Result<bool, VaultError> {
        for dir in self.dirs() {
            if Stamp::of(&dir.join(name))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
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
        Self::is_none_at(&self.primary, self.mirror.as_deref())
    }

    /// Whether there is no key at a place where a store may be or not. Makes nothing.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub fn is_none_at(primary: &Path, mirror: Option<&Path>) -> Result<bool, VaultError> {
        for dir in [Some(primary), mirror].into_iter().flatten().filter(|dir| dir.exists()) {
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

    /// The directories: the system's own, and the mirror.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &Path> {
        [self.primary.as_path()].into_iter().chain(self.mirror())
    }

    /// Every name in either directory.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn names_of_both(&self) -> Result<BTreeSet<String>, VaultError> {
        let mut names = BTreeSet::new();
        for dir in self.dirs() {
            names.extend(names_in(dir)?.into_iter().filter(|name| !is_mark(name)));
        }
        Ok(names)
    }

    /// Puts one directory's object in the place of the other's. The caller holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn copy(&self, name: &str, from: Side) -> Result<(), VaultError> {
        let Some(mirror) = &self.mirror else { return Ok(()) };
        let (from, to) = match from {
            Side::Primary => (&self.primary, mirror),
            Side::Mirror => (mirror, &self.primary),
        };
        files::copy(from, to, name)
    }

    /// Ends what was cut short: marks are made the same in both directories, and what is marked and still there goes, for
    /// a destruction was cut short or a copy was put back; so does what a crash left half written or half removed. The
    /// caller holds the lock, alone.
    ///
    /// # Errors
    /// [`VaultError::Io`].
    pub(crate) fn tidy(&self) -> Result<(), VaultError> {
        let mut marks = BTreeSet::new();
        for dir in self.dirs() {
            marks.extend(names_in(dir)?.into_iter().filter(|name| is_mark(name)));
        }
        for dir in self.dirs() {
            for mark in &marks {
                if Stamp::of(&dir.join(mark))?.is_none() {
                    place(dir, mark, b"")?;
                }
            }
            for name in names_in(dir)?.iter().filter(|name| !is_mark(name) && marks.contains(&mark(name))) {
                remove(dir, name)?;
            }
            files::tidy(dir)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
    fn what_is_lost_here_is_brought_back() {
        let room = tempfile::tempdir().unwrap();
        let (here, there) = (room.path().join("here"), room.path().join("there"));
        let store = KeyStore::open(&here, Some(&there)).unwrap();
        store.put_new("a/b", b"key").unwrap();
        fs::remove_file(here.join("a/b")).unwrap();
        assert_eq!(store.get("a/b").unwrap().unwrap(), b"key");
        assert!(here.join("a/b").exists(), "the mirror's copy is brought back");
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
        for dir in [&here, &there] {
            assert!(store.lies("tenant/t/p").unwrap(), "whoever looks whether it is gone sees each copy");
            fs::rename(dir.join("tenant/t/p"), dir.join("aside")).unwrap();
        }
        assert!(!store.lies("tenant/t/p").unwrap());
        for dir in [&here, &there] {
            fs::rename(dir.join("aside"), dir.join("tenant/t/p")).unwrap();
        }
        assert!(matches!(store.put_new("tenant/t/p", b"new"), Err(VaultError::NoKey(_))));
        store.tidy().unwrap();
        for dir in [&here, &there] {
            assert!(!dir.join("tenant/t/p").exists(), "the copy is cleared away");
        }
        assert_eq!(store.get("tenant/t/q").unwrap().unwrap(), b"other");
        assert_eq!((store.destroyed().unwrap(), store.names().unwrap()), (1, vec!["tenant/t/q".to_owned()]));
    }
}
