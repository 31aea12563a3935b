//! What a folder needs beyond what an object store offers: that deletions last, and that half-written files are found.

use super::StoreError;
use kernel::{PersonId, TenantId, Timestamp};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::Path,
};

/// Creates a folder that only its owner enters.
pub(super) fn make_dir(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes what was deleted of an owner's stay deleted after a power cut.
pub(super) fn sync(folder: &Path, tenant: TenantId, owner: PersonId) -> Result<(), StoreError> {
    let (team, own) = (folder.join(tenant.to_string()), folder.join(tenant.to_string()).join(owner.to_string()));
    for folder in [own.as_path(), &team, folder] {
        // An empty folder goes with its last file; then the one above lost a name.
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::Blobs(format!("{}: {error}", folder.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes files that were being written when their process ended, and are older than `before`. Yields how many. With `dry` it
/// only counts.
pub(super) fn remove_unfinished(folder: &Path, before: Timestamp, dry: bool) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_unfinished(&entry.path(), before, dry)?;
        } else if is_unfinished(&entry.file_name().to_string_lossy())
            && entry.metadata().is_ok_and(|data| data.mtime() < before.as_second())
        {
            match if dry { Ok(()) } else { fs::remove_file(entry.path()) } {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => removed += 1,
            }
        }
    }
    Ok(removed)
}

/// `object_store` writes beside the final name, with a number sign and digits behind it.
fn is_unfinished(name: &str) -> bool {
    name.split_once('#').is_some_and(|(_, rest)| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_half_written_and_old_goes() {
        let room = tempfile::tempdir().unwrap();
        let below = room.path().join("a/b");
        make_dir(&below).unwrap();
        for name in ["whole", "half#1", "half#12", "odd#x"] {
            fs::write(below.join(name), b"x").unwrap();
        }
        assert_eq!(remove_unfinished(room.path(), Timestamp::UNIX_EPOCH, false).unwrap(), 0);
        assert_eq!(remove_unfinished(room.path(), Timestamp::MAX, true).unwrap(), 2);
        assert_eq!(remove_unfinished(room.path(), Timestamp::MAX, false).unwrap(), 2);
        let mut left: Vec<_> = fs::read_dir(&below).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["odd#x", "whole"]);
    }
}
