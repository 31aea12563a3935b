//! Control `log-retention`: logs are kept for so long, neither longer nor shorter, and hold nothing about anybody.
//!
//! The database writes one log a day; [`sweep`] removes a day's log when its last entry has been kept for long enough, so that
//! no entry goes early and none stays a day too long. What was said before the first of them was opened stands in
//! `server.log`, from which old lines are taken out. What browsers report goes when it was not seen for as long.

mod entries;
mod faults;
mod plant;
mod rehearsal;
mod strays;

pub use faults::FAULTS;
pub use plant::Plant;

use crate::{
    Address, Store, StoreError,
    forensics::{self, Kind, Places},
    observations, operator_tenant,
    rights::retention,
    sealed_columns::PlantError,
    server::Layout,
    time::At,
};
use entries::Entries;
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use kernel::{Span, Timestamp};
use ledger::Leaf;
use outbound::Site;
use promises::{
    Finding, Promise,
    control::{ControlSpec, Mode, ParamKind, ParamSpec, Standards, Stronger, Vantage},
};
use serde::Serialize;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::sleep;

/// How often an old report is looked at before it counts, and how long after each look.
const LOOKS: u32 = 15;
const PAUSE: Duration = Duration::from_secs(1);

/// The control.
pub const SPEC: ControlSpec = ControlSpec {
    id: "log-retention",
    title: "Logs end",
    about: "Logs are what the system itself writes: the database server's logs, one a day, and the counts of what browsers \
            reported. A day's log is removed when its last entry has been kept for the time promised. The probe reads every \
            entry: none may be older than that time and one day. It leaves a mark in the log at each attack, by knocking at \
            the database under a name that nobody has, and another by asking it, as the application does, for a table that nobody \
            has: each mark of the time kept must still be there; for each start of \
            the system that the ledger tells of, the log must have entries of that hour; and each day's log must begin as it \
            did at the attack before. No other file may lie among the logs, nor, elsewhere below the data directory, a log with an older entry, whatever it is called and whenever it was written to. The mark of an old day that it left \
            at the attack before must be gone. On copies of a hundred days, which is a rehearsal and named so, the sweep must \
            remove exactly those that have run out. Where no personal data is promised, it acts through the public API as \
            somebody whom it planted and then searches all logs for them, and every entry for addresses of mail and network. \
            It does not see what the program writes to its standard error: that log is kept by whoever started it, and holds \
            neither names nor addresses.",
    wing: "store",
    vantage: Vantage::Inside,
    params: &[
        ParamSpec {
            name: "keep",
            kind: ParamKind::Span,
            default: None,
            about: "How long logs are kept: neither longer nor shorter.",
            stronger: Stronger::Neither,
        },
        ParamSpec {
            name: "personal",
            kind: ParamKind::Flag,
            default: Some("false"),
            about: "Whether logs hold data of identified people.",
            stronger: Stronger::Neither,
        },
    ],
    cadence: Span::hours(24),
    freshness: Span::hours(50),
    covers: &["every log", "no personal data"],
    modes: &[Mode::Built],
    standards: Standards {
        gdpr: &["5(1)(e)"],
        iso27001: &["8.10", "8.15"],
        soc2: &["CC7.2", "P4.2"],
        asvs: &["14.2.7", "16.1.1"],
    },
};

/// How long logs are kept where nothing is promised.
pub const KEEP: Span = Span::days(90);

/// How often a system sweeps.
pub const EVERY: Span = Span::hours(1);

/// By how much an entry may be older than the time kept: its day must have ended, and a sweep must have come.
const SLACK: SignedDuration = SignedDuration::from_hours(26);

/// What a sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Logs of whole days.
    pub days: usize,
    /// Lines of what was said at starts.
    pub lines: usize,
    /// Kinds of reports.
    pub reports: u64,
}

