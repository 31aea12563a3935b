//! Erasures and copies whose process is killed with SIGKILL, again and again, until it gets to the end: each is done once,
//! nothing of the erased is left, and everybody else is byte for byte as before.
//!
//! `WORDBOND_SOAK_KILLS` sets how many kills there are; a handful by default.

use super::life::World;
use jiff::SignedDuration;
use kernel::{AccountId, Actor, FixedClock, SystemClock, TeamRole};
use privacy::{
    case::{Case, Kind, State},
    package::{self, Package, Reach},
    receipt::Receipt,
    work,
};
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{
    Address, Store,
    accounts::SignedUp,
    audit, blobs,
    drawings::{self, File},
    mails, operator_tenant,
    rights::{cases, tombstones},
    trail,
};
use uuid::Uuid;
use vault::KeyRing;

/// What the child needs to know, a line each: socket folder, port, database, folder of the keys, the time, the file that it
/// makes once it begins, and, if it is to make somebody's copy too, whose and where to.
const CHILD: &str = "WORDBOND_RIGHTS_CHILD";

/// The most that a copy in these tests holds.
const MOST: u64 = 50_000_000;

fn kills() -> u32 {
    std::env::var("WORDBOND_SOAK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10)
}

/// The process that is killed: does what is due, makes the copy, and ends.
#[tokio::test]
#[ignore = "the child of the kill tests, which start it themselves"]
async fn child() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let told: Vec<&str> = told.lines().collect();
    let address = Address::socket(Path::new(told[0]), told[1].parse().unwrap(), told[2]);
    let keys = KeyRing::open(Path::new(told[3]), None).unwrap();
    let store = Store::at(address, keys, Arc::new(FixedClock::at(told[4].parse().unwrap()))).await.unwrap();
    fs::write(told[5], b"").unwrap();
    while work::drain(&store).await.unwrap() > 0 {}
    if let [account, to] = told[6..] {
        let account: Uuid = account.parse().unwrap();
        let package = package::gather(&store, account.into(), Reach::Access).await.unwrap();
        let (mut pieces, mut file) = (package::zip(&store, package), fs::File::create(to).unwrap());
        while let Some(piece) = pieces.recv().await {
            file.write_all(&piece.unwrap()).unwrap();
        }
    }
}

/// Processes that are killed, and how many were.
struct Killer {
    room: tempfile::TempDir,
    /// How long one takes that is left alone.
    whole: Duration,
    killed: u32,
    /// How often a case was found after a kill that had begun, and not ended.
    midway: u32,
}

