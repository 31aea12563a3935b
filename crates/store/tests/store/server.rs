//! The child server: it comes back, it leaves nothing behind, and it lets nobody else in.

use super::{scoped, team};
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::Command,
    time::{Duration, Instant},
};
use store::{
    Config, Store, StoreError, notes,
    scrub::Scrubber,
    server::{Layout, Server, ServerConfig, ServerError, layout::PORT, process},
};
use testkit::ScratchDir;
use vault::KeyRing;

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::yield_now();
    }
}

fn kill(pid: i32, signal: &str) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn what_was_committed_survives_a_kill_of_the_server_and_of_everything() {
    let dir = ScratchDir::new().unwrap();
    let store = Store::open(Config::at(dir.path())).await.unwrap();
    let layout = Layout::of(dir.path());
    let ada = team(&store, "T").await;
    let mut tx = scoped(&store, &ada).await;
    let id = notes::create(&mut tx, "a", "b").await.unwrap();
    tx.commit().await.unwrap();

    // The child dies: the supervisor starts it again, and the same pools go on.
    let pid = process::running(&layout).unwrap();
    kill(pid, "-9");
    wait("a new server", || process::noted(&layout).is_some_and(|(new, ready)| ready && new != pid));
    let mut seen = Err(StoreError::NotFound);
    for _ in 0..50 {
        seen = match store.scoped(ada.tenant, &kernel::Actor::Person { id: ada.person }).await {
            Ok(mut tx) => notes::get(&mut tx, id).await,
            Err(error) => Err(error),
        };
        if seen.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(seen.unwrap().text, "b");

    // A stop in good order, and a second start.
    store.close().await;
    assert_eq!(process::running(&layout), None);
    let store = Store::open(Config::at(dir.path())).await.unwrap();
    assert_eq!(notes::get(&mut scoped(&store, &ada).await, id).await.unwrap().text, "b");
    // Another process joins, and a second supervisor is refused.
    let joined = Store::attach(Config::at(dir.path())).await.unwrap();
    assert_eq!(notes::get(&mut scoped(&joined, &ada).await, id).await.unwrap().text, "b");
    let second = Store::open(Config::at(dir.path())).await;
    assert!(matches!(second, Err(StoreError::Server(ServerError::Locked(_)))));
    store.close().await;
}

#[tokio::test]
async fn a_server_of_which_the_keys_are_lost_is_left_as_it_is() {
    let (dir, aside) = (ScratchDir::new().unwrap(), ScratchDir::new().unwrap());
    let config = || Config { durable: false, ..Config::at(dir.path()) };
    let store = Store::open(config()).await.unwrap();
    let ada = team(&store, "T").await;
    let mut tx = scoped(&store, &ada).await;
    let id = notes::create(&mut tx, "a", "b").await.unwrap();
    tx.commit().await.unwrap();
    // Something is told in the operator's log, as at each start.
    Scrubber::over(Vec::new()).scrub(&store).await.unwrap();
    store.close().await;
    let names = ["keys", "root.key"];
    for name in names {
        fs::rename(dir.path().join(name), aside.path().join(name)).unwrap();
    }
    let lost = Store::open(config()).await;
    assert!(matches!(lost, Err(StoreError::ForeignKeys(_))), "{:?}", lost.err());
    assert!(names.iter().all(|name| !dir.path().join(name).exists()), "keys were made");
    drop(KeyRing::open(dir.path(), None).unwrap());
    let wrong = Store::open(config()).await;
    assert!(matches!(wrong, Err(StoreError::ForeignKeys(_))), "{:?}", wrong.err());
    fs::remove_dir_all(dir.path().join("keys")).unwrap();
    for name in names {
        fs::rename(aside.path().join(name), dir.path().join(name)).unwrap();
    }
    let store = Store::open(config()).await.unwrap();
    assert_eq!(notes::get(&mut scoped(&store, &ada).await, id).await.unwrap().text, "b");
    store.close().await;
}

#[test]
fn a_server_whose_parent_is_killed_ends_too() {
    let dir = ScratchDir::new().unwrap();
    // This very test binary, as a parent that is killed.
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server::a_parent_to_be_killed", "--ignored", "--nocapture"])
        .env("WORDBOND_TEST_PARENT", dir.path())
        .spawn()
        .unwrap();
    let layout = Layout::of(dir.path());
    wait("the server", || process::noted(&layout).is_some_and(|(_, ready)| ready));
    let pid = process::running(&layout).unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    wait("the server's end", || !process::alive(pid));
    // The next start finds everything in order.
    let server = serve(&dir).unwrap();
    assert_ne!(process::running(&layout), Some(pid));
    server.stop();
}

#[test]
#[ignore = "only as a child of the test above"]
fn a_parent_to_be_killed() {
    let Some(dir) = std::env::var_os("WORDBOND_TEST_PARENT") else { return };
    let _server = Server::start(&config(dir.into())).unwrap();
    std::thread::park();
}

#[test]
fn an_orphan_is_stopped_and_a_stale_note_is_cleared() {
    let dir = ScratchDir::new().unwrap();
    let server = serve(&dir).unwrap();
    let layout = server.layout().clone();
    let note = fs::read_to_string(layout.data().join("postmaster.pid")).unwrap();
    server.stop();
    // A note that names a process of somebody else: this one.
    let lines: Vec<&str> = note.lines().skip(1).collect();
    let stale = format!("{}\n{}\n", std::process::id(), lines.join("\n"));
    fs::write(layout.data().join("postmaster.pid"), &stale).unwrap();
    fs::write(layout.socket_dir().join(format!(".s.PGSQL.{PORT}.lock")), &stale).unwrap();
    assert_eq!(process::running(&layout), None, "we are no PostgreSQL");
    let server = serve(&dir).unwrap();
    assert!(process::running(&layout).is_some());
    server.stop();
}

#[test]
fn files_and_socket_are_closed_to_everybody_else() {
    let dir = ScratchDir::new().unwrap();
    let server = serve(&dir).unwrap();
    let layout = server.layout();
    let data = layout.data();
    for path in [layout.base(), layout.socket_dir(), data.as_path()] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700, "{}", path.display());
        assert_ne!(fs::metadata(path).unwrap().uid(), 0, "PostgreSQL runs as root");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", process::running(layout).unwrap())).unwrap();
    let groups = status.lines().find(|line| line.starts_with("Groups:")).unwrap();
    assert!(!groups.split_whitespace().any(|group| group == "0"), "root's group was kept: {groups}");
    server.stop();
}

