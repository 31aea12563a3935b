//! The example in `docs/LEDGER.md` is what the code does.

use crate::cluster::key;
use ledger::{Checkpoint, Receipt, merkle, proof::Plan, tile};
use std::{fs, path::Path};

#[test]
fn the_example_of_the_reference_holds() {
    let document = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LEDGER.md")).unwrap();
    let entries = [0, 1, 2].map(|n| {
        format!(r#"{{"kind":"start","build":"b{n}","profile":"p","at":"2026-11-22T03:48:00Z","instance":"i"}}"#)
    });
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let leaves = entries.each_ref().map(|entry| merkle::leaf_hash(entry.as_bytes()));
    let root = merkle::root(&leaves);
    let at = "2026-11-22T03:48:00Z".parse().unwrap();
    let key = key();
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: 3, root, at }.sign(&key).unwrap();
    let hashes = Plan::inclusion(1, 3).unwrap().hashes(|_| Some(&leaves)).unwrap();
    let receipt = Receipt { index: 1, extra: None, hashes, checkpoint: checkpoint.clone() };
    receipt.check(entries[1].as_bytes(), key.verifier()).unwrap();
    let bundle = tile::encode_bundle(entries.iter().map(String::as_bytes)).unwrap();
    let mut shown = vec![key.verifier().to_string(), checkpoint, receipt.to_string(), hex(&merkle::sha256(&bundle))];
    shown.extend(entries);
    shown.extend(leaves.iter().map(|leaf| hex(leaf)));
    for text in shown {
        assert!(document.contains(&text), "docs/LEDGER.md lacks\n{text}");
    }
}
