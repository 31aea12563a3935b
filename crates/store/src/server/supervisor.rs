//! Keeps one child server running: starts it, starts it again when it dies, and stops it in the end.

use super::{
    Binaries, IoContext as _, Layout, ServerError, Version, cluster,
    layout::{PORT, RunsAs, own_name},
    process,
};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long a server may take until it is ready: recovery after a crash may have much to replay.
const PATIENCE: Duration = Duration::from_secs(60);

/// A log that is longer than this when the server starts is set aside; one older log is kept.
const LONGEST_LOG: u64 = 8 * 1024 * 1024;

/// What a child server needs to know.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The data directory of the system; the server's files lie below it.
    pub data_dir: PathBuf,
    /// Where to find the programs; `None` looks for the newest.
    pub pg_bin: Option<PathBuf>,
    /// The roles that Wordbond's own user may take.
    pub roles: Vec<&'static str>,
    /// `false` for rehearsals: commits need not survive a power cut.
    pub durable: bool,
}

/// A running child server. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    layout: Layout,
    version: Version,
    stopping: Arc<(AtomicBool, Mutex<()>, Condvar)>,
    watch: Option<JoinHandle<()>>,
    // Held, not read: as long as the file is locked no second supervisor starts.
    _lock: File,
}

/// What it takes to start the server once more.
struct Starter {
    layout: Layout,
    binaries: Binaries,
    who: RunsAs,
}

impl Server {
    /// Starts the server, creating its cluster first where there is none. Blocks until it accepts connections.
    ///
    /// # Errors
    /// [`ServerError`], each with what to do about it. A cluster that was there is not touched by a failed start.
    pub fn start(config: &ServerConfig) -> Result<Self, ServerError> {
        let who = RunsAs::choose()?;
        let name = own_name()?;
        let layout = Layout::create(&config.data_dir, who)?;
        let lock = lock(&layout)?;
        let written = cluster::written_by(&layout.data());
        let binaries = Binaries::find(config.pg_bin.as_deref(), written)?.ok_or_else(|| ServerError::OtherMajor {
            data: layout.data(),
            written: written.unwrap_or_default(),
        })?;
        if written.is_none() {
            cluster::create(&layout, &binaries, who, config.durable)?;
        }
        process::stop_orphan(&layout)?;
        cluster::configure(&layout, who, &name, &config.roles, config.durable)?;
        set_log_aside(&layout.log())?;
        let version = binaries.version;
        let starter = Starter { layout: layout.clone(), binaries, who };
        let child = starter.start()?;
        let stopping = Arc::new((AtomicBool::new(false), Mutex::new(()), Condvar::new()));
        let watch = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn({
                let stopping = Arc::clone(&stopping);
                move || starter.watch(child, &stopping)
            })
            .on("watch", layout.base())?;
        Ok(Self { layout, version, stopping, watch: Some(watch), _lock: lock })
    }

    /// Where its files lie.
    #[must_use]
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What it says it is.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The port in its socket's name.
    #[must_use]
    pub const fn port(&self) -> u16 {
        PORT
    }

    /// Stops the server: open transactions are rolled back, the state is written out, the processes end. Blocks until
    /// then. Dropping does the same.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        let Some(watch) = self.watch.take() else { return };
        self.stopping.0.store(true, Ordering::SeqCst);
        self.stopping.2.notify_all();
        let asked = process::interrupt(&self.layout);
        tracing::debug!(pid = asked, "stopping PostgreSQL");
        if watch.join().is_err() {
            tracing::error!("the thread that watches PostgreSQL panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.halt();
    }
}

impl Starter {
    /// Starts the server and waits until it is ready. Tries again while processes of a killed predecessor still hold
    /// its shared memory: they notice within seconds and go.
    fn start(&self) -> Result<Child, ServerError> {
        let postgres = self.binaries.program("postgres");
        for attempt in 0..20 {
            let mut child = process::start(&postgres, &self.layout, self.who)?;
            let pid = i32::try_from(child.id()).unwrap_or_default();
            let mut ended = false;
            let settled = process::within(PATIENCE, || {
                ended = !matches!(child.try_wait(), Ok(None));
                ended || process::noted(&self.layout) == Some((pid, true))
            });
            if settled && !ended {
                return Ok(child);
            }
            if !ended {
                // Closing its input lets the watcher stop it.
                drop(child.stdin.take());
                break;
            }
            if !process::last_words(&self.layout).contains("shared memory") {
                break;
            }
            tracing::info!(attempt, "PostgreSQL waits for the processes of its predecessor");
            thread::sleep(Duration::from_millis(300));
        }
        Err(ServerError::DidNotStart { log: self.layout.log(), said: process::last_words(&self.layout) })
    }

    /// Waits for the server's end. An end that nobody asked for is answered with a new start, ever more slowly.
    fn watch(&self, mut child: Child, stopping: &(AtomicBool, Mutex<()>, Condvar)) {
        let stopped = || stopping.0.load(Ordering::SeqCst);
        let mut pause = Duration::ZERO;
        loop {
            // `Child::wait` would close the pipe that keeps the server alive.
            let pipe = child.stdin.take();
            let status = child.wait();
            drop(pipe);
            if stopped() {
                return;
            }
            tracing::error!(?status, "PostgreSQL ended by itself; starting it again");
            child = loop {
                let guard = stopping.1.lock().unwrap_or_else(PoisonError::into_inner);
                drop(stopping.2.wait_timeout_while(guard, pause, |()| !stopped()));
                if stopped() {
                    return;
                }
                pause = (pause * 2).clamp(Duration::from_millis(200), Duration::from_secs(30));
                match self.start() {
                    Ok(child) => break child,
                    Err(error) => tracing::error!(%error, "PostgreSQL does not start"),
                }
            };
            if stopped() {
                // Asked to stop while it was starting: it has not heard of it.
                let _none_runs = process::interrupt(&self.layout);
            }
        }
    }
}

fn lock(layout: &Layout) -> Result<File, ServerError> {
    let path = layout.lock();
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).on("open", &path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|_| ServerError::Locked(layout.base().to_owned()))?;
    Ok(file)
}

fn set_log_aside(log: &Path) -> Result<(), ServerError> {
    if fs::metadata(log).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
        fs::rename(log, log.with_extension("log.1")).on("set aside", log)?;
    }
    Ok(())
}
