//! The controls: they hold on a whole system, and find each of their faults that is made in the database.

use super::open;
use accounts::{
    Plant,
    rights::{
        access_package::{self, Copied},
        full_export,
    },
};
use promises::{
    Fault, Finding, Outcome,
    fault::{Bites, Make},
};
use sqlx::{AssertSqlSafe, Executor as _};
use testkit::ScratchDb;

async fn each<F>(db: &ScratchDb, faults: &[Fault], probe: impl Fn() -> F)
where
    F: Future<Output = Finding>,
{
    for _ in 0..2 {
        let found = probe().await;
        assert_eq!(found.outcome(), Outcome::Held, "{}", found.saw());
    }
    let mut root = db.superuser().await.unwrap();
    for fault in faults {
        // What is made on the way is tried by `wordbond sabotage`.
        let (Make::Sql { make, undo }, Bites::Sql(bites)) = (fault.make, fault.bites) else { continue };
        root.execute(AssertSqlSafe(make)).await.unwrap();
        let bitten: bool = sqlx::query_scalar(AssertSqlSafe(bites)).fetch_one(&mut root).await.unwrap();
        assert!(bitten, "{} does not bite", fault.id);
        let found = probe().await;
        assert_eq!(found.outcome(), Outcome::Broke, "{}: {}", fault.id, found.saw());
        root.execute(AssertSqlSafe(undo)).await.unwrap();
        let found = probe().await;
        assert_eq!(found.outcome(), Outcome::Held, "after {}: {}", fault.id, found.saw());
    }
}

#[tokio::test]
async fn a_copy_is_complete_and_each_fault_is_found_and_undone() {
    let (system, _working) = open().await;
    // Somebody who is not the probe's, and has not come by since.
    system.visitor().sign_up().await.unwrap();
    let plant = Copied::sow(&system.site).await.unwrap();
    let (site, store) = (&system.site, system.db.store());
    each(&system.db, access_package::FAULTS, || access_package::probe(site, store, &plant)).await;
}

#[tokio::test]
async fn an_export_is_read_back_and_each_fault_is_found_and_undone() {
    let (system, _working) = open().await;
    let plant = Plant::sow(&system.site).await.unwrap();
    let (site, store) = (&system.site, system.db.store());
    each(&system.db, full_export::FAULTS, || full_export::probe(site, store, &plant)).await;
}
