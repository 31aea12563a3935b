//! From append to receipt.

use crate::cluster::{Cluster, HEARTBEAT, Served, append, append_many, clock, key, leaf, sealer};
use jiff::SignedDuration;
use ledger::{Checkpoint, Leaf, LedgerError, read_all, verify::Directory};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn what_is_appended_is_sealed_served_proven_and_exported() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn) = (cluster.app().await, cluster.sealer().await);
    let (clock, key) = (clock(), key());
    let mut sealer = sealer(&clock);
    assert_eq!(ledger::serve(&mut app, "checkpoint").await.unwrap(), None);
    // The empty log is signed too, so that a reader can hold on to it.
    let round = sealer.seal_once(&mut conn).await.unwrap();
    assert_eq!((round.size, round.signed), (0, true));
    let empty = read_all(Served::by(&cluster).await, key.verifier(), None).await.unwrap();
    assert_eq!((empty.checkpoint.size, empty.entries.len()), (0, 0));

    let mut seen = empty.checkpoint;
    let mut done = 0;
    for size in [1, 255, 256, 257, 600, 70_000] {
        append_many(&mut app, done..size).await;
        done = size;
        while sealer.seal_once(&mut conn).await.unwrap().size < size {}
        let log = read_all(Served::by(&cluster).await, key.verifier(), Some(&seen)).await.unwrap();
        assert_eq!(log.checkpoint.size, size);
        let said: Vec<Leaf> = log.entries.iter().map(|entry| Leaf::from_bytes(entry).unwrap()).collect();
        assert!(said.iter().zip(0..).all(|(said, n)| *said == leaf(n)));
        for index in [0, size / 3, size - 1] {
            let receipt = ledger::receipt(&mut app, index, key.verifier()).await.unwrap().unwrap();
            let entry = leaf(index).to_bytes().unwrap();
            assert_eq!(receipt.check(&entry, key.verifier()).unwrap(), log.checkpoint);
        }
        assert_eq!(ledger::receipt(&mut app, size, key.verifier()).await.unwrap(), None);
        seen = log.checkpoint;
    }
    // A sealer that starts anew reads the edge of the tree and goes on.
    append(&mut app, done..done + 3).await;
    let round = self::sealer(&clock).seal_once(&mut conn).await.unwrap();
    assert_eq!((round.size, round.added), (done + 3, 3));

    let dir = tempfile::tempdir().unwrap();
    let exported = ledger::export(&mut app, key.verifier(), dir.path()).await.unwrap().unwrap();
    assert_eq!(exported.size, 70_003);
    let log = read_all(Directory(dir.path().to_owned()), key.verifier(), Some(&seen)).await.unwrap();
    assert_eq!(log.entries.len(), 70_003);
    let again = ledger::export(&mut app, key.verifier(), dir.path()).await.unwrap().unwrap();
    assert!(again.written < 10, "full files are left alone, {} were written", again.written);
}

#[tokio::test]
async fn a_reader_takes_the_full_file_where_the_partial_one_is_gone() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn, key) = (cluster.app().await, cluster.sealer().await, key());
    let mut sealer = sealer(&clock());
    append(&mut app, 0..300).await;
    sealer.seal_once(&mut conn).await.unwrap();
    let older = ledger::read::checkpoint(&mut app).await.unwrap().unwrap();
    append(&mut app, 300..600).await;
    sealer.seal_once(&mut conn).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    ledger::export(&mut app, key.verifier(), dir.path()).await.unwrap().unwrap();
    // A cache that holds the checkpoint of 300, and of the rest only what 600 needs.
    std::fs::write(dir.path().join("checkpoint"), older).unwrap();
    let read = || read_all(Directory(dir.path().to_owned()), key.verifier(), None);
    let found = read().await.unwrap_err().to_string();
    assert_eq!(found, "tile/1/000.p/1: there is no such file", "tile 1 of level 0 is full, that of level 1 is not");
    let partial = ledger::serve(&mut app, "tile/1/000.p/1").await.unwrap().unwrap();
    std::fs::write(dir.path().join("tile/1/000.p/1"), partial).unwrap();
    assert_eq!(read().await.unwrap().entries.len(), 300);
}

#[tokio::test]
async fn only_files_of_the_log_are_served() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn) = (cluster.app().await, cluster.sealer().await);
    append(&mut app, 0..300).await;
    sealer(&clock()).seal_once(&mut conn).await.unwrap();
    append(&mut app, 300..310).await;
    for (path, bytes) in
        [("tile/0/000", 8_192), ("tile/0/000.p/7", 224), ("tile/0/001.p/44", 1_408), ("tile/1/000.p/1", 32)]
    {
        assert_eq!(ledger::serve(&mut app, path).await.unwrap().map(|b| b.len()), Some(bytes), "{path}");
    }
    for path in [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/1/000",
        "tile/0/002",
        "tile/2/000.p/1",
        "tile/entries/001",
        "tile/entries/001.p/45",
        "tile/entries/002.p/1",
        "tile/entries/x999/999",
        "tile/63/000",
        "vkey",
        "",
        "/checkpoint",
        "tile/entries/x009/x223/x372/x036/x854/x775/807",
        "tile/entries/x036/x028/x797/x018/x963/967",
    ] {
        assert_eq!(ledger::serve(&mut app, path).await.unwrap(), None, "{path}");
    }
}

