//! A person's rights, through the pages and the API.

use crate::{
    factors,
    system::{ADMIN, System, to},
};
use ingress::visitor::{Somebody, Visitor};
use kernel::TeamRole;
use outbound::Answer;
use serde_json::{Value, json};
use std::time::Duration;
use store::{
    jobs, mails,
    rights::{footprint, recipients::TELL},
    team,
};
use tokio::{task::JoinHandle, time::sleep};

/// Does the jobs, as the running system does.
pub(crate) fn worker(system: &System) -> JoinHandle<()> {
    let accounts = system.accounts.clone();
    tokio::spawn(async move {
        loop {
            let Some(lease) = jobs::lease(accounts.store()).await.unwrap() else {
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (scoped, job) = jobs::begin(accounts.store(), &lease).await.unwrap();
            drop(scoped);
            if job.kind == mails::KIND {
                let turn = accounts.turn().await.unwrap();
                accounts.deliver(&lease, &job, turn).await;
            } else if job.kind == TELL {
                accounts.tell_aside(lease, job).await.unwrap();
            } else {
                accounts.work(&lease, &job).await.unwrap();
            }
        }
    })
}

pub(crate) async fn somebody(system: &System) -> (Visitor, Somebody) {
    let mut visitor = system.visitor();
    let somebody = visitor.sign_up().await.unwrap();
    let confirm = [("password", somebody.password.as_str()), ("next", "/account/data")];
    assert_eq!(to(&visitor.post_form("/confirm", &confirm).await.unwrap()), "/account/data");
    (visitor, somebody)
}

pub(crate) async fn json_of(visitor: &mut Visitor, path: &str) -> Value {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json().unwrap()
}

/// Looks at the receipt until the request is answered.
pub(crate) async fn answered(system: &System, receipt: &str) -> Value {
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
async fn who_is_not_fresh_is_led_to_show_that_it_is_them_and_back_to_the_form() {
    let system = System::open().await;
    let (mut visitor, who) = somebody(&system).await;
    system.stale(&visitor).await;
    for (path, page) in [
        ("/account/data/requests", "%2Faccount%2Fdata"),
        ("/account/data/erase", "%2Faccount%2Fdata%2Ferase"),
        ("/account/data/lift", "%2Faccount%2Fdata"),
    ] {
        let asked = visitor.post_form(path, &[("kind", "objection"), ("email", &who.email)]).await.unwrap();
        assert_eq!(to(&asked), format!("/confirm?next={page}"), "{path}");
    }
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
    let seat = footprint::ever(store, account.id).await.unwrap().seats.remove(0);
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
    assert!(plan.contains("last owner") && plan.contains("This waits for you"), "{plan}");
    let asked = visitor.post_form("/account/data/erase", &[("email", &who.email)]).await.unwrap();
    let shown = visitor.get(to(&asked)).await.unwrap().text();
    assert!(shown.contains("waits for you") && shown.contains("last owner"), "it is a case, and says why: {shown}");
    system.mail(&who.email, "a question about").await;
    let listed = json_of(&mut visitor, "/api/account/requests").await;
    assert_eq!(listed["requests"][0]["state"], "paused");
}

/// Asks for something. Yields the case, and where its receipt is.
pub(crate) async fn ask(visitor: &mut Visitor, who: &Somebody, kind: &str) -> (String, String) {
    let asked = visitor.post_json("/api/account/requests", &json!({ "kind": kind, "email": who.email })).await.unwrap();
    assert_eq!(asked.status, 202, "{}", asked.text());
    let opened: Value = asked.json().unwrap();
    let text = |name: &str| opened.get(name).and_then(Value::as_str).unwrap().to_owned();
    (text("case"), text("receipt"))
}

/// A package of somebody called so, with one note.
fn package(name: &str) -> String {
    format!(
        r#"{{"format":"wordbond.package","schema_version":1,"sections":[
            {{"section":"account","rows":[{{"name":"{name}"}}]}},
            {{"section":"note","rows":[{{"title":"Brought","body":"back"}}]}}],"files":[]}}"#
    )
}

async fn import(visitor: &mut Visitor, query: &str, body: &str) -> Answer {
    import_as(visitor, query, "application/json", body.as_bytes()).await
}

