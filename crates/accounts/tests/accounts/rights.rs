//! A person's rights, through the pages and the API.

use crate::system::{System, to};
use ingress::visitor::{Somebody, Visitor};
use kernel::TeamRole;
use serde_json::{Value, json};
use std::time::Duration;
use store::{rights::footprint, team};
use tokio::{task::JoinHandle, time::sleep};

/// Does the jobs, as the running system does.
fn worker(system: &System) -> JoinHandle<()> {
    let store = system.db.store().clone();
    tokio::spawn(async move {
        loop {
            privacy::work::drain(&store).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    })
}

async fn somebody(system: &System) -> (Visitor, Somebody) {
    let mut visitor = system.visitor();
    let somebody = visitor.sign_up().await.unwrap();
    let confirm = [("password", somebody.password.as_str()), ("next", "/account/data")];
    assert_eq!(to(&visitor.post_form("/confirm", &confirm).await.unwrap()), "/account/data");
    (visitor, somebody)
}

async fn json_of(visitor: &mut Visitor, path: &str) -> Value {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json().unwrap()
}

/// Looks at the receipt until the request is answered.
async fn answered(system: &System, receipt: &str) -> Value {
    let mut stranger = system.visitor();
    for _ in 0..300 {
        let seen = json_of(&mut stranger, &format!("/api{receipt}")).await;
        if seen.get("state").is_some_and(|state| state == "done") {
            return seen;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the request was not answered");
}

#[tokio::test]
async fn whoever_asks_to_be_erased_is_gone_and_keeps_a_receipt() {
    let system = System::open().await;
    let working = worker(&system);
    let (mut visitor, who) = somebody(&system).await;
    let plan = visitor.get("/account/data/erase").await.unwrap().text();
    assert!(plan.contains("you are its last member") && plan.contains("Erase everything about me"), "{plan}");
    let wrong = [("kind", "erasure"), ("email", "somebody@else.example")];
    let refused = visitor.post_form("/account/data/requests", &wrong).await.unwrap();
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("not the address of your account"));
    let asked = visitor
        .post_form("/account/data/requests", &[("kind", "erasure"), ("email", &who.email.to_uppercase())])
        .await
        .unwrap();
    let page = visitor.get(to(&asked)).await.unwrap().text();
    let receipt = page.split('"').find(|text| text.starts_with("/receipts/")).unwrap().to_owned();
    let mail = system.mail(&who.email, "erasure").await;
    assert!(mail.link.unwrap().1.ends_with(&receipt));
    let seen = answered(&system, &receipt).await;
    assert_eq!(seen["kind"], "erasure");
    assert_eq!(seen["keys"], 3);
    assert!(seen["rows"]["wordbond.account"] == 1 && seen["searched"].as_u64().unwrap() > 50, "{seen}");
    // For people too, and it names nobody.
    let shown = system.visitor().get(&receipt).await.unwrap().text();
    assert!(shown.contains("Receipt") && !shown.contains(&who.email) && !shown.contains(&who.name), "{shown}");
    assert!(visitor.get("/account").await.unwrap().status == 303, "the session is over");
    assert!(system.visitor().sign_in(&who.email, &who.password).await.is_err());
    working.abort();
}

#[tokio::test]
async fn a_copy_is_taken_along_by_who_asked_and_by_nobody_else() {
    let system = System::open().await;
    let working = worker(&system);
    let (mut visitor, who) = somebody(&system).await;
    let asked =
        visitor.post_json("/api/account/requests", &json!({ "kind": "access", "email": who.email })).await.unwrap();
    assert_eq!(asked.status, 202, "{}", asked.text());
    let opened: Value = asked.json().unwrap();
    answered(&system, opened["receipt"].as_str().unwrap()).await;
    let case = opened["case"].as_str().unwrap().to_owned();
    let listed = json_of(&mut visitor, "/api/account/requests").await;
    assert_eq!(listed["requests"][0]["case"], opened["case"]);
    assert_eq!(listed["requests"][0]["due_at"], opened["due_at"]);
    for (file, media) in [
        ("package.html", "text/html; charset=utf-8"),
        ("package.json", "application/json"),
        ("package.zip", "application/zip"),
    ] {
        let answer = visitor.get(&format!("/account/data/requests/{case}/{file}")).await.unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media)), "{file}");
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
    }
    let copy = visitor.get(&format!("/account/data/requests/{case}/package.json")).await.unwrap();
    assert!(copy.text().contains(&who.email));
    let (mut other, _) = somebody(&system).await;
    for path in [
        format!("/account/data/requests/{case}"),
        format!("/account/data/requests/{case}/package.json"),
        format!("/api/account/requests/{case}"),
    ] {
        assert_eq!(other.get(&path).await.unwrap().status, 404, "{path}");
    }
    working.abort();
}

#[tokio::test]
async fn who_is_not_fresh_is_led_to_show_that_it_is_them() {
    let system = System::open().await;
    let (mut visitor, who) = somebody(&system).await;
    system.stale(&visitor).await;
    let asked =
        visitor.post_form("/account/data/requests", &[("kind", "erasure"), ("email", &who.email)]).await.unwrap();
    assert!(to(&asked).starts_with("/confirm"), "{}", to(&asked));
    let asked =
        visitor.post_json("/api/account/requests", &json!({ "kind": "erasure", "email": who.email })).await.unwrap();
    assert!(matches!(asked.status, 401 | 403), "{}", asked.status);
}

#[tokio::test]
async fn the_last_owner_of_a_team_is_told_what_to_do_first() {
    let system = System::open().await;
    let store = system.db.store();
    let (mut visitor, who) = somebody(&system).await;
    let account = store::accounts::by_email(store, &who.email).await.unwrap().unwrap();
    let seat = footprint::now(store, account.id).await.unwrap().seats.remove(0);
    let invited = "grace@example.org";
    let new = store::accounts::NewAccount {
        name: "Grace",
        email: invited,
        password_hash: None,
        team: "Hers",
        verified: true,
    };
    let grace = store::accounts::sign_up(store, new).await.unwrap();
    let week = kernel::Span::days(7);
    let open = team::invite(store, seat.tenant, seat.person, invited, TeamRole::Member, week).await.unwrap();
    team::accept(store, open.token.expose(), grace.account, None).await.unwrap();
    let plan = visitor.get("/account/data/erase").await.unwrap().text();
    assert!(plan.contains("last owner") && !plan.contains("Erase everything about me"), "{plan}");
    let refused =
        visitor.post_form("/account/data/requests", &[("kind", "erasure"), ("email", &who.email)]).await.unwrap();
    assert_eq!(refused.status, 422);
    assert!(json_of(&mut visitor, "/api/account/requests").await["requests"].as_array().unwrap().is_empty());
}
