//! How far an erasure has come, in files, so that it goes on where it was when its process dies.
//!
//! A case is a folder. `case.json` says who is meant, what identifies them, what was planned; it changes with the map. `progress.json` is
//! written before each commit, with the number of the transaction that is about to commit. After a death the server is
//! asked how that transaction ended, so that every row is counted once. Both hold personal data and are readable by their
//! owner only; they go when the receipt is written.

use super::{
    error::ForeignError,
    find::{Row, Selector, Subject},
    plan::Plan,
};
use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};
use store::foreign::{Identity, TableName};
use uuid::Uuid;

/// What changes only with the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its number, which says nothing about whom it is about.
    pub id: Uuid,
    /// Which database.
    pub database: Identity,
    /// The map, as a hash.
    pub map: String,
    /// The same with the steps that follow from it.
    pub way: String,
    /// Who was asked for.
    pub selectors: Vec<Selector>,
    /// The table of people.
    pub table: TableName,
    /// Their rows in it when it began, without credentials.
    pub people: Vec<Row>,
    /// Who they are by this map.
    pub subjects: Vec<Subject>,
    /// What identifies them in texts.
    pub identifiers: BTreeSet<String>,
    /// The columns, as `table.column`, whose values are among these.
    pub sources: BTreeSet<String>,
    /// What was to be done.
    pub plan: Plan,
    /// How many rows had lost their owner before, by the link that no foreign key guards.
    pub orphans: BTreeMap<String, u64>,
    /// When it began.
    pub started: String,
}

/// What does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// By which map and steps.
    pub way: String,
    /// The round of steps that is being done.
    pub round: usize,
    /// How far each step of it is.
    pub at: BTreeMap<usize, At>,
    /// How often everything was gone through again, because rows came behind.
    pub again: u32,
    /// How many rows each step has done.
    pub done: Vec<u64>,
    /// How many texts were redacted.
    pub redacted: u64,
    /// How often it went on after its process died.
    pub resumed: u32,
    /// What is about to be committed, by one connection or two.
    pub pending: Vec<Pending>,
}

/// Before which everything of a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum At {
    /// This page of the table.
    Page(u64),
    /// This one of the people.
    Person(u64),
}

/// A transaction that is about to commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Its number at the server.
    pub xid: String,
    /// How many rows of which step it changes.
    pub rows: Vec<(usize, u64)>,
}

impl Progress {
    /// Counts what is committed.
    pub fn count(&mut self, rows: &[(usize, u64)]) {
        for (step, rows) in rows {
            if let Some(done) = self.done.get_mut(*step) {
                *done += rows;
            }
        }
    }

    /// Counts what was about to be committed, and is.
    pub fn committed(&mut self, xid: &str) {
        let Some(place) = self.pending.iter().position(|pending| pending.xid == xid) else { return };
        let pending = self.pending.remove(place);
        self.count(&pending.rows);
    }
}

/// The folder of a case.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder of the case of these people in this database, whether it is there or not. Neither the map nor the server's
    /// version is part of its name: a case that left something is ended with a better map, or after an upgrade.
    ///
    /// # Errors
    /// When the folder above cannot be made.
    pub fn of(below: &Path, database: &Identity, selectors: &[Selector]) -> Result<Self, ForeignError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(below).map_err(ForeignError::file(below))?;
        let sorted: BTreeSet<&Selector> = selectors.iter().collect();
        let what = serde_json::to_vec(&(&database.database, database.oid, sorted)).unwrap_or_default();
        Ok(Self(below.join(hex(&what).get(..32).unwrap_or_default())))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Every other case that was begun and not ended.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn others(&self) -> Result<Vec<Case>, ForeignError> {
        let below = self.0.parent().unwrap_or(Path::new("."));
        let mut cases = Vec::new();
        for entry in fs::read_dir(below).map_err(ForeignError::file(below))? {
            let path = entry.map_err(ForeignError::file(below))?.path();
            if path != self.0 && path.is_dir() {
                cases.extend(Self(path).case()?);
            }
        }
        Ok(cases)
    }

    /// The case, if it was begun.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn case(&self) -> Result<Option<Case>, ForeignError> {
        self.read("case.json")
    }

    /// How far it is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>, ForeignError> {
        self.read("progress.json")
    }

    /// Begins a case, or notes what has become of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&self, case: &Case) -> Result<(), ForeignError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(ForeignError::file(&self.0))?;
        self.write("case.json", case)
    }

    /// Notes how far it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, progress: &Progress) -> Result<(), ForeignError> {
        self.write("progress.json", progress)
    }

    /// Removes the case, once the receipt is written.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn close(self) -> Result<(), ForeignError> {
        fs::remove_dir_all(&self.0).map_err(ForeignError::file(&self.0))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ForeignError> {
        let path = self.0.join(name);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| ForeignError::file(&path)(std::io::Error::other(error))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ForeignError::file(&path)(error)),
        }
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), ForeignError> {
        write_whole(&self.0.join(name), value)
    }
}

/// Writes a file that is there as a whole or not at all, readable by its owner only.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, value: &impl Serialize) -> Result<(), ForeignError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let done = || {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec_pretty(value).map_err(std::io::Error::other)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(folder)?.sync_all()
    };
    done().map_err(ForeignError::file(path))
}

/// A SHA-256 in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_case_is_found_again_and_is_nobody_elses_to_read() {
        let below = tempfile::tempdir().unwrap();
        let database = Identity { database: "shop".into(), oid: 7, version: 150_020 };
        let who = |keys: &[&str]| keys.iter().map(|key| Selector::Key((*key).to_owned())).collect::<Vec<_>>();
        let folder = Folder::of(below.path(), &database, &who(&["1", "2"])).unwrap();
        assert_eq!(folder.case().unwrap(), None);
        let case = Case {
            id: Uuid::nil(),
            database: database.clone(),
            map: "map".into(),
            way: "way".into(),
            table: "shop.users".parse().unwrap(),
            people: Vec::new(),
            selectors: who(&["1", "2"]),
            subjects: Vec::new(),
            identifiers: BTreeSet::new(),
            sources: BTreeSet::new(),
            plan: Plan { people: 2, lines: Vec::new(), kept: Vec::new() },
            orphans: BTreeMap::new(),
            started: String::new(),
        };
        folder.begin(&case).unwrap();
        let at = BTreeMap::from([(7, At::Page(40)), (8, At::Person(2))]);
        folder.note(&Progress { round: 3, at: at.clone(), ..Progress::default() }).unwrap();
        let upgraded = Identity { version: 150_021, ..database.clone() };
        let again = Folder::of(below.path(), &upgraded, &who(&["2", "1"])).unwrap();
        assert_eq!(again.case().unwrap(), Some(case));
        let progress = again.progress().unwrap().unwrap();
        assert_eq!((progress.round, progress.at), (3, at));
        let mode = fs::metadata(again.path().join("case.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        assert!(Folder::of(below.path(), &database, &who(&["1"])).unwrap().case().unwrap().is_none());
        let beside = Folder::of(below.path(), &database, &who(&["2"])).unwrap();
        assert_eq!((beside.others().unwrap().len(), again.others().unwrap().len()), (1, 0));
        again.close().unwrap();
        assert_eq!(fs::read_dir(below.path()).unwrap().count(), 0);
    }
}