async fn import_as(visitor: &mut Visitor, query: &str, kind: &str, body: &[u8]) -> Answer {
    let token = visitor.form_token("/account").await.unwrap();
    let origin = visitor.site().url().to_owned();
    let headers = [
        (ingress::csrf::HEADER, token.as_str()),
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", kind),
    ];
    visitor.send("POST", &format!("/api/account/import{query}"), &headers, body).await.unwrap()
}

#[tokio::test]
async fn what_is_brought_back_takes_the_permission_to_write_it_and_renames_nobody_unasked() {
    let system = System::open().await;
    let store = system.db.store();
    let (mut owner, ada) = somebody(&system).await;
    let (_, bob) = somebody(&system).await;
    let (first, second) = (account_of(&system, &ada).await, account_of(&system, &bob).await);
    let seat = team::memberships(store, first).await.unwrap().remove(0);
    store::accounts::set_verified(store, second).await.unwrap();
    let week = kernel::Span::days(7);
    let open = team::invite(store, seat.tenant, seat.person, &bob.email, TeamRole::Viewer, week).await.unwrap();
    team::accept(store, open.token.expose(), second, None).await.unwrap();
    // Whoever joins a team signs in anew.
    let mut visitor = system.visitor();
    visitor.sign_in(&bob.email, &bob.password).await.unwrap();
    let confirm = [("password", bob.password.as_str()), ("next", "/account/data")];
    assert_eq!(to(&visitor.post_form("/confirm", &confirm).await.unwrap()), "/account/data");
    let switched = visitor.post_form("/team/switch", &[("tenant", &seat.tenant.to_string())]).await.unwrap();
    assert_eq!(switched.status, 303);
    let refused = import(&mut visitor, "", &package("Somebody Else")).await;
    assert_eq!(refused.status, 403, "a viewer writes nothing: {}", refused.text());
    assert!(refused.text().contains("role"), "{}", refused.text());
    assert!(notes(&system).await == 0);

    let done: Value = import(&mut owner, "", &package("Somebody Else")).await.json().unwrap();
    assert_eq!((&done["name"], &done["notes"]), (&json!(false), &json!(1)));
    let name = async || store::accounts::by_id(store, first).await.unwrap().unwrap().name;
    assert_eq!(name().await, ada.name, "nobody asked for another name");
    let done: Value = import(&mut owner, "?name=true", &package("Ada Again")).await.json().unwrap();
    assert_eq!((&done["name"], &done["present"]), (&json!(true), &json!(1)));
    assert_eq!(name().await, "Ada Again");
    let table = b"title,body\r\nFrom elsewhere,\"a, b\"\r\nno body\r\n";
    let refused = import_as(&mut owner, "?section=note", "text/csv", table).await;
    assert!(refused.status == 422 && refused.text().contains("record 3"), "{}", refused.text());
    let before = notes(&system).await;
    let table = b"title,body\r\nFrom elsewhere,\"a, b\"\r\n";
    let done: Value = import_as(&mut owner, "?section=note", "text/csv; charset=utf-8", table).await.json().unwrap();
    assert_eq!((&done["notes"], &done["refused"]), (&json!(1), &json!(0)));
    assert_eq!(notes(&system).await, before + 1, "half a table brought nothing");
    let refused = import_as(&mut owner, "", "text/csv", table).await;
    assert!(refused.status == 422 && refused.text().contains("?section="), "{}", refused.text());
    assert_eq!(import_as(&mut owner, "", "application/zip", b"PK").await.status, 422);
    assert_eq!(import_as(&mut owner, "", "application/xml", b"<a/>").await.status, 415);
    system.stale(&owner).await;
    assert_eq!(import(&mut owner, "", &package("Ada")).await.status, 403, "a session left open brings nothing in");
}

async fn notes(system: &System) -> i64 {
    let mut root = system.db.superuser().await.unwrap();
    sqlx::query_scalar("SELECT count(*) FROM wordbond.note").fetch_one(&mut root).await.unwrap()
}

async fn account_of(system: &System, who: &Somebody) -> kernel::AccountId {
    store::accounts::by_email(system.db.store(), &who.email).await.unwrap().unwrap().id
}

