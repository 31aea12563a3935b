//! The controls: each holds, and each fault is found and undone.

use crate::system::System;
use ::accounts::rights::erase;
use jiff::SignedDuration;
use kernel::{Actor, Span};
use privacy::{case, deadline::Calendar};
use promises::{
    Fault, Finding, Kind, Outcome, Promise,
    fault::{Bites, Form, Make},
    profile::Value,
};
use std::collections::BTreeMap;
use store::{
    Store,
    accounts::{self, NewAccount},
    audit, log_retention, operator_tenant, retention_active,
    rights::decide::{self, Decision},
    sealed_columns,
};
use testkit::{copying::Copying, restoring::Restoring};

fn promise(control: &str, params: &[(&str, Value)]) -> Promise {
    Promise {
        id: control.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some(control.to_owned()),
        params: params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<BTreeMap<_, _>>(),
        cadence: Span::hours(1),
        freshness: Span::hours(4),
        attested: None,
        planned: None,
        waiver: None,
    }
}

/// Each fault that is made by SQL; the others need a proxy, and are made by the sabotage runner.
async fn breaks(system: &System, faults: &[Fault], mut probe: impl AsyncFnMut() -> Finding) {
    for _ in 0..2 {
        let finding = probe().await;
        assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    }
    for fault in faults {
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { continue };
        system.as_superuser(make).await;
        assert!(system.is_so(bites).await, "{} does not bite", fault.id);
        let finding = probe().await;
        assert_eq!(finding.outcome(), Outcome::Broke, "{}: {}", fault.id, finding.saw());
        system.as_superuser(undo).await;
        let finding = probe().await;
        assert_eq!(finding.outcome(), Outcome::Held, "after {}: {}", fault.id, finding.saw());
    }
}

#[tokio::test]
async fn sensitive_columns_are_ciphertext() {
    let system = System::open().await;
    // Others, for faults that spare what is planted.
    sealed_columns::Plant::sow(&system.site).await.unwrap();
    let mut plant = sealed_columns::Plant::sow(&system.site).await.unwrap();
    let promise = promise("sealed-columns", &[]);
    let mut other = sealed_columns::Plant::sow(&system.site).await.unwrap();
    held(&system.store).await;
    let finding = sealed_columns::probe(&system.site, &system.store, system.data_dir(), &mut other, &promise).await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    breaks(&system, sealed_columns::FAULTS, async || {
        sealed_columns::probe(&system.site, &system.store, system.data_dir(), &mut plant, &promise).await
    })
    .await;
    system.close().await;
}

/// Somebody's data is held, because a court asked for it: the reason is the operator's.
async fn held(store: &Store) {
    let account = |email| NewAccount { name: "Ada", email, password_hash: None, team: "Engines", verified: true };
    let ada = accounts::sign_up(store, account("ada@customer.example")).await.unwrap().account;
    let admin = accounts::sign_up(store, account("admin@customer.example")).await.unwrap().account;
    let case = case::open(store, &Calendar::house(), ada, case::Kind::Objection).await.unwrap().id;
    let until = store.clock().now() + SignedDuration::from_hours(48);
    decide::hold(store, Decision { case, admin, reason: "a court asked for it", letter: None }, until).await.unwrap();
}

#[tokio::test]
async fn logs_end_and_name_nobody() {
    let system = System::open().await;
    let keep = Value::Span(Span::days(90));
    let promise = promise("log-retention", &[("keep", keep), ("personal", Value::Flag(false))]);
    let mut plant = log_retention::Plant::default();
    breaks(&system, log_retention::FAULTS, async || {
        log_retention::probe(&system.site, &system.store, system.data_dir(), &mut plant, &promise).await
    })
    .await;
    // The sweep takes the log of an old day that the probe left, and nothing else.
    let swept = log_retention::sweep(&system.store, system.data_dir(), Span::days(90), true).await.unwrap();
    assert_eq!((swept.days, swept.lines), (1, 0));
    assert_eq!(log_retention::sweep(&system.store, system.data_dir(), Span::days(90), false).await.unwrap(), swept);
    let mut operators = system.store.scoped(operator_tenant(), &Actor::Operator).await.unwrap();
    let told = audit::list(&mut operators, 1).await.unwrap();
    let newest = told.first().map(|entry| (entry.event.action.as_str(), entry.event.context.get("logs").cloned()));
    assert_eq!(newest, Some(("retention.sweep", Some("1".to_owned()))));
    drop(operators);
    let finding = log_retention::probe(&system.site, &system.store, system.data_dir(), &mut plant, &promise).await;
    assert!(finding.saw().contains("was swept"), "{}", finding.saw());
    system.close().await;
}

#[tokio::test]
async fn what_runs_out_goes_and_nothing_else() {
    let system = System::open().await;
    // Others, for faults that spare what is planted.
    retention_active::Plant::sow(&system.site).await.unwrap();
    let mut plant = retention_active::Plant::sow(&system.site).await.unwrap();
    system.as_superuser(INVITED).await;
    breaks(&system, retention_active::FAULTS, async || {
        retention_active::probe(&system.site, &system.store, &mut plant).await
    })
    .await;
    system.close().await;
}

/// Somebody of the oldest team has invited somebody, a year ago by the id.
const INVITED: &str = "INSERT INTO wordbond.invitation
        (tenant_id, invitation_id, email, email_index, role, token_hash, invited_by, created_at, expires_at)
    SELECT tenant_id, '019ab000-0000-7000-8000-000000000001', name, sha256('x'), 'member', sha256('y'), person_id, now(),
        now() + interval '1 day'
    FROM wordbond.person ORDER BY tenant_id LIMIT 1";

async fn whoever_is_erased(faults: &[Fault]) {
    let system = System::open().await;
    let mut garden = erase::Garden::default();
    breaks(&system, faults, async || erase::probe(&system.site, &system.store, system.data_dir(), &mut garden).await)
        .await;
    system.close().await;
}

#[tokio::test]
async fn whoever_is_erased_is_gone_and_a_report_alone_is_found() {
    whoever_is_erased(&erase::FAULTS[..1]).await;
}

#[tokio::test]
async fn copies_of_whoever_is_erased_are_found() {
    whoever_is_erased(&erase::FAULTS[1..5]).await;
}

#[tokio::test]
async fn whoever_is_erased_in_name_or_handed_on_is_found() {
    whoever_is_erased(&erase::FAULTS[5..9]).await;
}

#[tokio::test]
async fn what_outlives_an_erasure_or_stops_it_is_found() {
    whoever_is_erased(&erase::FAULTS[9..]).await;
}

#[tokio::test]
async fn keys_that_stay_in_the_mirror_are_found() {
    let system = System::open().await;
    let mut garden = erase::Garden::default();
    let mut probe = async || erase::probe(&system.site, &system.store, system.data_dir(), &mut garden).await;
    let finding = probe().await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    let tenants = system.mirror().join("tenant");
    // Under another name.
    let copying = Copying::begin(&tenants, &system.mirror().join("attic"), Form::AsItIs).unwrap();
    let finding = probe().await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    copying.end().unwrap();
    // Beside the mark.
    let restoring = Restoring::begin(&tenants).unwrap();
    let finding = probe().await;
    assert_eq!(finding.outcome(), Outcome::Broke, "{}", finding.saw());
    assert!(restoring.restored() > 0);
    restoring.end().unwrap();
    system.close().await;
}
