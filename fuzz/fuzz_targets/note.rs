//! Signed notes, verifier keys and checkpoints: whatever is read has one spelling, and nothing is accepted unsigned.

#![no_main]

use ledger::{Checkpoint, SigningKey, VerifierKey, note};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed("example.com/log", &[7; 32]).unwrap());

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    assert!(note::open(text, KEY.verifier()).is_err(), "nobody signed this");
    if let Ok(signed) = KEY.sign(text) {
        assert_eq!(note::open(&signed, KEY.verifier()), Ok(text));
    }
});
