//! Every forgery is refused, and for its own reason.

use crate::Scene;
use saml::idp::{Answer, Idp, forgeries};
use saml::{Expect, IdpMetadata, MetadataError};
use std::fmt::Write as _;

fn corpus(scene: &Scene) -> Vec<saml::idp::Forgery> {
    let stranger = Idp::new("https://stranger.example", "https://stranger.example/sso").unwrap();
    forgeries(&scene.idp, &stranger, &scene.answer, "victim@example.com").unwrap()
}

#[test]
fn every_forgery_is_refused_for_its_own_reason() {
    let scene = Scene::new();
    let mut said = String::new();
    for forgery in corpus(&scene) {
        let seen = scene.sp.accept_document(&forgery.document, scene.expect());
        writeln!(said, "{}: {}", forgery.name, seen.expect_err(forgery.name)).unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn rsa_keys_and_unasked_answers_open_no_other_door() {
    let mut scene = Scene::with(Idp::rsa("https://idp.example", "https://idp.example/sso").unwrap());
    scene.answer = Answer { in_response_to: None, ..scene.answer };
    for forgery in corpus(&scene) {
        let expect = Expect { in_response_to: None, ..scene.expect() };
        assert!(scene.sp.accept_document(&forgery.document, expect).is_err(), "{}", forgery.name);
    }
}

#[test]
fn metadata_names_one_provider_with_a_sound_key() {
    let scene = Scene::new();
    let good = scene.idp.metadata();
    let read = |text: &str| IdpMetadata::parse(text, crate::now()).map(|_| ());
    assert_eq!(read(&good), Ok(()));
    assert_eq!(read(&format!("<!-- from the provider -->\n{good}")), Ok(()), "comments outside of values are harmless");
    let many = |inside: &str| {
        format!(
            "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">{inside}</md:EntitiesDescriptor>"
        )
    };
    assert_eq!(read(&many(&good)), Ok(()));
    assert_eq!(read(&many(&format!("{good}{good}"))), Err(MetadataError::NotOneProvider));
    assert_eq!(read(&scene.sp.metadata()), Err(MetadataError::NotOneProvider));
    assert_eq!(
        read(&good.replace("https://idp.example/sso", "http://idp.example/sso")),
        Err(MetadataError::SingleSignOn)
    );
    assert_eq!(read(&good.replace("https://idp.example/sso", "javascript:alert(1)")), Err(MetadataError::SingleSignOn));
    assert_eq!(read(&good.replace("HTTP-Redirect", "HTTP-POST")), Err(MetadataError::SingleSignOn));
    assert_eq!(read(&good.replace("use=\"signing\"", "use=\"encryption\"")), Err(MetadataError::NoKey));
    assert_eq!(read(&good.replace(&scene.idp.certificate(), "AAAA")), Err(MetadataError::BadKey));
    assert_eq!(
        read(&good.replace(" entityID", " validUntil=\"2020-01-01T00:00:00Z\" entityID")),
        Err(MetadataError::Expired)
    );
    assert_eq!(read(&good.replace("https://idp.example/metadata", "")), Err(MetadataError::EntityId));
    let small = small_certificate();
    assert_eq!(read(&good.replace(&scene.idp.certificate(), small)), Err(MetadataError::BadKey), "RSA with 1024 bits");
    assert!(matches!(read(&format!("<!DOCTYPE x>{good}")), Err(MetadataError::Xml(_))));
}

/// A certificate with an RSA key of 1024 bits, made with `openssl req -x509 -newkey rsa:1024`.
fn small_certificate() -> &'static str {
    include_str!("rsa1024.txt").trim()
}
