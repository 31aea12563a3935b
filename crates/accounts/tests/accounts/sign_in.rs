//! Signing in.

use crate::system::{System, to};
use ingress::{cookie, visitor::Somebody};
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_session_begins_changes_and_ends() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let first = ada.cookie(cookie::SESSION).unwrap().to_owned();
    let answer = ada.sign_in(&somebody.email, &somebody.password).await;
    assert!(answer.is_err(), "whoever is signed in is led on and sees no form");
    let mut again = system.visitor();
    again.hold(cookie::SESSION, &first);
    assert_eq!(again.get("/account").await.unwrap().status, 200);
    assert_eq!(to(&ada.post_form("/sign-out", &[]).await.unwrap()), "/sign-in?done=out");
    assert!(!ada.is_signed_in());
    assert_eq!(to(&again.get("/account").await.unwrap()), "/sign-in?next=%2Faccount", "the old cookie still works");
    let answer = ada.sign_in(&somebody.email, &somebody.password).await.unwrap();
    assert_eq!(to(&answer), "/account");
    assert_ne!(ada.cookie(cookie::SESSION), Some(first.as_str()));
    assert!(ada.cookie(cookie::KNOWN).is_some());
}

#[tokio::test]
async fn a_session_that_was_there_before_ends_at_sign_in() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let ada_is = ada.sign_up().await.unwrap();
    let mut bob = system.visitor();
    let bob_is = bob.sign_up().await.unwrap();
    // Whoever fixes a session in somebody's browser must not share it afterwards.
    let planted = ada.cookie(cookie::SESSION).unwrap().to_owned();
    let csrf = ada.form_token("/account").await.unwrap();
    let form = [("email", bob_is.email.as_str()), ("password", &bob_is.password), ("csrf", &csrf)];
    assert_eq!(to(&ada.post_form("/sign-in", &form).await.unwrap()), "/account");
    assert!(ada.get("/account").await.unwrap().text().contains(&bob_is.name));
    let mut thief = system.visitor();
    thief.hold(cookie::SESSION, &planted);
    assert!(to(&thief.get("/account").await.unwrap()).starts_with("/sign-in"));
    assert!(!ada.get("/account").await.unwrap().text().contains(&ada_is.name));
}

/// Status, text and headers but for what is random in every answer.
fn shape(answer: &outbound::Answer, email: &str) -> (u16, String, Vec<String>) {
    let names = answer.headers.keys().map(ToString::to_string).collect();
    let text = answer.text().replace(email, "EMAIL");
    (answer.status, text, names)
}

#[tokio::test]
async fn nobody_learns_whether_an_address_has_an_account() {
    let system = System::open().await;
    let known = system.visitor().sign_up().await.unwrap();
    let nobody = Somebody::new();
    let mut visitor = system.visitor();
    visitor.form_token("/sign-in").await.unwrap();
    let mut took: [Vec<Duration>; 2] = Default::default();
    for round in 0..6 {
        let mut shapes = Vec::new();
        for (side, email) in [&known.email, &nobody.email].into_iter().enumerate() {
            let begun = Instant::now();
            let form = [("email", email.as_str()), ("password", "not the right password")];
            let answer = visitor.post_form("/sign-in", &form).await.unwrap();
            took[side].push(begun.elapsed());
            shapes.push(shape(&answer, email));
        }
        assert_eq!(shapes[0], shapes[1], "round {round}");
        assert_eq!(shapes[0].0, 422);
    }
    let fastest = |side: usize| took[side].iter().min().unwrap().as_millis();
    assert!(fastest(0).abs_diff(fastest(1)) < 60, "{took:?}");
    let mut shapes = Vec::new();
    for email in [&known.email, &nobody.email] {
        let answer = visitor.post_form("/forgot", &[("email", email)]).await.unwrap();
        shapes.push(shape(&answer, email));
    }
    assert_eq!(shapes[0], shapes[1]);
}
