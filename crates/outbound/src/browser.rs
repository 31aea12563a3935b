//! A real browser, driven by the DevTools protocol over two pipes: no port is opened that another program could use.
//! Each [`Browser`] has a profile and a home of its own, believes what the site's [`Trust`](crate::Trust) adds to the public
//! roots, and resolves no name but the site's. Dropping it ends every process of it and removes its files.

mod event;
mod find;
mod home;
mod page;
mod pipe;

pub use event::Event;
pub use page::Page;

use crate::Site;
use command_fds::{CommandFdExt, FdMapping};
use home::Home;
use pipe::Pipe;
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use std::{path::Path, process::Stdio, sync::Arc, time::Duration};
use tokio::process::{Child, Command};

/// How long the browser may take to start.
const START: Duration = Duration::from_secs(15);

/// What every browser is started with: no window, no calls of its own, no files outside its profile.
const FLAGS: &[&str] = &[
    "--headless",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-service-autorun",
    "--password-store=basic",
];

/// Why the browser gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrowserError {
    /// No browser is installed.
    #[error("no browser found; install one with `apt-get install -y --no-install-recommends chromium libnss3-tools`")]
    Absent,
    /// The tool that makes a browser believe a certificate is not installed.
    #[error("certutil not found; install it with `apt-get install -y libnss3-tools`")]
    NoCertutil,
    /// The browser did not start.
    #[error("the browser did not start: {0}")]
    Start(String),
    /// The browser ended in the middle.
    #[error("the browser ended unexpectedly")]
    Gone,
    /// The browser did not answer in time.
    #[error("the browser did not answer `{0}` in time")]
    Silent(String),
    /// The browser refused a command.
    #[error("the browser refused `{command}`: {reason}")]
    Refused {
        /// The command.
        command: String,
        /// Its reason.
        reason: String,
    },
    /// A page did not load.
    #[error("the page did not load in the browser: {0}")]
    Page(String),
}

/// A running browser.
#[derive(Debug)]
pub struct Browser {
    pipe: Arc<Pipe>,
    // Declared before the home, so that the processes are gone before their files are.
    process: Process,
    _home: Home,
}

#[derive(Debug)]
struct Process {
    child: Child,
    group: Option<Pid>,
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        // Reaped at once as a rule; what is left of a slow machine's browser is reaped by the runtime.
        for _ in 0..40 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Browser {
    /// Starts a browser that may visit the site and this machine's loopback, and nothing else.
    ///
    /// # Errors
    /// None is installed, or it does not start.
    pub async fn start(site: &Site) -> Result<Self, BrowserError> {
        let program = find::browser().ok_or(BrowserError::Absent)?;
        let home = Home::new(site.trust()).await?;
        let started = |error: &dyn std::fmt::Display| BrowserError::Start(error.to_string());
        let (its_commands, commands) = std::io::pipe().map_err(|error| started(&error))?;
        let (answers, its_answers) = std::io::pipe().map_err(|error| started(&error))?;
        let mut command = command(&program, &home, site.host());
        let mapping = |end: std::os::fd::OwnedFd, number| FdMapping { parent_fd: end, child_fd: number };
        let ends = vec![mapping(its_commands.into(), 3), mapping(its_answers.into(), 4)];
        command.as_std_mut().fd_mappings(ends).map_err(|error| started(&error))?;
        let child = command.spawn().map_err(|error| started(&error))?;
        // The child's ends live in the command; while they stay open here, the end of the browser would go unseen.
        drop(command);
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let process = Process { child, group };
        let pipe = Pipe::new(commands.into(), answers.into()).map_err(|error| started(&error))?;
        let browser = Self { pipe, process, _home: home };
        let hello = browser.pipe.call_within(START, None, "Browser.getVersion", &serde_json::json!({})).await;
        match hello {
            Ok(_) => Ok(browser),
            Err(BrowserError::Gone) => Err(BrowserError::Start("it ended at once".to_owned())),
            Err(error) => Err(error),
        }
    }

    /// A new empty page, in a context of its own: no cookies, caches or pending reports of other pages.
    ///
    /// # Errors
    /// The browser is gone.
    pub async fn page(&self) -> Result<Page, BrowserError> {
        Page::open(Arc::clone(&self.pipe)).await
    }

    /// The process id of the browser.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.child.id()
    }
}

/// The browser with its flags and an environment that holds nothing of this program's.
fn command(program: &Path, home: &Home, host: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(FLAGS)
        .arg(format!("--user-data-dir={}", home.profile().display()))
        .arg(format!("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE {host}"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    for name in ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env(name, home.path());
    }
    if geteuid().is_root() {
        // Chromium's sandbox refuses to run as root.
        command.arg("--no-sandbox");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trust;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    async fn tiny_server(body: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(body.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn a_page_opens_runs_and_leaves_no_process() {
        let site = Site::new("https://localhost:9", Trust::public()).unwrap();
        let browser = Browser::start(&site).await.unwrap();
        let page = browser.page().await.unwrap();
        let port = tiny_server("<title>hello</title><p>text").await;
        page.goto(&format!("http://127.0.0.1:{port}/")).await.unwrap();
        assert_eq!(page.run("document.title").await.unwrap(), "hello");
        assert!(page.goto("http://127.0.0.1:9/").await.is_err(), "nothing listens there");
        assert!(page.goto("http://example.com/").await.is_err(), "only the site's name resolves");
        let pid = Pid::from_raw(i32::try_from(browser.pid().unwrap()).unwrap()).unwrap();
        let home = browser._home.path().to_owned();
        drop(browser);
        assert!(rustix::process::test_kill_process(pid).is_err(), "the process is gone");
        assert!(!home.exists(), "its files are gone");
    }
}
