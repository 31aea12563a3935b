//! Uploads and deletions whose process is killed with SIGKILL: every drawing that was committed can be read, no half of one is
//! seen, and nothing is left behind after the next sweep.
//!
//! `WORDBOND_SOAK_KILLS` sets how many kills there are; a handful by default.

use super::team;
use jiff::SignedDuration;
use kernel::{Actor, Clock as _, PersonId, SystemClock, TenantId};
use sqlx::PgConnection;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use store::{
    Address, Store, blobs,
    drawings::{self, File, Kind, Which},
    jobs,
    tenancy::Joined,
};
use testkit::ScratchDb;
use uuid::Uuid;
use vault::KeyRing;

/// What the child needs to know, a line each: socket folder, port, database, folder of the keys, team, person, and the file that
/// grows by a byte with every upload.
const CHILD: &str = "WORDBOND_UPLOADS_CHILD";

/// Long enough for several parts, and different for each drawing.
fn bytes(seed: u8) -> Vec<u8> {
    vec![seed; 13_000_000]
}

/// The process that is killed: uploads and deletes without rest.
#[tokio::test]
#[ignore = "the child of the kill test, which starts it itself"]
async fn child() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let told: Vec<&str> = told.lines().collect();
    let address = Address::socket(Path::new(told[0]), told[1].parse().unwrap(), told[2]);
    let keys = KeyRing::open(Path::new(told[3]), None).unwrap();
    let store = Store::at(address, keys, Arc::new(SystemClock)).await.unwrap();
    let (tenant, person): (TenantId, PersonId) = (told[4].parse().unwrap(), told[5].parse().unwrap());
    let actor = Actor::Person { id: person };
    for seed in 0_u8.. {
        // It tells how far it has come, so that it can be killed in the middle on a slow machine too.
        fs::write(told[6], vec![0; usize::from(seed) + 1]).unwrap();
        let content = bytes(seed);
        let file = File { name: &seed.to_string(), kind: Kind::Png, content: &content };
        let id = drawings::upload(&store, tenant, &actor, file).await.unwrap();
        if seed % 2 == 0 {
            let mut scoped = store.scoped(tenant, &actor).await.unwrap();
            drawings::delete(&mut scoped, id).await.unwrap();
            scoped.commit().await.unwrap();
            work(&store).await;
        }
    }
}

async fn work(store: &Store) {
    while let Some(lease) = jobs::lease(store).await.unwrap() {
        let (scoped, job) = jobs::begin(store, &lease).await.unwrap();
        blobs::delete_job(store, lease.tenant, &job.ids).await.unwrap();
        jobs::finish(scoped, &lease).await.unwrap();
    }
}

fn start_child(db: &ScratchDb, of: &Joined, begun: &Path) -> Child {
    let Address::Socket { dir, port, database, .. } = db.store().address() else {
        panic!("a scratch server has a socket")
    };
    let keys = db.store().keys().beside("");
    let told = [dir.as_path(), Path::new(&port.to_string()), Path::new(database), &keys]
        .map(|part| part.display().to_string());
    let told = format!("{}\n{}\n{}\n{}", told.join("\n"), of.tenant, of.person, begun.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "uploads::child", "--ignored", "--nocapture"])
        .env(CHILD, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// A number below `below` that differs from run to run.
fn random(below: u64) -> u64 {
    u64::from_be_bytes(*Uuid::new_v4().as_bytes().first_chunk().unwrap()) % below
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Whether a file is there that is being written. What goes meanwhile is not.
fn half(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    let mut paths = entries.flatten().map(|entry| entry.path());
    paths.any(|path| if path.is_dir() { half(&path) } else { path.to_string_lossy().ends_with("#1") })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_leaves_half_a_drawing_or_an_orphan() {
    let kills: u64 = std::env::var("WORDBOND_SOAK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(8);
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let (mut left, room) = (0, tempfile::tempdir().unwrap());
    let blobs = db.store().keys().beside("blobs");
    for round in 0..kills {
        let begun = room.path().join(Uuid::new_v4().to_string());
        let before = sessions(&mut db.superuser().await.unwrap()).await;
        let mut child = start_child(&db, &ada, &begun);
        let upload = 1 + random(4);
        while fs::metadata(&begun).map_or(0, |data| data.len()) < upload {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if round % 2 == 0 {
            // Every other kill meets a file that is being written, however fast the machine is.
            while !half(&blobs) {
                assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        } else {
            tokio::time::sleep(Duration::from_micros(random(80_000))).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        gone(&db, &before).await;
        left += judge(&db, &ada).await;
    }
    assert!(left > 0 || kills < 8, "no kill met an upload");
}

/// The drawings that there are.
async fn listed(store: &Store, of: &Joined) -> Vec<drawings::Drawing> {
    let mut scoped = store.scoped(of.tenant, &Actor::Person { id: of.person }).await.unwrap();
    drawings::list(&mut scoped, Which::All, None, 1000).await.unwrap()
}

/// The sessions that there are on the server, but for the one that asks.
async fn sessions(root: &mut PgConnection) -> BTreeSet<i32> {
    const SQL: &str = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    sqlx::query_scalar(SQL).fetch_all(root).await.unwrap().into_iter().collect()
}

/// Waits until the server has noticed that the killed process is gone: what it sent last, a commit perhaps, is done or given up
/// by then. A session that is idle may still have something to read.
async fn gone(db: &ScratchDb, before: &BTreeSet<i32>) {
    let mut root = db.superuser().await.unwrap();
    while !sessions(&mut root).await.is_subset(before) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Yields how much the kill had left behind.
async fn judge(db: &ScratchDb, of: &Joined) -> usize {
    let (store, actor) = (db.store(), Actor::Person { id: of.person });
    for drawing in listed(store, of).await {
        let scoped = store.scoped(of.tenant, &actor).await.unwrap();
        let (_, content) = drawings::content(store, scoped, drawing.id).await.unwrap();
        assert_eq!(*content, bytes(drawing.name.parse().unwrap()), "a drawing is not what was uploaded");
    }
    let swept = blobs::sweep(store, SystemClock.now() + SignedDuration::from_hours(2)).await.unwrap();
    let all = listed(store, of).await;
    let rows: BTreeSet<String> = all.iter().map(|drawing| drawing.blob.to_string()).collect();
    let there: BTreeSet<String> = files(&store.keys().beside("blobs"))
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, rows, "rows and objects differ");
    // The next round begins with little, however many rounds there are.
    for drawing in all {
        let mut scoped = store.scoped(of.tenant, &actor).await.unwrap();
        drawings::delete(&mut scoped, drawing.id).await.unwrap();
        scoped.commit().await.unwrap();
    }
    work(store).await;
    swept.orphans + swept.unfinished
}