#[tokio::test]
async fn a_copy_takes_a_session_that_was_confirmed_lately() {
    let system = System::open().await;
    let working = worker(&system);
    let (mut visitor, who) = somebody(&system).await;
    let (case, receipt) = ask(&mut visitor, &who, "access").await;
    answered(&system, &receipt).await;
    let told = system.mail(&who.email, "is answered").await;
    assert!(told.link.unwrap().1.ends_with(&format!("/account/data/requests/{case}")));
    // Of a copy no key is destroyed, and its tables have headings that are seen.
    let shown = system.visitor().get(&receipt).await.unwrap().text();
    assert!(!shown.contains("Keys destroyed") && shown.contains("<h2>Entries in the copy</h2>"), "{shown}");
    // The address of the receipt can be copied by hand.
    let page = visitor.get(&format!("/account/data/requests/{case}")).await.unwrap().text();
    assert!(page.contains(&format!("<code>{}{receipt}</code>", system.site.url())), "{page}");
    system.stale(&visitor).await;
    for file in ["package.html", "package.json", "package.zip"] {
        let answer = visitor.get(&format!("/account/data/requests/{case}/{file}")).await.unwrap();
        assert!(to(&answer).starts_with("/confirm?next="), "{file}: {}", to(&answer));
    }
    let path = format!("/api/account/requests/{case}/package.json");
    assert_eq!(visitor.send_json("GET", &path, None).await.unwrap().status, 403);
    working.abort();
}

#[tokio::test]
async fn letters_that_still_wait_go_with_the_account() {
    let system = System::open().await;
    let working = worker(&system);
    system.mail_is_away(true);
    let (mut visitor, who) = somebody(&system).await;
    let (_, receipt) = ask(&mut visitor, &who, "erasure").await;
    let mut root = system.db.superuser().await.unwrap();
    const WAITING: &str = "SELECT count(*) FROM wordbond.mail";
    assert!(sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut root).await.unwrap() > 0);
    // For an hour the erasure waits for the letter that warns of it.
    const LATER: &str = "UPDATE wordbond.rights_case SET opened_at = opened_at - interval '1 hour'";
    sqlx::query(LATER).execute(&mut root).await.unwrap();
    answered(&system, &receipt).await;
    assert_eq!(sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut root).await.unwrap(), 0);
    working.abort();
}

/// Whoever decides for the operator.
pub(crate) async fn admin(system: &System) -> Visitor {
    let store = system.db.store();
    let mut visitor = system.visitor();
    let who = visitor.sign_up().await.unwrap();
    let account = account_of(system, &who).await;
    store::accounts::set_email(store, account, ADMIN).await.unwrap();
    store::accounts::set_verified(store, account).await.unwrap();
    factors::enrol(&mut visitor, &who).await;
    visitor
}

#[tokio::test]
async fn each_decision_is_told_to_whoever_asked() {
    let system = System::open().await;
    let working = worker(&system);
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "objection").await;
    let place = format!("/admin/cases/{case}");
    let page = admin.get(&place).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(!page.text().contains("End every hold"), "there is none to end");
    let own = format!("/account/data/requests/{case}");
    for (verb, until, subject) in [
        ("pause", "", "a question about"),
        ("resume", "", "goes on"),
        ("extend", "", "more time"),
        ("hold", "2099-12-31", "a law holds your data"),
        ("release", "", "no law holds"),
        ("refuse", "", "was refused"),
    ] {
        let reason = format!("Words of {verb}");
        let decided = [("reason", reason.as_str()), ("until", until)];
        let answer = admin.post_form(&format!("{place}/{verb}"), &decided).await.unwrap();
        assert_eq!(to(&answer), place, "{verb}");
        let mail = system.mail(&who.email, subject).await;
        assert!(!mail.paragraphs.join(" ").contains(&reason), "what was written is read by whoever signs in");
        let (seen, shown) = (admin.get(&place).await.unwrap().text(), visitor.get(&own).await.unwrap().text());
        match verb {
            "pause" => assert!(seen.contains("waits for the person") && shown.contains("waits for you")),
            "hold" => {
                assert!(mail.paragraphs.join(" ").contains("until the end of 2099-12-31"));
                assert!(seen.contains("2099-12-31") && seen.contains("End every hold"), "{seen}");
                assert!(!shown.contains("held by law"), "an objection waits for no hold");
            }
            _ => {}
        }
        // Why a law holds something the person does not read, and the operator does as long as it does.
        let sealed = matches!(verb, "hold" | "release");
        assert_eq!((shown.contains(&reason), seen.contains(&reason)), (!sealed, verb != "release"), "{verb}");
    }
    assert!(visitor.get(&own).await.unwrap().text().contains("Words of pause"), "nothing that was told is lost");
    working.abort();
}

