//! Small files, whole or not at all, and durable.

use crate::{VaultError, error::IoContext as _};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, futimens, linkat};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// How a file is called until it is whole.
const FRESH: &str = ".new-";
/// How a file is called once it is to go.
const GONE: &str = ".gone-";

/// Which file it was: another file under the same name, or a change to this one, has another stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    size: u64,
    /// When its bytes were written, in seconds since 1970.
    pub written: i64,
}

impl Stamp {
    /// The stamp of a file; `None` when there is none.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>, VaultError> {
        match fs::metadata(path) {
            Ok(data) => Ok(Some(Self::from(&data))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).on("look at", path),
        }
    }
}

impl From<&Metadata> for Stamp {
    fn from(data: &Metadata) -> Self {
        Self {
            device: data.dev(),
            inode: data.ino(),
            changed: (data.ctime(), data.ctime_nsec()),
            size: data.size(),
            written: data.mtime(),
        }
    }
}

/// Reads a file together with its stamp: the bytes are those of the very file that the stamp names.
pub(super) fn read_stamped(path: &Path) -> Result<Option<(Vec<u8>, Stamp)>, VaultError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).on("read", path),
    };
    let stamp = Stamp::from(&file.metadata().on("look at", path)?);
    let mut bytes = Vec::with_capacity(usize::try_from(stamp.size).unwrap_or_default());
    file.read_to_end(&mut bytes).on("read", path)?;
    Ok(Some((bytes, stamp)))
}

pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).on("read", path),
    }
}

pub(super) fn place(dir: &Path, name: &str, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let path = dir.join(name);
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    write_new(&path, bytes)
}

/// Writes a file that is not there yet, readable by its owner only, and durable: the bytes first, then the name. Returns
/// what the file holds, which is somebody else's if they were faster.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
    let fresh = stage(path, bytes, None)?;
    #[cfg(test)]
    cut::here(path)?;
    let linked = match linkat(CWD, &fresh, CWD, path, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()).on("write", path),
    };
    #[cfg(test)]
    cut::here(path)?;
    fs::remove_file(&fresh).on("remove", &fresh)?;
    linked?;
    sync_dir(parent(path))?;
    read(path)?.ok_or_else(|| VaultError::NoKey(path.display().to_string()))
}

/// Puts other bytes in the place of a file, or a first file there; at once, and durable. The file keeps its time.
pub(super) fn replace(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
    let path = dir.join(name);
    make_dir(parent(&path))?;
    overwrite(&path, bytes)
}

/// As `replace`, for a path.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
    put(path, bytes, Stamp::of(path)?.map(|stamp| stamp.written))
}

/// Puts a file with that time there, at once and durable, whatever was there before.
fn put(path: &Path, bytes: &[u8], written: Option<i64>) -> Result<(), VaultError> {
    let fresh = stage(path, bytes, written)?;
    #[cfg(test)]
    cut::here(path)?;
    fs::rename(&fresh, path).on("replace", path)?;
    sync_dir(parent(path))
}

/// Writes the bytes beside the path, under a name that nobody looks for.
fn stage(path: &Path, bytes: &[u8], written: Option<i64>) -> Result<PathBuf, VaultError> {
    #[cfg(test)]
    cut::here(path)?;
    let fresh = parent(path).join(format!("{}{}", staged(path), Uuid::new_v4().simple()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).on("write", &fresh)?;
    let done = file.write_all(bytes).and_then(|()| match written {
        Some(tv_sec) => {
            let time = Timespec { tv_sec, tv_nsec: 0 };
            Ok(futimens(&file, &Timestamps { last_access: time, last_modification: time })?)
        }
        None => Ok(()),
    });
    if let Err(error) = done.and_then(|()| file.sync_all()) {
        // What could not be written is of no use to anybody.
        let _ = fs::remove_file(&fresh);
        return Err(error).on("write", &fresh);
    }
    Ok(fresh)
}

/// How what is written beside this path begins to be called.
fn staged(path: &Path) -> String {
    format!("{FRESH}{}-", path.file_name().unwrap_or_default().display())
}

/// Takes away what a crash left of writing or removing this file. Nobody writes it meanwhile.
pub(crate) fn tidy_beside(path: &Path) -> Result<(), VaultError> {
    let (dir, staged) = (parent(path), staged(path));
    let entries = match fs::read_dir(dir) {
        // Where nobody may look, nobody left anything.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) => return Ok(()),
        entries => entries.on("list", dir)?,
    };
    for entry in entries {
        let entry = entry.on("list", dir)?;
        let name = entry.file_name();
        // Another file's drafts may begin alike: `root.key-of-somebody`.
        let random = name.to_str().and_then(|name| name.strip_prefix(&staged)).filter(|rest| rest.len() == 32);
        if random.is_some_and(|rest| rest.bytes().all(|digit| digit.is_ascii_hexdigit())) {
            discard(&entry.path())?;
        }
    }
    wipe(&gone(path)).map(drop)
}

/// Removes a file for good, as [`remove`] does.
pub(crate) fn remove_path(path: &Path) -> Result<bool, VaultError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    remove(parent(path), &name)
}

/// How a file is called once it is to go.
fn gone(path: &Path) -> PathBuf {
    parent(path).join(format!("{GONE}{}", path.file_name().unwrap_or_default().display()))
}

