//! Links in mails: a new password, a new address.

use crate::system::{System, to, token};
use ingress::visitor::Somebody;

#[tokio::test]
async fn a_new_password_by_mail_ends_every_session() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let mut visitor = system.visitor();
    visitor.form_token("/forgot").await.unwrap();
    assert_eq!(visitor.post_form("/forgot", &[("email", &somebody.email)]).await.unwrap().status, 200);
    let link = system.link(&somebody.email, "Choose a new password").await;
    assert_eq!(visitor.get(&link).await.unwrap().status, 200);
    let weak = visitor.post_form("/reset", &[("token", token(&link)), ("password", "password")]).await.unwrap();
    assert_eq!(weak.status, 422, "a weak password does not use the link up");
    let new = Somebody::new().password;
    let form = [("token", token(&link)), ("password", new.as_str())];
    assert_eq!(to(&visitor.post_form("/reset", &form).await.unwrap()), "/sign-in?done=reset");
    visitor.form_token("/forgot").await.unwrap();
    assert_eq!(visitor.post_form("/reset", &form).await.unwrap().status, 404, "it works once");
    assert!(to(&ada.get("/account").await.unwrap()).starts_with("/sign-in"), "the old session lives on");
    assert!(visitor.sign_in(&somebody.email, &somebody.password).await.is_err(), "the old password works");
    assert!(visitor.sign_in(&somebody.email, &new).await.is_ok());
    system.mail(&somebody.email, "was changed").await;
    assert_eq!(visitor.get("/reset?token=wbo_0").await.unwrap().status, 404);
}

#[tokio::test]
async fn a_new_address_takes_hold_when_it_is_confirmed() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let next = Somebody::new().email;
    system.stale(&ada).await;
    let asked = ada.post_form("/account/email", &[("email", &next)]).await.unwrap();
    assert!(to(&asked).starts_with("/confirm"), "{}", to(&asked));
    let confirm = [("password", somebody.password.as_str()), ("next", "/account")];
    assert_eq!(ada.post_form("/confirm", &[("password", "wrong"), ("next", "/account")]).await.unwrap().status, 422);
    assert_eq!(to(&ada.post_form("/confirm", &confirm).await.unwrap()), "/account");
    assert_eq!(to(&ada.post_form("/account/email", &[("email", &next)]).await.unwrap()), "/account?done=email");
    let link = system.link(&next, "Confirm your new address").await;
    system.mail(&somebody.email, "A new address").await;
    assert!(ada.get("/account").await.unwrap().text().contains(&somebody.email), "nothing has changed yet");
    let mut elsewhere = system.visitor();
    assert_eq!(elsewhere.get(&link).await.unwrap().status, 200);
    elsewhere.form_token("/sign-in").await.unwrap();
    let form = [("token", token(&link))];
    let done = elsewhere.post_form("/account/email/confirm", &form).await.unwrap();
    assert_eq!(done.status, 403, "whoever reads the mail confirms somebody else's account");
    system.visitor().sign_up().await.unwrap();
    let done = ada.post_form("/account/email/confirm", &form).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    system.mail(&somebody.email, "was changed").await;
    let page = ada.get("/account").await.unwrap().text();
    assert!(page.contains(&next) && !page.contains(&somebody.email), "{page}");
    assert!(elsewhere.sign_in(&somebody.email, &somebody.password).await.is_err());
    assert!(elsewhere.sign_in(&next, &somebody.password).await.is_ok());
}

#[tokio::test]
async fn an_address_of_somebody_else_is_not_given_away() {
    let system = System::open().await;
    let bob = system.visitor().sign_up().await.unwrap();
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    ada.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap();
    assert_eq!(to(&ada.post_form("/account/email", &[("email", &bob.email)]).await.unwrap()), "/account?done=email");
    system.mail(&bob.email, "has an account").await;
    assert!(!system.subjects(&bob.email).iter().any(|subject| subject.contains("Confirm your new address")));
}

#[tokio::test]
async fn a_name_is_corrected_everywhere() {
    let system = System::open().await;
    let mut ada = system.visitor();
    ada.sign_up().await.unwrap();
    assert_eq!(ada.post_form("/account/profile", &[("name", " ")]).await.unwrap().status, 422);
    assert_eq!(
        to(&ada.post_form("/account/profile", &[("name", "Ada <b> Lovelace")]).await.unwrap()),
        "/account?done=saved"
    );
    let page = ada.get("/account").await.unwrap().text();
    assert!(page.matches("Ada &#60;b&#62; Lovelace").count() >= 2, "in the form and in the head: {page}");
    let me: serde_json::Value = ada.send_json("GET", "/api/me", None).await.unwrap().json().unwrap();
    assert_eq!(me["name"], "Ada <b> Lovelace", "the membership has it too");
}

/// Whoever floods a form does not fill somebody's inbox, nor the ledger.
#[tokio::test]
async fn an_address_gets_only_so_many_mails_that_others_asked_for() {
    let system = System::open().await;
    let somebody = system.visitor().sign_up().await.unwrap();
    let mut eve = system.visitor();
    eve.form_token("/forgot").await.unwrap();
    for _ in 0..20 {
        eve.post_form("/forgot", &[("email", &somebody.email)]).await.unwrap();
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let sent = system.subjects(&somebody.email).len();
    assert!((5..=10).contains(&sent), "{sent} mails");
}

/// A known browser is not held up by others who guess; one that has just set a new password is known.
#[tokio::test]
async fn a_new_password_by_mail_leads_past_whoever_guesses() {
    let system = System::open().await;
    let somebody = system.visitor().sign_up().await.unwrap();
    let mut ada = system.visitor();
    ada.form_token("/forgot").await.unwrap();
    ada.post_form("/forgot", &[("email", &somebody.email)]).await.unwrap();
    let link = system.link(&somebody.email, "Choose a new password").await;
    let new = Somebody::new().password;
    let saved = ada.post_form("/reset", &[("token", token(&link)), ("password", &new)]).await.unwrap();
    assert_eq!(to(&saved), "/sign-in?done=reset");
    assert!(ada.cookie(ingress::cookie::KNOWN).is_some(), "the browser is unknown");
}
