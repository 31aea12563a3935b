//! Somebody who tidies up: files are moved aside, and back.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Files that were moved.
#[derive(Debug)]
pub struct Moved {
    /// From where, and to where.
    files: Vec<(PathBuf, PathBuf)>,
    aside: PathBuf,
}

impl Moved {
    /// Moves these files, all named from `data_dir`, into a folder below it.
    ///
    /// # Errors
    /// There are none, or one cannot be moved.
    pub fn aside(data_dir: &Path, paths: &[String], aside: &str) -> io::Result<Self> {
        if paths.is_empty() {
            return Err(io::Error::other("there is no file to move aside"));
        }
        let mut moved = Self { files: Vec::new(), aside: data_dir.join(aside) };
        fs::create_dir_all(&moved.aside)?;
        for (number, path) in paths.iter().enumerate() {
            let (from, to) = (data_dir.join(path), moved.aside.join(number.to_string()));
            fs::rename(&from, &to)?;
            moved.files.push((from, to));
        }
        Ok(moved)
    }

    /// Moves them back.
    ///
    /// # Errors
    /// One cannot be moved.
    pub fn back(self) -> io::Result<()> {
        for (from, to) in self.files {
            fs::rename(to, from)?;
        }
        fs::remove_dir(self.aside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_moved_aside_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("keys")).unwrap();
        fs::write(at("keys/one"), "1").unwrap();
        let moved = Moved::aside(folder.path(), &["keys/one".to_owned()], "attic").unwrap();
        assert!(!at("keys/one").exists() && at("attic/0").exists());
        moved.back().unwrap();
        assert_eq!(fs::read_to_string(at("keys/one")).unwrap(), "1");
        assert!(!at("attic").exists());
        assert!(Moved::aside(folder.path(), &[], "attic").is_err());
    }
}
