//! One serving process, called directly and not by way of a proxy: for tests that care from where calls come, or that run
//! several processes on one database.

use outbound::{Site, Trust};
use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use store::server::{Layout, process};
use testkit::ScratchDir;
use tokio::time::sleep;

/// How long the process may take to serve, and to stop.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Instance {
    process: Child,
    more: Vec<String>,
    database: Option<String>,
    port: u16,
    dir: ScratchDir,
}

impl Instance {
    /// A folder for one, with a profile that promises one thing and serves drawings: the attacks stay out of the way.
    pub(crate) fn folder() -> ScratchDir {
        let dir = ScratchDir::new().unwrap();
        let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../profiles/starter.toml");
        let text = fs::read_to_string(starter).unwrap();
        let second = text.match_indices("\n[[promise]]").nth(1).unwrap().0;
        let text = text[..second].replacen("mode = \"built\"", "mode = \"built\"\nworkspace = \"drawings\"", 1);
        fs::write(dir.path().join("promises.toml"), text).unwrap();
        dir
    }

    /// Starts one there.
    pub(crate) async fn start(dir: ScratchDir, database: Option<String>, more: &[&str]) -> Self {
        Self::begin(dir, database, more.iter().map(|&text| text.to_owned()).collect()).await
    }

    /// The same with words made for it.
    pub(crate) async fn start_with(dir: ScratchDir, more: Vec<String>) -> Self {
        Self::begin(dir, None, more).await
    }

    async fn begin(dir: ScratchDir, database: Option<String>, more: Vec<String>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = spawn(dir.path(), port, database.as_deref(), &more);
        let mut instance = Self { process, more, database, port, dir };
        instance.wait().await;
        instance
    }

    async fn wait(&mut self) {
        let end = Instant::now() + PATIENCE;
        while !self.dir.path().join("ready.json").exists() {
            assert!(self.process.try_wait().unwrap().is_none(), "it ended: {}", self.log());
            assert!(Instant::now() < end, "it does not serve: {}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("scratch.log")).unwrap_or_default()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn site(&self) -> Site {
        let pem = fs::read_to_string(self.dir.path().join("tls/ca.pem")).unwrap();
        Site::new(&format!("https://localhost:{}", self.port), Trust::none().with_pem(&pem).unwrap()).unwrap()
    }

    /// Resident memory of the serving process, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// Ends it without a word, and its database server as well where `all` is to go.
    pub(crate) fn kill(&mut self, all: bool) {
        let server = process::running(&Layout::of(self.dir.path())).filter(|_| all);
        self.process.kill().unwrap();
        if let Some(server) = server {
            assert!(Command::new("kill").arg("-9").arg(server.to_string()).status().unwrap().success());
        }
        self.process.wait().unwrap();
    }

    /// Verifies the whole ledger from outside, against what was seen the last time.
    pub(crate) async fn verify(&self) -> Output {
        let (ca, memory) = (self.dir.path().join("tls/ca.pem"), self.dir.path().join("seen.json"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_wordbond"));
        command.arg("verify").arg(format!("https://localhost:{}", self.port));
        command.arg("--ca").arg(ca).arg("--memory").arg(memory);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Ends it in good order, and its database server with it.
    pub(crate) fn stop(&mut self) {
        assert!(Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap().success());
        let ended = self.process.wait().unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// What it is told from the next start on.
    pub(crate) fn more(&mut self, more: Vec<String>) {
        self.more = more;
    }

    /// Runs it on the same data with other words, until it ends by itself.
    pub(crate) async fn up(&self, more: &[String]) -> Output {
        let mut command = command(self.dir.path(), self.port, self.database.as_deref(), more);
        command.stdin(Stdio::null());
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    /// Starts it again on the same data.
    pub(crate) async fn begin_again(&mut self) {
        let ready = self.dir.path().join("ready.json");
        if ready.exists() {
            fs::remove_file(ready).unwrap();
        }
        self.process = spawn(self.dir.path(), self.port, self.database.as_deref(), &self.more);
        self.wait().await;
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if !matches!(self.process.try_wait(), Ok(None)) {
            return;
        }
        // Asked first, so that its database server ends with it.
        let _ = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status();
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && matches!(self.process.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(dir: &Path, port: u16, database: Option<&str>, more: &[String]) -> Child {
    let log = File::options().create(true).append(true).open(dir.join("scratch.log")).unwrap();
    let mut command = command(dir, port, database, more);
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

fn command(dir: &Path, port: u16, database: Option<&str>, more: &[String]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_wordbond")));
    command.arg("up").arg("--profile").arg(dir.join("promises.toml")).arg("--data-dir").arg(dir);
    command.arg("--listen").arg(format!("127.0.0.1:{port}")).args(more);
    match database {
        // As the manual has it: other users of a machine see arguments.
        Some(url) => command.env("WORDBOND_DATABASE_URL", url),
        None => command.env_remove("WORDBOND_DATABASE_URL"),
    };
    command
}
