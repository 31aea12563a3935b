//! Second factors.

use crate::system::{System, to, token};
use identity::totp::Secret;
use ingress::visitor::{Somebody, Visitor, hidden};
use kernel::Timestamp;

/// Sets up an authenticator app: its key and the recovery codes.
async fn enrol(visitor: &mut Visitor, somebody: &Somebody) -> (Secret, Vec<String>) {
    visitor.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap();
    let page = visitor.post_form("/account/totp/start", &[]).await.unwrap().text();
    let typed = page.split("<dd>").nth(1).unwrap().split('<').next().unwrap();
    let secret = Secret::from_bytes(&base32(typed)).unwrap();
    let state = hidden(&page, "state").unwrap();
    let wrong = visitor.post_form("/account/totp", &[("state", &state), ("code", "000000")]).await.unwrap();
    assert_eq!(wrong.status, 422, "{}", wrong.text());
    let code = secret.code(Timestamp::now());
    let done = visitor.post_form("/account/totp", &[("state", &state), ("code", &code)]).await.unwrap();
    let page = done.text();
    assert_eq!(done.status, 200, "{page}");
    let codes = page.split("<pre").nth(1).unwrap().split_once('>').unwrap().1.split('<').next().unwrap();
    (secret, codes.split_whitespace().map(str::to_owned).collect())
}

fn base32(text: &str) -> Vec<u8> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b' ') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            other => panic!("{other} in {text}"),
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 255).unwrap());
        }
    }
    bytes
}

/// Signs in with the first factor.
async fn first(system: &System, somebody: &Somebody) -> Visitor {
    let mut visitor = system.visitor();
    let answer = visitor.sign_in(&somebody.email, &somebody.password).await.unwrap();
    assert!(to(&answer).starts_with("/sign-in/second"), "{}", to(&answer));
    visitor.form_token("/sign-in/second").await.unwrap();
    visitor
}

#[tokio::test]
async fn the_second_factor_is_asked_for_and_cannot_be_skipped() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let (_, codes) = enrol(&mut ada, &somebody).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(ada.get("/account").await.unwrap().status, 200, "whoever set it up stays signed in");
    system.mail(&somebody.email, "second factor was added").await;

    let mut pending = first(&system, &somebody).await;
    for path in ["/account", "/account/security", "/account/sessions", "/account/tokens", "/confirm"] {
        assert!(to(&pending.get(path).await.unwrap()).starts_with("/sign-in/second"), "{path}");
    }
    assert_eq!(pending.send_json("GET", "/api/me", None).await.unwrap().status, 403);
    assert_eq!(pending.post_form("/sign-in/second", &[("code", "000000")]).await.unwrap().status, 422);
    assert_eq!(pending.post_form("/sign-in/second", &[("code", "")]).await.unwrap().status, 422);
    let before = pending.cookie("__Host-wordbond").unwrap().to_owned();
    assert_eq!(to(&pending.post_form("/sign-in/second", &[("code", &codes[0])]).await.unwrap()), "/account");
    assert_ne!(pending.cookie("__Host-wordbond").unwrap(), before, "the cookie changes with the privilege");
    assert_eq!(pending.get("/account").await.unwrap().status, 200);
    system.mail(&somebody.email, "recovery code was used").await;

    let mut again = first(&system, &somebody).await;
    assert_eq!(
        again.post_form("/sign-in/second", &[("code", &codes[0])]).await.unwrap().status,
        422,
        "a code works once"
    );
    assert_eq!(to(&again.post_form("/sign-out", &[]).await.unwrap()), "/sign-in?done=out");
}

#[tokio::test]
async fn a_code_of_the_app_works_once() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let (secret, _) = enrol(&mut ada, &somebody).await;
    let mut pending = first(&system, &somebody).await;
    let used = secret.code(Timestamp::now());
    assert_eq!(
        pending.post_form("/sign-in/second", &[("code", &used)]).await.unwrap().status,
        422,
        "the code of the set-up"
    );
    let next = secret.code(Timestamp::now() + kernel::Span::seconds(30).signed());
    assert_eq!(to(&pending.post_form("/sign-in/second", &[("code", &next)]).await.unwrap()), "/account");
    let mut replay = first(&system, &somebody).await;
    assert_eq!(replay.post_form("/sign-in/second", &[("code", &next)]).await.unwrap().status, 422, "a replay");
}

#[tokio::test]
async fn neither_reset_nor_password_alone_undoes_the_second_factor() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let (_, codes) = enrol(&mut ada, &somebody).await;
    let mut thief = system.visitor();
    thief.form_token("/forgot").await.unwrap();
    thief.post_form("/forgot", &[("email", &somebody.email)]).await.unwrap();
    let link = system.link(&somebody.email, "Choose a new password").await;
    let new = Somebody::new();
    thief.form_token(&link).await.unwrap();
    let form = [("token", token(&link)), ("password", new.password.as_str())];
    assert_eq!(to(&thief.post_form("/reset", &form).await.unwrap()), "/sign-in?done=reset");
    let somebody = Somebody { password: new.password, ..somebody };
    let mut pending = first(&system, &somebody).await;
    assert!(to(&pending.get("/account").await.unwrap()).starts_with("/sign-in/second"));
    assert_eq!(to(&pending.post_form("/sign-in/second", &[("code", &codes[1])]).await.unwrap()), "/account");
    // The step-up asks for the factor, not for the password.
    let page = pending.get("/confirm").await.unwrap().text();
    assert!(page.contains("name=\"code\"") && !page.contains("type=\"password\""), "{page}");
    assert_eq!(pending.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap().status, 422);
    let removed = pending.post_form("/account/totp/remove", &[]).await.unwrap();
    assert!(
        to(&removed).starts_with("/account/security"),
        "the code of a moment ago counts as confirmed: {}",
        to(&removed)
    );
    system.mail(&somebody.email, "second factor was removed").await;
    let mut plain = system.visitor();
    assert_eq!(to(&plain.sign_in(&somebody.email, &somebody.password).await.unwrap()), "/account");
}

#[tokio::test]
async fn codes_cannot_be_guessed() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    enrol(&mut ada, &somebody).await;
    let mut pending = first(&system, &somebody).await;
    let mut stopped = None;
    for attempt in 0..15 {
        let code = format!("{attempt:06}");
        if pending.post_form("/sign-in/second", &[("code", &code)]).await.unwrap().status == 429 {
            stopped = Some(attempt);
            break;
        }
    }
    assert!(stopped.is_some_and(|attempt| attempt <= 10), "{stopped:?}");
}