/// Puts a file of one folder in the place of another's, with its time.
pub(super) fn copy(from: &Path, to: &Path, name: &str) -> Result<(), VaultError> {
    let Some((bytes, stamp)) = read_stamped(&from.join(name))? else { return Ok(()) };
    let path = to.join(name);
    make_dir(parent(&path))?;
    put(&path, &bytes, Some(stamp.written))
}

/// Removes a file for good. Its name goes first and at once, so that nobody meets half of it; then its bytes are
/// overwritten, so that neither a second name nor an open file keeps them. A folder that is empty then goes too. Yields
/// whether it was there.
pub(super) fn remove(dir: &Path, name: &str) -> Result<bool, VaultError> {
    let path = dir.join(name);
    let folder = parent(&path);
    let gone = gone(&path);
    // It was cut short before, and is there again since.
    let mut there = wipe(&gone)?;
    #[cfg(test)]
    cut::here(&path)?;
    match fs::rename(&path, &gone) {
        Ok(()) => {
            sync_dir(folder)?;
            there |= wipe(&gone)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).on("remove", &path),
    }
    if there && folder != dir && fs::remove_dir(folder).is_ok() {
        sync_dir(parent(folder))?;
    }
    Ok(there)
}

/// Overwrites a file and takes it away.
fn wipe(path: &Path) -> Result<bool, VaultError> {
    #[cfg(test)]
    cut::here(path)?;
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).on("open", path),
    };
    let length = usize::try_from(file.metadata().on("look at", path)?.len()).unwrap_or_default();
    file.write_all(&vec![0; length]).and_then(|()| file.sync_all()).on("overwrite", path)?;
    #[cfg(test)]
    cut::here(path)?;
    fs::remove_file(path).on("remove", path)?;
    sync_dir(parent(path))?;
    Ok(true)
}

/// Takes away what a crash left half written or half removed. Nobody writes there meanwhile.
pub(super) fn tidy(dir: &Path) -> Result<(), VaultError> {
    let (mut fresh, mut gone) = (Vec::new(), Vec::new());
    collect(dir, "", &|name| name.starts_with(FRESH), &mut fresh)?;
    collect(dir, "", &|name| name.starts_with(GONE), &mut gone)?;
    fresh.iter().try_for_each(|name| discard(&dir.join(name)))?;
    gone.iter().try_for_each(|name| wipe(&dir.join(name)).map(drop))
}

/// Takes a staged file away. Once it has its own name too its bytes are that file's, and only the other name goes.
fn discard(path: &Path) -> Result<(), VaultError> {
    match fs::metadata(path) {
        Ok(data) if data.nlink() > 1 => {
            fs::remove_file(path).on("remove", path)?;
            sync_dir(parent(path))
        }
        _ => wipe(path).map(drop),
    }
}

/// Every name in a folder and those below it, sorted.
pub(super) fn names_in(dir: &Path) -> Result<Vec<String>, VaultError> {
    let mut names = Vec::new();
    collect(dir, "", &|name| !name.starts_with('.'), &mut names)?;
    names.sort();
    Ok(names)
}

fn collect(
    dir: &Path,
    prefix: &str,
    wanted: &impl Fn(&str) -> bool,
    names: &mut Vec<String>,
) -> Result<(), VaultError> {
    let entries = match fs::read_dir(dir) {
        // Removed since it was listed: its last key was destroyed.
        Err(error) if error.kind() == ErrorKind::NotFound && !prefix.is_empty() => return Ok(()),
        entries => entries.on("list", dir)?,
    };
    for entry in entries {
        let entry = entry.on("list", dir)?;
        let file = entry.file_name();
        let Some(name) = file.to_str() else { continue };
        if entry.file_type().on("look at", dir)?.is_dir() {
            collect(&entry.path(), &format!("{prefix}{name}/"), wanted, names)?;
        } else if wanted(name) {
            names.push(format!("{prefix}{name}"));
        }
    }
    Ok(())
}

/// Creates a directory of mode 0700 and what is missing above it, each made durable in its parent.
pub(super) fn make_dir(dir: &Path) -> Result<(), VaultError> {
    if dir.is_dir() {
        return Ok(());
    }
    let above = parent(dir);
    make_dir(above)?;
    #[cfg(test)]
    cut::here(dir)?;
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error).on("create", dir),
        _ => sync_dir(above),
    }
}

pub(super) fn sync_dir(dir: &Path) -> Result<(), VaultError> {
    File::open(dir).and_then(|dir| dir.sync_all()).on("make durable", dir)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Where a test lets the process die: from the chosen step on nothing reaches the disk any more.
#[cfg(test)]
pub(crate) mod cut {
    use crate::VaultError;
    use std::{cell::Cell, io, path::Path};

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// After so many steps of this thread; `None`: never.
    pub(crate) fn after(steps: Option<u32>) {
        LEFT.set(steps);
    }

    pub(crate) fn here(path: &Path) -> Result<(), VaultError> {
        match LEFT.get() {
            Some(0) => {
                Err(VaultError::Io { what: "die at", path: path.to_owned(), source: io::ErrorKind::Other.into() })
            }
            left => {
                LEFT.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}
