//! The controls against a whole service: each holds, and each fault is found and undone.

use crate::system::System;
use accounts::{Plant, mfa, password_hash, rectify, session_expiry};
use kernel::Span;
use promises::{
    Fault, Finding, Kind, Outcome, Promise,
    fault::{Bites, Make},
};
use std::collections::BTreeMap;

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

async fn breaks(system: &System, faults: &[Fault], probe: impl AsyncFn() -> Finding) {
    let finding = probe().await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    for fault in faults {
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { panic!("{}", fault.id) };
        system.db.as_superuser(make).await;
        assert!(system.db.is_so(bites).await, "{} does not bite", fault.id);
        let finding = probe().await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{}: {}", fault.id, finding.saw());
        system.db.as_superuser(undo).await;
        let finding = probe().await;
        assert_eq!(finding.outcome(), Outcome::Held, "after {}: {}", fault.id, finding.saw());
    }
}

#[tokio::test]
async fn sessions_end_by_themselves() {
    let system = System::open().await;
    let plant = Plant::sow(&system.site).await.unwrap();
    // Others who are signed in, for faults that spare what is planted.
    for _ in 0..2 {
        Plant::sow(&system.site).await.unwrap();
    }
    let probe =
        async || session_expiry::probe(&system.site, system.db.store(), &plant, &promise("session-expiry")).await;
    breaks(&system, session_expiry::FAULTS, probe).await;
}

#[tokio::test]
async fn passwords_are_hashed_and_guessing_tells_nothing() {
    let system = System::open().await;
    let plant = Plant::sow(&system.site).await.unwrap();
    let probe = async || password_hash::probe(&system.site, system.db.store(), &plant, &promise("password-hash")).await;
    breaks(&system, password_hash::FAULTS, probe).await;
}

#[tokio::test]
async fn a_correction_reaches_every_copy() {
    let system = System::open().await;
    let plant = Plant::sow(&system.site).await.unwrap();
    let probe = async || rectify::probe(&system.site, system.db.store(), &plant).await;
    breaks(&system, rectify::FAULTS, probe).await;
}

#[tokio::test]
async fn the_second_factor_cannot_be_skipped() {
    let system = System::open().await;
    let plant = Plant::sow_with_app(&system.site).await.unwrap();
    let outside = mfa::probe(&system.site, None, &plant).await;
    assert_eq!(outside.outcome(), Outcome::Held, "{}", outside.saw());
    assert!(outside.saw().contains("from outside only"), "{}", outside.saw());
}

/// A code works once, so that each attack waits for the next one: the faults are tried on several systems at once.
async fn the_second_factor_with(faults: &[Fault]) {
    let system = System::open().await;
    let plant = Plant::sow_with_app(&system.site).await.unwrap();
    let probe = async || mfa::probe(&system.site, Some(system.db.store()), &plant).await;
    breaks(&system, faults, probe).await;
}

#[tokio::test]
async fn skipping_the_second_factor_is_found() {
    the_second_factor_with(mfa::FAULTS.split_at(2).0).await;
}

#[tokio::test]
async fn sessions_and_recovery_codes_that_only_look_right_are_found() {
    the_second_factor_with(mfa::FAULTS.split_at(2).1.split_at(2).0).await;
}

#[tokio::test]
async fn codes_that_work_again_are_found() {
    the_second_factor_with(mfa::FAULTS.split_at(4).1).await;
}
