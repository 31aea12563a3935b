//! Honest answers are accepted, once.

use crate::{Scene, now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saml::idp::{Answer, Idp, Signed};
use saml::{Expect, IdpMetadata, Refusal};

#[test]
fn honest_answers_are_accepted_whatever_part_is_signed() {
    for idp in [
        Idp::new("https://idp.example", "https://idp.example/sso"),
        Idp::rsa("https://idp.example", "https://idp.example/sso"),
    ] {
        let scene = Scene::with(idp.unwrap());
        for signed in [Signed::Assertion, Signed::Response, Signed::Both] {
            let posted = STANDARD.encode(scene.idp.answer(&scene.answer, signed).unwrap());
            let assertion = scene.sp.accept(&posted, scene.expect()).unwrap().spend(true).unwrap();
            assert_eq!(assertion.email.as_deref(), Some("ada@example.com"));
            assert_eq!(assertion.name_id, "ada@example.com");
            assert_eq!(assertion.attributes["mail"], ["ada@example.com"]);
            assert!(assertion.session_index.is_some());
            assert!(assertion.not_on_or_after > now());
        }
    }
}

/// Who has been signed in at the provider all day did not just prove who they are.
#[test]
fn an_assertion_says_since_when_somebody_is_signed_in() {
    let scene = Scene::new();
    for (ago, fine) in [(0, true), (8 * 3_600, true), (-59, true), (-61, false)] {
        let since = now() - jiff::SignedDuration::from_secs(ago);
        let document = scene.idp.answer(&Answer { since, ..scene.answer.clone() }, Signed::Both).unwrap();
        let outcome = scene.sp.accept_document(&document, scene.expect()).map(|unspent| unspent.spend(true).unwrap());
        match outcome {
            Ok(assertion) => assert!(fine && assertion.authenticated_at == since, "{ago}"),
            Err(refusal) => assert!(!fine && refusal == Refusal::Time, "{ago}"),
        }
    }
}

#[test]
fn an_assertion_counts_once() {
    let scene = Scene::new();
    let document = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
    let unspent = scene.sp.accept_document(&document, scene.expect()).unwrap();
    assert!(document.contains(unspent.id()));
    // It is remembered for as long as it could be presented, the leeway between clocks included.
    let later = Expect { now: unspent.remember_until(), ..scene.expect() };
    assert_eq!(scene.sp.accept_document(&document, later).unwrap_err(), Refusal::Time);
    assert_eq!(unspent.spend(false), Err(Refusal::Replayed));
}

#[test]
fn answers_belong_to_their_request() {
    let scene = Scene::new();
    let asked = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
    let unasked = scene.idp.answer(&Answer { in_response_to: None, ..scene.answer.clone() }, Signed::Both).unwrap();
    let began_there = Expect { in_response_to: None, ..scene.expect() };
    assert!(scene.sp.accept_document(&unasked, began_there).is_ok());
    assert_eq!(scene.sp.accept_document(&asked, began_there).unwrap_err(), Refusal::Request);
    assert_eq!(scene.sp.accept_document(&unasked, scene.expect()).unwrap_err(), Refusal::Request);
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let scene = Scene::new();
    let document = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
    // The answer is good for five minutes.
    for (seconds, fine) in [(-59, true), (-61, false), (0, true), (359, true), (360, false)] {
        let expect = Expect { now: now() + jiff::SignedDuration::from_secs(seconds), ..scene.expect() };
        assert_eq!(scene.sp.accept_document(&document, expect).is_ok(), fine, "{seconds}");
    }
}

#[test]
fn metadata_that_is_past_ends_sign_in() {
    let scene = Scene::new();
    let text = scene.idp.metadata().replace(" entityID", " validUntil=\"2026-11-22T09:00:00Z\" entityID");
    let metadata = IdpMetadata::parse(&text, now()).unwrap();
    let document = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
    let expect = Expect { idp: &metadata, ..scene.expect() };
    assert!(scene.sp.accept_document(&document, expect).is_ok());
    let later = Expect { now: metadata.valid_until.unwrap(), ..expect };
    assert_eq!(scene.sp.accept_document(&document, later).unwrap_err(), Refusal::MetadataExpired);
}

#[test]
fn a_provider_may_change_keys_by_naming_both() {
    let (old, new) = (Scene::new(), Scene::new());
    let start = "<md:KeyDescriptor use=\"signing\">";
    let (_, key) = new.idp.metadata().split_once(start).map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let key = format!("{start}{}", key.split_once("<md:SingleSignOnService").unwrap().0);
    let both = old.idp.metadata().replace(start, &format!("{key}{start}"));
    let metadata = IdpMetadata::parse(&both, now()).unwrap();
    assert_eq!(metadata.keys.len(), 2);
    for scene in [&old, &new] {
        let document = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
        assert!(scene.sp.accept_document(&document, Expect { idp: &metadata, ..scene.expect() }).is_ok());
    }
}

#[test]
fn every_byte_of_a_signed_answer_matters() {
    let scene = Scene::new();
    let honest = scene.idp.answer(&scene.answer, Signed::Both).unwrap();
    let read = |text: &str| scene.sp.accept_document(text, scene.expect()).and_then(|unspent| unspent.spend(true)).ok();
    let expected = read(&honest);
    assert!(expected.is_some());
    for at in 0..honest.len() {
        let mut bytes = honest.clone().into_bytes();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        let seen = read(&String::from_utf8(bytes).unwrap());
        // Where a change is no change in meaning, the same is read; nothing else ever is.
        assert!(seen.is_none() || seen == expected, "byte {at} of the answer");
    }
}
