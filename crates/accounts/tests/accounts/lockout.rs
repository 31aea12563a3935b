//! Guessing is slowed down, and the owner is not locked out.

use crate::system::System;
use ingress::visitor::{Somebody, Visitor};

async fn guess(visitor: &mut Visitor, email: &str) -> u16 {
    let form = [("email", email), ("password", "not the right password")];
    visitor.post_form("/sign-in", &form).await.unwrap().status
}

#[tokio::test]
async fn a_guesser_is_stopped_and_the_owner_is_not() {
    let system = System::open().await;
    let mut owner = system.visitor();
    let somebody = owner.sign_up().await.unwrap();
    owner.post_form("/sign-out", &[]).await.unwrap();
    let nobody = Somebody::new();
    for email in [&somebody.email, &nobody.email] {
        let mut eve = Visitor::stranger(&system.site).await;
        eve.form_token("/sign-in").await.unwrap();
        let mut stopped = None;
        for attempt in 0..25 {
            if guess(&mut eve, email).await == 429 {
                stopped = Some(attempt);
                break;
            }
        }
        assert_eq!(stopped, Some(20), "known and unknown addresses are counted alike");
        let form = [("email", email.as_str()), ("password", &somebody.password)];
        let refused = eve.post_form("/sign-in", &form).await.unwrap();
        assert_eq!(refused.status, 429);
        assert!(refused.header("retry-after").is_some() && refused.text().contains("Too many attempts"));
    }
    let mut elsewhere = Visitor::stranger(&system.site).await;
    assert!(elsewhere.sign_in(&somebody.email, &somebody.password).await.is_ok(), "another address is not stopped");
    assert!(owner.sign_in(&somebody.email, &somebody.password).await.is_ok(), "a known browser is not stopped");
}

#[tokio::test]
async fn after_a_hundred_guesses_only_known_browsers_get_in() {
    let system = System::open().await;
    let mut owner = system.visitor();
    let somebody = owner.sign_up().await.unwrap();
    owner.post_form("/sign-out", &[]).await.unwrap();
    let store = system.db.store();
    let account = store::accounts::by_email(store, &somebody.email).await.unwrap().unwrap();
    for _ in 0..99 {
        store::accounts::failed(store, account.id).await.unwrap();
    }
    let mut eve = Visitor::stranger(&system.site).await;
    eve.form_token("/sign-in").await.unwrap();
    assert_eq!(guess(&mut eve, &somebody.email).await, 422);
    let reset = system.link(&somebody.email, "guessing your password").await;
    assert_eq!(reset, "/forgot");
    let form = [("email", somebody.email.as_str()), ("password", &somebody.password)];
    assert_eq!(
        eve.post_form("/sign-in", &form).await.unwrap().status,
        422,
        "a new browser got in after a hundred guesses"
    );
    assert!(owner.sign_in(&somebody.email, &somebody.password).await.is_ok());
    assert!(eve.sign_in(&somebody.email, &somebody.password).await.is_ok(), "the owner's sign-in lifts it");
}
