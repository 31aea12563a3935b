//! Signed tokens and key sets: whatever is read, nothing is accepted that nobody signed.

#![no_main]

use identity::jwt::{Expect, Keys, Party, Signer};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static KEYS: LazyLock<Keys> =
    LazyLock::new(|| Keys::parse(Signer::from_seed(&[7; 32]).unwrap().jwks(&[]).as_bytes()).unwrap());

fuzz_target!(|bytes: &[u8]| {
    let expect = Expect {
        issuer: "https://id.example",
        party: Party::Audience("us"),
        nonce: None,
        now: jiff::Timestamp::UNIX_EPOCH,
        leeway: kernel::Span::minutes(1),
    };
    let text = String::from_utf8_lossy(bytes);
    assert!(KEYS.verify(&text, &expect).is_err(), "nobody signed this");
    if let Some(keys) = Keys::parse(bytes) {
        let _ = keys.verify(&text, &expect);
    }
});
