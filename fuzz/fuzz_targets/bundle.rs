//! Entry bundles and the leaves in them have one spelling.

#![no_main]

use ledger::{Leaf, tile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entries) = tile::decode_bundle(bytes) {
        assert_eq!(tile::encode_bundle(entries).unwrap(), bytes);
    }
    if let Ok(leaf) = Leaf::from_bytes(bytes) {
        assert_eq!(leaf.to_bytes().unwrap(), bytes);
    }
});
