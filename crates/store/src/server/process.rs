//! Processes of a server: how they are started, told apart from strangers, and stopped.

use super::{
    IoContext as _, Layout, ServerError,
    layout::{PORT, RunsAs},
};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Becomes the server, after leaving behind a watcher that is no child of it. The watcher reads from the pipe that the
/// parent holds; when the parent ends, however it ends, the read ends too and the server is shut down. It asks the
/// server's own file whether the process is still that server before it sends the signal.
const WATCHED: &str = r#"
exec 3<&0 </dev/null
server=$$
( ( read -r _ <&3
    read -r owner <"$PGDATA/postmaster.pid" && [ "$owner" = "$server" ] && kill -INT "$server"
  ) >/dev/null 2>&1 & )
exec 3<&-
exec "$@"
"#;

/// A program of the server with a clean environment, run as its user.
pub(super) fn command(program: &Path, layout: &Layout, who: RunsAs) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("PGDATA", layout.data()).current_dir(layout.base()).stdin(Stdio::null());
    // A group of its own: the terminal's ^C is for us, and the server is stopped when we are done with it.
    command.process_group(0);
    if who.other {
        command.uid(who.uid).gid(who.gid);
    }
    command
}

/// Starts the server. It lives as long as the child's standard input stays open.
pub(super) fn start(postgres: &Path, layout: &Layout, who: RunsAs) -> Result<Child, ServerError> {
    let path = layout.log();
    let log = fs::OpenOptions::new().create(true).append(true).open(&path).on("open", &path)?;
    let also = log.try_clone().on("open", &path)?;
    let mut command = command(Path::new("/bin/sh"), layout, who);
    command.args(["-c", WATCHED, "sh"]).arg(postgres).arg("-D").arg(layout.data());
    command.stdin(Stdio::piped()).stdout(log).stderr(also);
    command.spawn().on("start", postgres)
}

/// What `postmaster.pid` says: the process, and whether it is ready for connections.
#[must_use]
pub fn noted(layout: &Layout) -> Option<(i32, bool)> {
    let text = fs::read_to_string(layout.data().join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some((pid, lines.nth(6).is_some_and(|status| status.trim() == "ready")))
}

/// The process of the server that runs on `layout` now, if one does: noted in its file, alive, and indeed a server of
/// this cluster. A process number alone proves nothing, because it may have been given to somebody else.
#[must_use]
pub fn running(layout: &Layout) -> Option<i32> {
    noted(layout).map(|(pid, _)| pid).filter(|pid| serves(*pid, layout))
}

fn serves(pid: i32, layout: &Layout) -> bool {
    let data = layout.data();
    let words = match fs::read(format!("/proc/{pid}/cmdline")) {
        Ok(line) => line,
        Err(_) if Path::new("/proc/self").exists() => return false,
        // No /proc on this system: ask `ps`.
        Err(_) => Command::new("ps")
            .args(["-o", "command=", "-p", &pid.to_string()])
            .output()
            .map(|o| o.stdout)
            .unwrap_or_default(),
    };
    let line = String::from_utf8_lossy(&words).replace('\0', " ");
    line.contains("postgres") && line.contains(&data.display().to_string())
}

fn signal(layout: &Layout, signal: Signal) -> Option<i32> {
    let pid = running(layout)?;
    kill_process(Pid::from_raw(pid)?, signal).ok()?;
    Some(pid)
}

/// Stops a server that an earlier run left behind, and clears a note of one that is no more.
pub(super) fn stop_orphan(layout: &Layout) -> Result<(), ServerError> {
    for (how, patience) in [(Signal::INT, 10), (Signal::QUIT, 5), (Signal::KILL, 5)] {
        let Some(pid) = signal(layout, how) else { break };
        tracing::warn!(pid, "stopping the server of an earlier run");
        if within(Duration::from_secs(patience), || running(layout).is_none()) {
            break;
        }
    }
    if let Some(pid) = running(layout) {
        return Err(ServerError::Orphan(pid));
    }
    // Their numbers may belong to somebody else by now, or to a process that is dead and was not yet buried, and the server
    // would then refuse to start. The socket's directory is this server's own.
    let socket = layout.socket_dir().join(format!(".s.PGSQL.{PORT}.lock"));
    for note in [layout.data().join("postmaster.pid"), socket] {
        if note.exists() {
            fs::remove_file(&note).on("remove", &note)?;
        }
    }
    Ok(())
}

/// Whether a process of that number exists.
#[must_use]
pub fn alive(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Waits until `done`, at most for `patience`. Returns whether it came true.
pub(super) fn within(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        sleep(Duration::from_millis(10));
    }
}

/// The last lines of the server's log, for an error message.
pub(super) fn last_words(layout: &Layout) -> String {
    let text = fs::read(layout.log()).unwrap_or_default();
    let tail = text.get(text.len().saturating_sub(600)..).unwrap_or_default();
    let tail = String::from_utf8_lossy(tail);
    let lines: Vec<&str> = tail.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}
