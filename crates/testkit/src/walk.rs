//! Folders that somebody else writes in: what is gone by the time it is read is not there.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Every file in a folder and those below it.
///
/// # Errors
/// When the folder itself, or anything that is there, cannot be read.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Some(kind) = there(entry.file_type())? else { continue };
        if kind.is_dir() {
            out.extend(there(files(&entry.path()))?.unwrap_or_default());
        } else {
            out.push(entry.path());
        }
    }
    Ok(out)
}

/// What a file holds; `None` when it is gone.
///
/// # Errors
/// When it is there and cannot be read.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    there(fs::read(path))
}

fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    #[test]
    fn what_goes_while_it_is_read_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("stays"), "1").unwrap();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    for number in 0..20 {
                        let team = folder.path().join(format!("team-{number}"));
                        fs::create_dir(&team).unwrap();
                        fs::write(team.join("key"), "2").unwrap();
                        fs::remove_dir_all(&team).unwrap();
                    }
                }
            });
            for _ in 0..2_000 {
                let read: Vec<_> =
                    files(folder.path()).unwrap().iter().filter_map(|path| read(path).unwrap()).collect();
                assert!(read.contains(&b"1".to_vec()));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert!(files(&folder.path().join("nowhere")).is_err());
    }
}
