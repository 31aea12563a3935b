//! Whatever is posted as an answer or uploaded as metadata: it is read or refused, nothing panics, canonical form is stable,
//! and nobody is signed in by what nobody signed.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use saml::idp::Idp;
use saml::{Expect, IdpMetadata, Sp, c14n, xml};
use std::sync::LazyLock;

static METADATA: LazyLock<IdpMetadata> = LazyLock::new(|| {
    let idp = Idp::new("https://idp.example", "https://idp.example/sso").unwrap();
    IdpMetadata::parse(&idp.metadata(), Timestamp::UNIX_EPOCH).unwrap()
});

fuzz_target!(|text: &str| {
    if let Ok(read) = xml::parse(text) {
        let form = c14n::canonical(&read.root, &read.root, None, &[]);
        if let Ok(again) = xml::parse(&form) {
            assert_eq!(c14n::canonical(&again.root, &again.root, None, &[]), form);
        }
    }
    let _ = IdpMetadata::parse(text, Timestamp::UNIX_EPOCH);
    let sp = Sp { entity_id: "https://sp.example".to_owned(), acs_url: "https://sp.example/acs".to_owned() };
    let expect = Expect { idp: &METADATA, in_response_to: None, now: Timestamp::UNIX_EPOCH };
    assert!(sp.accept(text, expect).is_err() && sp.accept_document(text, expect).is_err(), "nobody signed this");
});