/// Removes what has been kept for `keep` from the logs of the system in `data_dir`, and tells how much that was. With `dry` it
/// only counts.
///
/// # Errors
/// When a log cannot be read or removed, or the database refuses.
pub async fn sweep(store: &Store, data_dir: &Path, keep: Span, dry: bool) -> Result<Swept, StoreError> {
    let now = store.clock().now();
    let mut swept = Swept::default();
    if matches!(store.address(), Address::Socket { .. }) {
        let layout = Layout::of(data_dir);
        swept.days = sweep_days(&layout.logs(), keep, now, dry)?;
        swept.lines = entries::trim(&layout.log(), before(now, keep), dry)?;
    }
    let statement = if dry {
        "SELECT count(*) FROM wordbond.csp_report WHERE last_seen < $1"
    } else {
        "WITH gone AS (DELETE FROM wordbond.csp_report WHERE last_seen < $1 RETURNING 1) SELECT count(*) FROM gone"
    };
    let mut scoped = store.scoped(operator_tenant(), &retention::actor()).await?;
    let reports: i64 = sqlx::query_scalar(statement).bind(At(before(now, keep))).fetch_one(scoped.conn()).await?;
    swept.reports = u64::try_from(reports).unwrap_or_default();
    let gone = [("logs", swept.days as u64), ("lines", swept.lines as u64), ("wordbond.csp_report", swept.reports)];
    retention::tell(scoped, &[], if dry { &[] } else { &gone }).await?;
    Ok(swept)
}

/// Removes the logs of days that ended so long ago.
fn sweep_days(folder: &Path, keep: Span, now: Timestamp, dry: bool) -> Result<usize, StoreError> {
    let mut days = 0;
    for path in logs(folder)? {
        let Some(end) = day_of(&path).and_then(end_of) else { continue };
        if end > before(now, keep) {
            continue;
        }
        match if dry { Ok(()) } else { fs::remove_file(&path) } {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unexpected(&path, &error)),
            _ => days += 1,
        }
    }
    Ok(days)
}

fn before(now: Timestamp, keep: Span) -> Timestamp {
    now.checked_sub(keep.signed()).unwrap_or(Timestamp::MIN)
}

/// The day in the name of a log: `server-2026-11-22.log`.
fn day_of(path: &Path) -> Option<Date> {
    path.file_name()?.to_str()?.strip_prefix("server-")?.strip_suffix(".log")?.parse().ok()
}

