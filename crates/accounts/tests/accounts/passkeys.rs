//! Passkeys in a real browser, with an authenticator that only it sees.

use crate::system::System;
use outbound::browser::{Browser, Page};
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// Waits until a page is there, its scripts have run, and an expression is true in it. A button pressed before its
/// script has run is pressed in vain.
async fn until(page: &Page, expression: &str) {
    let there = format!("document.readyState === 'complete' && {expression}");
    for _ in 0..100 {
        // In the middle of a navigation there is nobody to ask.
        if page.run(&there).await.is_ok_and(|value| value == true) {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let at = page.run("location.href + ' ' + document.body.innerText").await;
    panic!("never: {expression} at {at:?}");
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in_without_a_password() {
    let system = System::open().await;
    let somebody = system.visitor().sign_up().await.unwrap();
    let browser = Browser::start(&system.site).await.unwrap();
    let page = browser.page().await.unwrap();
    page.call("WebAuthn.enable", &json!({})).await.unwrap();
    let options = json!({"protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true});
    page.call("WebAuthn.addVirtualAuthenticator", &json!({"options": options})).await.unwrap();
    let url = |path: &str| format!("{}{path}", system.site.url());

    page.goto(&url("/sign-in")).await.unwrap();
    let (email, password) = (json!(somebody.email), json!(somebody.password));
    let fill = format!("email.value = {email}; password.value = {password}; email.form.requestSubmit(); true");
    page.run(&fill).await.unwrap();
    until(&page, "location.pathname === '/account'").await;

    page.goto(&url("/account/security")).await.unwrap();
    until(&page, "!document.querySelector('[data-passkey=create]').hidden").await;
    page.run("document.querySelector('#passkey-label').value = 'My laptop'; true").await.unwrap();
    page.run("document.querySelector('[data-passkey=create] button').click(); true").await.unwrap();
    until(&page, "location.search === '?done=passkey'").await;
    until(&page, "document.body.innerText.includes('My laptop')").await;

    page.run("document.querySelector('.who form').requestSubmit(); true").await.unwrap();
    until(&page, "location.pathname === '/sign-in'").await;
    page.run("document.querySelector('[data-passkey=get] button').click(); true").await.unwrap();
    until(&page, "location.pathname === '/account'").await;

    // With the password, the passkey is the second factor.
    page.run("document.querySelector('.who form').requestSubmit(); true").await.unwrap();
    until(&page, "location.pathname === '/sign-in' && !!window.email").await;
    page.run(&fill).await.unwrap();
    until(&page, "location.pathname === '/sign-in/second'").await;
    until(&page, "!document.querySelector('[data-passkey=get]').hidden").await;
    page.run("document.querySelector('[data-passkey=get] button').click(); true").await.unwrap();
    until(&page, "location.pathname === '/account'").await;
}
