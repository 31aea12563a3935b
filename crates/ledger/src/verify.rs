//! The reader's side: reads a whole log and checks everything in it against the one key that the reader trusts.

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    merkle::{self, Hash},
    note::VerifierKey,
    tile::{Bundle, BundleError, Resource, Tile, bundles_of, decode_bundle, tiles_of},
};
use std::{collections::VecDeque, future::Future, sync::Arc};
use tokio::task::{JoinError, JoinHandle};

/// How many files are fetched at once.
const PARALLEL: usize = 16;

/// The largest log that is read, in entries: their hashes alone take 32 bytes each, their bodies far more.
const MOST: u64 = 1 << 28;

/// Why a file was not had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It could not be fetched.
    #[error("{0}")]
    Failed(String),
}

/// Where the files of a log come from: a web server, a directory.
pub trait Fetch: Send + Sync + 'static {
    /// The bytes of a file, by the path after the log's prefix: `checkpoint`, `tile/0/000`.
    fn fetch(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send;
}

impl<F: Fetch> Fetch for Arc<F> {
    fn fetch(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, FetchError>> + Send {
        self.as_ref().fetch(path)
    }
}

/// A log in a directory, as [`crate::export`] writes it.
#[derive(Clone, Debug)]
pub struct Directory(pub std::path::PathBuf);

impl Fetch for Directory {
    async fn fetch(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(bytes),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Err(FetchError::Missing),
            Err(cause) => Err(FetchError::Failed(cause.to_string())),
        }
    }
}

/// Why a log is not believed. Each says which file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A file could not be had.
    #[error("{path}: {cause}")]
    Fetch {
        /// The file.
        path: String,
        /// Why.
        cause: FetchError,
    },
    /// The checkpoint is not signed by the key, or malformed.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint describes a log that is too large to read.
    #[error("checkpoint: a log of {0} entries is more than this verifier reads")]
    TooLarge(u64),
    /// The bytes of a bundle are no bundle.
    #[error("{path}: {cause}")]
    Bundle {
        /// The file.
        path: String,
        /// Why.
        cause: BundleError,
    },
    /// A bundle or tile has another number of entries or hashes than the checkpoint demands: a gap, or something slipped in.
    #[error("{path}: holds {found} where the checkpoint demands {demanded}")]
    Width {
        /// The file.
        path: String,
        /// How many there are.
        found: usize,
        /// How many there must be.
        demanded: usize,
    },
    /// A tile does not hold the hashes of the entries.
    #[error("{path}: hash {at} is not that of the entries below it")]
    Tile {
        /// The file.
        path: String,
        /// Which hash of the tile, from 0.
        at: usize,
    },
    /// The entries do not lead to the signed root.
    #[error("checkpoint: the entries do not lead to the signed root")]
    Root,
    /// The log is smaller or older than one that was seen before.
    #[error("checkpoint: size {size} of {at} is older than size {seen_size} of {seen_at}, which was seen before")]
    WentBack {
        /// The size now.
        size: u64,
        /// The time now.
        at: jiff::Timestamp,
        /// The size seen before.
        seen_size: u64,
        /// The time seen before.
        seen_at: jiff::Timestamp,
    },
    /// The log does not contain the one that was seen before: history was rewritten.
    #[error("checkpoint: the first {0} entries are not those that were seen before; the log was rewritten or forked")]
    Rewritten(u64),
    /// The verifier itself failed.
    #[error("the verifier failed: {0}")]
    Failed(String),
}

/// A log that was read whole and found to be what its key signed.
#[derive(Clone, Debug)]
pub struct Log {
    /// What was signed. Keep it, and give it to the next [`read_all`].
    pub checkpoint: Checkpoint,
    /// The checkpoint as a signed note.
    pub note: String,
    /// Every entry, in order.
    pub entries: Vec<Vec<u8>>,
    /// The hash of every leaf, in order.
    pub leaves: Vec<Hash>,
}

/// Reads a whole log: checks the signature of its checkpoint, every entry against the tiles, every tile against those
/// below, all of it against the signed root, and that what was seen before is still in it.
///
/// # Errors
/// If anything does not fit; the first misfit in the order of the log.
pub async fn read_all<F: Fetch>(
    fetch: F,
    key: &VerifierKey,
    last_seen: Option<&Checkpoint>,
) -> Result<Log, VerifyError> {
    let fetch = Arc::new(fetch);
    let note =
        fetch.fetch("checkpoint").await.map_err(|cause| VerifyError::Fetch { path: "checkpoint".to_owned(), cause })?;
    let note = String::from_utf8(note)
        .map_err(|_| CheckpointError::Note(crate::note::NoteError::Malformed("it is not UTF-8")))?;
    let checkpoint = Checkpoint::open(&note, key)?;
    if checkpoint.size > MOST {
        return Err(VerifyError::TooLarge(checkpoint.size));
    }
    if let Some(seen) = last_seen {
        not_older(&checkpoint, seen)?;
    }
    let (entries, leaves) = read_entries(&fetch, checkpoint.size).await?;
    let root = read_tiles(&fetch, checkpoint.size, &leaves).await?;
    if root != checkpoint.root {
        return Err(VerifyError::Root);
    }
    if let Some(seen) = last_seen {
        let before = usize::try_from(seen.size).ok().and_then(|size| leaves.get(..size));
        if before.is_none_or(|before| merkle::root(before) != seen.root) {
            return Err(VerifyError::Rewritten(seen.size));
        }
    }
    Ok(Log { checkpoint, note, entries, leaves })
}

