//! Tiles and entry bundles by the text of <https://c2sp.org/tlog-tiles>: their paths, their widths, their bytes.

use crate::merkle::{self, Hash};
use std::{fmt, str::FromStr};

/// How many hashes or entries a full tile or bundle holds.
pub const FULL: u16 = 256;

/// The longest entry that a bundle can carry, in bytes.
pub const MAX_ENTRY: usize = 65_535;

/// Names a file of the log, as in the path after the log's prefix: `tile/0/x001/067`, `tile/entries/000.p/12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// The newest checkpoint.
    Checkpoint,
    /// Hashes.
    Tile(Tile),
    /// Entries.
    Bundle(Bundle),
}

/// Hashes that stand side by side at one level: leaf hashes at level 0, above it the roots of full tiles below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    level: u8,
    n: u64,
    width: u16,
}

/// Entries that stand side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bundle {
    n: u64,
    width: u16,
}

/// Text that names no file of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no path of a tiled log")]
pub struct PathError;

/// Bytes that are no entry bundle, or entries that fit in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The bytes end within an entry.
    #[error("the bundle ends within entry {0}")]
    Truncated(usize),
    /// An entry exceeds [`MAX_ENTRY`].
    #[error("an entry of {0} bytes does not fit, the most is {MAX_ENTRY}")]
    TooLong(usize),
}

impl Tile {
    /// The tile `n` of a level, `width` hashes wide. `None` unless the level is at most 63 and the width between 1 and 256.
    #[must_use]
    pub const fn new(level: u8, n: u64, width: u16) -> Option<Self> {
        if level > 63 || width == 0 || width > FULL { None } else { Some(Self { level, n, width }) }
    }

    /// The level: 0 for leaf hashes.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.level
    }

    /// Its number within the level.
    #[must_use]
    pub const fn n(self) -> u64 {
        self.n
    }

    /// How many hashes it holds.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// The same tile, full: what a log may serve instead of a partial one once it is.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: FULL, ..self }
    }
}

impl Bundle {
    /// The bundle `n`, `width` entries wide. `None` unless the width is between 1 and 256.
    #[must_use]
    pub const fn new(n: u64, width: u16) -> Option<Self> {
        if width == 0 || width > FULL { None } else { Some(Self { n, width }) }
    }

    /// Its number: it begins with entry `256 * n`.
    #[must_use]
    pub const fn n(self) -> u64 {
        self.n
    }

    /// How many entries it holds.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// The same bundle, full.
    #[must_use]
    pub const fn full(self) -> Self {
        Self { width: FULL, ..self }
    }

    /// The tile with the hashes of these entries.
    #[must_use]
    pub const fn tile(self) -> Tile {
        Tile { level: 0, n: self.n, width: self.width }
    }
}

/// How many hashes a tree of `size` leaves has at a level of tiles: one for each full tile below.
#[must_use]
pub const fn hashes_at(level: u8, size: u64) -> u64 {
    if level >= 8 { 0 } else { size >> (8 * level) }
}

/// Every tile of a tree of `size` leaves, from the lowest level up, left to right; the last of a level may be partial.
pub fn tiles_of(size: u64) -> impl Iterator<Item = Tile> {
    (0..8).flat_map(move |level| widths(hashes_at(level, size)).map(move |(n, width)| Tile { level, n, width }))
}

/// Every entry bundle of a log of `size` entries.
pub fn bundles_of(size: u64) -> impl Iterator<Item = Bundle> {
    widths(size).map(|(n, width)| Bundle { n, width })
}

fn widths(count: u64) -> impl Iterator<Item = (u64, u16)> {
    let rest = u16::try_from(count % u64::from(FULL)).unwrap_or_default();
    let full = count / u64::from(FULL);
    (0..full).map(|n| (n, FULL)).chain((rest > 0).then_some((full, rest)))
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.level, Place { n: self.n, width: self.width })
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/entries/{}", Place { n: self.n, width: self.width })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Tile(tile) => tile.fmt(f),
            Self::Bundle(bundle) => bundle.fmt(f),
        }
    }
}

impl FromStr for Resource {
    type Err = PathError;

    /// Reads the one spelling that a path has; any other is refused, so that a cache holds each file once.
    fn from_str(path: &str) -> Result<Self, PathError> {
        let resource = parse(path).ok_or(PathError)?;
        if resource.to_string() == path { Ok(resource) } else { Err(PathError) }
    }
}

