//! Proofs read from tiles against those over leaves, and receipts.

use super::*;
use crate::{
    merkle::{Head, check_consistency, check_inclusion, leaf_hash},
    note::SigningKey,
    tile::{Frontier, decode_tile, tiles_of},
};
use proptest::prelude::*;
use std::{collections::HashMap, sync::LazyLock};

const LEAVES: u64 = 70_000;

/// The leaf hashes of a log, and the tiles over them by level and number.
struct Log {
    leaves: Vec<Hash>,
    tiles: HashMap<(u8, u64), Vec<Hash>>,
}

/// One log for all tests.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let leaves: Vec<Hash> = (0..LEAVES).map(|i| leaf_hash(&i.to_be_bytes())).collect();
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    let tiles = frontier.take_changed().into_iter().map(|(l, n, b)| ((l, n), decode_tile(&b).unwrap())).collect();
    Log { leaves, tiles }
});

fn tile_of(tile: Tile) -> Option<&'static [Hash]> {
    LOG.tiles.get(&(tile.level(), tile.n()))?.get(..usize::from(tile.width()))
}

fn head(size: u64) -> Head {
    Head { size, root: merkle::root(&LOG.leaves[..usize::try_from(size).unwrap()]) }
}

fn receipt(index: u64, size: u64, key: &SigningKey) -> Receipt {
    let Head { size, root } = head(size);
    let at = "2026-11-22T03:48:00Z".parse().unwrap();
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size, root, at }.sign(key).unwrap();
    let hashes = Plan::inclusion(index, size).unwrap().hashes(tile_of).unwrap();
    Receipt { index, extra: None, hashes, checkpoint }
}

#[test]
fn a_receipt_is_written_read_and_checked() {
    let key = SigningKey::from_seed("example.com/log", &[7; 32]).unwrap();
    let mut receipt = receipt(300, 1_000, &key);
    let entry = 300_u64.to_be_bytes();
    for extra in [None, Some(b"context".to_vec())] {
        receipt.extra = extra;
        let read: Receipt = receipt.to_string().parse().unwrap();
        assert_eq!(read, receipt);
        assert_eq!(read.check(&entry, key.verifier()).unwrap().size, 1_000);
    }
    assert_eq!(receipt.check(b"other", key.verifier()), Err(ReceiptError::Proof(MerkleError::Root)));
    let other = SigningKey::from_seed("example.com/log", &[8; 32]).unwrap();
    assert!(matches!(receipt.check(&entry, other.verifier()), Err(ReceiptError::Checkpoint(_))));
    let moved = Receipt { index: 301, ..receipt };
    assert_eq!(moved.check(&entry, key.verifier()), Err(ReceiptError::Proof(MerkleError::Root)));
}

#[test]
fn a_receipt_that_is_written_otherwise_is_refused() {
    let key = SigningKey::from_seed("example.com/log", &[7; 32]).unwrap();
    let good = receipt(5, 9, &key).to_string();
    for (from, to, line) in [
        ("tlog-proof@v1", "tlog-proof@v2", 1),
        ("index 5", "index 05", 2),
        ("index 5", "index +5", 2),
        ("index 5", "index", 2),
        ("index 5", "extra !\nindex 5", 2),
        ("index 5", "extra YQ==\nindices 5", 3),
        ("index 5\n", "index 5\nYQ==\n", 3),
        ("\n\n", "\n", 3),
    ] {
        let found = good.replace(from, to).parse::<Receipt>();
        assert!(matches!(found, Err(ReceiptError::Malformed { line: at, .. }) if at == line), "{to:?}: {found:?}");
    }
}

#[test]
fn a_proof_needs_its_tiles() {
    assert_eq!(Plan::inclusion(9, 9), None);
    assert_eq!(Plan::consistency(10, 9), None);
    let plan = Plan::inclusion(5, 600).unwrap();
    assert!(plan.tiles().iter().all(|tile| tiles_of(600).any(|t| t == *tile)));
    assert_eq!(plan.hashes(|_| None), None);
    assert_eq!(plan.hashes(|_| Some(&[])), None);
    assert_eq!(Plan::inclusion(0, 1).unwrap().hashes(|_| None), Some(Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn proofs_from_tiles_check(size in 1..LEAVES, pick: u64) {
        let new = head(size);
        let plan = Plan::inclusion(pick % size, size).unwrap();
        let widths: HashMap<_, _> = tiles_of(size).map(|t| ((t.level(), t.n()), t.width())).collect();
        for tile in plan.tiles() {
            prop_assert_eq!(widths.get(&(tile.level(), tile.n())), Some(&tile.width()));
        }
        let leaf = LOG.leaves[usize::try_from(pick % size).unwrap()];
        let proof = plan.hashes(tile_of).unwrap();
        prop_assert_eq!(check_inclusion(&leaf, pick % size, size, &proof, &new.root), Ok(()));
        let old = head(1 + pick % size);
        let proof = Plan::consistency(old.size, size).unwrap().hashes(tile_of).unwrap();
        prop_assert_eq!(check_consistency(old, new, &proof), Ok(()));
    }

    #[test]
    fn any_text_is_a_receipt_only_if_it_writes_back(text in "c2sp.org/tlog-proof@v1\n(extra [a-zA-Z=]{0,8}\n)?index [0-9]{0,4}\n{1,2}[a-z\n]{0,12}") {
        if let Ok(receipt) = text.parse::<Receipt>() {
            prop_assert_eq!(receipt.to_string(), text);
        }
    }
}