fn not_older(checkpoint: &Checkpoint, seen: &Checkpoint) -> Result<(), VerifyError> {
    if checkpoint.size < seen.size || checkpoint.at < seen.at {
        return Err(VerifyError::WentBack {
            size: checkpoint.size,
            at: checkpoint.at,
            seen_size: seen.size,
            seen_at: seen.at,
        });
    }
    Ok(())
}

/// The entries and their hashes, each bundle checked against its tile.
async fn read_entries<F: Fetch>(fetch: &Arc<F>, size: u64) -> Result<(Vec<Vec<u8>>, Vec<Hash>), VerifyError> {
    let (mut entries, mut leaves) = (Vec::new(), Vec::new());
    let mut ahead = Ahead::new(bundles_of(size).map(|bundle| {
        let fetch = Arc::clone(fetch);
        async move { read_bundle(&*fetch, bundle).await }
    }));
    while let Some(read) = ahead.next().await? {
        let (some_entries, some_leaves) = read?;
        entries.extend(some_entries);
        leaves.extend(some_leaves);
    }
    Ok((entries, leaves))
}

async fn read_bundle<F: Fetch>(fetch: &F, bundle: Bundle) -> Result<(Vec<Vec<u8>>, Vec<Hash>), VerifyError> {
    let (path, demanded) = (bundle.to_string(), usize::from(bundle.width()));
    let full = Resource::Bundle(bundle.full());
    let bytes = get(fetch, Resource::Bundle(bundle), full).await?;
    let mut entries = decode_bundle(&bytes.0).map_err(|cause| VerifyError::Bundle { path: path.clone(), cause })?;
    if bytes.1 {
        entries.truncate(demanded);
    }
    if entries.len() != demanded {
        return Err(VerifyError::Width { path, found: entries.len(), demanded });
    }
    let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf_hash(entry)).collect();
    check_tile(fetch, bundle.tile(), &leaves).await?;
    Ok((entries.into_iter().map(<[u8]>::to_vec).collect(), leaves))
}

/// Checks the tiles above the leaves, level by level, and yields the root of the tree.
async fn read_tiles<F: Fetch>(fetch: &Arc<F>, size: u64, leaves: &[Hash]) -> Result<Hash, VerifyError> {
    let mut below: Vec<Hash> = leaves.to_vec();
    let mut level = 0;
    let mut peaks: Vec<Vec<Hash>> = Vec::new();
    while !below.is_empty() {
        let (full, rest) = below.as_chunks::<256>();
        let mut edge = merkle::Peaks::default();
        rest.iter().for_each(|hash| edge.push(*hash));
        peaks.push(edge.roots().to_vec());
        let above: Vec<Hash> = full.iter().map(|tile| merkle::root(tile)).collect();
        level += 1;
        let tiles: Vec<(Tile, Vec<Hash>)> = tiles_of(size)
            .filter(|tile| tile.level() == level)
            .zip(above.chunks(256))
            .map(|(tile, hashes)| (tile, hashes.to_vec()))
            .collect();
        let mut ahead = Ahead::new(tiles.into_iter().map(|(tile, hashes)| {
            let fetch = Arc::clone(fetch);
            async move { check_tile(&*fetch, tile, &hashes).await }
        }));
        while let Some(checked) = ahead.next().await? {
            checked?;
        }
        below = above;
    }
    peaks.reverse();
    Ok(merkle::fold(&peaks.concat()))
}

async fn check_tile<F: Fetch>(fetch: &F, tile: Tile, hashes: &[Hash]) -> Result<(), VerifyError> {
    let path = tile.to_string();
    let (bytes, is_full) = get(fetch, Resource::Tile(tile), Resource::Tile(tile.full())).await?;
    let (found, rest) = bytes.as_chunks::<32>();
    let enough = if is_full { found.len() >= hashes.len() } else { found.len() == hashes.len() };
    if !rest.is_empty() || !enough {
        return Err(VerifyError::Width { path, found: found.len(), demanded: hashes.len() });
    }
    match found.iter().zip(hashes).position(|(found, hash)| found != hash) {
        Some(at) => Err(VerifyError::Tile { path, at }),
        None => Ok(()),
    }
}

/// The file, or the full one where a log has dropped the partial one; and whether it is that.
async fn get<F: Fetch>(fetch: &F, file: Resource, full: Resource) -> Result<(Vec<u8>, bool), VerifyError> {
    let path = file.to_string();
    match fetch.fetch(&path).await {
        Ok(bytes) => Ok((bytes, false)),
        Err(FetchError::Missing) if full != file => match fetch.fetch(&full.to_string()).await {
            Ok(bytes) => Ok((bytes, true)),
            Err(FetchError::Missing) => Err(VerifyError::Fetch { path, cause: FetchError::Missing }),
            Err(cause) => Err(VerifyError::Fetch { path: full.to_string(), cause }),
        },
        Err(cause) => Err(VerifyError::Fetch { path, cause }),
    }
}

/// Runs futures some ahead of where their results are taken, which is in order. What has not begun is never begun once it
/// is dropped, and what has is stopped.
struct Ahead<I, T> {
    waiting: I,
    running: VecDeque<JoinHandle<T>>,
}

impl<I, T> Ahead<I, T>
where
    I: Iterator,
    I::Item: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    const fn new(waiting: I) -> Self {
        Self { waiting, running: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<T>, VerifyError> {
        while self.running.len() < PARALLEL {
            let Some(future) = self.waiting.next() else { break };
            self.running.push_back(tokio::spawn(future));
        }
        let Some(first) = self.running.front_mut() else { return Ok(None) };
        let done = first.await.map_err(|cause: JoinError| VerifyError::Failed(cause.to_string()));
        self.running.pop_front();
        done.map(Some)
    }
}

impl<I, T> Drop for Ahead<I, T> {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}
