//! Whether the clocks of cases are kept: every case there is, and what the log says of each. A case that was made to look
//! younger, put off without a word, or left without anybody who carries it out shows here, whoever's it is.

use super::{Kind, State, cases};
use crate::{Role, Store, StoreError, audit, operator_tenant, time::At};
use jiff::SignedDuration;
use kernel::{Span, Timestamp};
use ledger::audit::Event;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How far back the log is read beyond the time that a case may take.
const BEHIND: SignedDuration = SignedDuration::from_hours(24 * 120);

/// How far the time of a row may lie from that of its event: both are read within one transaction.
const APART: SignedDuration = SignedDuration::from_secs(5);

/// What was found. Only counts and lengths of time: whose case it was stands in no public place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Cases.
    pub cases: usize,
    /// Open ones, whose clock runs.
    pub open: usize,
    /// Those whose clock stands, or that a law holds back.
    pub waiting: usize,
    /// Those that took longer than they may, or have by now. One that a law holds back is late if it was before the law came.
    pub late: usize,
    /// Those that have been open for longer than they may because a law holds them back.
    pub held: usize,
    /// Those whose row says another time, another deadline or another end than the log does, or of which the log says nothing.
    pub untold: usize,
    /// Requests in the log without a case.
    pub lost: usize,
    /// Open cases that no job carries out.
    pub stranded: usize,
    /// Erasures that are done, and whose account is still there.
    pub undone: usize,
    /// How long the oldest open one has been open.
    pub worst_open: SignedDuration,
    /// How long the slowest closed one took.
    pub worst_closed: SignedDuration,
}

/// What the log says of one case.
#[derive(Default)]
struct Told {
    opened: Option<(Timestamp, String)>,
    due: Option<String>,
    paused: bool,
    /// Since when a law has held it back.
    held: Option<Timestamp>,
    closed: Option<(Timestamp, String)>,
}

/// Looks at every case of these kinds.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store, kinds: &[Kind], within: Span) -> Result<Clocks, StoreError> {
    let now = store.clock().now();
    let since = now.checked_sub(within.signed() + BEHIND).unwrap_or(Timestamp::MIN);
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let told = told(&mut tx, store, since).await?;
    let working = working(&mut tx).await?;
    let here = here(&mut tx).await?;
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let sql = format!("SELECT {} FROM wordbond.rights_case AS c WHERE c.kind = ANY($1)", cases::COLUMNS);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(&words).fetch_all(&mut *tx).await?;
    drop(tx);
    connection.close().await?;
    let mut found = Clocks { cases: rows.len(), ..Clocks::default() };
    let mut seen = BTreeSet::new();
    for row in &rows {
        let case = cases::read(row)?;
        seen.insert(case.id);
        let said = told.get(&case.id);
        judge(&mut found, &case, said.and_then(|said| said.held), within, now);
        found.untold += usize::from(case.opened_at >= since && !said.is_some_and(|said| agrees(&case, said)));
        let goes_on = case.state == State::Open && case.kind != Kind::Objection || case.state == State::Working;
        found.stranded += usize::from(goes_on && !working.contains(&case.id));
        let done = case.kind == Kind::Erasure && case.state == State::Done;
        found.undone += usize::from(done && here.contains(&case.id));
    }
    let asked =
        told.iter().filter(|(_, said)| said.opened.as_ref().is_some_and(|(_, kind)| words.contains(&kind.as_str())));
    found.lost = asked.filter(|(id, _)| !seen.contains(id)).count();
    Ok(found)
}

