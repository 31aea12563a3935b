//! The positive control: a word in the clear, put where the search must find it.

use super::{Kind, Needles, Places, Searched};
use crate::{Address, Store, StoreError, address::connect, reports};
use sqlx::Connection as _;
use std::{fs, path::PathBuf};
use uuid::Uuid;

/// The name under which the mark is looked for.
const NAME: &str = "the mark in the clear";

/// A random word in the clear, in a table and its index, in the write-ahead log, in the database's log, among the keys and
/// the objects. [`Mark::remove`] takes it away again.
#[derive(Debug)]
pub struct Mark {
    word: String,
    files: Vec<PathBuf>,
    must: Vec<Kind>,
}

impl Mark {
    /// Leaves the mark. Search afterwards, in places that were asked for afterwards.
    ///
    /// # Errors
    /// When it cannot be left.
    pub async fn leave(store: &Store, places: &Places) -> Result<Self, StoreError> {
        let word = format!("m{}", Uuid::new_v4().simple());
        // The one table where something is kept in the clear: what browsers report, which is about nobody.
        reports::count(store, "connect-src", &word, "/").await?;
        let mut must = vec![Kind::Table, Kind::BTree, Kind::Wal];
        if knock(store, &word).await? {
            must.push(Kind::Log);
        }
        let mut files = Vec::new();
        for (kind, folder) in [(Kind::Keys, "keys"), (Kind::Objects, "blobs")] {
            let folder = places.data_dir().join(folder);
            if folder.is_dir() {
                // A name like that is nobody's key, and an object that is still being written.
                let file = folder.join(format!(".new-{}#1", Uuid::new_v4().simple()));
                fs::write(&file, &word).map_err(unexpected)?;
                files.push(file);
                must.push(kind);
            }
        }
        Ok(Self { word, files, must })
    }

    /// The needles with the mark among them.
    #[must_use]
    pub fn among(&self, needles: Needles) -> Needles {
        needles.words(NAME, &self.word)
    }

    /// In how many kinds of places it was found.
    ///
    /// # Errors
    /// The sentence that says where the search did not find it: it then proves nothing.
    pub fn seen(&self, searched: &Searched) -> Result<usize, String> {
        match self.must.iter().find(|kind| searched.times(NAME, **kind) == 0) {
            Some(kind) => Err(format!("the search does not even find the mark in the clear that it left in: {kind}")),
            None => Ok(self.must.len()),
        }
    }

    /// What was found besides the mark.
    pub fn others(searched: &Searched) -> impl Iterator<Item = &super::Hit> {
        searched.hits.iter().filter(|hit| hit.needle != NAME)
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When that fails; the mark is about nobody and does no harm.
    pub async fn remove(self, store: &Store) -> Result<(), StoreError> {
        for file in &self.files {
            fs::remove_file(file).map_err(unexpected)?;
        }
        let mut system = store.system().await?;
        sqlx::query("DELETE FROM wordbond.csp_report WHERE blocked = $1")
            .bind(&self.word)
            .execute(system.conn())
            .await?;
        system.commit().await
    }
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

fn unexpected(error: std::io::Error) -> StoreError {
    StoreError::Unexpected(format!("the mark cannot be left: {}", error.kind()))
}
