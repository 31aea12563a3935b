//! The controls against a whole service: each holds, and each fault is found and undone.

use crate::system::{System, light};
use accounts::{Plant, mfa, password_hash, rectify, session_expiry};
use kernel::Span;
use promises::{
    Fault, Finding, Kind, Outcome, Promise,
    fault::{Bites, Make},
    profile::Value,
};
use std::{collections::BTreeMap, pin::Pin};
use tokio::task::JoinSet;

fn promise(control: &str) -> Promise {
    Promise {
        id: control.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some(control.to_owned()),
        params: BTreeMap::new(),
        cadence: Span::hours(1),
        freshness: Span::hours(4),
        attested: None,
        planned: None,
        waiver: None,
    }
}

/// An attack of a control on a planted person.
type Attack = for<'a> fn(&'a System, &'a Plant) -> Pin<Box<dyn Future<Output = Finding> + Send + 'a>>;

/// How many systems are attacked at the same time: the tests share one database server.
const AT_ONCE: usize = 2;

/// Each fault on a system of its own, some at the same time: attacks wait as long as they work.
async fn break_each(faults: &'static [Fault], with_app: bool, attack: Attack) {
    let mut flying = JoinSet::new();
    for fault in faults {
        if flying.len() == AT_ONCE {
            flying.join_next().await.unwrap().unwrap();
        }
        flying.spawn(breaks(fault, with_app, attack));
    }
    while let Some(done) = flying.join_next().await {
        done.unwrap();
    }
}

/// The control holds, is broken by the fault, and holds again.
async fn breaks(fault: &'static Fault, with_app: bool, attack: Attack) {
    let id = fault.id;
    let system = System::open().await;
    let site = &system.site;
    let plant = if with_app { Plant::sow_with_app(site).await } else { Plant::sow(site).await }.unwrap();
    // Others who are signed in, and a program with a token, for faults that spare what is planted.
    for _ in 0..2 {
        Plant::sow(site).await.unwrap();
    }
    let team = br#"{"name": "Programs", "person": {"name": "Ada", "email": "ada@example.org"}}"#;
    let founded = site.send("POST", "/api/tenants", &[("content-type", "application/json")], team).await.unwrap();
    assert_eq!(founded.status, 201, "{}", founded.text());
    let attack = async || {
        // A code of an app works once: each attack comes a little later than the one before.
        system.clock.advance(90);
        attack(&system, &plant).await
    };
    let finding = attack().await;
    assert_eq!(finding.outcome(), Outcome::Held, "before {id}: {}", finding.saw());
    let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { panic!("{id}") };
    system.db.as_superuser(make).await;
    assert!(system.db.is_so(bites).await, "{id} does not bite");
    let finding = attack().await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{id}: {}", finding.saw());
    system.db.as_superuser(undo).await;
    let finding = attack().await;
    assert_eq!(finding.outcome(), Outcome::Held, "after {id}: {}", finding.saw());
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_end_by_themselves() {
    break_each(session_expiry::FAULTS, false, |system, plant| {
        Box::pin(async {
            session_expiry::probe(&system.site, system.db.store(), plant, &promise("session-expiry")).await
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_hashed_and_guessing_tells_nothing() {
    break_each(password_hash::FAULTS, false, |system, plant| {
        Box::pin(async {
            // What this system hashes with.
            let mut promise = promise("password-hash");
            promise.params.insert("memory".to_owned(), Value::Size(u64::from(light().memory_kib()) * 1_024));
            promise.params.insert("passes".to_owned(), Value::Count(light().passes().into()));
            password_hash::probe(&system.site, system.db.store(), plant, &promise).await
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_reaches_every_copy() {
    break_each(rectify::FAULTS, false, |system, plant| {
        Box::pin(rectify::probe(&system.site, system.db.store(), plant))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_factor_that_is_skipped_or_works_again_is_found() {
    break_each(mfa::FAULTS, true, |system, plant| Box::pin(mfa::probe(&system.site, Some(system.db.store()), plant)))
        .await;
}

#[tokio::test]
async fn from_outside_the_second_factor_cannot_be_skipped() {
    let system = System::open().await;
    let plant = Plant::sow_with_app(&system.site).await.unwrap();
    let outside = mfa::probe(&system.site, None, &plant).await;
    assert_eq!(outside.outcome(), Outcome::Held, "{}", outside.saw());
    assert!(outside.saw().contains("from outside only"), "{}", outside.saw());
}