#[test]
fn a_directory_that_its_user_cannot_reach_moves_the_server_and_notes_where() {
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    if fs::metadata(closed.path()).unwrap().uid() != 0 {
        return;
    }
    let server = Server::start(&config(closed.path().join("data"))).unwrap();
    let base = server.layout().base().to_owned();
    assert!(base.starts_with("/var/lib/wordbond"));
    let noted = fs::read_to_string(closed.path().join("data/pg.path")).unwrap();
    assert_eq!(noted.trim_end(), base.display().to_string());
    server.stop();
    assert_eq!(Layout::of(&closed.path().join("data")).base(), base);
    fs::remove_dir_all(base).unwrap();
}

#[test]
fn a_missing_server_is_one_clear_error() {
    let dir = ScratchDir::new().unwrap();
    let nowhere = ServerConfig { pg_bin: Some(dir.path().to_owned()), ..config(dir.path().to_owned()) };
    let error = Server::start(&nowhere).unwrap_err();
    assert!(matches!(error, ServerError::NoServerIn(_)), "{error}");
}

fn config(data_dir: std::path::PathBuf) -> ServerConfig {
    ServerConfig { data_dir, pg_bin: None, roles: store::Role::names(), durable: true }
}

fn serve(dir: &ScratchDir) -> Result<Server, ServerError> {
    Server::start(&config(dir.path().to_owned()))
}
