//! Second factors.

use crate::system::{System, to, token};
use identity::totp::Secret;
use ingress::visitor::{Somebody, Visitor, hidden};
use kernel::Timestamp;

/// Sets up an authenticator app: its key and the recovery codes.
pub(crate) async fn enrol(visitor: &mut Visitor, somebody: &Somebody) -> (Secret, Vec<String>) {
    visitor.post_form("/confirm", &[("password", &somebody.password)]).await.unwrap();
    let page = visitor.post_form("/account/totp/start", &[]).await.unwrap().text();
    let typed = page.split("<dd>").nth(1).unwrap().split("</dd>").next().unwrap();
    let typed = typed.split(['<', '>']).find(|text| text.len() > 30).unwrap();
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
    // The set-up took the code of this step, or of the next one.
    let before = Timestamp::now();
    let (secret, _) = enrol(&mut ada, &somebody).await;
    let mut pending = first(&system, &somebody).await;
    let used = secret.code(before);
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
    // Of an address that nobody has proven, the mail is the first proof, and leaves nothing else standing.
    let link = system.link(&somebody.email, "Confirm your address").await;
    assert_eq!(ada.post_form("/verify-email", &[("token", token(&link))]).await.unwrap().status, 200);
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
async fn after_a_hundred_wrong_codes_only_a_new_password_opens_the_way() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    let (_, codes) = enrol(&mut ada, &somebody).await;
    let store = system.db.store();
    let account = store::accounts::by_email(store, &somebody.email).await.unwrap().unwrap();
    for _ in 0..98 {
        store::accounts::failed(store, account.id).await.unwrap();
    }
    let failures = async || store::accounts::by_id(store, account.id).await.unwrap().unwrap().failures;
    let mut thief = first(&system, &somebody).await;
    assert_eq!(failures().await, 98, "a right password alone does not end the row");
    for _ in 0..2 {
        assert_eq!(thief.post_form("/sign-in/second", &[("code", "000000")]).await.unwrap().status, 422);
    }
    system.mail(&somebody.email, "guessing").await;
    assert_eq!(thief.post_form("/sign-in/second", &[("code", &codes[0])]).await.unwrap().status, 429);
    assert!(system.visitor().sign_in(&somebody.email, &somebody.password).await.is_err(), "nor is another begun");
    // The owner's own browser goes on, and ends the row.
    ada.form_token("/confirm").await.unwrap();
    assert_eq!(to(&ada.post_form("/confirm", &[("code", &codes[0])]).await.unwrap()), "/account");
    assert_eq!(failures().await, 0);
}

#[tokio::test]
async fn a_short_password_does_not_outlive_the_second_factor() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    enrol(&mut ada, &somebody).await;
    let short = "walnut-Kq9";
    ada.form_token("/account/security").await.unwrap();
    let form = [("current", "not the right password"), ("password", short)];
    assert_eq!(ada.post_form("/account/password", &form).await.unwrap().status, 422, "the present one is asked for");
    let form = [("current", somebody.password.as_str()), ("password", short)];
    let changed = ada.post_form("/account/password", &form).await.unwrap();
    assert_eq!(to(&changed), "/account/security?done=password");
    assert!(system.visitor().sign_in(&somebody.email, &somebody.password).await.is_err(), "the old one is over");
    let mut pending = system.visitor();
    assert!(to(&pending.sign_in(&somebody.email, short).await.unwrap()).starts_with("/sign-in/second"));
    ada.form_token("/account/security").await.unwrap();
    ada.post_form("/account/totp/remove", &[]).await.unwrap();
    system.mail(&somebody.email, "second factor was removed").await;
    let mut alone = system.visitor();
    alone.form_token("/sign-in").await.unwrap();
    let answer = alone.post_form("/sign-in", &[("email", &somebody.email), ("password", short)]).await.unwrap();
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(alone.cookie("__Host-wordbond").is_none());
    system.link(&somebody.email, "Choose a new password").await;
}

#[tokio::test]
async fn the_owner_is_told_of_new_recovery_codes() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    enrol(&mut ada, &somebody).await;
    ada.form_token("/account/security").await.unwrap();
    assert_eq!(ada.post_form("/account/recovery-codes", &[]).await.unwrap().status, 200);
    system.mail(&somebody.email, "New recovery codes").await;
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
