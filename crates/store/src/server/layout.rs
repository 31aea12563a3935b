//! Where the child server keeps its files, and as whom it runs.

use super::{IoContext as _, ServerError};
use aws_lc_rs::digest::{SHA256, digest};
use rustix::process::geteuid;
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

/// The longest path that fits into a socket address (`sun_path` holds 108 bytes, one of them the end).
const LONGEST_SOCKET: usize = 107;

/// The port in the socket's name. Nothing listens on it; it is not the usual one, so that a server which somebody makes
/// listen on TCP does not collide with the distribution's own.
pub const PORT: u16 = 54_320;

/// The operating-system user that the server runs as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsAs {
    /// Its user id.
    pub uid: u32,
    /// Its group id.
    pub gid: u32,
    /// Whether that is somebody else than we are: root becomes `nobody`.
    pub other: bool,
}

impl RunsAs {
    /// Ourselves, or `nobody` when we are root, because the server refuses root.
    ///
    /// # Errors
    /// [`ServerError::Nobody`].
    pub fn choose() -> Result<Self, ServerError> {
        let uid = geteuid();
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: rustix::process::getegid().as_raw(), other: false });
        }
        let (uid, gid) =
            passwd(|name, _| name == "nobody").map(|(_, uid, gid)| (uid, gid)).ok_or(ServerError::Nobody)?;
        Ok(Self { uid, gid, other: true })
    }
}

/// The name of the user that Wordbond itself runs as: the only one that the server lets in.
///
/// # Errors
/// [`ServerError::Nameless`].
pub fn own_name() -> Result<String, ServerError> {
    let uid = geteuid().as_raw();
    if let Some((name, ..)) = passwd(|_, id| id == uid) {
        return Ok(name);
    }
    // Users from a directory service are not in the file; `id` asks the name service switch.
    let said = Command::new("id").arg("-un").output().ok().filter(|out| out.status.success());
    said.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .filter(|name| !name.is_empty())
        .ok_or(ServerError::Nameless(uid))
}

/// The first entry of `/etc/passwd` that `wanted` accepts by name and uid.
fn passwd(wanted: impl Fn(&str, u32) -> bool) -> Option<(String, u32, u32)> {
    entries().into_iter().find(|(name, uid, _)| wanted(name, *uid))
}

/// The entries of `/etc/passwd`: name, user id, group id.
fn entries() -> Vec<(String, u32, u32)> {
    let entry = |line: &str| {
        let mut fields = line.split(':');
        Some((fields.next()?.to_owned(), fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    fs::read_to_string("/etc/passwd").unwrap_or_default().lines().filter_map(entry).collect()
}

/// Every other user of this machine, by user and group id.
pub(crate) fn other_users() -> BTreeSet<(u32, u32)> {
    let own = geteuid().as_raw();
    entries().into_iter().map(|(_, uid, gid)| (uid, gid)).filter(|(uid, _)| *uid != own).collect()
}

/// The places of one child server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    base: PathBuf,
    socket: PathBuf,
}

impl Layout {
    /// The places of the server that belongs to `data_dir`: `<data_dir>/pg`, or where `<data_dir>/pg.path` says.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        let noted = fs::read_to_string(data_dir.join("pg.path")).ok().map(|text| PathBuf::from(text.trim_end()));
        Self::at(noted.unwrap_or_else(|| absolute(data_dir).join("pg")))
    }

    fn at(base: PathBuf) -> Self {
        let inside = base.join("run");
        let name = format!("/.s.PGSQL.{PORT}");
        let fits = inside.as_os_str().len() + name.len() <= LONGEST_SOCKET;
        let socket = if fits { inside } else { Path::new("/tmp").join(format!("wordbond-{}", short_hash(&base))) };
        Self { base, socket }
    }

    /// Creates the directories, owned by the server's user and closed to everybody else. Where that user cannot reach
    /// `data_dir` (a parent of mode 0700, such as `/root`), the server lives below `/var/lib/wordbond` instead and
    /// `<data_dir>/pg.path` says where.
    ///
    /// # Errors
    /// [`ServerError::Io`], [`ServerError::SocketDirectory`].
    pub fn create(data_dir: &Path, who: RunsAs) -> Result<Self, ServerError> {
        fs::create_dir_all(data_dir).on("create", data_dir)?;
        let data_dir = &fs::canonicalize(data_dir).on("find", data_dir)?;
        let mut layout = Self::of(data_dir);
        if who.other && !layout.base.exists() && !reachable(data_dir) {
            let elsewhere = Path::new("/var/lib/wordbond").join(short_hash(data_dir));
            fs::create_dir_all("/var/lib/wordbond").on("create", Path::new("/var/lib/wordbond"))?;
            let note = data_dir.join("pg.path");
            fs::write(&note, format!("{}\n", elsewhere.display())).on("write", &note)?;
            layout = Self::at(elsewhere);
        }
        for dir in [&layout.base, &layout.socket] {
            private(dir, who)?;
        }
        Ok(layout)
    }

    /// The directory that holds everything.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The cluster.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    /// The directory of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket
    }

    /// What the server says before it opens its logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.base.join("server.log")
    }

    /// The directory of its logs, one a day.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.base.join("log")
    }

    /// The lock that a supervisor holds.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.base.join("lock")
    }

    /// The rules of who may connect.
    #[must_use]
    pub fn hba(&self) -> PathBuf {
        self.data().join("pg_hba.conf")
    }
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Whether somebody who is neither owner nor in the group can pass through every directory down to `dir`.
fn reachable(dir: &Path) -> bool {
    dir.ancestors().all(|dir| fs::metadata(dir).is_ok_and(|meta| meta.mode() & 0o001 != 0))
}

/// A directory of mode 0700 that belongs to the server's user. One that is there already must be so, and no link: the
/// socket's may lie in a directory that everybody writes to.
fn private(dir: &Path, who: RunsAs) -> Result<(), ServerError> {
    if fs::symlink_metadata(dir).is_err() {
        fs::DirBuilder::new().mode(0o700).create(dir).on("create", dir)?;
        if who.other {
            chown(dir, Some(who.uid), Some(who.gid)).on("give away", dir)?;
        }
    }
    let meta = fs::symlink_metadata(dir).on("look at", dir)?;
    if !meta.is_dir() || meta.uid() != who.uid {
        return Err(ServerError::SocketDirectory(dir.to_owned()));
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).on("close", dir)
}

fn short_hash(path: &Path) -> String {
    let hash = digest(&SHA256, path.as_os_str().as_encoded_bytes());
    hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_moves_the_socket_and_nothing_else() {
        let short = Layout::at(PathBuf::from("/srv/wordbond/pg"));
        assert_eq!(short.socket_dir(), Path::new("/srv/wordbond/pg/run"));
        let long = Layout::at(PathBuf::from(format!("/srv/{}/pg", "x".repeat(120))));
        assert!(long.socket_dir().as_os_str().len() + 14 <= LONGEST_SOCKET);
        assert!(long.data().starts_with(long.base()));
    }

    #[test]
    fn a_planted_link_is_no_socket_directory() {
        let room = tempfile::tempdir().unwrap();
        let target = room.path().join("target");
        fs::create_dir(&target).unwrap();
        let link = room.path().join("link");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let me = RunsAs { uid: geteuid().as_raw(), gid: rustix::process::getegid().as_raw(), other: false };
        assert!(matches!(private(&link, me), Err(ServerError::SocketDirectory(_))));
        assert!(private(&target, me).is_ok());
    }
}
