//! Any text given as a profile: it is understood or refused, drawn either way, and nothing panics.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use promises::{ANNOUNCED, Catalogue, Profile, diff, lint};

fuzz_target!(|text: &str| {
    let catalogue = Catalogue::new(&[], ANNOUNCED);
    match Profile::parse(text, &catalogue) {
        Ok(profile) => {
            let found = lint(&profile, &catalogue, Timestamp::UNIX_EPOCH);
            let _ = lint::render(&found, "promises.toml", text);
            assert!(diff(&profile, &profile, &catalogue).is_empty());
        }
        Err(errors) => {
            assert!(errors.count() > 0);
            let _ = errors.render("promises.toml", text);
        }
    }
});
