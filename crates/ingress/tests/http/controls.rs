//! The controls `csrf`, `rate-limits` and `input-validation`: kept, broken by each of their faults, kept again.

use crate::members::Members;
use ingress::{csrf, input_validation, rate_limits, visitor::Visitor};
use kernel::Span;
use outbound::{Site, Trust};
use promises::{
    Fault, Finding, Kind, Outcome, Promise,
    fault::{Bites, Make},
};
use sqlx::{PgConnection, Row as _, raw_sql};
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
        cadence: Span::minutes(15),
        freshness: Span::hours(1),
        attested: None,
        planned: None,
        waiver: None,
    }
}

async fn attack(control: &str, site: &Site, store: &store::Store) -> Finding {
    let promise = promise(control);
    match control {
        "csrf" => csrf::inside(store, csrf::probe(site, &promise).await).await,
        "rate-limits" => rate_limits::probe(site, &promise).await,
        _ => input_validation::probe(site, &promise).await,
    }
}

async fn sql(connection: &mut PgConnection, statements: &'static str) {
    raw_sql(statements).execute(connection).await.unwrap();
}

async fn make(members: &Members, connection: &mut PgConnection, fault: &Fault) {
    match fault.make {
        Make::Sql { make, .. } => sql(connection, make).await,
        Make::Middle(meddling) => members.middle.meddle(meddling, &[]).await,
        _ => panic!("{} is made otherwise", fault.id),
    }
    let bites = match fault.bites {
        Bites::Sql(question) => sqlx::query(question).fetch_one(connection).await.unwrap().get(0),
        Bites::Answer { method, path, headers, body, status } => {
            let headers: Vec<_> = headers.iter().map(|header| header.split_once(": ").unwrap()).collect();
            members.site.send(method, path, &headers, body.as_bytes()).await.unwrap().status == status
        }
        Bites::HeaderNot(path, name, value) => {
            let untouched = members.house.site.get(path).await.unwrap();
            assert_eq!(untouched.header(name), Some(value), "{}: without the fault", fault.id);
            members.site.get(path).await.unwrap().header(name) != Some(value)
        }
        Bites::Altered => {
            members.site.get("/openapi.json").await.unwrap();
            members.middle.altered() > 0
        }
        _ => panic!("{} bites otherwise", fault.id),
    };
    assert!(bites, "{} does not bite", fault.id);
}

async fn undo(members: &Members, connection: &mut PgConnection, fault: &Fault) {
    match fault.make {
        Make::Sql { undo, .. } => sql(connection, undo).await,
        _ => members.middle.straighten(),
    }
}

async fn each_fault_is_caught(control: &str, faults: &'static [Fault]) {
    let members = Members::open().await;
    let kept = attack(control, &members.site, members.db.store()).await;
    assert_eq!(kept.outcome(), Outcome::Held, "{}", kept.saw());
    let mut connection = members.db.superuser().await.unwrap();
    for fault in faults {
        make(&members, &mut connection, fault).await;
        let broken = attack(control, &members.site, members.db.store()).await;
        assert_eq!(broken.outcome(), Outcome::Broke, "{}: {}", fault.id, broken.saw());
        undo(&members, &mut connection, fault).await;
        let kept = attack(control, &members.site, members.db.store()).await;
        assert_eq!(kept.outcome(), Outcome::Held, "{} undone: {}", fault.id, kept.saw());
    }
}

#[tokio::test]
async fn forged_requests() {
    each_fault_is_caught("csrf", csrf::FAULTS).await;
}

#[tokio::test]
async fn too_many_requests() {
    each_fault_is_caught("rate-limits", rate_limits::FAULTS).await;
}

#[tokio::test]
async fn odd_input() {
    each_fault_is_caught("input-validation", input_validation::FAULTS).await;
}

#[tokio::test]
async fn the_attacks_do_not_starve_whoever_shares_the_machine() {
    let members = Members::open().await;
    let finding = attack("rate-limits", &members.site, members.db.store()).await;
    assert_eq!(finding.outcome(), Outcome::Held, "{}", finding.saw());
    // The usual address is untouched by the bursts.
    let mut user = Visitor::new(&members.site);
    user.sign_up().await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_an_error_and_not_a_break() {
    let nobody = Site::new("https://localhost:9", Trust::none()).unwrap();
    let db = testkit::ScratchDb::new().await;
    for control in ["csrf", "rate-limits", "input-validation"] {
        let finding = attack(control, &nobody, db.store()).await;
        assert_eq!(finding.outcome(), Outcome::Failed, "{control}: {}", finding.saw());
    }
}
