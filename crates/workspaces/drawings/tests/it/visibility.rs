//! The control: holds on a whole system, and finds each of its faults.

use super::{open, system::System};
use drawings::visibility::{FAULTS, Plant, probe};
use promises::{
    Outcome,
    fault::{Bites, Make},
};
use sqlx::{AssertSqlSafe, Executor as _};

async fn outcome(system: &System, plant: &mut Plant) -> (Outcome, String) {
    let finding = probe(&system.site, system.db.store(), plant).await;
    (finding.outcome(), finding.saw().to_owned())
}

#[tokio::test]
async fn the_promise_holds_and_each_fault_is_found_and_undone() {
    let system = open().await;
    let mut plant = Plant::sow(&system.site).await.unwrap();
    for _ in 0..2 {
        let (found, saw) = outcome(&system, &mut plant).await;
        assert_eq!(found, Outcome::Held, "{saw}");
    }
    assert!(plant.lives(&system.site).await);
    let mut root = system.db.superuser().await.unwrap();
    for fault in FAULTS {
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else {
            panic!("{} is no fault by SQL", fault.id)
        };
        root.execute(AssertSqlSafe(make)).await.unwrap();
        let bitten: bool = sqlx::query_scalar(AssertSqlSafe(bites)).fetch_one(&mut root).await.unwrap();
        assert!(bitten, "{} does not bite", fault.id);
        let (found, saw) = outcome(&system, &mut plant).await;
        assert_eq!(found, Outcome::Broke, "{}: {saw}", fault.id);
        root.execute(AssertSqlSafe(undo)).await.unwrap();
        let (found, saw) = outcome(&system, &mut plant).await;
        assert_eq!(found, Outcome::Held, "after {}: {saw}", fault.id);
    }
}
