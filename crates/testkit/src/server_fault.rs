//! Faults of the scratch database server: its access rules, settings and socket directory.

use crate::superuser::connect;
use sqlx::{AssertSqlSafe, Connection, raw_sql};
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, Instant},
};
use store::server::Layout;
use tokio::time::sleep;

/// How long the server may take to come back.
const RESTART: Duration = Duration::from_secs(30);

/// Makes the fault: replaces the access rules, opens the socket's directory, changes settings; the server reads them anew,
/// after a restart where a setting changed.
pub(crate) async fn make(
    data_dir: &Path,
    hba: Option<&str>,
    settings: &[(&str, &str)],
    socket_mode: Option<u32>,
) -> io::Result<()> {
    let layout = Layout::of(data_dir);
    if let Some(rules) = hba {
        let saved = layout.hba().with_extension("saved");
        if !saved.exists() {
            fs::copy(layout.hba(), saved)?;
        }
        // Written in place: the file stays the server's own.
        fs::write(layout.hba(), rules)?;
    }
    if let Some(mode) = socket_mode {
        fs::set_permissions(layout.socket_dir(), Permissions::from_mode(mode))?;
        // The directory above is closed too.
        fs::set_permissions(layout.base(), Permissions::from_mode(mode | 0o711))?;
        fs::set_permissions(socket(&layout), Permissions::from_mode(0o777))?;
    }
    for (name, value) in settings {
        alter(data_dir, &format!("ALTER SYSTEM SET {name} = '{}'", value.replace('\'', "''"))).await?;
    }
    take_effect(data_dir, !settings.is_empty()).await
}

/// Undoes whatever [`make`] did.
pub(crate) async fn undo(data_dir: &Path) -> io::Result<()> {
    let layout = Layout::of(data_dir);
    let saved = layout.hba().with_extension("saved");
    if saved.exists() {
        fs::write(layout.hba(), fs::read(&saved)?)?;
        fs::remove_file(saved)?;
    }
    for directory in [layout.socket_dir(), layout.base()] {
        fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    }
    fs::set_permissions(socket(&layout), Permissions::from_mode(0o700))?;
    let changed =
        fs::read_to_string(layout.data().join("postgresql.auto.conf"))?.lines().any(|line| !line.starts_with('#'));
    if changed {
        alter(data_dir, "ALTER SYSTEM RESET ALL").await?;
    }
    take_effect(data_dir, changed).await
}

fn socket(layout: &Layout) -> std::path::PathBuf {
    layout.socket_dir().join(format!(".s.PGSQL.{}", store::server::layout::PORT))
}

async fn alter(data_dir: &Path, statement: &str) -> io::Result<()> {
    let mut connection = connect(data_dir).await?;
    raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(io::Error::other)?;
    connection.close().await.map_err(io::Error::other)
}

/// The running system starts its server again when that ends by itself, so a restart is asking it to end.
async fn take_effect(data_dir: &Path, restart: bool) -> io::Result<()> {
    let layout = Layout::of(data_dir);
    let pid = postmaster(&layout)?;
    let signal = if restart { rustix::process::Signal::INT } else { rustix::process::Signal::HUP };
    let process = rustix::process::Pid::from_raw(pid).ok_or_else(|| io::Error::other("the server names no process"))?;
    rustix::process::kill_process(process, signal)?;
    let end = Instant::now() + RESTART;
    while restart && (postmaster(&layout).unwrap_or(pid) == pid || connect(data_dir).await.is_err()) {
        if Instant::now() > end {
            return Err(io::Error::other("the scratch database server does not come back"));
        }
        sleep(Duration::from_millis(100)).await;
    }
    // Access rules are read by the server when it gets to it.
    sleep(Duration::from_millis(200)).await;
    Ok(())
}

fn postmaster(layout: &Layout) -> io::Result<i32> {
    let text = fs::read_to_string(layout.data().join("postmaster.pid"))?;
    text.lines().next().and_then(|line| line.trim().parse().ok()).ok_or_else(|| io::Error::other("no process id noted"))
}
