//! The control `audit-log`: kept, broken by each of its faults, kept again.

use crate::system::System;
use ingress::audit_log::{self, FAULTS, Plant};
use promises::{
    Finding, Outcome,
    fault::{Bites, Make},
};
use sqlx::{Connection as _, PgConnection, Row as _, raw_sql};

async fn attack(system: &System, plant: &Plant) -> Finding {
    audit_log::probe(&system.house.site, system.db.store(), &system.operator, plant).await
}

async fn bites(connection: &mut PgConnection, question: &'static str) -> bool {
    sqlx::query(question).fetch_one(connection).await.unwrap().get(0)
}

#[tokio::test]
async fn each_fault_is_caught_and_undone() {
    let system = System::open().await;
    let team = system.team("Somebody real").await;
    system.join(&team, "bob@example.com").await;
    let plant = Plant::sow(&system.house.site).await.unwrap();
    let kept = attack(&system, &plant).await;
    assert_eq!(kept.outcome(), Outcome::Held, "{}", kept.saw());
    let mut connection = system.db.superuser().await.unwrap();
    for fault in FAULTS {
        let (Make::Sql { make, undo }, Bites::Sql(question)) = (fault.make, fault.bites) else { unreachable!() };
        raw_sql(make).execute(&mut connection).await.unwrap();
        assert!(bites(&mut connection, question).await, "{} does not bite", fault.id);
        let broken = attack(&system, &plant).await;
        assert_eq!(broken.outcome(), Outcome::Broke, "{}: {}", fault.id, broken.saw());
        raw_sql(undo).execute(&mut connection).await.unwrap();
        let kept = attack(&system, &plant).await;
        assert_eq!(kept.outcome(), Outcome::Held, "{} undone: {}", fault.id, kept.saw());
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_gone_is_an_error_and_not_a_break() {
    let mut system = System::open().await;
    let plant = Plant::sow(&system.house.site).await.unwrap();
    system.house.stop().await.unwrap().unwrap();
    assert_eq!(attack(&system, &plant).await.outcome(), Outcome::Failed);
}