/// How long it took, or has by now, without the time that the person took to answer.
fn judge(found: &mut Clocks, case: &cases::Case, held_at: Option<Timestamp>, within: Span, now: Timestamp) {
    let until = case.closed_at.or(case.paused_at).unwrap_or(now);
    let stood = SignedDuration::from_secs(i64::try_from(case.paused_seconds).unwrap_or(i64::MAX));
    let took = |until: Timestamp| until.duration_since(case.opened_at).saturating_sub(stood);
    // A law holds back what is to be erased, and nothing else.
    let held = case.kind == Kind::Erasure && case.held_until.is_some_and(|until| until > now);
    let (before, took) = (took(if held { held_at.unwrap_or(until).min(until) } else { until }), took(until));
    if case.state.is_closed() {
        found.worst_closed = found.worst_closed.max(took);
    } else if case.state == State::Paused || held {
        found.waiting += 1;
    } else {
        found.open += 1;
        found.worst_open = found.worst_open.max(took);
    }
    // Taken back is no answer, and needs none. What a law holds back cannot be done from then on; until then it could.
    let late = before > within.signed() && case.state != State::Withdrawn;
    found.late += usize::from(late);
    found.held += usize::from(held && !late && took > within.signed());
}

/// Whether a case is as the log says.
fn agrees(case: &cases::Case, said: &Told) -> bool {
    let near = |one: Timestamp, other: Timestamp| one.duration_since(other).abs() <= APART;
    let opened = said.opened.as_ref().is_some_and(|(at, kind)| near(case.opened_at, *at) && *kind == case.kind.word());
    let due = said.due.as_deref().and_then(|due| due.parse::<Timestamp>().ok());
    let due = due.is_some_and(|due| near(case.due_at, due));
    let stood = (case.paused_at.is_none() && case.paused_seconds == 0) || said.paused;
    let held = case.held_until.is_none() || said.held.is_some();
    let closed = match (&case.closed_at, &said.closed) {
        (Some(at), Some((told, state))) => near(*at, *told) && state == case.state.word(),
        (None, None) => true,
        _ => false,
    };
    opened && due && stood && held && closed
}

/// What the operator's log says of cases.
async fn told(conn: &mut PgConnection, store: &Store, since: Timestamp) -> Result<BTreeMap<Uuid, Told>, StoreError> {
    const SQL: &str = "SELECT event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        WHERE tenant_id = $1 AND at >= $2 ORDER BY entry_id";
    let rows = sqlx::query(SQL).bind(operator_tenant().uuid()).bind(At(since)).fetch_all(conn).await?;
    let mut told: BTreeMap<Uuid, Told> = BTreeMap::new();
    for row in &rows {
        // Whether every event can be read is for the audit log's own attack to say.
        let Ok(entry) = audit::read(store.keys(), operator_tenant(), row) else { continue };
        let ids = entry.event.targets.iter().filter_map(|target| target.strip_prefix("case:")?.parse::<Uuid>().ok());
        for case in ids {
            take(told.entry(case).or_default(), &entry.event);
        }
    }
    Ok(told)
}

fn take(told: &mut Told, event: &Event) {
    let context = |key: &str| event.context.get(key).cloned().unwrap_or_default();
    match event.action.as_str() {
        "rights.open" => told.opened = Some((event.at, context("kind"))),
        "rights.pause" => told.paused = true,
        "rights.hold" | "rights.wait" => told.held = Some(told.held.map_or(event.at, |since| since.min(event.at))),
        "rights.release" => told.held = None,
        "rights.close" | "rights.withdraw" => told.closed = Some((event.at, context("state"))),
        _ => {}
    }
    if matches!(event.action.as_str(), "rights.open" | "rights.extend" | "rights.resume") {
        told.due = Some(context("due"));
    }
}

/// The cases that a job is about which will come up.
async fn working(conn: &mut PgConnection) -> Result<BTreeSet<Uuid>, StoreError> {
    const SQL: &str = "SELECT j.ids[1] FROM wordbond.job AS j JOIN wordbond.ticket AS t USING (tenant_id, job_id)
        WHERE j.kind LIKE 'rights.%' AND j.ids[1] IS NOT NULL";
    let found: Vec<Uuid> = sqlx::query_scalar(SQL).fetch_all(conn).await?;
    Ok(found.into_iter().collect())
}

/// The cases whose account is still there.
async fn here(conn: &mut PgConnection) -> Result<BTreeSet<Uuid>, StoreError> {
    let rows = sqlx::query("SELECT case_id FROM wordbond.rights_request").fetch_all(conn).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, sqlx::Error>>()?)
}
