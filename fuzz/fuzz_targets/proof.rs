//! Receipts have one spelling, and none proves what was not signed.

#![no_main]

use ledger::{Receipt, SigningKey};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed("example.com/log", &[7; 32]).unwrap());

fuzz_target!(|text: &str| {
    if let Ok(receipt) = text.parse::<Receipt>() {
        assert_eq!(receipt.to_string(), text);
        assert!(receipt.check(text.as_bytes(), KEY.verifier()).is_err(), "nobody signed this");
    }
});
