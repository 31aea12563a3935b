//! The scope prover: it finds every fault, and nothing where there is none.

use super::{account, colleague, scoped, session, team as team_of};
use kernel::{Span, TeamRole};
use promises::{
    Kind, Outcome, Promise,
    fault::{Bites, Make},
};
use sqlx::{AssertSqlSafe, Executor as _};
use std::collections::BTreeMap;
use store::{Store, factors, links, looks, mails, notes, one_time, saml, scope_sql, team};
use testkit::ScratchDb;

fn promise() -> Promise {
    Promise {
        id: "scope".to_owned(),
        claims: vec!["L10".to_owned()],
        section: "Data".to_owned(),
        words: "Every row is scoped".to_owned(),
        kind: Kind::Enforced,
        control: Some("scope-sql".to_owned()),
        params: BTreeMap::new(),
        cadence: Span::minutes(5),
        freshness: Span::minutes(20),
        attested: None,
        planned: None,
        waiver: None,
    }
}

async fn inhabit(store: &Store) {
    for name in ["One", "Two", "Three"] {
        let ada = team_of(store, name).await;
        let grace = colleague(store, ada.tenant, "grace@example.org").await;
        for writer in [&ada, &grace] {
            let mut tx = scoped(store, writer).await;
            let id = notes::create(&mut tx, "mine", "text").await.unwrap();
            if writer.person == ada.person {
                notes::share(&mut tx, id, grace.person).await.unwrap();
            }
            tx.commit().await.unwrap();
        }
    }
    enter(store, "one").await;
}

/// Two accounts in one team, with a row of every kind that an account can have.
async fn enter(store: &Store, name: &str) {
    let ada = account(store, &format!("ada@{name}.example.org")).await;
    let email = format!("grace@{name}.example.org");
    let grace = account(store, &email).await;
    let week = Span::days(7);
    let invited = team::invite(store, ada.tenant, ada.person, &email, TeamRole::Member, week).await.unwrap();
    team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    team::invite(store, ada.tenant, ada.person, "next@example.org", TeamRole::Viewer, week).await.unwrap();
    for who in [ada, grace] {
        session(store, who.account, Some(who.tenant)).await;
        factors::add_totp(store, who.account, b"secret", "phone").await.unwrap();
        factors::add_passkey(store, who.account, who.account.uuid().as_bytes(), b"key", "laptop").await.unwrap();
        factors::set_recovery_codes(store, who.account, &[[1; 32], [2; 32]]).await.unwrap();
        one_time::issue(store, Some(who.account), "reset", "", week).await.unwrap();
        links::add(store, who.account, "google", &who.account.to_string()).await.unwrap();
    }
    one_time::issue(store, None, "oidc", "state", week).await.unwrap();
    for about in [Some(ada.account), Some(grace.account), None] {
        mails::put(store, about, "a mail that waits", week, true, false).await.unwrap();
    }
    saml::set(store, ada.tenant, ada.person, "<EntityDescriptor/>", true).await.unwrap();
    let until = store.clock().now().checked_add(Span::minutes(30).signed()).unwrap();
    looks::begin(store, grace.account, ada.tenant, "asked to", until).await.unwrap();
}

#[tokio::test]
async fn a_house_in_order_holds() {
    let db = ScratchDb::new().await;
    inhabit(db.store()).await;
    let start = std::time::Instant::now();
    let finding = scope_sql::probe(db.store(), &promise()).await;
    println!("{} in {:?}", finding.saw(), start.elapsed());
    assert_eq!(finding.outcome(), Outcome::Held, "{finding:?}");
}

#[tokio::test]
async fn nothing_to_attack_proves_nothing() {
    let db = ScratchDb::new().await;
    assert_eq!(scope_sql::probe(db.store(), &promise()).await.outcome(), Outcome::Nothing);
    team_of(db.store(), "alone").await;
    assert_eq!(scope_sql::probe(db.store(), &promise()).await.outcome(), Outcome::Nothing);
}

/// No attempt leaves a trace: every row is where it was, to the byte.
#[tokio::test]
async fn attacks_change_nothing() {
    let db = ScratchDb::new().await;
    inhabit(db.store()).await;
    let mut root = db.superuser().await.unwrap();
    let mut picture = async || {
        let mut all = String::new();
        for table in [
            "tenant",
            "person",
            "token",
            "note",
            "note_grant",
            "audit_event",
            "sign_in",
            "account",
            "membership",
            "session",
            "factor",
            "recovery_code",
            "one_time",
            "mail",
            "provider_link",
            "invitation",
            "saml_idp",
            "admin_look",
        ] {
            let sql = format!(
                "SELECT coalesce(string_agg(t::text || t.xmin || t.ctid, ' ' ORDER BY t::text), '') FROM wordbond.{table} AS t"
            );
            let text: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut root).await.unwrap();
            all.push_str(&text);
        }
        all
    };
    let before = picture().await;
    scope_sql::probe(db.store(), &promise()).await;
    assert_eq!(picture().await, before);
}

/// In how many parts the faults are tried, each on a server of its own, since some change roles, so that they run side by side.
const PARTS: usize = 4;

#[tokio::test]
async fn every_fault_turns_it_red_and_its_undoing_green_first() {
    red_and_green(0).await;
}

#[tokio::test]
async fn every_fault_turns_it_red_and_its_undoing_green_second() {
    red_and_green(1).await;
}

#[tokio::test]
async fn every_fault_turns_it_red_and_its_undoing_green_third() {
    red_and_green(2).await;
}

#[tokio::test]
async fn every_fault_turns_it_red_and_its_undoing_green_last() {
    red_and_green(PARTS - 1).await;
}

async fn red_and_green(part: usize) {
    let db = ScratchDb::alone().await;
    inhabit(db.store()).await;
    let mut root = db.superuser().await.unwrap();
    for fault in scope_sql::FAULTS.iter().skip(part).step_by(PARTS) {
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else {
            panic!("{} is no SQL", fault.id)
        };
        root.execute(AssertSqlSafe(format!("BEGIN; {make}; COMMIT"))).await.unwrap();
        let bitten: bool = sqlx::query_scalar(AssertSqlSafe(bites.to_owned())).fetch_one(&mut root).await.unwrap();
        assert!(bitten, "{} does not bite", fault.id);
        let finding = scope_sql::probe(db.store(), &promise()).await;
        root.execute(AssertSqlSafe(format!("BEGIN; {undo}; COMMIT"))).await.unwrap();
        assert_eq!(finding.outcome(), Outcome::Broke, "{}: {finding:?}", fault.id);
        // The attacks themselves come through, before the catalogue is read; a function or a variable they cannot guess, and
        // what one row says otherwise than another is seen by comparing all of them.
        let lived = ["touched", "reads", "can become"].iter().any(|word| finding.saw().contains(word));
        let only_read = ["scope-definer-function", "scope-policy-with-a-back-door", "scope-restriction-left-behind"]
            .contains(&fault.id);
        assert!(lived || only_read, "{} was only read: {}", fault.id, finding.saw());
    }
    let finding = scope_sql::probe(db.store(), &promise()).await;
    assert_eq!(finding.outcome(), Outcome::Held, "{finding:?}");
}
