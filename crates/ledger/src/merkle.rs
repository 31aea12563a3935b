//! The Merkle tree of RFC 6962: hashes, roots, and proofs that a leaf is in a tree and that one tree extends another.
//!
//! Trees are named by their size, leaves by their index from zero. Proofs are built from ranges of leaves, so that one
//! description serves both a list of leaf hashes in memory and hashes read from tiles (see [`crate::proof`]).

use aws_lc_rs::digest::{Context, SHA256, digest};
use std::ops::Range;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || entry)` (RFC 6962, section 2.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(entry);
    output(context.finish().as_ref())
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)` (RFC 6962, section 2.1).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut block = [1; 65];
    for (to, from) in block.iter_mut().skip(1).zip(left.iter().chain(right)) {
        *to = *from;
    }
    output(digest(&SHA256, &block).as_ref())
}

/// The root of a tree without leaves: `SHA-256("")`.
#[must_use]
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Plain SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    output(digest(&SHA256, bytes).as_ref())
}

fn output(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(bytes) {
        *to = *from;
    }
    hash
}

/// The root over a list of hashes that stand side by side: leaf hashes, or roots of complete subtrees of one size.
#[must_use]
pub fn root(hashes: &[Hash]) -> Hash {
    let mut peaks = Peaks::default();
    for hash in hashes {
        peaks.push(*hash);
    }
    peaks.root()
}

/// The roots of the complete subtrees that make up a tree, largest first: all it takes to append to it and to know its
/// root. Also called a compact range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peaks {
    size: u64,
    roots: Vec<Hash>,
}

impl Peaks {
    /// Appends one hash.
    pub fn push(&mut self, hash: Hash) {
        let mut right = hash;
        // Each trailing one bit of the size is a complete subtree as large as what stands to its right.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                right = node_hash(&left, &right);
            }
        }
        self.roots.push(right);
        self.size += 1;
    }

    /// How many hashes were appended.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots, largest subtree first.
    #[must_use]
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(&self.roots)
    }
}

/// The root of a tree whose complete subtrees, largest first, have these roots.
#[must_use]
pub fn fold(peaks: &[Hash]) -> Hash {
    peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
}

/// The ranges of leaves whose roots prove that leaf `index` is in a tree of `size` leaves, from the leaf's sibling up
/// (RFC 6962, section 2.1.1). `None` if there is no such leaf.
#[must_use]
pub fn inclusion_ranges(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size {
        return None;
    }
    let mut ranges = Vec::new();
    let mut range = 0..size;
    while range.end - range.start > 1 {
        let middle = range.start + split(range.end - range.start);
        if index < middle {
            ranges.push(middle..range.end);
            range = range.start..middle;
        } else {
            ranges.push(range.start..middle);
            range = middle..range.end;
        }
    }
    ranges.reverse();
    Some(ranges)
}

/// The ranges of leaves whose roots prove that the tree of `new` leaves extends that of `old` leaves (RFC 6962, section
/// 2.1.2). Empty if the sizes are equal. `None` if `old` is zero or larger than `new`: nothing is to be proven, or
/// nothing can be.
#[must_use]
pub fn consistency_ranges(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old == 0 || old > new {
        return None;
    }
    let mut ranges = Vec::new();
    let mut range = 0..new;
    // The old root itself is known to the verifier, so it is left out where it is a node of the new tree.
    let mut known = true;
    while old != range.end {
        let middle = range.start + split(range.end - range.start);
        if old <= middle {
            ranges.push(middle..range.end);
            range = range.start..middle;
        } else {
            ranges.push(range.start..middle);
            range = middle..range.end;
            known = false;
        }
    }
    if !known {
        ranges.push(range);
    }
    ranges.reverse();
    Some(ranges)
}

/// The largest power of two below `size`, which must be at least 2.
const fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// Why a proof does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// The index lies beyond the tree.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    NoSuchLeaf {
        /// The index asked for.
        index: u64,
        /// The size of the tree.
        size: u64,
    },
    /// The older tree is empty or larger than the newer one.
    #[error("a tree of {new} leaves cannot be shown to extend one of {old}")]
    NoSuchTree {
        /// The size of the older tree.
        old: u64,
        /// The size of the newer tree.
        new: u64,
    },
    /// The proof has too many or too few hashes.
    #[error("the proof has a wrong number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// Checks that the leaf with this hash stands at `index` in the tree of `size` leaves with root `root` (RFC 9162,
/// section 2.1.3.2).
///
/// # Errors
/// If it is not proven.
pub fn check_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), MerkleError> {
    if index >= size {
        return Err(MerkleError::NoSuchLeaf { index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(MerkleError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A node at the right edge without a sibling is carried up unchanged.
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, hash == *root) {
        (true, true) => Ok(()),
        (false, _) => Err(MerkleError::Length),
        (true, false) => Err(MerkleError::Root),
    }
}

/// A tree as a verifier knows it: how many leaves, and their root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Checks that `new` extends `old` (RFC 9162, section 2.1.4.2). Every tree extends the empty one, with an empty proof.
///
/// # Errors
/// If it is not proven.
pub fn check_consistency(old: Head, new: Head, proof: &[Hash]) -> Result<(), MerkleError> {
    if old.size > new.size {
        return Err(MerkleError::NoSuchTree { old: old.size, new: new.size });
    }
    if old.size == 0 || old.size == new.size {
        let same = if old.size == 0 { old.root == empty_root() } else { old.root == new.root };
        return if !proof.is_empty() {
            Err(MerkleError::Length)
        } else if same {
            Ok(())
        } else {
            Err(MerkleError::Root)
        };
    }
    let mut hashes = proof.iter();
    let first = if old.size.is_power_of_two() { &old.root } else { hashes.next().ok_or(MerkleError::Length)? };
    let shift = (old.size - 1).trailing_ones();
    let (mut node, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut from_old, mut from_new) = (*first, *first);
    for sibling in hashes {
        if last == 0 {
            return Err(MerkleError::Length);
        }
        if node & 1 == 1 || node == last {
            from_old = node_hash(sibling, &from_old);
            from_new = node_hash(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            from_new = node_hash(&from_new, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match (last == 0, from_old == old.root && from_new == new.root) {
        (true, true) => Ok(()),
        (false, _) => Err(MerkleError::Length),
        (true, false) => Err(MerkleError::Root),
    }
}

#[cfg(test)]
#[path = "merkle/tests.rs"]
mod tests;
