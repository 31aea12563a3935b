//! Who is let in where, and how the others are turned away.

use crate::members::Members;
use ingress::{
    cookie,
    visitor::{Somebody, Visitor},
};
use outbound::Answer;
use serde_json::json;
use store::sessions::Strength;

async fn user(members: &Members) -> (Visitor, Somebody) {
    let mut user = Visitor::new(&members.site);
    let somebody = user.sign_up().await.unwrap();
    (user, somebody)
}

/// The same account with another session.
async fn with(members: &Members, somebody: &Somebody, strength: Strength, pending: bool) -> Visitor {
    let mut user = Visitor::new(&members.site);
    user.hold(cookie::SESSION, &members.session(&somebody.email, strength, pending).await);
    user
}

fn to(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("location"))
}

#[tokio::test]
async fn who_is_not_signed_in_is_led_to_the_door() {
    let members = Members::open().await;
    let mut nobody = Visitor::new(&members.site);
    let answer = nobody.get("/account?tab=2").await.unwrap();
    assert_eq!(to(&answer), (303, Some("/sign-in?next=%2Faccount%3Ftab%3D2")));
    let answer = nobody.send("POST", "/account/profile", &[], &[]).await.unwrap();
    assert_eq!(to(&answer), (303, Some("/sign-in")), "what was sent is not sent again");
    assert_eq!(nobody.send("GET", "/api/me", &[], &[]).await.unwrap().status, 401);
    nobody.hold(cookie::SESSION, "wbs_0000000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(nobody.get("/account").await.unwrap().status, 303);
    assert_eq!(nobody.get("/who").await.unwrap().text(), "false false");
}

#[tokio::test]
async fn teams_are_not_founded_by_the_hundred() {
    let system = Members::open().await;
    let house = &system.house.site;
    let site = house.elsewhere().await;
    let (mut founded, mut refused) = (0, None);
    for at in 0..90 {
        let body = format!(r#"{{"name": "Team {at}", "person": {{"name": "Ada", "email": "ada@example.org"}}}}"#);
        let json = [("content-type", "application/json")];
        let answer = site.send("POST", "/api/tenants", &json, body.as_bytes()).await.unwrap();
        match answer.status {
            201 => founded += 1,
            429 => refused = Some(answer),
            status => panic!("{status}: {}", answer.text()),
        }
    }
    assert!((60..90).contains(&founded), "{founded}");
    assert!(refused.unwrap().header("retry-after").is_some());
    // Somebody at another address is not kept from it, and reading goes on.
    let other = house.elsewhere().await.send("POST", "/api/tenants", &[], b"").await.unwrap();
    assert_ne!(other.status, 429);
    assert_eq!(site.get("/api/me").await.unwrap().status, 401);
}

#[tokio::test]
async fn a_session_opens_pages_and_calls() {
    let members = Members::open().await;
    let (mut user, somebody) = user(&members).await;
    assert_eq!(user.get("/who").await.unwrap().text(), "true true");
    let page = user.get("/account").await.unwrap();
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    let me: serde_json::Value = user.get("/api/me").await.unwrap().json().unwrap();
    assert_eq!(me["email"], somebody.email);
    assert_eq!(user.post_form("/account/profile", &[]).await.unwrap().status, 204);
    let note = json!({"title": "a", "text": "b"});
    assert_eq!(user.post_json("/api/notes", &note).await.unwrap().status, 201);
    // A bearer token that is nobody's is not made good by the cookie beside it.
    let answer = user.send("GET", "/api/me", &[("authorization", "Bearer wbt_0")], &[]).await.unwrap();
    assert_eq!(answer.status, 401);
    let answer = user.send("GET", "/who", &[("authorization", "Bearer theirs")], &[]).await.unwrap();
    assert_eq!(answer.text(), "true true", "where anybody may come the header may be meant for somebody else");
}

#[tokio::test]
async fn the_second_factor_cannot_be_walked_around() {
    let members = Members::open().await;
    let (_, somebody) = user(&members).await;
    let mut half = with(&members, &somebody, Strength::Password, true).await;
    assert_eq!(half.get("/sign-in/second").await.unwrap().status, 200);
    for path in ["/account", "/account?x"] {
        let answer = half.get(path).await.unwrap();
        assert_eq!(answer.header("location").unwrap().split('?').next(), Some("/sign-in/second"), "{path}");
    }
    let answer = half.get("/api/me").await.unwrap();
    assert!(answer.status == 403 && answer.text().contains("second-factor"), "{}", answer.text());
    assert_eq!(half.get("/who").await.unwrap().text(), "true false", "no member yet");
    half.form_token("/sign-in/second").await.unwrap();
    assert_eq!(half.post_json("/api/notes", &json!({"title": "a", "text": "b"})).await.unwrap().status, 403);
    assert_eq!(half.post_form("/account/profile", &[]).await.unwrap().status, 303);
}

#[tokio::test]
async fn what_is_dangerous_asks_again() {
    let members = Members::open().await;
    let (mut user, somebody) = user(&members).await;
    let account = members.account(&somebody.email);
    let list = store::sessions::list(members.state.store(), account).await.unwrap();
    let first = user.post_form("/account/danger", &[]).await.unwrap();
    store::sessions::age(members.state.store(), account, list[0].id, kernel::Span::minutes(11)).await.unwrap();
    let later = user.post_form("/account/danger", &[]).await.unwrap();
    assert!(matches!(first.status, 204 | 303), "{}", first.status);
    assert_eq!(to(&later), (303, Some("/confirm")));
}

#[tokio::test]
async fn administrators_are_few_and_strong() {
    let members = Members::open().await;
    let mut user = Visitor::new(&members.site);
    assert_eq!(user.get("/admin").await.unwrap().status, 404, "nobody");
    let somebody = user.sign_up().await.unwrap();
    assert_eq!(user.get("/admin").await.unwrap().status, 404, "somebody else");
    let admin = Somebody { email: "admin@example.com".to_owned(), ..Somebody::new() };
    let Somebody { name, email, password, team } = &admin;
    user.form_token("/sign-up").await.unwrap();
    let form = [("name", name.as_str()), ("email", email), ("password", password), ("team", team)];
    assert_eq!(user.post_form("/sign-up", &form).await.unwrap().status, 200);
    for (whose, strength, pending, status) in [
        (&admin, Strength::Password, false, 404),
        (&admin, Strength::Provider, false, 404),
        (&admin, Strength::Second, true, 303),
        (&admin, Strength::Second, false, 200),
        (&admin, Strength::Passkey, false, 200),
        (&somebody, Strength::Passkey, false, 404),
    ] {
        let mut user = with(&members, whose, strength, pending).await;
        assert_eq!(user.get("/admin").await.unwrap().status, status, "{strength:?} {pending}");
    }
}

#[tokio::test]
async fn a_file_comes_with_its_token() {
    let members = Members::open().await;
    let (mut user, _) = user(&members).await;
    let token = user.form_token("/account").await.unwrap();
    let large = "x".repeat((5 << 19) - 100);
    let send = async |user: &mut Visitor, token: &str| {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b\r\ncontent-disposition: \
             form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n{large}\r\n--b--\r\n"
        );
        let headers = [("content-type", "multipart/form-data; boundary=b")];
        user.send("POST", "/team/file", &headers, body.as_bytes()).await.unwrap()
    };
    let answer = send(&mut user, &token).await;
    assert_eq!((answer.status, answer.text()), (200, format!("owner {}", large.len())));
    assert_eq!(send(&mut user, "other").await.status, 403);
}

#[tokio::test]
async fn errors_of_pages_are_pages() {
    let members = Members::open().await;
    let (mut user, _) = user(&members).await;
    let answer = user.send("POST", "/account/profile", &[], &[]).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (403, Some("text/html; charset=utf-8")));
    let answer = user.send("POST", "/api/notes", &[], &[]).await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (403, Some("application/problem+json")));
}

#[tokio::test]
async fn many_honest_calls_are_served() {
    let members = Members::open().await;
    let (mut user, _) = user(&members).await;
    user.form_token("/account").await.unwrap();
    let mut flying = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let mut user = user.clone();
        flying.spawn(
            async move { user.post_json("/api/notes", &json!({"title": "a", "text": "b"})).await.unwrap().status },
        );
    }
    while let Some(status) = flying.join_next().await {
        assert_eq!(status.unwrap(), 201);
    }
}
