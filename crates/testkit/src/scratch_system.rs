//! A scratch copy of the whole system: the real executable in a folder of its own, behind a [`Middle`].

use crate::{
    application::{Application, Recipient},
    middle::{Middle, public_port},
};
use outbound::{Site, Trust};
use std::{
    fs::File,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

/// How long the system may take to serve.
const START: Duration = Duration::from_secs(60);
/// How long it may take to stop in good order.
const STOP: Duration = Duration::from_secs(20);

/// A running scratch copy. Dropped, it is killed and its folder removed; [`ScratchSystem::stop`] ends it in good order.
#[derive(Debug)]
pub struct ScratchSystem {
    executable: PathBuf,
    profile: PathBuf,
    // Ends before its folder goes.
    process: Serving,
    folder: TempDir,
    listen: u16,
    public: u16,
    middle: Middle,
    beside: Beside,
}

/// What stands beside the system.
#[derive(Debug)]
struct Beside {
    application: Option<Application>,
    recipient: Option<Recipient>,
}

impl Beside {
    async fn promised(profile: &str) -> io::Result<Self> {
        Ok(Self { application: Application::promised(profile).await?, recipient: Recipient::promised(profile).await? })
    }

    /// What `wordbond up` must be told of it.
    fn arguments(&self) -> impl Iterator<Item = String> {
        let application = self.application.as_ref().map(Application::arguments).unwrap_or_default();
        application.into_iter().chain(self.recipient.as_ref().map(Recipient::arguments).unwrap_or_default())
    }
}

impl ScratchSystem {
    /// Starts the executable with the profile, in a new folder and on free ports, and waits until it serves. Where the profile
    /// promises a gate, a small application stands behind it; where it promises erasures in time, somebody is told of them.
    ///
    /// # Errors
    /// It does not come to serve within a minute; the text ends with the last lines of its log.
    pub async fn start(executable: &Path, profile: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("wordbond-scratch-").tempdir()?;
        // The database server runs as another user and must be able to reach its files.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let (door, public) = public_port().await?;
        let (closed, listen) = public_port().await?;
        drop(closed);
        let (public, listen) = (public.port(), listen.port());
        let beside = Beside::promised(&std::fs::read_to_string(profile)?).await?;
        let mut process = spawn(executable, profile, folder.path(), (listen, public), &beside)?;
        let tls = folder.path().join("tls");
        // The last of them to be written.
        wait(&mut process.0, folder.path(), || tls.join("cert.pem").exists()).await?;
        let listener =
            Site::new(&format!("https://localhost:{listen}"), trust(folder.path())?).map_err(io::Error::other)?;
        let middle = Middle::open(door, &tls, listener)?;
        wait(&mut process.0, folder.path(), || folder.path().join("ready.json").exists()).await?;
        Ok(Self {
            executable: executable.to_owned(),
            profile: profile.to_owned(),
            process,
            folder,
            listen,
            public,
            middle,
            beside,
        })
    }

    /// The system's data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The executable that runs.
    #[must_use]
    pub fn executable(&self) -> &Path {
        &self.executable
    }

    /// The proxy at its public address.
    #[must_use]
    pub const fn middle(&self) -> &Middle {
        &self.middle
    }

    /// The public address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.public)
    }

    /// The public address as a site to attack.
    ///
    /// # Errors
    /// The development authority's certificate cannot be read.
    pub fn site(&self) -> io::Result<Site> {
        Site::new(&self.url(), trust(self.folder.path())?).map_err(io::Error::other)
    }

    /// Stops the system and starts it again on the same data.
    ///
    /// # Errors
    /// It does not stop, or does not come to serve again.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.terminate().await?;
        self.begin_again().await
    }

    /// Kills the system without a word and starts it again on the same data.
    ///
    /// # Errors
    /// It does not come to serve again.
    pub async fn kill_and_restart(&mut self) -> io::Result<()> {
        self.process.0.kill().await?;
        self.begin_again().await
    }

    async fn begin_again(&mut self) -> io::Result<()> {
        let _ = std::fs::remove_file(self.folder.path().join("ready.json"));
        let ports = (self.listen, self.public);
        self.process = spawn(&self.executable, &self.profile, self.folder.path(), ports, &self.beside)?;
        let ready = self.folder.path().join("ready.json");
        wait(&mut self.process.0, self.folder.path(), || ready.exists()).await
    }

    /// Ends the system in good order and removes its folder.
    ///
    /// # Errors
    /// It does not stop.
    pub async fn stop(mut self) -> io::Result<()> {
        self.terminate().await.map(|_| ())
    }

    async fn terminate(&mut self) -> io::Result<ExitStatus> {
        if let Some(id) = self.process.0.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        tokio::time::timeout(STOP, self.process.0.wait())
            .await
            .map_err(|_| io::Error::other("the scratch system did not stop when asked to"))?
    }
}

/// The process of a scratch copy. Dropped, it is asked to end, so that its database server ends with it and writes no more into a
/// folder that is about to go; it is killed when it does not.
#[derive(Debug)]
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(id) = self.0.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
            let end = Instant::now() + STOP;
            while Instant::now() < end && matches!(self.0.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let _ = self.0.start_kill();
    }
}

fn spawn(
    executable: &Path,
    profile: &Path,
    folder: &Path,
    (listen, public): (u16, u16),
    beside: &Beside,
) -> io::Result<Serving> {
    let log = File::options().create(true).append(true).open(folder.join("scratch.log"))?;
    Command::new(executable)
        .arg("up")
        .arg("--profile")
        .arg(profile)
        .arg("--data-dir")
        .arg(folder)
        .args(["--listen", &format!("127.0.0.1:{listen}")])
        .args(["--public-url", &format!("https://localhost:{public}")])
        .args(beside.arguments())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map(Serving)
}

fn trust(folder: &Path) -> io::Result<Trust> {
    let pem = std::fs::read_to_string(folder.join("tls/ca.pem"))?;
    Trust::none().with_pem(&pem).map_err(io::Error::other)
}

async fn wait(process: &mut Child, folder: &Path, ready: impl Fn() -> bool) -> io::Result<()> {
    let end = Instant::now() + START;
    while !ready() {
        if let Some(status) = process.try_wait()? {
            return Err(io::Error::other(format!("the scratch system ended with {status}:\n{}", last_lines(folder))));
        }
        if Instant::now() > end {
            let seconds = START.as_secs();
            return Err(io::Error::other(format!(
                "the scratch system does not serve after {seconds} s:\n{}",
                last_lines(folder)
            )));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn last_lines(folder: &Path) -> String {
    let text = std::fs::read_to_string(folder.join("scratch.log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
}