impl Killer {
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        fs::create_dir(room.path().join("tmp")).unwrap();
        Self { room, whole: Duration::ZERO, killed: 0, midway: 0 }
    }

    fn copy(&self) -> PathBuf {
        self.room.path().join("copy.zip")
    }

    fn start(&self, world: &World, copy_of: Option<AccountId>, begun: &Path) -> Child {
        let store = world.store();
        let Address::Socket { dir, port, database, .. } = store.address() else {
            panic!("a scratch server has a socket")
        };
        let mut told = vec![dir.display().to_string(), port.to_string(), database.clone()];
        told.push(store.keys().beside("").display().to_string());
        told.push(store.clock().now().to_string());
        told.push(begun.display().to_string());
        if let Some(account) = copy_of {
            told.extend([account.uuid().to_string(), self.copy().display().to_string()]);
        }
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child", "--ignored", "--nocapture"])
            .env(CHILD, told.join("\n"))
            .env("TMPDIR", self.room.path().join("tmp"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts a process and kills it at a random moment of its work, or lets it end where `spared`. Yields whether it
    /// came to the end.
    async fn one(&mut self, world: &World, copy_of: Option<AccountId>, spared: bool) -> bool {
        let begun = self.room.path().join(Uuid::new_v4().to_string());
        let before = sessions(&mut world.db.superuser().await.unwrap()).await;
        let mut child = self.start(world, copy_of, &begun);
        while !begun.exists() {
            assert!(child.try_wait().unwrap().is_none(), "the child ended before it began");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let since = Instant::now();
        if !spared {
            tokio::time::sleep(random(self.whole)).await;
            child.kill().unwrap();
        }
        let ended = child.wait().unwrap();
        if ended.signal() == Some(9) {
            self.killed += 1;
            gone(world, &before).await;
            // Whoever held a job is taken for dead after a while.
            world.pass(SignedDuration::from_mins(6));
            return false;
        }
        assert!(ended.success(), "what was cut short could not be gone on with: {ended}");
        if spared {
            self.whole = since.elapsed();
        }
        true
    }

    /// Kills until everything is done or there were kills enough; then it is let go on to the end.
    async fn until_done(&mut self, world: &World, cases: &[Case], copy_of: Option<AccountId>) {
        let first = self.whole.is_zero();
        while !self.one(world, copy_of, first || self.killed >= kills()).await {
            for case in cases {
                self.midway += u32::from(world.case(case).await.state == State::Working);
            }
        }
        assert_eq!(fs::read_dir(self.room.path().join("tmp")).unwrap().count(), 0, "a temporary file was left");
    }
}

/// A moment within `whole` that differs from run to run.
fn random(whole: Duration) -> Duration {
    let part = f64::from(u32::from_be_bytes(*Uuid::new_v4().as_bytes().first_chunk().unwrap())) / f64::from(u32::MAX);
    whole.mul_f64(part)
}

/// The sessions that there are on the server, but for the one that asks.
async fn sessions(root: &mut PgConnection) -> BTreeSet<i32> {
    const SQL: &str = "SELECT pid FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    sqlx::query_scalar(SQL).fetch_all(root).await.unwrap().into_iter().collect()
}

/// Waits until the server has noticed that the killed process is gone: what it sent last is done or given up by then, and
/// nothing is locked any more.
async fn gone(world: &World, before: &BTreeSet<i32>) {
    let mut root = world.db.superuser().await.unwrap();
    while !sessions(&mut root).await.is_subset(before) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Every file of the system, keys and blobs alike, with what is in it.
fn files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    fn below(folder: &Path, out: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(&path, out);
            } else {
                out.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    let mut out = BTreeMap::new();
    below(&world.store().keys().beside(""), &mut out);
    out
}

/// A case is closed once, by one event, with one receipt.
async fn closed_once(world: &World, case: &Case, told: &[&str]) -> Receipt {
    let found = world.case(case).await;
    assert_eq!(found.state, State::Done, "at {}: {:?}", world.store().clock().now(), waiting(world).await);
    let mut scoped = world.store().scoped(operator_tenant(), &Actor::Operator).await.unwrap();
    let log = audit::list(&mut scoped, 500).await.unwrap();
    let target = format!("case:{}", case.id);
    let actions: Vec<&str> = log
        .iter()
        .rev()
        .filter(|one| one.event.targets.contains(&target))
        .map(|one| one.event.action.as_str())
        .collect();
    assert_eq!(actions, told, "each event once, in order");
    Receipt::of(&found).unwrap()
}

/// What waits in the queues but mails, which nobody sends here.
async fn waiting(world: &World) -> Vec<String> {
    let mut root = world.db.superuser().await.unwrap();
    const SQL: &str =
        "SELECT concat(j, ' ', t) FROM wordbond.job AS j FULL JOIN wordbond.ticket AS t USING (tenant_id, job_id)
        WHERE j.kind IS DISTINCT FROM $1 OR t.job_id IS NULL";
    sqlx::query_scalar(SQL).bind(mails::KIND).fetch_all(&mut root).await.unwrap()
}

/// Two people go: Ada and her team, and Grace, whom Eve's team goes on without.
async fn erasures(world: &World, killer: &mut Killer, eve: SignedUp) {
    let tag = Uuid::new_v4().simple().to_string();
    let ada = world.somebody(&format!("ada-{tag}@example.org")).await;
    world.lives(ada, ada.tenant, ada.person).await;
    let (grace, there) = world.joins(eve, &format!("grace-{tag}@example.org"), TeamRole::Member).await;
    world.lives(grace, eve.tenant, there).await;
    world.lives(grace, grace.tenant, grace.person).await;
    let erased = [
        vec![ada.account.uuid(), ada.person.uuid(), ada.tenant.uuid()],
        vec![grace.account.uuid(), grace.person.uuid(), grace.tenant.uuid(), there.uuid()],
    ]
    .concat();
    let cases = [world.ask(ada, Kind::Erasure).await, world.ask(grace, Kind::Erasure).await];
    let eves = [eve.account.uuid(), eve.person.uuid()];
    let (rows, kept) = (world.everything_of(&eves).await, files(world));
    world.pass(cases::BEGINS);

    killer.until_done(world, &cases, None).await;

    for (case, keys) in cases.iter().zip([3, 4]) {
        let receipt = closed_once(world, case, &["rights.open", "rights.erase", "rights.close"]).await;
        assert_eq!(receipt.rows.get("wordbond.account"), Some(&1), "what went is known although it was cut short");
        assert_eq!(receipt.keys, keys);
    }
    assert!(waiting(world).await.is_empty());
    let left = world.naming(&erased).await;
    assert!(left.is_empty(), "{left:?}");
    let now = world.everything_of(&eves).await;
    let gone: Vec<&String> = rows.iter().filter(|row| !now.contains(row)).collect();
    assert!(
        matches!(gone[..], [one] if one.starts_with("invitation ")),
        "only Eve's invitation of Grace goes: {gone:?}"
    );
    assert!(now.iter().all(|row| rows.contains(row)), "somebody else's rows have changed");
    only_theirs_are_gone(world, &kept, &erased).await;
}

/// Of the files that there were, only those of the erased are gone, and nothing has come but marks.
async fn only_theirs_are_gone(world: &World, kept: &BTreeMap<PathBuf, Vec<u8>>, erased: &[Uuid]) {
    let swept = blobs::sweep(world.store(), kernel::Clock::now(&SystemClock) + SignedDuration::from_hours(2)).await;
    assert_eq!(swept.unwrap().orphans, 0, "an object outlived its row");
    let theirs = |path: &Path| erased.iter().any(|id| path.to_string_lossy().contains(&id.to_string()));
    let now = files(world);
    for (path, bytes) in kept {
        let there = (!theirs(path)).then_some(bytes);
        assert!(now.get(path) == there, "{}: gone {}", path.display(), theirs(path));
    }
    for (path, bytes) in now.iter().filter(|(path, _)| !kept.contains_key(*path)) {
        let is_mark = bytes.is_empty() && path.components().any(|part| part.as_os_str() == "destroyed");
        assert!(is_mark || path.to_string_lossy().contains("/secret/"), "{} is left", path.display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_leaves_an_erasure_undone_or_does_one_twice() {
    let (world, mut killer) = (World::new().await, Killer::new());
    let eve = world.somebody("eve@example.org").await;
    world.lives(eve, eve.tenant, eve.person).await;
    let mut rounds = 0;
    while killer.killed < kills() {
        erasures(&world, &mut killer, eve).await;
        rounds += 1;
    }
    println!("{} kills in {rounds} rounds; after {} of them a case was half done", killer.killed, killer.midway);
    assert!(killer.midway > 0 || kills() < 50, "no kill met what comes behind the commit");
    let risen = tombstones::risen(world.store()).await.unwrap();
    assert_eq!((risen.tombstones, risen.risen, risen.keys), (rounds * 7, 0, 0), "{risen:?}");
    let trail = trail::walk(world.store()).await.unwrap();
    assert_eq!((trail.unexplained, trail.unanchored, trail.unopened, trail.untold), (0, 0, 0, 0), "{trail:?}");
}

/// A whole copy, made here without any haste.
async fn whole(store: &Store, package: Package) -> BTreeMap<String, Vec<u8>> {
    let (mut pieces, mut out) = (package::zip(store, package), Vec::new());
    while let Some(piece) = pieces.recv().await {
        out.extend(piece.unwrap());
    }
    package::unzip(&out, MOST).unwrap()
}

/// The id is the copy's own: everything else about two copies at one instant is the same.
async fn is_whole(world: &World, copy: &Path, account: AccountId) {
    let made = package::unzip(&fs::read(copy).unwrap(), MOST).unwrap();
    let mut package = package::gather(world.store(), account, Reach::Access).await.unwrap();
    let document: serde_json::Value = serde_json::from_slice(&made["package.json"]).unwrap();
    package.id = document["id"].as_str().unwrap().parse().unwrap();
    let ours = whole(world.store(), package).await;
    assert_eq!(made.keys().collect::<Vec<_>>(), ours.keys().collect::<Vec<_>>());
    assert!(made == ours, "a copy differs from one that nobody cut short");
    assert_eq!(made.values().filter(|content| content.len() > 200_000).count(), 3, "the document and two drawings");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_leaves_half_a_copy_or_answers_twice() {
    let (world, mut killer) = (World::new().await, Killer::new());
    let ada = world.somebody("ada@example.org").await;
    world.lives(ada, ada.tenant, ada.person).await;
    for name in ["gear", "mill"] {
        let content: Vec<u8> = (0..200_003_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let file = File { name, kind: drawings::Kind::Png, content: &content };
        drawings::upload(world.store(), ada.tenant, &Actor::Person { id: ada.person }, file).await.unwrap();
    }
    let kept = files(&world);
    let mut rounds = 0;
    while killer.killed < kills() {
        let kind = if rounds % 2 == 0 { Kind::Access } else { Kind::Portability };
        let case = world.ask(ada, kind).await;
        killer.until_done(&world, &[], Some(ada.account)).await;
        let receipt = closed_once(&world, &case, &["rights.open", "rights.close"]).await;
        assert_eq!(receipt.rows.get("wordbond.drawing"), Some(&3));
        assert!(waiting(&world).await.is_empty());
        is_whole(&world, &killer.copy(), ada.account).await;
        assert!(files(&world) == kept, "a copy has left a file, or changed one");
        rounds += 1;
    }
    println!("{} kills in {rounds} rounds", killer.killed);
    let trail = trail::walk(world.store()).await.unwrap();
    assert_eq!((trail.unexplained, trail.unanchored, trail.unopened, trail.untold), (0, 0, 0, 0), "{trail:?}");
}
