//! A PostgreSQL server of its own for one test: started on a socket in a temporary directory, as a user without rights
//! where the test runs as root, gone when dropped. The ledger keeps its own because its tests crash the server, turn its
//! settings off and count on what reaches the disk.

use kernel::FixedClock;
use ledger::{Fetch, FetchError, Leaf, Sealer, SigningKey};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use std::{
    fs::{self, File},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::Mutex;

pub(crate) const ORIGIN: &str = "localhost:8443/ledger";
pub(crate) const SEED: [u8; 32] = [42; 32];
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(60);

/// Whom the server runs as where the test is root: PostgreSQL refuses root.
const NOBODY: u32 = 65_534;

pub(crate) struct Cluster {
    server: Child,
    dir: TempDir,
    settings: &'static [&'static str],
}

impl Cluster {
    /// A server that loses everything in a power cut, which no test has: quick.
    pub(crate) async fn quick() -> Self {
        Self::start(&["fsync=off", "track_commit_timestamp=on"]).await
    }

    /// A server with the ledger's schema and roles.
    pub(crate) async fn start(settings: &'static [&'static str]) -> Self {
        let dir = tempfile::Builder::new().prefix("ledger-test-").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let done = program("initdb", dir.path())
            .args(["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D"])
            .arg(dir.path().join("data"))
            .stdout(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "initdb");
        let server = serve(dir.path(), settings);
        let cluster = Self { server, dir, settings };
        let mut owner = cluster.wait().await;
        for role in ["wordbond_app", "wordbond_recorder", "wordbond_auditor", "wordbond_sealer"] {
            let sql = format!("CREATE ROLE {role} LOGIN");
            owner.execute(sqlx::AssertSqlSafe(sql)).await.unwrap();
        }
        owner.execute(ledger::MIGRATION).await.unwrap();
        cluster
    }

    pub(crate) fn options(&self, role: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host(&self.dir.path().to_string_lossy())
            .username(role)
            .database("postgres")
    }

    pub(crate) fn socket(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) async fn connect(&self, role: &str) -> PgConnection {
        PgConnection::connect_with(&self.options(role)).await.unwrap()
    }

    pub(crate) async fn owner(&self) -> PgConnection {
        self.connect("postgres").await
    }

    pub(crate) async fn app(&self) -> PgConnection {
        self.connect("wordbond_recorder").await
    }

    pub(crate) async fn sealer(&self) -> PgConnection {
        self.connect("wordbond_sealer").await
    }

    /// Ends the server as a crash does, and starts it again.
    pub(crate) async fn crash(&mut self) {
        self.quit();
        self.server = serve(self.dir.path(), self.settings);
        self.wait().await;
    }

    fn quit(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.server);
        rustix::process::kill_process(pid, rustix::process::Signal::QUIT).ok();
        self.server.wait().ok();
    }

    async fn wait(&self) -> PgConnection {
        for _ in 0..400 {
            if let Ok(conn) = PgConnection::connect_with(&self.options("postgres")).await {
                return conn;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let log = fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        panic!("the server does not answer: {log}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.quit();
    }
}

fn serve(dir: &Path, settings: &[&str]) -> Child {
    let mut server = program("postgres", dir);
    server.arg("-D").arg(dir.join("data")).arg("-k").arg(dir).args(["-c", "listen_addresses="]);
    for setting in settings {
        server.args(["-c", setting]);
    }
    let log = File::options().create(true).append(true).open(dir.join("log")).unwrap();
    server.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn program(name: &str, dir: &Path) -> Command {
    let mut command = Command::new(binaries().join(name));
    command.current_dir(dir);
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where PostgreSQL is: on the path, or where Debian puts it, the newest.
fn binaries() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut found: Vec<PathBuf> = debian.collect();
    found.sort();
    found.extend(std::env::split_paths(&path));
    found.into_iter().rfind(|dir| dir.join("initdb").exists()).expect("PostgreSQL is not installed")
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &SEED).unwrap()
}

pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at("2026-11-22T03:48:00Z".parse().unwrap()))
}

pub(crate) fn sealer(clock: &Arc<FixedClock>) -> Sealer {
    Sealer::new(key(), Arc::clone(clock) as _, HEARTBEAT)
}

/// A leaf that says a number.
pub(crate) fn leaf(n: u64) -> Leaf {
    Leaf::Start {
        build: "b".repeat(64),
        profile: "p".repeat(64),
        at: "2026-11-22T03:48:00Z".parse().unwrap(),
        instance: n.to_string(),
    }
}

/// Appends the leaves of these numbers, all in one transaction.
pub(crate) async fn append(conn: &mut PgConnection, numbers: std::ops::Range<u64>) {
    let mut tx = conn.begin().await.unwrap();
    for n in numbers {
        ledger::append(&mut tx, &leaf(n)).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Appends the leaves of these numbers in one statement: quick where there are many.
pub(crate) async fn append_many(conn: &mut PgConnection, numbers: std::ops::Range<u64>) {
    let bodies: Vec<Vec<u8>> = numbers.map(|n| leaf(n).to_bytes().unwrap()).collect();
    let sql = "INSERT INTO ledger.entry (kind, body) SELECT 'start', unnest($1::bytea[])";
    sqlx::query(sql).bind(bodies).execute(conn).await.unwrap();
}

/// Reads a log through a connection, as a web server serves it.
pub(crate) struct Served(Mutex<PgConnection>);

impl Served {
    pub(crate) async fn by(cluster: &Cluster) -> Self {
        Self(Mutex::new(cluster.app().await))
    }
}

impl Fetch for Served {
    async fn fetch(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        let served = ledger::serve(&mut *self.0.lock().await, path).await;
        served.map_err(|cause| FetchError::Failed(cause.to_string()))?.ok_or(FetchError::Missing)
    }
}