fn parse(path: &str) -> Option<Resource> {
    if path == "checkpoint" {
        return Some(Resource::Checkpoint);
    }
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (place, width) = match rest.split_once(".p/") {
        Some((place, width)) => (place, width.parse().ok().filter(|width| *width < FULL)?),
        None => (rest, FULL),
    };
    let mut n = 0_u64;
    for element in place.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        let digits: u64 = digits.parse().ok().filter(|digits| *digits < 1_000)?;
        n = n.checked_mul(1_000)?.checked_add(digits)?;
    }
    match level {
        "entries" => Bundle::new(n, width).map(Resource::Bundle),
        level => Tile::new(level.parse().ok()?, n, width).map(Resource::Tile),
    }
}

/// The part of a path that counts: `x001/x234/067`, and `.p/8` where partial.
struct Place {
    n: u64,
    width: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut elements) = (self.n / 1_000, vec![self.n % 1_000]);
        while rest > 0 {
            elements.push(rest % 1_000);
            rest /= 1_000;
        }
        for (left, element) in elements.iter().enumerate().rev() {
            if left > 0 {
                write!(f, "x{element:03}/")?;
            } else {
                write!(f, "{element:03}")?;
            }
        }
        if self.width < FULL { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Entries as a bundle: each behind its length as two bytes, high byte first.
///
/// # Errors
/// If an entry is longer than [`MAX_ENTRY`].
pub fn encode_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, BundleError> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).map_err(|_| BundleError::TooLong(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Ok(bytes)
}

/// The entries of a bundle.
///
/// # Errors
/// If the bytes end within an entry.
pub fn decode_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, BundleError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let truncated = BundleError::Truncated(entries.len());
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest.split_at_checked(length).ok_or(truncated)?;
        entries.push(entry);
        bytes = rest;
    }
    Ok(entries)
}

/// The hashes in a tile's bytes. `None` if they are not whole hashes.
#[must_use]
pub fn decode_tile(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// The right edge of a tree as tiles: for each level the hashes of its last, unfinished tile. It takes leaves and gives
/// out the tiles that changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    levels: Vec<Vec<Hash>>,
    changed: std::collections::BTreeMap<(u8, u64), Vec<Hash>>,
}

impl Frontier {
    /// The right edge of a tree of `size` leaves, where `edge` yields the hashes of a partial tile. `None` if one of them
    /// is missing or has another width.
    #[must_use]
    pub fn load(size: u64, mut edge: impl FnMut(Tile) -> Option<Vec<Hash>>) -> Option<Self> {
        let mut levels = Vec::new();
        for level in 0..8 {
            let count = hashes_at(level, size);
            let width = u16::try_from(count % u64::from(FULL)).ok()?;
            levels.push(match Tile::new(level, count / u64::from(FULL), width) {
                Some(tile) => edge(tile).filter(|hashes| hashes.len() == usize::from(width))?,
                None => Vec::new(),
            });
        }
        while levels.last().is_some_and(Vec::is_empty) {
            levels.pop();
        }
        Some(Self { size, levels, changed: std::collections::BTreeMap::new() })
    }

    /// How many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = Some(leaf);
        for level in 0..8_u8 {
            let Some(hash) = carry.take() else { break };
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::with_capacity(usize::from(FULL)));
            }
            let n = hashes_at(level, self.size) / u64::from(FULL);
            let Some(edge) = self.levels.get_mut(usize::from(level)) else { break };
            edge.push(hash);
            if edge.len() == usize::from(FULL) {
                carry = Some(merkle::root(edge));
                self.changed.insert((level, n), std::mem::take(edge));
            } else {
                // Only the newest state of the unfinished tile counts; it is taken when the tiles are given out.
                self.changed.entry((level, n)).or_default();
            }
        }
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut peaks = Vec::new();
        for edge in self.levels.iter().rev() {
            let mut below = merkle::Peaks::default();
            for hash in edge {
                below.push(*hash);
            }
            peaks.extend_from_slice(below.roots());
        }
        merkle::fold(&peaks)
    }

    /// The tiles that changed since this was last asked: level, number and bytes.
    pub fn take_changed(&mut self) -> Vec<(u8, u64, Vec<u8>)> {
        let changed = std::mem::take(&mut self.changed);
        let edge = |level: u8| self.levels.get(usize::from(level)).cloned().unwrap_or_default();
        changed
            .into_iter()
            .map(|((level, n), full)| (level, n, if full.is_empty() { edge(level) } else { full }.concat()))
            .collect()
    }
}

#[cfg(test)]
#[path = "tile/tests.rs"]
mod tests;
