//! Sealed values: nothing opens that nobody sealed, and what was sealed opens as it was, in its own place and unaltered only.

#![no_main]

mod keys;

use keys::KEYS;
use libfuzzer_sys::fuzz_target;
use vault::{Place, Sealed};

fuzz_target!(|input: (Vec<u8>, String, usize, u8, u128)| {
    let (bytes, text, at, change, row) = input;
    let (_, keys, place) = &*KEYS;
    if let Ok(sealed) = Sealed::<String>::from_bytes(bytes) {
        assert!(sealed.open(keys, place).is_err(), "nobody sealed this");
    }
    let sealed = Sealed::seal(keys, place, &text).unwrap();
    assert_eq!(sealed.open(keys, place).unwrap(), text);
    let elsewhere = Place { row: uuid::Uuid::from_u128(row), ..place.clone() };
    assert_eq!(sealed.open(keys, &elsewhere).is_ok(), elsewhere.row == place.row, "a value was moved");
    let mut altered = sealed.as_bytes().to_vec();
    let at = at % altered.len();
    altered[at] ^= change;
    if let Ok(altered) = Sealed::<String>::from_bytes(altered) {
        assert_eq!(altered.open(keys, place).is_ok(), change == 0, "a value was altered");
    }
    if let Ok(cut) = Sealed::<String>::from_bytes(sealed.as_bytes()[..at].to_vec()) {
        assert!(cut.open(keys, place).is_err(), "a value was cut off");
    }
});