/// When the day is over, in UTC: as logs are written.
fn end_of(day: Date) -> Option<Timestamp> {
    Some(day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Every file in the folder of logs.
fn logs(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unexpected(folder, &error)),
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

fn unexpected(path: &Path, error: &std::io::Error) -> StoreError {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    StoreError::Unexpected(format!("the log {name}: {}", error.kind()))
}

/// How an attack ends early.
enum Stop {
    Broke(String),
    Failed(String),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<PlantError> for Stop {
    fn from(error: PlantError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Attacks the promise with `plant`, somebody of the probe's own and the marks of attacks before.
pub async fn probe(site: &Site, store: &Store, data_dir: &Path, plant: &mut Plant, promise: &Promise) -> Finding {
    match attack(site, store, data_dir, plant, promise).await {
        Ok(finding) => finding,
        Err(Stop::Broke(why)) => Finding::broke(why),
        Err(Stop::Failed(why)) => Finding::failed(why),
    }
}

async fn attack(
    site: &Site,
    store: &Store,
    data_dir: &Path,
    plant: &mut Plant,
    promise: &Promise,
) -> Result<Finding, Stop> {
    if matches!(store.address(), Address::Url { .. }) {
        return Ok(Finding::nothing(
            "the logs of a managed database server are its provider's, and cannot be read here",
        ));
    }
    let keep = promise.span("keep").unwrap_or(KEEP);
    let now = store.clock().now();
    let layout = Layout::of(data_dir);
    plant.knock(store, now).await?;
    if promise.params.get("personal").map(ToString::to_string).as_deref() != Some("true") {
        nobody_is_named(site, data_dir, &layout, plant).await?;
    }
    let entries = Entries::read(&layout)?;
    let limit = before(now, keep).checked_sub(SLACK).unwrap_or(Timestamp::MIN);
    if let Some(old) = entries.older_than(limit, plant.old_day()) {
        return Err(Stop::Broke(format!("a log has an entry of {old}, and logs are kept for {keep}")));
    }
    let days = plant.days_stand(&layout, before(now, keep))?;
    let marks = plant.marks_stand(&entries, before(now, keep))?;
    if let Some(stray) = strays::first(&Places::of(data_dir), &layout, limit)? {
        return Err(Stop::Broke(stray));
    }
    let starts = starts_are_told(store, &entries, before(now, keep)).await?;
    let gone = plant.old_day_went(&layout, now)?;
    let old_reports = reports_that_stay(store, limit).await?;
    if old_reports > 0 {
        return Err(Stop::Broke(format!("{old_reports} reports of browsers are older than {keep}")));
    }
    let rehearsed = rehearsal::rehearse(&data_dir.join("probe"), keep, now)?;
    let was_gone = if gone { "; what was left of an old day was swept" } else { "" };
    Ok(Finding::held(format!(
        "none of {} entries is older than {keep}, {marks} marks and {starts} starts are still told{was_gone}",
        entries.count()
    ))
    .tried("read the time of every entry of every log")
    .tried(format!("compared the beginning of {days} logs with what stood there at the attack before"))
    .tried("looked for logs that no sweep would take")
    .tried("looked for the marks that earlier attacks left, and for entries at each start that the ledger tells of")
    .tried(format!("rehearsal: swept copies of {rehearsed} days, of which exactly the old ones went"))
    .tried("searched the logs for a planted person and for addresses")
    .covered("entries", entries.count())
    .covered("marks", marks)
    .covered("days rehearsed", rehearsed))
}

/// Neither the planted person nor any address may stand in a log.
async fn nobody_is_named(site: &Site, data_dir: &Path, layout: &Layout, plant: &mut Plant) -> Result<(), Stop> {
    let needles = plant.act(site).await?;
    let places = Places::of(data_dir).only(&[Kind::Log, Kind::Other]);
    let searched = forensics::search(&places, &needles).await?;
    let in_log = |hit: &&forensics::Hit| {
        hit.kind == Kind::Log || hit.kind == Kind::Other && hit.file.extension().is_some_and(|kind| kind == "log")
    };
    if let Some(hit) = searched.hits.iter().find(in_log) {
        return Err(Stop::Broke(format!("{} of a planted person stands in {}", hit.needle, hit.file.display())));
    }
    match Entries::read(layout)?.addresses().first() {
        Some((file, what)) => Err(Stop::Broke(format!("{file} holds {what}"))),
        None => Ok(()),
    }
}

/// For each start of the system that the ledger tells of there must be entries of about then. Yields how many there are.
async fn starts_are_told(store: &Store, entries: &Entries, since: Timestamp) -> Result<usize, Stop> {
    let mut starts = 0;
    for (_, leaf) in observations::leaves(store, "start").await? {
        let Leaf::Start { at, .. } = leaf else { continue };
        if at < since {
            continue;
        }
        let from = at.checked_sub(SignedDuration::from_mins(30)).unwrap_or(at);
        let until = at.checked_add(SignedDuration::from_mins(30)).unwrap_or(at);
        if !entries.any_between(from, until) {
            return Err(Stop::Broke(format!("the system began to serve at {at}, and no log has entries of that hour")));
        }
        starts += 1;
    }
    Ok(starts)
}

/// How many reports are older, and stay so for a while: one that is due goes with the next sweep, and whoever looks whether
/// sweeps work leaves one that is.
async fn reports_that_stay(store: &Store, limit: Timestamp) -> Result<i64, StoreError> {
    let mut old = reports_before(store, limit).await?;
    for _ in 0..LOOKS {
        if old == 0 {
            break;
        }
        sleep(PAUSE).await;
        old = reports_before(store, limit).await?;
    }
    Ok(old)
}

async fn reports_before(store: &Store, limit: Timestamp) -> Result<i64, StoreError> {
    let mut system = store.system().await?;
    let sql = "SELECT count(*) FROM wordbond.csp_report WHERE last_seen < $1";
    Ok(sqlx::query_scalar(sql).bind(At(limit)).fetch_one(system.conn()).await?)
}