#[tokio::test]
async fn the_heartbeat_signs_again_and_time_never_runs_backwards() {
    let cluster = Cluster::quick().await;
    let (mut app, mut conn) = (cluster.app().await, cluster.sealer().await);
    let (clock, key) = (clock(), key());
    let mut sealer = sealer(&clock);
    append(&mut app, 0..5).await;
    let first = sealer.seal_once(&mut conn).await.unwrap();
    assert!(first.signed && !sealer.seal_once(&mut conn).await.unwrap().signed);
    let mut ats = Vec::new();
    for step in [HEARTBEAT.as_secs(), HEARTBEAT.as_secs() - 1, 1] {
        clock.advance(SignedDuration::from_secs(i64::try_from(step).unwrap()));
        let round = sealer.seal_once(&mut conn).await.unwrap();
        assert_eq!((round.size, round.added, round.signed), (5, 0, step != HEARTBEAT.as_secs() - 1));
        let note = ledger::read::checkpoint(&mut app).await.unwrap().unwrap();
        ats.push(Checkpoint::open(&note, key.verifier()).unwrap().at);
    }
    assert!(ats[0] == ats[1] && ats[1] < ats[2]);
    clock.advance(SignedDuration::from_hours(-24));
    append(&mut app, 5..6).await;
    sealer.seal_once(&mut conn).await.unwrap();
    let note = ledger::read::checkpoint(&mut app).await.unwrap().unwrap();
    assert_eq!(Checkpoint::open(&note, key.verifier()).unwrap().at, ats[2]);
}

#[tokio::test]
async fn one_sealer_runs_and_the_next_takes_over() {
    let cluster = Cluster::quick().await;
    let mut app = cluster.app().await;
    let run = |name: &'static str, cluster: &Cluster| {
        let options = cluster.options("wordbond_sealer").application_name(name);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let mut conn = <sqlx::PgConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
            let stopped = async move { stopped.await.unwrap_or_default() };
            ledger::Sealer::new(key(), Arc::new(kernel::SystemClock), HEARTBEAT).run(&mut conn, stopped).await
        });
        (stop, task)
    };
    let (stop_first, first) = run("first", &cluster);
    let id = ledger::append(&mut app, &leaf(0)).await.unwrap();
    let index = ledger::wait_sealed(&mut app, id, Duration::from_secs(20)).await.unwrap();
    assert_eq!(index, Some(0));
    let (stop_second, second) = run("second", &cluster);
    tokio::time::sleep(Duration::from_millis(300)).await;
    const HOLDER: &str = "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE locktype = 'advisory' AND granted";
    let mut owner = cluster.owner().await;
    let holder: Vec<String> = sqlx::query_scalar(HOLDER).fetch_all(&mut owner).await.unwrap();
    assert_eq!(holder, ["first"]);
    stop_first.send(()).unwrap();
    first.await.unwrap().unwrap();
    let id = ledger::append(&mut app, &leaf(1)).await.unwrap();
    assert_eq!(ledger::wait_sealed(&mut app, id, Duration::from_secs(20)).await.unwrap(), Some(1));
    let holder: Vec<String> = sqlx::query_scalar(HOLDER).fetch_all(&mut owner).await.unwrap();
    assert_eq!(holder, ["second"]);
    stop_second.send(()).unwrap();
    second.await.unwrap().unwrap();
    let id = ledger::append(&mut app, &leaf(2)).await.unwrap();
    assert_eq!(ledger::wait_sealed(&mut app, id, Duration::from_millis(300)).await.unwrap(), None);
}

#[tokio::test]
async fn without_the_times_of_commits_nothing_is_sealed() {
    let cluster = Cluster::start(&["fsync=off", "track_commit_timestamp=off"]).await;
    let mut conn = cluster.sealer().await;
    let ran = sealer(&clock()).run(&mut conn, std::future::pending()).await;
    assert!(matches!(ran, Err(LedgerError::NoCommitTimes)));
}

#[tokio::test]
async fn an_attack_without_observation_stays_open() {
    let cluster = Cluster::quick().await;
    let mut app = cluster.app().await;
    assert_eq!(ledger::begin_run(&mut app, "hsts").await.unwrap(), 1);
    assert_eq!(ledger::begin_run(&mut app, "hsts").await.unwrap(), 2);
    assert_eq!(ledger::begin_run(&mut app, "csp").await.unwrap(), 1);
    let observation = r#"{"kind":"observation","promise":"hsts","control":"hsts","run":1,"vantage":"outside","target":"t",
        "observed_at":"2026-11-22T03:48:00Z","valid_until":"2026-11-23T03:48:00Z","took_ms":12,"build":"b","profile":"p",
        "outcome":"held","saw":"s","tried":[],"coverage":{"routes":1}}"#;
    let observation: Leaf = serde_json::from_str(observation).unwrap();
    ledger::append(&mut app, &observation).await.unwrap();
    let open = ledger::open_runs(&mut app).await.unwrap();
    let open: Vec<_> = open.iter().map(|run| (run.promise.as_str(), run.n)).collect();
    assert_eq!(open, [("csp", 1), ("hsts", 2)]);
}
