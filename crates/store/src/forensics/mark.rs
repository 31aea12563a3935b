//! The positive control: words in the clear, put where the search must find them.

mod unseen;

use super::{Hit, Kind, Needles, Places, Searched, pack};
use crate::{Address, Store, StoreError, address::connect, reports};
use sqlx::{Connection as _, PgConnection};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use unseen::Unseen;
use uuid::Uuid;

/// What the names under which the marks are looked for begin with.
const NAME: &str = "the mark in the clear";

/// Random words in the clear, one for each place, so that none is found for another: in a table, its index and the write-ahead
/// log; in long values, statistics and indexes of other kinds, in rows that nobody else ever sees; in a temporary file of the
/// database; in a file without a name that is held open; in the database's log and among its files; in each directory of keys and
/// of objects; and packed, in the data directory. [`Mark::remove`] takes them away again.
#[derive(Debug)]
pub(super) struct Mark {
    /// What must be found where.
    left: Vec<(String, Vec<Kind>)>,
    reported: String,
    files: Vec<PathBuf>,
    nameless: File,
    unseen: Unseen,
}

impl Mark {
    /// Leaves the marks. Search afterwards, in places that were asked for afterwards.
    ///
    /// # Errors
    /// When one cannot be left.
    pub(super) async fn leave(store: &Store, places: &Places) -> Result<Self, StoreError> {
        let mut left = Vec::new();
        // First: from then on no write-ahead log goes.
        let unseen = Unseen::leave(store, &mut left).await?;
        // The one table where something is kept in the clear: what browsers report, which is about nobody.
        let reported = word();
        reports::count(store, "connect-src", &reported, "/").await?;
        left.push((reported.clone(), vec![Kind::Table, Kind::BTree, Kind::Wal]));
        let knocked = word();
        if knock(store, &knocked).await? {
            left.push((knocked, vec![Kind::Log]));
        }
        let nameless = nameless(places.data_dir(), &mut left).map_err(unexpected)?;
        let files = files(places, &mut left).map_err(unexpected)?;
        Ok(Self { left, reported, files, nameless, unseen })
    }

    /// The connection that alone sees some of what was left.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        self.unseen.conn()
    }

    /// The needles with the marks among them.
    pub(super) fn among(&self, needles: Needles) -> Needles {
        let numbered = self.left.iter().enumerate();
        numbered.fold(needles, |needles, (at, (word, _))| needles.bytes(&name(at), word.as_bytes()))
    }

    /// In how many kinds of places they were found.
    ///
    /// # Errors
    /// The sentence that says where the search did not find one: it then proves nothing.
    pub(super) fn seen(&self, searched: &Searched) -> Result<usize, String> {
        let mut seen = BTreeSet::new();
        for (at, (_, kinds)) in self.left.iter().enumerate() {
            for kind in kinds {
                if searched.times(&name(at), *kind) == 0 {
                    return Err(format!("the search does not even find the mark in the clear that it left in: {kind}"));
                }
                seen.insert(*kind);
            }
        }
        Ok(seen.len())
    }

    /// Whether it is one of them.
    pub(super) fn is_one(hit: &Hit) -> bool {
        hit.needle.starts_with(NAME)
    }

    /// Takes them away.
    ///
    /// # Errors
    /// When that fails; the marks are about nobody and do no harm.
    pub(super) async fn remove(self, store: &Store) -> Result<(), StoreError> {
        drop(self.nameless);
        for file in &self.files {
            fs::remove_file(file).map_err(unexpected)?;
        }
        self.unseen.forget().await?;
        let mut system = store.system().await?;
        sqlx::query("DELETE FROM wordbond.csp_report WHERE blocked = $1")
            .bind(&self.reported)
            .execute(system.conn())
            .await?;
        system.commit().await
    }
}

fn word() -> String {
    format!("m{}", Uuid::new_v4().simple())
}

fn name(at: usize) -> String {
    format!("{NAME} {at}")
}

/// A file that is written to when it has no name any more.
fn nameless(folder: &Path, left: &mut Vec<(String, Vec<Kind>)>) -> io::Result<File> {
    let (path, word) = (folder.join(format!(".new-{}", Uuid::new_v4().simple())), word());
    let mut file = File::create_new(&path)?;
    fs::remove_file(&path)?;
    file.write_all(word.as_bytes())?;
    left.push((word, vec![Kind::Deleted]));
    Ok(file)
}

/// Files in the directories of keys and objects, among the database's own, and, packed, in the data directory.
fn files(places: &Places, left: &mut Vec<(String, Vec<Kind>)>) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let data = places.layout().data();
    let own = [(Kind::Other, places.data_dir()), (Kind::Database, data.as_path())];
    let elsewhere = places.directories().iter().map(|(kind, folder)| (*kind, folder.as_path()));
    for (kind, folder) in own.into_iter().chain(elsewhere).filter(|(_, folder)| folder.is_dir()) {
        // A name like that is nobody's key, and an object that is still being written.
        let (file, word) = (folder.join(format!(".new-{}#1", Uuid::new_v4().simple())), word());
        let content = if kind == Kind::Other { pack::packed(word.as_bytes())? } else { word.clone().into_bytes() };
        fs::write(&file, content)?;
        files.push(file);
        left.push((word, vec![kind]));
    }
    Ok(files)
}

/// Asks to be let in under the mark's name, which the server refuses and notes. Whether there is a server of ours to ask.
async fn knock(store: &Store, word: &str) -> Result<bool, StoreError> {
    let Address::Socket { .. } = store.address() else { return Ok(false) };
    match connect(&store.address().bootstrap().username(word)).await {
        Err(StoreError::Database(sqlx::Error::Database(_))) => Ok(true),
        Ok(connection) => {
            connection.close().await?;
            Err(StoreError::Unexpected("the database let in somebody whom it does not know".to_owned()))
        }
        Err(error) => Err(error),
    }
}

fn unexpected(error: io::Error) -> StoreError {
    StoreError::Unexpected(format!("the mark cannot be left: {}", error.kind()))
}
