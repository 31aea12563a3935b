//! The child server: the PostgreSQL that Wordbond starts, watches and stops itself when nobody names another one.
//!
//! It listens on one unix socket in a directory of mode 0700, knows its callers by the kernel's word (peer
//! authentication) and never by a password, and never runs as root. It ends with its parent, however that ends: a
//! shell on the other side of a pipe stops the server when the pipe breaks, so that even `kill -9` leaves no orphan.

pub mod binaries;
pub mod cluster;
pub mod layout;
pub mod process;
mod supervisor;

pub use binaries::{Binaries, Version};
pub use layout::Layout;
pub use supervisor::{Server, ServerConfig};

use std::path::PathBuf;

/// The superuser of the child server. Only Wordbond's own operating-system user may become it, and only to create the
/// roles and the database, and to look at what an ordinary role may not see.
pub const SUPERUSER: &str = "wordbond_super";

/// Why the child server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is none to start.
    #[error(
        "no PostgreSQL server was found (looked at --pg-bin, PATH and /usr/lib/postgresql); \
         install one with: apt-get update && apt-get install -y postgresql-15"
    )]
    NotFound,
    /// `--pg-bin` names something else.
    #[error(
        "{0} holds no `postgres` and `initdb` that run; give --pg-bin the directory of a PostgreSQL server's programs"
    )]
    NoServerIn(PathBuf),
    /// The data was written by another major version.
    #[error(
        "the data in {data} was written by PostgreSQL {written}, and no server of that version is installed; \
             install one with: apt-get update && apt-get install -y postgresql-{written}"
    )]
    OtherMajor {
        /// The cluster.
        data: PathBuf,
        /// Its major version.
        written: u32,
    },
    /// Another process holds the same data directory.
    #[error("another Wordbond runs on {0}; stop it first, or choose another --data-dir")]
    Locked(PathBuf),
    /// Root needs somebody to become.
    #[error(
        "PostgreSQL refuses to run as root, and there is no user `nobody` in /etc/passwd to run it as; \
             start Wordbond as an ordinary user"
    )]
    Nobody,
    /// The operating system does not know who we are.
    #[error(
        "the operating system has no name for user id {0}, and peer authentication needs one; add it to /etc/passwd"
    )]
    Nameless(u32),
    /// The socket's directory is not ours alone.
    #[error("{0} is not a directory that belongs to the server alone; remove it and start again")]
    SocketDirectory(PathBuf),
    /// A program of the server failed.
    #[error("`{program}` failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// The server ended, or was not ready in time.
    #[error("PostgreSQL did not start; the end of {log} says: {said}")]
    DidNotStart {
        /// The log.
        log: PathBuf,
        /// Its last lines.
        said: String,
    },
    /// An orphan of an earlier run does not stop.
    #[error("the server of an earlier run (process {0}) does not stop; end it by hand")]
    Orphan(i32),
    /// The file system refused.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Adds to an error of the file system what was attempted on which path.
pub(crate) trait IoContext<T> {
    fn on(self, what: &'static str, path: &std::path::Path) -> Result<T, ServerError>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn on(self, what: &'static str, path: &std::path::Path) -> Result<T, ServerError> {
        self.map_err(|source| ServerError::Io { what, path: path.to_owned(), source })
    }
}
