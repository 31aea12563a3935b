//! The order of the log is that of commits.

use crate::cluster::{Cluster, append, clock, leaf, sealer};
use sqlx::Connection;

#[tokio::test]
async fn two_overlapping_transactions_are_placed_by_commit() {
    let cluster = Cluster::quick().await;
    let (mut first, mut second) = (cluster.app().await, cluster.app().await);
    let mut conn = cluster.sealer().await;
    let mut begun_first = first.begin().await.unwrap();
    let a = ledger::append(&mut begun_first, &leaf(1)).await.unwrap();
    let mut begun_second = second.begin().await.unwrap();
    let b = ledger::append(&mut begun_second, &leaf(2)).await.unwrap();
    let c = ledger::append(&mut begun_first, &leaf(3)).await.unwrap();
    assert!(a < b && b < c, "the sequence gives numbers as they are asked for");
    begun_second.commit().await.unwrap();
    begun_first.commit().await.unwrap();
    sealer(&clock()).seal_once(&mut conn).await.unwrap();
    let mut places = Vec::new();
    for id in [b, a, c] {
        places.push(ledger::index_of(&mut conn, id).await.unwrap());
    }
    assert_eq!(places, [Some(0), Some(1), Some(2)]);
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_skipped() {
    let cluster = Cluster::quick().await;
    let (mut slow, mut quick) = (cluster.app().await, cluster.app().await);
    let mut conn = cluster.sealer().await;
    let mut sealer = sealer(&clock());
    let mut begun = slow.begin().await.unwrap();
    let late = ledger::append(&mut begun, &leaf(1)).await.unwrap();
    append(&mut quick, 2..300).await;
    assert_eq!(sealer.seal_once(&mut conn).await.unwrap().size, 298);
    assert_eq!(ledger::index_of(&mut conn, late).await.unwrap(), None);
    begun.commit().await.unwrap();
    assert_eq!(sealer.seal_once(&mut conn).await.unwrap().size, 299);
    assert_eq!(ledger::index_of(&mut conn, late).await.unwrap(), Some(298));
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_leaves_no_gap() {
    let cluster = Cluster::quick().await;
    let mut app = cluster.app().await;
    let mut conn = cluster.sealer().await;
    append(&mut app, 0..2).await;
    let mut begun = app.begin().await.unwrap();
    let gone = ledger::append(&mut begun, &leaf(2)).await.unwrap();
    begun.rollback().await.unwrap();
    append(&mut app, 3..4).await;
    assert_eq!(sealer(&clock()).seal_once(&mut conn).await.unwrap().size, 3);
    assert_eq!(ledger::index_of(&mut conn, gone).await.unwrap(), None);
    assert_eq!(ledger::read::entry(&mut conn, 2).await.unwrap(), Some(leaf(3).to_bytes().unwrap()));
}
