//! The running system as other commands find it: `ready.json` in the data directory.

use crate::keys::{BlobsAt, KeysAt};
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What `up` writes when it serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Where the application answers.
    pub(crate) app: String,
    /// Where the trust page stands.
    pub(crate) page: String,
    /// The authority that signed a development certificate.
    pub(crate) ca: Option<PathBuf>,
    /// The database server's socket, where it is a child.
    pub(crate) pg: Option<Postgres>,
    /// The serving process.
    pub(crate) pid: u32,
    /// The profile in force.
    pub(crate) profile: PathBuf,
    /// The managed database, without password, where there is one.
    pub(crate) managed: bool,
    /// The application behind the gate, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upstream: Option<String>,
    /// The beginnings of its paths that need no session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) upstream_open: Vec<String>,
    /// Where the keys are, where that was said.
    #[serde(default)]
    pub(crate) keys: KeysAt,
    /// Where blobs are, where that was said.
    #[serde(default)]
    pub(crate) blobs: BlobsAt,
    /// The process's start, in ticks since boot: a process id alone may have been given away again.
    pub(crate) started: u64,
}

/// The socket of the child server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Postgres {
    /// The folder of the socket.
    pub(crate) socket: PathBuf,
    /// The number in the socket's name.
    pub(crate) port: u16,
}

/// Why there is no running system to talk to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRunning {
    /// Nothing serves from there.
    #[error("nothing runs in {0}: start it with `wordbond up --data-dir {0}`")]
    Absent(String),
    /// What stands there cannot be read.
    #[error("{0} cannot be read: {1}")]
    Unreadable(String, String),
}

impl Ready {
    /// The file's name below the data directory.
    const FILE: &str = "ready.json";

    /// Finds the running system.
    pub(crate) fn find(data_dir: &Path) -> Result<Self, NotRunning> {
        let file = data_dir.join(Self::FILE);
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(NotRunning::Absent(data_dir.display().to_string()));
            }
            Err(error) => return Err(NotRunning::Unreadable(file.display().to_string(), error.to_string())),
        };
        let ready: Self = serde_json::from_str(&text)
            .map_err(|error| NotRunning::Unreadable(file.display().to_string(), error.to_string()))?;
        if process_start(ready.pid) == Some(ready.started) {
            Ok(ready)
        } else {
            Err(NotRunning::Absent(data_dir.display().to_string()))
        }
    }

    /// Writes the file, whole or not at all.
    pub(crate) fn write(&self, data_dir: &Path) -> io::Result<()> {
        let staged = data_dir.join(".ready.json.new");
        fs::write(&staged, serde_json::to_vec_pretty(self)?)?;
        fs::rename(staged, data_dir.join(Self::FILE))
    }

    /// Takes the file away; what never stood there is no error.
    pub(crate) fn remove(data_dir: &Path) {
        let _ = fs::remove_file(data_dir.join(Self::FILE));
    }
}

/// When the process of that id started, in clock ticks since boot; `None` when there is none. Where the operating system
/// has no `/proc`, only the id can be compared.
pub(crate) fn process_start(pid: u32) -> Option<u64> {
    if !Path::new("/proc/self/stat").exists() {
        return Some(0);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may itself hold spaces; the start time is field 22, the 20th after it.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}
