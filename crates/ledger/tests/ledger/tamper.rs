//! Whoever gets past the triggers is seen: by readers, and by the sealer before it signs.

use crate::cluster::{Cluster, Served, append, clock, key, sealer};
use ledger::{LedgerError, VerifyError, read_all};
use sqlx::{AssertSqlSafe, Executor};

/// Changes the log as its owner, past the triggers, and back.
async fn meddle(cluster: &Cluster, sql: &str) {
    let sql = format!("SET session_replication_role = replica; {sql}; RESET session_replication_role");
    cluster.owner().await.execute(AssertSqlSafe(sql)).await.unwrap();
}

#[tokio::test]
async fn a_reader_names_the_file_that_was_changed() {
    let cluster = Cluster::quick().await;
    let (mut app, clock) = (cluster.app().await, clock());
    append(&mut app, 0..600).await;
    sealer(&clock).seal_once(&mut cluster.sealer().await).await.unwrap();
    let flip = |column: &str| format!("{column} = set_byte({column}, 40, get_byte({column}, 40) # 1)");
    let cases = [
        (format!("UPDATE ledger.entry SET {} WHERE idx = 300", flip("body")), "tile/0/001: hash 44 "),
        (format!("UPDATE ledger.entry SET {} WHERE idx = 599", flip("body")), "tile/0/002.p/88: hash 87 "),
        (format!("UPDATE ledger.tile SET {} WHERE (level, n) = (0, 0)", flip("hashes")), "tile/0/000: hash 1 "),
        (format!("UPDATE ledger.tile SET {} WHERE (level, n) = (0, 2)", flip("hashes")), "tile/0/002.p/88: hash 1 "),
        (format!("UPDATE ledger.tile SET {} WHERE (level, n) = (1, 0)", flip("hashes")), "tile/1/000.p/2: hash 1 "),
    ];
    for (sql, says) in cases {
        meddle(&cluster, &sql).await;
        let found = read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap_err().to_string();
        assert!(found.starts_with(says), "{sql}: {found}");
        // The same flip again puts it right.
        meddle(&cluster, &sql).await;
    }
    meddle(&cluster, "UPDATE ledger.entry SET idx = idx + 1000 WHERE idx = 10").await;
    let found = read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap_err().to_string();
    assert_eq!(found, "tile/entries/000: there is no such file");
    meddle(&cluster, "UPDATE ledger.entry SET idx = 10 WHERE idx = 1010").await;
    meddle(&cluster, "UPDATE ledger.checkpoint SET note = replace(note, '600', '599')").await;
    let found = read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap_err();
    assert!(matches!(found, VerifyError::Checkpoint(_)), "{found}");
    meddle(&cluster, "UPDATE ledger.checkpoint SET note = replace(note, '599', '600')").await;
    read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap();
}

#[tokio::test]
async fn a_reader_who_remembers_sees_history_rewritten() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn, clock) = (cluster.app().await, cluster.sealer().await, clock());
    append(&mut app, 0..300).await;
    sealer(&clock).seal_once(&mut conn).await.unwrap();
    let seen = read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap().checkpoint;
    // The owner, who has the key, begins the log anew without one entry and signs it. It is whole in itself.
    meddle(&cluster, "DELETE FROM ledger.tile; DELETE FROM ledger.checkpoint; DELETE FROM ledger.entry WHERE idx = 7")
        .await;
    meddle(&cluster, "UPDATE ledger.entry SET idx = NULL").await;
    sealer(&clock).seal_once(&mut conn).await.unwrap();
    read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap();
    let found = read_all(Served::by(&cluster).await, key().verifier(), Some(&seen)).await.unwrap_err();
    assert!(matches!(found, VerifyError::WentBack { size: 299, seen_size: 300, .. }), "{found}");
    append(&mut app, 300..400).await;
    sealer(&clock).seal_once(&mut conn).await.unwrap();
    let found = read_all(Served::by(&cluster).await, key().verifier(), Some(&seen)).await.unwrap_err();
    assert_eq!(found, VerifyError::Rewritten(300));
}

#[tokio::test]
async fn the_sealer_signs_nothing_on_top_of_what_was_changed() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn, clock) = (cluster.app().await, cluster.sealer().await, clock());
    let mut running = sealer(&clock);
    append(&mut app, 0..300).await;
    running.seal_once(&mut conn).await.unwrap();
    append(&mut app, 300..310).await;
    let flip = "set_byte(hashes, 40, get_byte(hashes, 40) # 1)";
    let cases = [
        format!("UPDATE ledger.tile SET hashes = {flip} WHERE (level, n) = (0, 1)"),
        "UPDATE ledger.checkpoint SET root = set_byte(root, 4, get_byte(root, 4) # 1)".to_owned(),
    ];
    for sql in cases {
        meddle(&cluster, &sql).await;
        let found = sealer(&clock).seal_once(&mut conn).await;
        assert!(matches!(found, Err(LedgerError::Altered(_))), "{sql}: {found:?}");
        meddle(&cluster, &sql).await;
    }
    let other = ledger::SigningKey::from_seed("localhost:9443/ledger", &[42; 32]).unwrap();
    let mut other = ledger::Sealer::new(other, clock, crate::cluster::HEARTBEAT);
    assert!(matches!(other.seal_once(&mut conn).await, Err(LedgerError::OtherKey { .. })));
    assert_eq!(ledger::read::origin(&mut app).await.unwrap().as_deref(), Some("localhost:8443/ledger"));
    assert_eq!(running.seal_once(&mut conn).await.unwrap().size, 310);
    read_all(Served::by(&cluster).await, key().verifier(), None).await.unwrap();
}

#[tokio::test]
async fn a_sealer_that_remembers_signs_nothing_on_an_old_copy() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn, clock) = (cluster.app().await, cluster.sealer().await, clock());
    let dir = tempfile::tempdir().unwrap();
    let remembering = || sealer(&clock).remembering(dir.path().join("sealed"));
    append(&mut app, 0..300).await;
    remembering().seal_once(&mut conn).await.unwrap();
    append(&mut app, 300..310).await;
    // It goes on where it stopped, also where the file is a checkpoint behind.
    let behind = std::fs::read(dir.path().join("sealed")).unwrap();
    assert_eq!(remembering().seal_once(&mut conn).await.unwrap().size, 310);
    std::fs::write(dir.path().join("sealed"), behind).unwrap();
    append(&mut app, 310..320).await;
    assert_eq!(remembering().seal_once(&mut conn).await.unwrap().size, 320);
    // As if a backup of the time before the last round had been restored.
    meddle(&cluster, "DELETE FROM ledger.checkpoint WHERE size = 320").await;
    meddle(&cluster, "UPDATE ledger.entry SET idx = NULL WHERE idx >= 310").await;
    meddle(&cluster, "UPDATE ledger.tile SET hashes = substring(hashes FOR 54 * 32) WHERE (level, n) = (0, 1)").await;
    let found = remembering().seal_once(&mut conn).await;
    assert!(matches!(found, Err(LedgerError::Altered(_))), "{found:?}");
    sealer(&clock).seal_once(&mut conn).await.expect("without the memory the copy looks whole");
}
