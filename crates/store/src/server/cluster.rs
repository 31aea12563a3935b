//! A cluster's birth and its settings.

use super::{
    Binaries, IoContext as _, Layout, SUPERUSER, ServerError,
    layout::{PORT, RunsAs},
    process,
};
use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, chown},
    path::Path,
};

/// Settings that do not depend on where the cluster lies. They stand in the file and not on the command line, so that
/// what an operator changes is what runs, and the probes see it.
const SETTINGS: &str = "\
# Written by Wordbond at every start. Changes belong into ALTER SYSTEM, and the probes look at what they do.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
superuser_reserved_connections = 3

# No value of a statement or a row reaches the log: logs are kept longer than people's data.
log_statement = none
log_min_error_statement = panic
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
log_line_prefix = '%m [%p] %q%u '
log_timezone = 'UTC'
# One log a day, so that a day can be removed when it has been kept for long enough.
logging_collector = on
log_filename = 'server-%Y-%m-%d.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = off
timezone = 'UTC'

# Old contents of recycled WAL files would outlive an erasure.
wal_recycle = off
# The ledger's sealer orders entries by commit.
track_commit_timestamp = on
wal_level = replica
min_wal_size = 32MB
max_wal_size = 256MB
checkpoint_timeout = 5min

shared_buffers = 32MB
work_mem = 4MB
maintenance_work_mem = 32MB
effective_cache_size = 256MB
max_worker_processes = 4
max_parallel_workers_per_gather = 0
autovacuum_max_workers = 2
max_wal_senders = 4
jit = off
huge_pages = off
password_encryption = scram-sha-256
statement_timeout = 60s
idle_in_transaction_session_timeout = 60s
";

/// For rehearsals only: commits that a power cut would lose.
const NOT_DURABLE: &str = "\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";

/// Who may connect: whoever the kernel says is Wordbond's own user, in whatever role it asks for. Nobody else.
pub const HBA: &str = "\
# Written by Wordbond at every start.
local all all peer map=wordbond
local replication all reject
host all all all reject
host replication all all reject
";

/// The major version that wrote the cluster; `None` where there is no cluster yet.
#[must_use]
pub fn written_by(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Creates the cluster. It is made under another name and renamed when complete, so that a crash in between leaves
/// nothing that looks like one.
pub(super) fn create(layout: &Layout, binaries: &Binaries, who: RunsAs, durable: bool) -> Result<(), ServerError> {
    let fresh = layout.base().join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).on("remove", &fresh)?;
    }
    let mut initdb = process::command(&binaries.program("initdb"), layout, who);
    initdb.arg("-D").arg(&fresh).args([
        "-U",
        SUPERUSER,
        "--auth=reject",
        "--data-checksums",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    if !durable {
        initdb.arg("--no-sync");
    }
    let said = initdb.output().on("run", &binaries.program("initdb"))?;
    if !said.status.success() {
        let said = String::from_utf8_lossy(&said.stderr).trim().to_owned();
        return Err(ServerError::Program { program: "initdb", said });
    }
    fs::rename(&fresh, layout.data()).on("rename", &fresh)
}

/// Writes the settings and the rules of who may connect as `roles`.
pub(super) fn configure(
    layout: &Layout,
    who: RunsAs,
    own_name: &str,
    roles: &[&str],
    durable: bool,
) -> Result<(), ServerError> {
    let data = layout.data();
    let socket = layout.socket_dir().display().to_string().replace('\'', "''");
    let logs = layout.logs().display().to_string().replace('\'', "''");
    let place = format!("\nunix_socket_directories = '{socket}'\nport = {PORT}\nlog_directory = '{logs}'\n");
    let settings = [SETTINGS, place.as_str(), if durable { "" } else { NOT_DURABLE }].concat();
    let ident: String = std::iter::once(&SUPERUSER)
        .chain(roles)
        .map(|role| format!("wordbond \"{}\" {role}\n", own_name.replace('"', "\"\"")))
        .collect();
    for (name, text) in
        [("postgresql.conf", settings.as_str()), ("pg_hba.conf", HBA), ("pg_ident.conf", ident.as_str())]
    {
        replace(&data.join(name), text, who)?;
    }
    Ok(())
}

/// Replaces a file of the server at once: it never reads half of one.
fn replace(path: &Path, text: &str, who: RunsAs) -> Result<(), ServerError> {
    let fresh = path.with_extension("conf.new");
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh).on("write", &fresh)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).on("write", &fresh)?;
    if who.other {
        chown(&fresh, Some(who.uid), Some(who.gid)).on("give away", &fresh)?;
    }
    fs::rename(&fresh, path).on("rename", &fresh)
}
