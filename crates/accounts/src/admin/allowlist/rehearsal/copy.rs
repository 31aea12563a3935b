//! A copy of the whole system: the same program, on an empty data directory, serving only this probe.

use super::{Rehearse, Stop};
use crate::provider::loopback::LoopbackIssuer;
use outbound::{Operator, Site, Trust};
use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

/// How long the copy may take to serve, and to stop.
const START: Duration = Duration::from_secs(60);
const STOP: Duration = Duration::from_secs(20);
/// How often it is looked whether a copy that was given up has ended, a twentieth of a second apart.
const GIVEN_UP: u32 = 100;

/// What the copy promises: next to nothing, so that it does not attack itself, and rehearses nothing in its turn.
const PROFILE: &str = r#"
[service]
name = "Rehearsal"
about = "A copy that serves one probe"
operator = "Nobody"
mode = "built"

[contacts]
security = "security@example.org"
languages = ["en"]

[[promise]]
id = "nothing"
section = "Rehearsal"
words = "This copy promises nothing."
kind = "planned"
planned = { phase = "Never" }
"#;

/// A running copy. Dropped, it is asked to stop, and its folder removed.
pub(super) struct Copy {
    with: Rehearse,
    variable: String,
    folder: TempDir,
    port: u16,
    site: Site,
    process: Child,
}

impl Copy {
    /// Starts the program in a new folder with that list.
    pub(super) async fn start(with: &Rehearse, variable: &str, list: Option<&str>) -> Result<Self, Stop> {
        let folder = tempfile::Builder::new().prefix("wordbond-rehearsal-").tempdir().map_err(failed)?;
        // The database server runs as another user and must be able to reach its files.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
        fs::write(folder.path().join("rehearsal.toml"), PROFILE).map_err(failed)?;
        let port = free_port().map_err(failed)?;
        let mut process = spawn(with, variable, list, folder.path(), port).map_err(failed)?;
        wait(&mut process, folder.path()).await?;
        let pem = fs::read_to_string(folder.path().join("tls/ca.pem")).map_err(failed)?;
        let trust = Trust::none().with_pem(&pem).map_err(failed)?;
        let site = Site::new(&format!("https://localhost:{port}"), trust).map_err(failed)?;
        Ok(Self { with: with.clone(), variable: variable.to_owned(), folder, port, site, process })
    }

    /// The same data with another list.
    pub(super) async fn restart(&mut self, list: Option<&str>) -> Result<(), Stop> {
        self.end().await?;
        let _ = fs::remove_file(self.folder.path().join("ready.json"));
        self.process = spawn(&self.with, &self.variable, list, self.folder.path(), self.port).map_err(failed)?;
        wait(&mut self.process, self.folder.path()).await
    }

    /// Ends the copy in good order and removes its folder.
    pub(super) async fn stop(mut self) -> Result<(), Stop> {
        self.end().await
    }

    /// Where it serves.
    pub(super) const fn site(&self) -> &Site {
        &self.site
    }

    /// The issuer that its data directory registers.
    pub(super) async fn issuer(&self) -> Result<LoopbackIssuer, Stop> {
        LoopbackIssuer::open(self.folder.path()).await.map_err(failed)
    }

    /// Its operator.
    pub(super) fn operator(&self) -> Result<Operator, Stop> {
        fs::read_to_string(self.folder.path().join("operator.token")).map(Operator::new).map_err(failed)
    }

    async fn end(&mut self) -> Result<(), Stop> {
        ask_to_stop(&self.process);
        match timeout(STOP, self.process.wait()).await {
            Ok(ended) => ended.map(drop).map_err(failed),
            Err(_) => Err(Stop::Failed("the rehearsal's copy did not stop when asked to".to_owned())),
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Its database server ends with it, if it is asked and not killed; the folder goes afterwards.
        ask_to_stop(&self.process);
        for _ in 0..GIVEN_UP {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.process.start_kill();
    }
}

fn ask_to_stop(process: &Child) {
    if let Some(id) = process.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}

fn spawn(with: &Rehearse, variable: &str, list: Option<&str>, folder: &Path, port: u16) -> io::Result<Child> {
    let log = File::options().create(true).append(true).open(folder.join("rehearsal.log"))?;
    let mut command = Command::new(&with.program);
    command.arg("up").arg("--profile").arg(folder.join("rehearsal.toml")).arg("--data-dir").arg(folder);
    command.args(["--listen", &format!("127.0.0.1:{port}"), "--public-url", &format!("https://localhost:{port}")]);
    if let Some(folder) = &with.pg_bin {
        command.arg("--pg-bin").arg(folder);
    }
    // The real list and the real database have no business in a rehearsal.
    for name in [variable, "ADMIN_EMAILS", "WORDBOND_DATABASE_URL"] {
        command.env_remove(name);
    }
    if let Some(list) = list {
        // A program that reads the name from its profile finds the default one here: the copy's profile names none.
        command.env("ADMIN_EMAILS", list).env(variable, list);
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

async fn wait(process: &mut Child, folder: &Path) -> Result<(), Stop> {
    let begun = Instant::now();
    while !folder.join("ready.json").exists() {
        if let Some(status) = process.try_wait().map_err(failed)? {
            return Err(Stop::Failed(format!("the rehearsal's copy ended with {status}")));
        }
        if begun.elapsed() > START {
            return Err(Stop::Failed(format!("the rehearsal's copy does not serve after {} s", START.as_secs())));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn failed(error: impl std::fmt::Display) -> Stop {
    Stop::Failed(format!("the rehearsal: {error}"))
}
