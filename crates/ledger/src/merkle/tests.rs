//! The reference vectors of Certificate Transparency, and every small tree against the definitions of RFC 6962 written
//! down as they stand there.

use super::*;
use proptest::prelude::*;

/// The eight leaves that the test data of Certificate Transparency uses, and the roots over the first one, two, three …
const VECTORS: [(&str, &str); 8] = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
];

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// MTH of RFC 6962, section 2.1, word for word.
fn mth(leaves: &[Vec<u8>]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => leaf_hash(one),
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            node_hash(&mth(left), &mth(right))
        }
    }
}

/// PATH of RFC 6962, section 2.1.1, word for word.
fn path(m: usize, leaves: &[Vec<u8>]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) =
        if m < left.len() { (path(m, left), mth(right)) } else { (path(m - left.len(), right), mth(left)) };
    proof.push(sibling);
    proof
}

/// SUBPROOF of RFC 6962, section 2.1.2, word for word.
fn subproof(m: usize, leaves: &[Vec<u8>], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known { Vec::new() } else { vec![mth(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if m <= left.len() {
        (subproof(m, left, known), mth(right))
    } else {
        (subproof(m - left.len(), right, false), mth(left))
    };
    proof.push(sibling);
    proof
}

fn leaves(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|i| i.to_be_bytes().to_vec()).collect()
}

fn roots_of(ranges: &[Range<u64>], leaves: &[Vec<u8>]) -> Vec<Hash> {
    let at = |n: u64| usize::try_from(n).unwrap();
    ranges.iter().map(|r| mth(&leaves[at(r.start)..at(r.end)])).collect()
}

#[test]
fn the_vectors_of_certificate_transparency_hold() {
    assert_eq!(empty_root().to_vec(), unhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let mut peaks = Peaks::default();
    for (entry, root) in VECTORS {
        peaks.push(leaf_hash(&unhex(entry)));
        assert_eq!(peaks.root().to_vec(), unhex(root));
    }
}

#[test]
fn every_proof_of_every_small_tree_is_as_defined_and_checks() {
    for size in 1..=40_u64 {
        let entries = leaves(usize::try_from(size).unwrap());
        let head = Head { size, root: mth(&entries) };
        for index in 0..size {
            let at = usize::try_from(index).unwrap();
            let proof = path(at, &entries);
            assert_eq!(roots_of(&inclusion_ranges(index, size).unwrap(), &entries), proof);
            assert_eq!(check_inclusion(&leaf_hash(&entries[at]), index, size, &proof, &head.root), Ok(()));
        }
        for old in 1..=size {
            let at = usize::try_from(old).unwrap();
            let proof = subproof(at, &entries, true);
            assert_eq!(roots_of(&consistency_ranges(old, size).unwrap(), &entries), proof);
            let old = Head { size: old, root: mth(&entries[..at]) };
            assert_eq!(check_consistency(old, head, &proof), Ok(()));
        }
    }
}

#[test]
fn what_cannot_be_proven_is_refused() {
    assert_eq!(inclusion_ranges(3, 3), None);
    assert_eq!(consistency_ranges(4, 3), None);
    assert_eq!(consistency_ranges(0, 3), None);
    let root = mth(&leaves(3));
    assert_eq!(check_inclusion(&root, 3, 3, &[], &root), Err(MerkleError::NoSuchLeaf { index: 3, size: 3 }));
    let (empty, three) = (Head { size: 0, root: empty_root() }, Head { size: 3, root });
    assert_eq!(check_consistency(empty, three, &[]), Ok(()));
    assert_eq!(check_consistency(Head { root, ..empty }, three, &[]), Err(MerkleError::Root));
    assert_eq!(check_consistency(three, empty, &[]), Err(MerkleError::NoSuchTree { old: 3, new: 0 }));
    assert_eq!(check_consistency(three, three, &[root]), Err(MerkleError::Length));
}

proptest! {
    #[test]
    fn a_changed_inclusion_proof_proves_nothing(size in 1_u64..600, pick: u64, bit in 0_usize..256, which: usize, other: u64) {
        let entries = leaves(usize::try_from(size).unwrap());
        let (index, root) = (pick % size, mth(&entries));
        let leaf = leaf_hash(&entries[usize::try_from(index).unwrap()]);
        let proof = path(usize::try_from(index).unwrap(), &entries);
        prop_assert_eq!(check_inclusion(&leaf, index, size, &proof, &root), Ok(()));
        let mut flipped = proof.clone();
        if let Some(n) = which.checked_rem(proof.len()) {
            flipped[n][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(check_inclusion(&leaf, index, size, &flipped, &root).is_err());
            prop_assert!(check_inclusion(&leaf, index, size, &proof[..n], &root).is_err());
        }
        let longer = [proof.clone(), vec![root]].concat();
        prop_assert!(check_inclusion(&leaf, index, size, &longer, &root).is_err());
        let elsewhere = other % size;
        if elsewhere != index {
            prop_assert!(check_inclusion(&leaf, elsewhere, size, &proof, &root).is_err());
        }
    }

    #[test]
    fn a_changed_consistency_proof_proves_nothing(size in 2_u64..600, pick: u64, bit in 0_usize..256, which: usize) {
        let entries = leaves(usize::try_from(size).unwrap());
        let old_size = 1 + pick % (size - 1);
        let at = usize::try_from(old_size).unwrap();
        let (old, new) = (Head { size: old_size, root: mth(&entries[..at]) }, Head { size, root: mth(&entries) });
        let proof = subproof(at, &entries, true);
        prop_assert_eq!(check_consistency(old, new, &proof), Ok(()));
        if let Some(n) = which.checked_rem(proof.len()) {
            let mut flipped = proof.clone();
            flipped[n][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(check_consistency(old, new, &flipped).is_err());
            prop_assert!(check_consistency(old, new, &proof[..n]).is_err());
        }
        let mut forked = old;
        forked.root[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(check_consistency(forked, new, &proof).is_err());
    }
}
