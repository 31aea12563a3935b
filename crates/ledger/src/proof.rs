//! Proofs from tiles, and receipts: the text of <https://c2sp.org/tlog-proof>, which proves offline that an entry is in
//! the log.

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    merkle::{self, Hash, MerkleError},
    note::VerifierKey,
    tile::{FULL, Tile, hashes_at},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{collections::BTreeSet, fmt, ops::Range, str::FromStr};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// A complete subtree of `1 << height` leaves, the `n`-th of its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    height: u8,
    n: u64,
}

impl Node {
    /// The tile of a tree of `size` leaves below whose hashes the node stands, and which of them are its own.
    fn place(self, size: u64) -> Option<(Tile, Range<usize>)> {
        let (level, within) = (self.height / 8, self.height % 8);
        let first = self.n.checked_shl(u32::from(within))?;
        let (n, start) = (first / u64::from(FULL), usize::try_from(first % u64::from(FULL)).ok()?);
        let width = hashes_at(level, size).checked_sub(n * u64::from(FULL))?.min(u64::from(FULL));
        let tile = Tile::new(level, n, u16::try_from(width).ok()?)?;
        Some((tile, start..start + (1 << within)))
    }
}

/// The complete subtrees that make up a range of leaves, as ranges occur in proofs: largest first.
fn nodes(range: &Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    for height in (0..64_u8).rev() {
        if (range.end - range.start) >> height & 1 == 1 {
            nodes.push(Node { height, n: start >> height });
            start += 1 << height;
        }
    }
    nodes
}

/// What a proof is made of: ranges of leaves of a tree, whose roots tiles yield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    size: u64,
    ranges: Vec<Range<u64>>,
}

impl Plan {
    /// Proves that leaf `index` is in the tree of `size` leaves. `None` if it is not.
    #[must_use]
    pub fn inclusion(index: u64, size: u64) -> Option<Self> {
        Some(Self { size, ranges: merkle::inclusion_ranges(index, size)? })
    }

    /// Proves that the tree of `new` leaves extends that of `old`. `None` if it is smaller, or `old` is zero.
    #[must_use]
    pub fn consistency(old: u64, new: u64) -> Option<Self> {
        Some(Self { size: new, ranges: merkle::consistency_ranges(old, new)? })
    }

    /// The tiles that the proof is read from.
    #[must_use]
    pub fn tiles(&self) -> BTreeSet<Tile> {
        let places = self.ranges.iter().flat_map(nodes).filter_map(|node| node.place(self.size));
        places.map(|(tile, _)| tile).collect()
    }

    /// The hashes of the proof, where `tile` yields the hashes of a tile. `None` if it yields too few.
    #[must_use]
    pub fn hashes<'a>(&self, tile: impl Fn(Tile) -> Option<&'a [Hash]>) -> Option<Vec<Hash>> {
        let root_of = |node: Node| {
            let (place, range) = node.place(self.size)?;
            Some(merkle::root(tile(place)?.get(range)?))
        };
        let root_over = |range: &Range<u64>| {
            let peaks: Option<Vec<Hash>> = nodes(range).into_iter().map(root_of).collect();
            Some(merkle::fold(&peaks?))
        };
        self.ranges.iter().map(root_over).collect()
    }
}

/// A receipt: everything but the entry and the log's key that it takes to check that the entry is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The index of the entry.
    pub index: u64,
    /// Opaque, and not authenticated by anything.
    pub extra: Option<Vec<u8>>,
    /// The inclusion proof, from the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The checkpoint, as a signed note.
    pub checkpoint: String,
}

/// Why a receipt is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// The text is not written as receipts are.
    #[error("this is no receipt: line {line} is not {expected}")]
    Malformed {
        /// Which line, from 1.
        line: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The checkpoint in it.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The proof in it.
    #[error("the receipt does not prove that this entry is in the log: {0}")]
    Proof(#[from] MerkleError),
}

impl Receipt {
    /// Checks that `entry` is in the log whose key is `key`, and says under which checkpoint.
    ///
    /// # Errors
    /// If the checkpoint is not signed by the key, or the proof does not lead from the entry to its root.
    pub fn check(&self, entry: &[u8], key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = merkle::leaf_hash(entry);
        merkle::check_inclusion(&leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    /// Reads a receipt. The checkpoint in it is taken as it stands; [`Receipt::check`] opens it.
    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let refused = |line, expected| ReceiptError::Malformed { line, expected };
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(refused(3, "followed by an empty line and a checkpoint"))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(refused(1, "«c2sp.org/tlog-proof@v1»"));
        }
        let extra = lines.next_if(|(line, _)| line.starts_with("extra "));
        let extra = extra.map(|(line, _)| STANDARD.decode(line.strip_prefix("extra ").unwrap_or_default()));
        let extra = extra.transpose().map_err(|_| refused(2, "«extra» and base64"))?;
        let index = lines.next().and_then(|(line, _)| decimal(line.strip_prefix("index ")?));
        let index = index.ok_or(refused(if extra.is_some() { 3 } else { 2 }, "«index» and a number"))?;
        let hash = |(line, at)| {
            let bytes = STANDARD.decode::<&str>(line).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or(refused(at, "a SHA-256 hash in base64"))
        };
        let hashes = lines.map(hash).collect::<Result<Vec<Hash>, _>>()?;
        Ok(Self { index, extra, hashes, checkpoint: checkpoint.to_owned() })
    }
}

/// A number without sign or leading zeroes.
fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n: &u64| n.to_string() == text)
}

#[cfg(test)]
#[path = "proof/tests.rs"]
mod tests;
