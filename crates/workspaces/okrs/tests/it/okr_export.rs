//! The control: holds on a whole system, and finds each of its faults that is made in the database.

use super::{open, system::System};
use okrs::okr_export::{FAULTS, Plant, probe};
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
    let mut root = system.db.superuser().await.unwrap();
    let mut tried = 0;
    for fault in FAULTS {
        // What is made on the way is tried by `wordbond sabotage`.
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { continue };
        root.execute(AssertSqlSafe(make)).await.unwrap();
        let bitten: bool = sqlx::query_scalar(AssertSqlSafe(bites)).fetch_one(&mut root).await.unwrap();
        assert!(bitten, "{} does not bite", fault.id);
        let (found, saw) = outcome(&system, &mut plant).await;
        assert_eq!(found, Outcome::Broke, "{}: {saw}", fault.id);
        root.execute(AssertSqlSafe(undo)).await.unwrap();
        let (found, saw) = outcome(&system, &mut plant).await;
        assert_eq!(found, Outcome::Held, "after {}: {saw}", fault.id);
        tried += 1;
    }
    assert_eq!(tried, 4);
}
