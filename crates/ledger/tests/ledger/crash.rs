//! The sealer killed with SIGKILL at random points, and the server crashed, while clients append and a reader looks on:
//! every checkpoint that the reader ever saw must be one of the log's own history.
//!
//! `WORDBOND_SOAK_KILLS` sets how many kills there are; a handful by default.

use crate::cluster::{Cluster, HEARTBEAT, Served, key, leaf};
use ledger::{Checkpoint, Leaf, Sealer, merkle, read_all};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    collections::BTreeMap,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

/// Where the child finds the server.
const SOCKET: &str = "WORDBOND_CRASH_TEST_SOCKET";

/// Every how many kills the server is crashed too.
const SERVER_EVERY: u64 = 8;

/// The process that is killed: seals without rest, so that most kills hit a transaction.
#[tokio::test]
#[ignore = "the child of the crash test, which starts it itself"]
async fn child() {
    let Ok(socket) = std::env::var(SOCKET) else { return };
    let options = PgConnectOptions::new_without_pgpass().host(&socket).username("wordbond_sealer").database("postgres");
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    let mut sealer = Sealer::new(key(), Arc::new(kernel::SystemClock), HEARTBEAT);
    loop {
        sealer.seal_once(&mut conn).await.unwrap();
    }
}

fn start_child(cluster: &Cluster) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--ignored", "--nocapture"])
        .env(SOCKET, cluster.socket())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the test shares with its clients and its reader.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// What was committed, to be found in the log exactly once.
    committed: Mutex<Vec<u64>>,
    next: AtomicU64,
    /// Every note that could be read.
    notes: Mutex<BTreeMap<String, ()>>,
}

async fn appender(shared: Arc<Shared>, options: PgConnectOptions) {
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(mut conn) = PgConnection::connect_with(&options).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        // Until the server crashes: what it had not confirmed may be in the log or not.
        while !shared.stop.load(Ordering::Relaxed) {
            let n = shared.next.fetch_add(1, Ordering::Relaxed);
            if ledger::append(&mut conn, &leaf(n)).await.is_err() {
                break;
            }
            shared.committed.lock().unwrap().push(n);
        }
    }
}

async fn reader(shared: Arc<Shared>, options: PgConnectOptions) {
    while !shared.stop.load(Ordering::Relaxed) {
        let Ok(mut conn) = PgConnection::connect_with(&options).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        while let (false, Ok(note)) = (shared.stop.load(Ordering::Relaxed), ledger::read::checkpoint(&mut conn).await) {
            if let Some(note) = note {
                shared.notes.lock().unwrap().insert(note, ());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A number below `below` that differs from run to run.
fn random(below: u64) -> u64 {
    let bytes = ledger::audit::Salt::fresh().unwrap().0;
    u64::from_be_bytes(*bytes.first_chunk().unwrap()) % below
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_forks_the_log() {
    let kills: u64 = std::env::var("WORDBOND_SOAK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(16);
    let mut cluster = Cluster::start(&["fsync=on", "track_commit_timestamp=on", "wal_recycle=off"]).await;
    let shared = Arc::new(Shared::default());
    let mut tasks = vec![tokio::spawn(reader(Arc::clone(&shared), cluster.options("wordbond_recorder")))];
    tasks.extend((0..2).map(|_| tokio::spawn(appender(Arc::clone(&shared), cluster.options("wordbond_recorder")))));
    for kill in 1..=kills {
        let mut child = start_child(&cluster);
        tokio::time::sleep(Duration::from_micros(20_000 + random(120_000))).await;
        if kill % SERVER_EVERY == 0 {
            cluster.crash().await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    shared.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let mut conn = cluster.sealer().await;
    let mut sealer = Sealer::new(key(), Arc::new(kernel::SystemClock), HEARTBEAT);
    // The session of the last child may still commit; then a round fails, changes nothing, and the next one succeeds.
    for _ in 0..100 {
        match sealer.seal_once(&mut conn).await {
            Ok(round) if round.added == 0 => break,
            Ok(_) => {}
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    judge(&cluster, &shared, kills).await;
}

async fn judge(cluster: &Cluster, shared: &Shared, kills: u64) {
    let log = read_all(Served::by(cluster).await, key().verifier(), None).await.unwrap();
    let notes = std::mem::take(&mut *shared.notes.lock().unwrap());
    let mut seen: Vec<Checkpoint> =
        notes.keys().map(|note| Checkpoint::open(note, key().verifier()).unwrap()).collect();
    seen.sort_by_key(|checkpoint| checkpoint.size);
    let mut peaks = merkle::Peaks::default();
    let mut leaves = log.leaves.iter();
    for checkpoint in &seen {
        while peaks.size() < checkpoint.size {
            peaks.push(*leaves.next().expect("a checkpoint was seen that is larger than the log"));
        }
        assert_eq!(peaks.root(), checkpoint.root, "the log forked at size {}", checkpoint.size);
    }
    let mut numbers: Vec<u64> = log.entries.iter().map(|entry| number(entry)).collect();
    numbers.sort_unstable();
    assert!(numbers.is_sorted_by(|a, b| a < b), "an entry is in the log twice");
    let committed = std::mem::take(&mut *shared.committed.lock().unwrap());
    let lost = committed.iter().filter(|n| numbers.binary_search(n).is_err()).count();
    assert_eq!(lost, 0, "entries that were committed are not in the log");
    println!("{kills} kills, {} checkpoints seen, {} entries", seen.len(), numbers.len());
    assert!(u64::try_from(seen.len()).unwrap() > kills, "the sealer hardly ran");
}

fn number(entry: &[u8]) -> u64 {
    match Leaf::from_bytes(entry) {
        Ok(Leaf::Start { instance, .. }) => instance.parse().unwrap(),
        other => panic!("{other:?}"),
    }
}
