//! A careless agent of another kind: whatever disappears from a folder is put back at once, as a tool does that keeps two
//! folders alike and takes each deletion for an accident.

use crate::walk;
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// The agent at work. It keeps what it saw in its memory alone; ending it removes what it has put back; dropped, it stops.
#[derive(Debug)]
pub struct Restoring {
    is_over: Arc<AtomicBool>,
    restored: Arc<AtomicUsize>,
    agent: Option<JoinHandle<Vec<PathBuf>>>,
}

impl Restoring {
    /// Remembers what is there already, and from then on what comes.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn begin(folder: &Path) -> io::Result<Self> {
        let mut known = BTreeMap::new();
        remember(folder, &mut known)?;
        let (is_over, restored) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (over, count, folder) = (Arc::clone(&is_over), Arc::clone(&restored), folder.to_owned());
        let agent = thread::spawn(move || {
            let mut put_back = Vec::new();
            while !over.load(Ordering::Relaxed) {
                // What is there too briefly to be read is missed, as by any agent.
                drop(remember(&folder, &mut known));
                for (path, bytes) in known.iter().filter(|(path, _)| !path.exists()) {
                    if put(path, bytes).is_ok() {
                        put_back.push(path.clone());
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
                thread::sleep(LOOK);
            }
            put_back
        });
        Ok(Self { is_over, restored, agent: Some(agent) })
    }

    /// How often it has put something back.
    #[must_use]
    pub fn restored(&self) -> usize {
        self.restored.load(Ordering::Relaxed)
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it has failed.
    pub fn end(mut self) -> io::Result<()> {
        let put_back = self.stop().map_err(|_| io::Error::other("the restoring agent panicked"))?;
        for path in put_back {
            // It may have been removed once more.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }
}

impl Restoring {
    fn stop(&mut self) -> thread::Result<Vec<PathBuf>> {
        self.is_over.store(true, Ordering::Relaxed);
        self.agent.take().map_or(Ok(Vec::new()), JoinHandle::join)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        // The folder may be gone already, and must not come back.
        let _ = self.stop();
    }
}

/// Reads every file that is not known yet. What begins with a dot is being written or removed just now.
fn remember(folder: &Path, known: &mut BTreeMap<PathBuf, Vec<u8>>) -> io::Result<()> {
    let is_whole = |path: &PathBuf| path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'));
    for path in walk::files(folder)?.into_iter().filter(is_whole) {
        if let Entry::Vacant(unknown) = known.entry(path)
            && let Some(bytes) = walk::read(unknown.key())?
        {
            unknown.insert(bytes);
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_is_put_back_until_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("team/key");
        fs::create_dir(folder.path().join("team")).unwrap();
        fs::write(&key, "1").unwrap();
        let restoring = Restoring::begin(folder.path()).unwrap();
        fs::remove_file(&key).unwrap();
        while restoring.restored() == 0 {
            thread::sleep(LOOK);
        }
        assert_eq!(fs::read_to_string(&key).unwrap(), "1");
        restoring.end().unwrap();
        assert!(!key.exists());
    }
}
