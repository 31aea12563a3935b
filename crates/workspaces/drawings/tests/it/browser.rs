//! As a browser comes: with a session's cookie, and the form's token.

use super::{open, png};
use ingress::{cookie, visitor::Visitor};
use kernel::Span;
use store::{
    accounts::{self, NewAccount},
    sessions::{self, Lifetimes, NewSession, Strength},
};

#[tokio::test]
async fn a_form_needs_the_sessions_token() {
    let system = open().await;
    let store = system.db.store();
    let new =
        NewAccount { name: "Ada", email: "ada@example.com", password_hash: None, team: "Engines", verified: true };
    let account = accounts::sign_up(store, new).await.unwrap();
    let session = NewSession {
        account: account.account,
        tenant: Some(account.tenant),
        strength: Strength::Password,
        pending: false,
        device: "a browser",
        lifetimes: Lifetimes { idle: Span::hours(1), absolute: Span::hours(12) },
        proved_at: None,
    };
    let opened = sessions::open(store, session).await.unwrap();
    let mut browser = Visitor::new(&system.site);
    browser.hold(cookie::SESSION, opened.token.expose());
    let token = browser.form_token("/drawings/new").await.unwrap();
    let form = |token: &str| {
        let field = |name: &str, more: &str, value: &[u8]| {
            let head = format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
            [head.as_bytes(), value, b"\r\n"].concat()
        };
        let csrf = field("csrf", "", token.as_bytes());
        [csrf, field("name", "", b""), field("file", "; filename=\"p.png\"", &png()), b"--b--\r\n".to_vec()].concat()
    };
    let kind = [("content-type", "multipart/form-data; boundary=b")];
    let refused = browser.send("POST", "/drawings", &kind, &form("x")).await.unwrap();
    assert_eq!(refused.status, 403, "{}", refused.text());
    let done = browser.send("POST", "/drawings", &kind, &form(&token)).await.unwrap();
    assert_eq!(done.status, 303, "{}", done.text());
    let page = done.header("location").unwrap().to_owned();
    assert!(browser.get(&page).await.unwrap().text().contains("p.png"));
    // Without a session, a page leads to the sign-in page.
    let stranger = Visitor::new(&system.site).get("/drawings").await.unwrap();
    assert_eq!((stranger.status, stranger.header("location")), (303, Some("/sign-in?next=%2Fdrawings")));
}