#[tokio::test]
async fn what_an_administrator_typed_stays_where_it_was_typed() {
    let system = System::open().await;
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "erasure").await;
    let place = format!("/admin/cases/{case}");
    for (until, words) in [("someday", "A day, as"), ("2001-01-01", "This day is over")] {
        let answer =
            admin.post_form(&format!("{place}/hold"), &[("reason", "Bookkeeping"), ("until", until)]).await.unwrap();
        let page = answer.text();
        assert_eq!(answer.status, 422, "{page}");
        assert!(page.contains(words) && page.matches("value=\"Bookkeeping\"").count() == 1, "{page}");
        assert!(page.contains(&format!("value=\"{until}\"")), "{page}");
    }
    let answer = admin.post_form(&format!("{place}/refuse"), &[("reason", "")]).await.unwrap();
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("reason-refuse-error"), "{}", answer.text());
    let answer = admin.post_form(&format!("{place}/release"), &[("reason", "None")]).await.unwrap();
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("no hold to end"), "{}", answer.text());
    system.stale(&admin).await;
    let answer = admin.post_form(&format!("{place}/refuse"), &[("reason", "Why")]).await.unwrap();
    assert_eq!(to(&answer), format!("/confirm?next=%2Fadmin%2Fcases%2F{case}"));
}

#[tokio::test]
async fn a_hold_is_said_before_an_erasure_is_asked_for_and_told_when_it_waits() {
    let system = System::open().await;
    let working = worker(&system);
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "objection").await;
    let held = [("reason", "Bookkeeping"), ("until", "2099-12-31")];
    let answer = admin.post_form(&format!("/admin/cases/{case}/hold"), &held).await.unwrap();
    assert_eq!(answer.status, 303);
    let plan = visitor.get("/account/data/erase").await.unwrap().text();
    assert!(plan.contains("A law holds your data") && plan.contains("2099-12-31"), "{plan}");
    let asked = visitor.post_form("/account/data/erase", &[("email", &who.email)]).await.unwrap();
    let place = to(&asked).to_owned();
    let mut shown = String::new();
    for _ in 0..200 {
        shown = visitor.get(&place).await.unwrap().text();
        if shown.contains("held by law until the end of 2099-12-31") {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    assert!(shown.contains("held by law until the end of 2099-12-31"), "{shown}");
    working.abort();
}

#[tokio::test]
async fn a_receipt_that_is_none_is_a_problem_for_programs() {
    let system = System::open().await;
    for token in ["xyz", "0190b5f0-0000-7000-8000-000000000000"] {
        let answer = system.visitor().get(&format!("/api/receipts/{token}")).await.unwrap();
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, Some("application/problem+json")),
            "{token}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_new_password_takes_back_links_that_wait_and_no_letter_of_a_decision() {
    let system = System::open().await;
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "objection").await;
    system.mail(&who.email, "Confirm your address").await;
    system.mail(&who.email, "you asked for").await;
    system.mail_is_away(true);
    let refused = admin.post_form(&format!("/admin/cases/{case}/refuse"), &[("reason", "Compelling grounds")]).await;
    assert_eq!(refused.unwrap().status, 303);
    assert_eq!(visitor.post_form("/account/email/verify", &[]).await.unwrap().status, 303);
    let account = account_of(&system, &who).await;
    let waiting = async || {
        let mut root = system.db.superuser().await.unwrap();
        let sql = "SELECT count(*) FROM wordbond.mail WHERE account_id = $1";
        sqlx::query_scalar::<_, i64>(sql).bind(account.uuid()).fetch_one(&mut root).await.unwrap()
    };
    assert_eq!(waiting().await, 2, "the decision, and a link");
    store::accounts::set_password(system.db.store(), account, factors_hash(), None).await.unwrap();
    assert_eq!(waiting().await, 1);
    system.mail_is_away(false);
    let working = worker(&system);
    let mut root = system.db.superuser().await.unwrap();
    sqlx::query("UPDATE wordbond.ticket SET due_at = now() - interval '1 minute'").execute(&mut root).await.unwrap();
    system.mail(&who.email, "was refused").await;
    working.abort();
}

const fn factors_hash() -> &'static str {
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
}

