//! Paths of a tiled log have one spelling.

#![no_main]

use ledger::tile::Resource;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    if let Ok(resource) = path.parse::<Resource>() {
        assert_eq!(resource.to_string(), path);
    }
});
