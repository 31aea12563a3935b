//! What a thief of the disk would find: a search for bytes in the raw files, below everything that enforces anything.
//!
//! The database's data files by what they hold (tables, indexes, long values, statistics), its write-ahead log, temporary
//! files, files that are deleted and still held open, its logs, the key store, stored objects, and whatever else lies in the
//! data directory. Files are read in parts and not mapped into memory: the database shortens files as it likes, and who
//! touches a mapped page that is gone is killed. What lies in memory alone is not seen, nor what the disk keeps of blocks
//! that belong to no file.
//!
//! A search that finds nothing proves something only if the same search found what it was meant to find: see [`search_marked`].

mod elsewhere;
mod mark;
mod needles;
mod pack;
mod places;
mod remains;
mod scan;
mod words;

pub use elsewhere::elsewhere;
pub use needles::Needles;
pub use places::{Kind, Places};
pub use remains::{Risen, empty_reports, risen, rows_with};
pub use scan::{Hit, Searched};
pub use words::{word, words};

use mark::Mark;

use crate::{Address, Store, StoreError, address::connect};
use sqlx::{Connection as _, Executor as _};
use std::path::Path;

/// The places of the system in `data_dir`, its keys and objects elsewhere included, the database's files written out and named. `None` where the database is somebody
/// else's server, whose files nobody here can read: what remains there is that rows are gone and keys destroyed.
///
/// # Errors
/// When the database refuses.
pub async fn places(store: &Store, data_dir: &Path) -> Result<Option<Places>, StoreError> {
    if matches!(store.address(), Address::Url { .. }) {
        return Ok(None);
    }
    let mut superuser = connect(&store.address().bootstrap()).await?;
    // What is changed lies in memory until now, and would be missed.
    superuser.execute("CHECKPOINT").await?;
    let mut places = Places::of(data_dir);
    for folder in store.keys().folders() {
        places = places.and(Kind::Keys, folder);
    }
    if let Some(folder) = store.blobs().lie_in() {
        places = places.and(Kind::Objects, folder);
    }
    places.name_relations(&mut superuser).await?;
    superuser.close().await?;
    Ok(Some(places))
}

/// Searches all places for the needles.
///
/// # Errors
/// When a file that is there cannot be read: what was not looked at must not pass as empty.
pub async fn search(places: &Places, needles: &Needles) -> Result<Searched, StoreError> {
    let (places, needles) = (places.clone(), needles.clone());
    tokio::task::spawn_blocking(move || scan::search(&places, &needles))
        .await
        .map_err(|_| StoreError::Unexpected("the search of the raw files panicked".to_owned()))?
}

/// What a search saw that looked for marks too.
#[derive(Debug)]
pub struct Marked {
    /// What was found besides the marks.
    pub searched: Searched,
    seen: Result<usize, String>,
}

impl Marked {
    /// In how many kinds of places the marks were found. What is packed so that nobody can look into it counts as not searched
    /// where it is `ours`.
    ///
    /// # Errors
    /// The sentence that says why the search proves nothing.
    pub fn proves(&self, ours: impl Fn(Kind) -> bool) -> Result<usize, String> {
        match self.searched.shut.iter().find(|(kind, _)| ours(*kind)) {
            Some((kind, file)) => Err(format!("{} cannot be searched, since it is packed: {kind}", file.display())),
            None => self.seen.clone(),
        }
    }
}

/// Leaves marks, searches all places of the system in `data_dir` for them and the needles, and takes the marks away. `None` where
/// the files are a provider's.
///
/// # Errors
/// When a mark cannot be left, or something cannot be read.
pub async fn search_marked(store: &Store, data_dir: &Path, needles: &Needles) -> Result<Option<Marked>, StoreError> {
    let Some(before) = places(store, data_dir).await? else { return Ok(None) };
    let mut mark = Mark::leave(store, &before).await?;
    let searched = async {
        let mut places = places(store, data_dir).await?.unwrap_or(before);
        // Some of the marks nobody else sees.
        places.name_relations(mark.conn()).await?;
        search(&places, &mark.among(needles.clone())).await
    }
    .await;
    let seen = searched.as_ref().map_err(ToString::to_string).and_then(|searched| mark.seen(searched));
    mark.remove(store).await?;
    let mut searched = searched?;
    searched.hits.retain(|hit| !Mark::is_one(hit));
    Ok(Some(Marked { searched, seen }))
}

/// The name of the first needle that is found in these bytes.
///
/// # Errors
/// When there are more needles than can be looked for at once.
pub fn first_in<'a>(bytes: &[u8], needles: &'a Needles) -> Result<Option<&'a str>, StoreError> {
    let found = scan::first_in(bytes, needles)?;
    Ok(found.and_then(|needle| needles.names().get(needle)).map(String::as_str))
}

/// Whether so much of it is letters that it cannot be ciphertext.
#[must_use]
pub fn reads_as_text(body: &[u8]) -> bool {
    let letters = body.iter().filter(|byte| matches!(byte, b' '..=b'~')).count();
    letters * 4 > body.len() * 3
}

#[cfg(test)]
mod tests {
    use super::reads_as_text;
    use aws_lc_rs::digest::{SHA512, digest};

    #[test]
    fn text_is_told_from_ciphertext() {
        assert!(reads_as_text(b"a name and a long explanation of what it is about, in the clear"));
        assert!((0_u8..50).all(|seed| !reads_as_text(digest(&SHA512, &[seed]).as_ref())));
    }
}