#[tokio::test]
async fn every_hold_in_force_is_shown_with_its_reason_and_its_end() {
    let system = System::open().await;
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "objection").await;
    let place = format!("/admin/cases/{case}");
    for (reason, until) in [("Bookkeeping", "2099-12-31"), ("A court", "2088-02-29")] {
        let decided = [("reason", reason), ("until", until)];
        assert_eq!(admin.post_form(&format!("{place}/hold"), &decided).await.unwrap().status, 303);
    }
    let page = admin.get(&place).await.unwrap().text();
    for words in ["Bookkeeping", "2099-12-31", "A court", "2088-02-29"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn an_answer_is_read_by_whoever_asked_stands_in_the_copy_and_goes_with_the_person() {
    let system = System::open().await;
    let working = worker(&system);
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "objection").await;
    let (place, own) = (format!("/admin/cases/{case}"), format!("/account/data/requests/{case}"));
    for (question, answer) in [("Which do you mean?", "The one\r\n\r\nof May"), ("And why?", "Because <of> it")] {
        let asked = admin.post_form(&format!("{place}/pause"), &[("reason", question), ("until", "")]).await.unwrap();
        assert_eq!(to(&asked), place);
        let long = "x".repeat(2_001);
        let refused = visitor.post_form(&format!("{own}/answer"), &[("answer", &long)]).await.unwrap();
        assert_eq!(refused.status, 422);
        assert!(refused.text().contains(&long), "what was typed is still there");
        let answered = visitor.post_form(&format!("{own}/answer"), &[("answer", answer)]).await.unwrap();
        assert_eq!(to(&answered), own);
    }
    for page in [admin.get(&place).await.unwrap().text(), visitor.get(&own).await.unwrap().text()] {
        let [last, first] = ["Because &#60;of&#62; it", "The one\nof May"].map(|words| page.find(words));
        assert!(last.is_some() && first.is_some() && last < first, "{page}");
        assert!(page.contains("And why?") && page.contains("Which do you mean?"), "{page}");
    }
    let shown = json_of(&mut visitor, &format!("/api/account/requests/{case}")).await;
    assert_eq!(shown["answer"], "Because <of> it\n\nThe one\nof May");
    // It stands in the copy, and nowhere in the clear.
    let (copy, receipt) = ask(&mut visitor, &who, "access").await;
    answered(&system, &receipt).await;
    let package = json_of(&mut visitor, &format!("/account/data/requests/{copy}/package.json")).await;
    assert!(package.to_string().contains("Because <of> it"), "{package}");
    let mut root = system.db.superuser().await.unwrap();
    const ROWS: &str = "SELECT coalesce(string_agg(r::text, ' '), '') FROM wordbond.rights_request AS r";
    let rows: String = sqlx::query_scalar(ROWS).fetch_one(&mut root).await.unwrap();
    assert!(!rows.is_empty() && !rows.contains("Because"), "{rows}");
    let (_, receipt) = ask(&mut visitor, &who, "erasure").await;
    answered(&system, &receipt).await;
    let rows: String = sqlx::query_scalar(ROWS).fetch_one(&mut root).await.unwrap();
    assert_eq!(rows, "", "with whoever answered");
    working.abort();
}

