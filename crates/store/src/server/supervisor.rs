//! Keeps one child server running: starts it, starts it again when it dies, and stops it in the end.

use super::{
    Binaries, IoContext as _, Layout, ServerError, Version, cluster,
    layout::{PORT, RunsAs, own_name},
    process,
};
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, Signal, kill_process},
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Child,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How long a server may take until it is ready: recovery after a crash may have much to replay.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that ran this long did not die of how it was started: the next start need not wait.
const STEADY: Duration = Duration::from_secs(60);

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
    shared: Arc<Shared>,
    watch: Option<JoinHandle<()>>,
    // Held, not read: as long as the file is locked no second supervisor starts.
    _lock: File,
}

/// What the supervisor and the thread that watches tell each other.
#[derive(Debug, Default)]
struct Shared {
    stopping: AtomicBool,
    /// The child for as long as it has not been waited for, and its number is its own; else 0.
    child: AtomicI32,
    pause: (Mutex<()>, Condvar),
}

impl Shared {
    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Asks the child to shut down fast.
    fn interrupt(&self) {
        let pid = self.child.load(Ordering::SeqCst);
        let asked = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::INT));
        tracing::debug!(pid, ?asked, "stopping PostgreSQL");
    }
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
        let binaries = Binaries::find(config.pg_bin.as_deref(), written)?
            .ok_or_else(|| ServerError::OtherMajor { data: layout.data(), written: written.unwrap_or_default() })?;
        if written.is_none() {
            cluster::create(&layout, &binaries, who, config.durable)?;
        }
        process::stop_orphan(&layout)?;
        cluster::configure(&layout, who, &name, &config.roles, config.durable)?;
        set_log_aside(&layout.log())?;
        let version = binaries.version;
        let starter = Starter { layout: layout.clone(), binaries, who };
        let child = starter.start()?;
        let shared = Arc::new(Shared::default());
        let watch = thread::Builder::new()
            .name("postgres".to_owned())
            .spawn({
                let shared = Arc::clone(&shared);
                shared.child.store(number(&child), Ordering::SeqCst);
                move || starter.watch(child, &shared)
            })
            .on("watch", layout.base())?;
        Ok(Self { layout, version, shared, watch: Some(watch), _lock: lock })
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
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.pause.1.notify_all();
        self.shared.interrupt();
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
            let pid = number(&child);
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
    fn watch(&self, mut child: Child, shared: &Shared) {
        let mut pause = Duration::ZERO;
        loop {
            shared.child.store(number(&child), Ordering::SeqCst);
            if shared.stopping() {
                // Asked to stop while it was starting: it has not heard of it.
                shared.interrupt();
            }
            // Held until then: waiting for the child would close the pipe that keeps it alive.
            let pipe = child.stdin.take();
            let began = Instant::now();
            let status = child.wait();
            if began.elapsed() > STEADY {
                pause = Duration::ZERO;
            }
            shared.child.store(0, Ordering::SeqCst);
            drop(pipe);
            if shared.stopping() {
                return;
            }
            tracing::error!(?status, "PostgreSQL ended by itself; starting it again");
            let Some(next) = self.revive(shared, &mut pause) else { return };
            child = next;
        }
    }

    /// Starts the server until it stays; `None` when it is no longer wanted.
    fn revive(&self, shared: &Shared, pause: &mut Duration) -> Option<Child> {
        loop {
            let guard = shared.pause.0.lock().unwrap_or_else(PoisonError::into_inner);
            drop(shared.pause.1.wait_timeout_while(guard, *pause, |()| !shared.stopping()));
            if shared.stopping() {
                return None;
            }
            *pause = (*pause * 2).clamp(Duration::from_millis(200), Duration::from_secs(30));
            match self.start() {
                Ok(child) => return Some(child),
                Err(error) => tracing::error!(%error, "PostgreSQL does not start"),
            }
        }
    }
}

fn number(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or_default()
}

fn lock(layout: &Layout) -> Result<File, ServerError> {
    let path = layout.lock();
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).on("open", &path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| ServerError::Locked(layout.base().to_owned()))?;
    Ok(file)
}

fn set_log_aside(log: &Path) -> Result<(), ServerError> {
    if fs::metadata(log).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
        fs::rename(log, log.with_extension("log.1")).on("set aside", log)?;
    }
    Ok(())
}
