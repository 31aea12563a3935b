//! Signing up.

use crate::system::{System, to, token};
use ingress::visitor::Somebody;

fn fields(new: &Somebody) -> [(&'static str, &str); 4] {
    [("name", &new.name), ("email", &new.email), ("password", &new.password), ("team", &new.team)]
}

#[tokio::test]
async fn somebody_signs_up_confirms_the_address_and_is_in() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let account = ada.get("/account").await.unwrap();
    assert_eq!(account.status, 200);
    let page = account.text();
    assert!(
        page.contains(&somebody.name) && page.contains(&somebody.email) && page.contains("not confirmed yet"),
        "{page}"
    );
    let link = system.link(&somebody.email, "Confirm your address").await;
    for _ in 0..3 {
        let opened = system.visitor().get(&link).await.unwrap();
        assert_eq!(opened.status, 200, "a mail scanner opens the link too");
    }
    assert!(ada.get("/account").await.unwrap().text().contains("not confirmed yet"), "a GET changed something");
    let form = [("token", token(&link))];
    let mut other = system.visitor();
    other.form_token("/sign-in").await.unwrap();
    assert_eq!(other.post_form("/verify-email", &form).await.unwrap().status, 403, "not signed in to the account");
    other.sign_up().await.unwrap();
    assert_eq!(other.post_form("/verify-email", &form).await.unwrap().status, 403, "signed in to another");
    assert!(ada.get("/account").await.unwrap().text().contains("not confirmed yet"), "somebody else confirmed it");
    // Another browser of the same account leads through the sign-in and back.
    let mut second = system.visitor();
    let page = second.get(&link).await.unwrap().text();
    assert!(page.contains("/sign-in?next=%2Fverify-email%3Ftoken%3D"), "{page}");
    second.sign_in(&somebody.email, &somebody.password).await.unwrap();
    second.form_token(&link).await.unwrap();
    assert_eq!(second.post_form("/verify-email", &form).await.unwrap().status, 200);
    assert!(!ada.get("/account").await.unwrap().text().contains("not confirmed yet"));
    assert_eq!(second.post_form("/verify-email", &form).await.unwrap().status, 404, "it works once");
}

#[tokio::test]
async fn a_teams_name_is_one_line() {
    let system = System::open().await;
    let mut ada = system.visitor();
    ada.sign_up().await.unwrap();
    let named = ada.post_form("/team/settings", &[("name", "Engines\r\nReply-To: eve@example.com")]).await.unwrap();
    assert!(named.status != 303, "{:?}", named.header("location"));
    assert!(to(&ada.post_form("/team/settings", &[("name", "Engines")]).await.unwrap()).starts_with("/team"));
}

#[tokio::test]
async fn whoever_types_a_known_address_sees_the_same() {
    let system = System::open().await;
    let known = Somebody::new();
    let mut visitor = system.visitor();
    visitor.form_token("/sign-up").await.unwrap();
    let first = visitor.post_form("/sign-up", &fields(&known)).await.unwrap();
    let again = Somebody { name: "Somebody Else".to_owned(), password: Somebody::new().password, ..known.clone() };
    let second = visitor.post_form("/sign-up", &fields(&again)).await.unwrap();
    let third = visitor.post_form("/sign-up", &fields(&Somebody::new())).await.unwrap();
    assert_eq!((first.status, first.text()), (second.status, second.text()));
    assert_eq!((first.status, first.text()), (third.status, third.text()));
    assert!(first.text().contains("Check your mail"), "{}", first.text());
    assert!(system.mail(&known.email, "already have an account").await.link.is_some());
    let mut eve = system.visitor();
    eve.form_token("/sign-in").await.unwrap();
    let refused = eve.post_form("/sign-in", &[("email", &known.email), ("password", &again.password)]).await.unwrap();
    assert_eq!(refused.status, 422, "the second sign-up changed the password");
    assert!(eve.sign_in(&known.email, &known.password).await.is_ok());
}

#[tokio::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let system = System::open().await;
    let mut visitor = system.visitor();
    visitor.form_token("/sign-up").await.unwrap();
    let form = [("name", "Ada"), ("email", "nowhere"), ("password", "short"), ("team", " ")];
    let answer = visitor.post_form("/sign-up", &form).await.unwrap();
    let page = answer.text();
    assert_eq!(answer.status, 422, "{page}");
    for said in
        ["<title>Error: ", "href=\"#email\"", "href=\"#password\"", "href=\"#team\"", "value=\"Ada\"", "at least 15"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("value=\"short\""), "a password came back");
    let mut new = Somebody::new();
    new.password = format!("{}{}", new.email, new.email);
    let personal = visitor.post_form("/sign-up", &fields(&new)).await.unwrap();
    assert_eq!(personal.status, 422, "{}", personal.text());
}

#[tokio::test]
async fn forms_without_a_token_are_refused_and_nobody_is_led_elsewhere() {
    let system = System::open().await;
    let new = Somebody::new();
    let mut visitor = system.visitor();
    let mut form = fields(&new).to_vec();
    form.push(("csrf", "AAAA"));
    visitor.form_token("/sign-up").await.unwrap();
    assert_eq!(visitor.post_form("/sign-up", &form).await.unwrap().status, 403);
    visitor.sign_up().await.unwrap();
    assert_eq!(to(&visitor.get("/sign-in?next=//evil.example").await.unwrap()), "/account");
    assert_eq!(to(&visitor.get("/sign-in?next=/account/tokens").await.unwrap()), "/account/tokens");
}