#[tokio::test]
async fn the_list_of_cases_is_turned_page_by_page_and_those_of_probes_are_shown_on_request() {
    let system = System::open().await;
    let mut admin = admin(&system).await;
    let mut root = system.db.superuser().await.unwrap();
    // Of each kind some that wait, some of them late, and some that are answered, every third by a probe.
    const CASES: &str = "INSERT INTO wordbond.rights_case
            (case_id, kind, state, opened_at, due_at, closed_at, receipt_id, of_probe)
        SELECT gen_random_uuid(), (ARRAY['access', 'erasure'])[1 + n % 2], CASE WHEN n < 130 THEN 'open' ELSE 'done' END,
            now() - interval '40 days', now() + n * interval '1 day' - interval '60 days',
            CASE WHEN n >= 130 THEN now() - n * interval '1 minute' END, gen_random_uuid(), n >= 130 AND n % 3 = 0
        FROM generate_series(0, 249) AS n";
    sqlx::query(CASES).execute(&mut root).await.unwrap();
    let every = async |admin: &mut Visitor, query: &str| {
        let (mut all, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = json_of(admin, &format!("/api/admin/cases?{query}{after}")).await;
            let cases = page["cases"].as_array().unwrap().clone();
            assert!(cases.len() <= 50);
            all.extend(cases);
            pages += 1;
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return (all, pages),
            }
        }
    };
    let distinct =
        |cases: &[Value]| cases.iter().map(|case| case["case"].to_string()).collect::<std::collections::BTreeSet<_>>();
    let (open, pages) = every(&mut admin, "state=open").await;
    assert_eq!((open.len(), distinct(&open).len(), pages), (130, 130, 3));
    assert!(open.is_sorted_by_key(|case| case["due_at"].as_str().unwrap().to_owned()));
    let (late, _) = every(&mut admin, "state=late").await;
    assert!(late.len() == 61 && late.iter().all(|case| case["late"] == true), "{}", late.len());
    let (done, _) = every(&mut admin, "state=done").await;
    let (probes, _) = every(&mut admin, "state=done&probes=true").await;
    assert_eq!((done.len(), probes.len(), distinct(&done).len()), (80, 40, 80));
    assert!(done.iter().all(|case| case["of_probe"] == false) && probes.iter().all(|case| case["of_probe"] == true));
    let (erasures, _) = every(&mut admin, "state=done&kind=erasure").await;
    assert!(erasures.iter().all(|case| case["kind"] == "erasure") && erasures.len() == 40, "{}", erasures.len());
    for wrong in ["state=closed", "kind=mail", "after=x", "probes=perhaps", "more=1"] {
        assert_eq!(admin.get(&format!("/api/admin/cases?{wrong}")).await.unwrap().status, 422, "{wrong}");
    }
    // The page leads on and back, and says which cases it shows.
    let page = admin.get("/admin/cases").await.unwrap().text();
    let next =
        page.split('"').find(|href| href.contains("after=")).unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let second = admin.get(&next).await.unwrap().text();
    assert!(second.contains("From the beginning") && page.contains("aria-current"), "{second}");
    let first = open[0]["case"].as_str().unwrap();
    assert!(page.contains(first) && !second.contains(first));
    let (mut other, _) = somebody(&system).await;
    assert_eq!(other.get("/api/admin/cases").await.unwrap().status, 404);
    // Nothing that waits can be put out of sight.
    let case = open[0]["case"].as_str().unwrap().parse().unwrap();
    store::rights::list::of_probe(system.db.store(), case).await.unwrap();
    assert_eq!(every(&mut admin, "state=open").await.0.len(), 130);
    let hidden = sqlx::query("UPDATE wordbond.rights_case SET of_probe = true WHERE closed_at IS NULL");
    assert!(hidden.execute(&mut root).await.is_err());
}

#[tokio::test]
async fn a_letter_of_a_decision_says_what_stands_when_it_is_made() {
    let system = System::open().await;
    let mut admin = admin(&system).await;
    let (mut visitor, who) = somebody(&system).await;
    let (case, _) = ask(&mut visitor, &who, "erasure").await;
    let place = format!("/admin/cases/{case}");
    let account = account_of(&system, &who).await;
    let mut root = system.db.superuser().await.unwrap();
    let waiting = "SELECT count(*) FROM wordbond.mail WHERE account_id = $1";
    for (verb, until) in [("hold", "2099-12-31"), ("release", ""), ("pause", ""), ("resume", "")] {
        let before: i64 = sqlx::query_scalar(waiting).bind(account.uuid()).fetch_one(&mut root).await.unwrap();
        let decided = [("reason", "Why"), ("until", until)];
        assert_eq!(admin.post_form(&format!("{place}/{verb}"), &decided).await.unwrap().status, 303, "{verb}");
        let after: i64 = sqlx::query_scalar(waiting).bind(account.uuid()).fetch_one(&mut root).await.unwrap();
        assert_eq!(after, before + 1, "{verb}: nobody has done any job yet, and it is there");
    }
    // What waited goes on a moment later, so that the letter about it is on its way.
    const SOON: &str =
        "SELECT bool_and(t.due_at > now()) FROM wordbond.ticket AS t JOIN wordbond.job AS j USING (tenant_id, job_id)
        WHERE j.kind = 'rights.erase'";
    assert!(sqlx::query_scalar::<_, bool>(SOON).fetch_one(&mut root).await.unwrap());
}
