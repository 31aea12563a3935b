//! Keys that change, issuers that do not answer, and tokens that want keys fetched.

use super::*;
use crate::{
    fetch::{FetchError, Fetched},
    testing::Scripted,
};
use std::sync::Arc;

fn set(fetch: &Scripted) -> KeySet {
    KeySet::new("https://id.example/jwks", Arc::new(fetch.clone()))
}

/// The expectation at a later moment, with a token that is then still good.
async fn verify(set: &KeySet, key: &TestKey, kid: &str, later: i64) -> Result<Claims, Refusal> {
    let token = key.token(kid, &with("exp", json!(NOW + later + 300)));
    set.verify(&token, &Expect { now: at(NOW + later), ..expect() }).await
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_they_are_old() {
    let key = TestKey::ed();
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = set(&fetch);
    for (later, fetches) in [(0, 1), (1, 1), (599, 1), (600, 2), (1_199, 2), (1_300, 3)] {
        assert!(verify(&set, &key, "k", later).await.is_ok());
        assert_eq!(fetch.count(), fetches, "after {later} s");
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let (old, new) = (TestKey::ed(), TestKey::rsa());
    let fetch = Scripted::says(jwks(&[old.jwk("old")]));
    let set = set(&fetch);
    assert!(verify(&set, &old, "old", 0).await.is_ok());
    fetch.now_says(jwks(&[new.jwk("new")]));
    assert!(verify(&set, &new, "new", 31).await.is_ok(), "fetched since its name is unknown");
    assert_eq!(verify(&set, &old, "old", 32).await, Err(Refusal::UnknownKey), "withdrawn");
    assert_eq!(fetch.count(), 2);
}

#[tokio::test]
async fn a_flood_of_unknown_names_is_two_fetches_a_minute() {
    let (key, evil) = (TestKey::ed(), TestKey::ed());
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = Arc::new(set(&fetch));
    for second in 0..120 {
        for n in 0..20 {
            let refused = verify(&set, &evil, &format!("made-up-{second}-{n}"), second).await;
            assert_eq!(refused, Err(Refusal::UnknownKey));
        }
        assert!(verify(&set, &key, "k", second).await.is_ok(), "others are served");
    }
    assert!(fetch.count() <= 4, "{} fetches in two minutes", fetch.count());
}

#[tokio::test]
async fn many_at_once_are_one_fetch() {
    let key = TestKey::ed();
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = Arc::new(set(&fetch));
    let token = key.token("k", &claims());
    let all: Vec<_> = (0..200)
        .map(|_| {
            let (set, token) = (Arc::clone(&set), token.clone());
            tokio::spawn(async move { set.verify(&token, &expect()).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(fetch.count(), 1);
}

#[tokio::test]
async fn what_cannot_be_right_costs_no_fetch() {
    let fetch = Scripted::says(jwks(&[TestKey::ed().jwk("k")]));
    let set = set(&fetch);
    for (token, refusal) in [
        ("x".repeat(LONGEST + 1), Refusal::TooLong),
        ("a.b.c".to_owned(), Refusal::Malformed),
        (format!("{}.e30.AA", base64url(br#"{"alg":"none"}"#)), Refusal::Algorithm),
        (format!("{}.e30.AA", base64url(br#"{"alg":"EdDSA","jku":"https://evil.example"}"#)), Refusal::Header),
    ] {
        assert_eq!(set.verify(&token, &expect()).await, Err(refusal));
    }
    assert_eq!(fetch.count(), 0);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_bridged_for_six_hours() {
    let key = TestKey::ed();
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = set(&fetch);
    assert!(verify(&set, &key, "k", 0).await.is_ok());
    fetch.now_answers(|_| Err(FetchError("id.example did not answer".to_owned())));
    for later in [600, 3_600, 6 * 3_600 - 1] {
        assert!(verify(&set, &key, "k", later).await.is_ok(), "after {later} s");
    }
    assert_eq!(verify(&set, &key, "k", 6 * 3_600).await, Err(Refusal::NoKeys("id.example did not answer".to_owned())));
    fetch.now_says(jwks(&[key.jwk("k")]));
    assert!(verify(&set, &key, "k", 6 * 3_600 + 31).await.is_ok(), "back again");
}

#[tokio::test]
async fn answers_that_are_no_keys_leave_the_known_ones() {
    let key = TestKey::ed();
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = set(&fetch);
    assert!(verify(&set, &key, "k", 0).await.is_ok());
    let mut later = 600;
    for (status, body) in
        [(500, "{}"), (302, ""), (200, "<html>"), (200, r#"{"keys":[]}"#), (404, r#"{"keys":[{"kty":"RSA"}]}"#)]
    {
        fetch.now_answers(move |_| Ok(Fetched { status, body: body.as_bytes().to_vec() }));
        assert!(verify(&set, &key, "k", later).await.is_ok());
        later += 60;
    }
    assert_eq!(fetch.count(), 6);
    let never = self::set(&Scripted::says(b"<html>".to_vec()));
    assert_eq!(verify(&never, &key, "k", 0).await, Err(Refusal::NoKeys("the answer holds no usable keys".to_owned())));
}

#[tokio::test]
async fn an_issuer_that_fails_is_tried_again_soon_but_not_at_once() {
    let key = TestKey::ed();
    let fetch = Scripted::says(Vec::new());
    let set = set(&fetch);
    for second in 0..20 {
        for _ in 0..10 {
            assert!(matches!(verify(&set, &key, "k", second).await, Err(Refusal::NoKeys(_))));
        }
    }
    assert_eq!(fetch.count(), 4);
    fetch.now_says(jwks(&[key.jwk("k")]));
    assert!(verify(&set, &key, "k", 20).await.is_ok());
}

#[tokio::test]
async fn a_clock_that_goes_back_makes_keys_no_younger() {
    let key = TestKey::ed();
    let fetch = Scripted::says(jwks(&[key.jwk("k")]));
    let set = set(&fetch);
    assert!(verify(&set, &key, "k", 7 * 3_600).await.is_ok());
    fetch.now_answers(|_| Err(FetchError("gone".to_owned())));
    assert_eq!(verify(&set, &key, "k", 0).await, Err(Refusal::NoKeys("gone".to_owned())));
}
