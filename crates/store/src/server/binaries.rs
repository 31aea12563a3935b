//! Finding the programs of a PostgreSQL server, and telling whether its minor version is old enough to leak.

use super::ServerError;
use std::{
    collections::BTreeSet,
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A server version: major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// 15, 16, 17, 18.
    pub major: u32,
    /// The number behind the dot.
    pub minor: u32,
}

/// The first minor of each major in which repeated `INSERT … ON CONFLICT DO UPDATE` no longer reads past row security
/// (CVE-2026-120154).
const FLOORS: [Version; 4] = [
    Version { major: 15, minor: 20 },
    Version { major: 16, minor: 16 },
    Version { major: 17, minor: 12 },
    Version { major: 18, minor: 7 },
];

impl Version {
    /// From `server_version_num`, for example 150020.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self { major: number / 10_000, minor: number % 10_000 }
    }

    /// From what `postgres --version` prints, for example `postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)`.
    #[must_use]
    pub fn from_banner(banner: &str) -> Option<Self> {
        let number = banner.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let (major, minor) = number.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    /// The minor that must be installed because this one lets a role read past row security; `None` where it is sound.
    /// A major without a known floor counts as sound when it is newer than all of them and as unsound when older.
    #[must_use]
    pub fn needs(self) -> Option<Self> {
        match FLOORS.iter().find(|floor| floor.major == self.major) {
            Some(floor) => (self.minor < floor.minor).then_some(*floor),
            None => FLOORS.first().copied().filter(|oldest| self.major < oldest.major),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The programs of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The directory that holds `postgres` and `initdb`.
    pub dir: PathBuf,
    /// What it says it is.
    pub version: Version,
}

impl Binaries {
    /// The newest server on this machine, or the newest of major version `major` where the data demands it.
    /// `named` is `--pg-bin`: then nothing else is looked at.
    ///
    /// # Errors
    /// [`ServerError::NoServerIn`] and [`ServerError::NotFound`].
    pub fn find(named: Option<&Path>, major: Option<u32>) -> Result<Option<Self>, ServerError> {
        if let Some(dir) = named {
            let found = Self::look(dir).ok_or_else(|| ServerError::NoServerIn(dir.to_owned()))?;
            return Ok(Some(found).filter(|b| major.is_none_or(|m| m == b.version.major)));
        }
        let all: Vec<Self> = candidates().iter().filter_map(|dir| Self::look(dir)).collect();
        if all.is_empty() {
            return Err(ServerError::NotFound);
        }
        Ok(all.into_iter().filter(|b| major.is_none_or(|m| m == b.version.major)).max_by_key(|b| b.version))
    }

    /// The path of one program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn look(dir: &Path) -> Option<Self> {
        let said = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
        let version = Version::from_banner(&String::from_utf8_lossy(&said.stdout))?;
        dir.join("initdb").exists().then(|| Self { dir: dir.to_owned(), version })
    }
}

/// Directories that may hold a server. Links are followed: what stands on PATH is often a link into the real directory,
/// and `initdb` looks for its siblings beside itself.
fn candidates() -> BTreeSet<PathBuf> {
    let mut dirs = BTreeSet::new();
    for dir in env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default() {
        if let Some(home) = fs::canonicalize(dir.join("postgres")).ok().as_deref().and_then(Path::parent) {
            dirs.insert(home.to_owned());
        }
    }
    for entry in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        dirs.insert(entry.path().join("bin"));
    }
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_say_of_themselves() {
        let debian = "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n";
        assert_eq!(Version::from_banner(debian), Some(Version { major: 15, minor: 20 }));
        assert_eq!(Version::from_banner("postgres (PostgreSQL) 17.12\n"), Some(Version { major: 17, minor: 12 }));
        assert_eq!(Version::from_banner("mysqld 8.0"), None);
        assert_eq!(Version::from_number(150_020), Version { major: 15, minor: 20 });
    }

    #[test]
    fn an_old_minor_names_the_one_to_install() {
        let needs = |major, minor| Version { major, minor }.needs().map(|v| v.to_string());
        assert_eq!(needs(15, 18).unwrap(), "15.20");
        assert_eq!(needs(17, 11).unwrap(), "17.12");
        assert_eq!(needs(18, 6).unwrap(), "18.7");
        assert_eq!(needs(14, 30).unwrap(), "15.20");
        assert_eq!(needs(15, 20), None);
        assert_eq!(needs(16, 16), None);
        assert_eq!(needs(19, 0), None);
    }
}
