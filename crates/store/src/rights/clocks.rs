//! Whether the clocks of cases are kept: every case there is, and what the log says of each. A case that was made to look
//! younger, put off without a word, or left without anybody who carries it out shows here, whoever's it is.

mod letters;
mod recipients;
mod story;

use super::{Kind, State, cases, recipients as steps};
use crate::{Role, Store, StoreError, audit, operator_tenant, time::At};
use jiff::SignedDuration;
use kernel::{Span, Timestamp};
use letters::Letters;
use recipients::Steps;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet};
use story::Story;
use uuid::Uuid;

/// How long a closed case is looked at beyond the time that it may take.
const BEHIND: SignedDuration = SignedDuration::from_hours(24 * 120);

/// How much further back than a row's time its event is looked for.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// What was found. Only counts and lengths of time: whose case it was stands in no public place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Cases.
    pub cases: usize,
    /// Open ones, whose clock runs.
    pub open: usize,
    /// Those whose clock stands, or that a law holds back.
    pub waiting: usize,
    /// Those that took longer than they may, or have by now, without the time in which nothing could be done.
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
    /// Holds in force that nobody decided, or that were ended, by what the log says: erasures would wait for them.
    pub unheld: usize,
    /// Letters that tell a decision and are nowhere: neither handed over, nor waiting, nor given up, of people who are there.
    pub unsent: usize,
    /// Letters that tell a decision and were given up, for no mail server took them in days.
    pub undelivered: usize,
    /// Recipients who are to be told of erasures, once for each erasure.
    pub recipients: usize,
    /// Those of them who have acknowledged it, by what the log says and not the row alone.
    pub acknowledged: usize,
    /// Those whom the operator gave up, with a reason.
    pub given_up: usize,
    /// Those who were not told in time, refused it, or whom nothing tells any more.
    pub untaught: usize,
    /// How long the oldest open one has been open.
    pub worst_open: SignedDuration,
    /// How long the slowest closed one took.
    pub worst_closed: SignedDuration,
    /// For how long the clock stood in all that stood the longest, for the person had to answer or a law held the data.
    pub worst_stood: SignedDuration,
}

/// Looks at every case of these kinds that is open or was closed not long ago.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store, kinds: &[Kind], within: Span) -> Result<Clocks, StoreError> {
    let now = store.clock().now();
    let since = now.checked_sub(within.signed() + BEHIND).unwrap_or(Timestamp::MIN);
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
    let sql = format!("SELECT {} FROM wordbond.rights_case AS c WHERE c.kind = ANY($1)", cases::COLUMNS);
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(&words).fetch_all(&mut *tx).await?;
    let all: Vec<cases::Case> = rows.iter().map(cases::read).collect::<Result<_, _>>()?;
    let is_recent = |case: &&cases::Case| case.closed_at.is_none_or(|at| at >= since);
    // From the opening of the oldest of them on: when its clock stood is told behind that.
    let oldest = all.iter().filter(is_recent).map(|case| case.opened_at).min();
    let laws = if kinds.contains(&Kind::Erasure) { laws(&mut tx, now).await? } else { Vec::new() };
    let oldest = oldest.into_iter().chain(laws.iter().map(|law| law.at)).chain([since]).min().unwrap_or(since);
    let Told { stories: told, letters, steps } =
        told(&mut tx, store, oldest.checked_sub(MARGIN).unwrap_or(oldest)).await?;
    let waiting = letters::waiting(&mut tx).await?;
    let working = working(&mut tx).await?;
    let rows = steps::all(&mut tx, store.keys()).await?;
    let here = here(&mut tx).await?;
    drop(tx);
    connection.close().await?;
    let mut found = Clocks { cases: all.len(), ..Clocks::default() };
    let recent: BTreeSet<Uuid> = all.iter().filter(is_recent).map(|case| case.id).collect();
    let told_of = steps.compare(&rows, &recent, &working, now);
    (found.recipients, found.acknowledged) = (told_of.all, told_of.acknowledged);
    (found.given_up, found.untaught) = (told_of.given_up, told_of.missed);
    let silence = Story::default();
    for case in &all {
        let said = told.get(&case.id);
        if is_recent(&case) {
            judge(&mut found, case, said.unwrap_or(&silence), within, now);
        }
        // One that is told of now is not older than the row says.
        let is_told = case.opened_at >= since || said.is_some_and(|said| said.opened.is_some());
        found.untold += usize::from(is_told && !said.is_some_and(|said| said.agrees(case)));
        let goes_on = case.state == State::Open && case.kind != Kind::Objection || case.state == State::Working;
        found.stranded += usize::from(goes_on && !working.contains(&case.id));
        let done = case.kind == Kind::Erasure && case.state == State::Done;
        found.undone += usize::from(done && here.contains(&case.id));
    }
    let seen: BTreeSet<Uuid> = all.iter().map(|case| case.id).collect();
    let asked = told.iter().filter(|(_, said)| {
        said.opened.as_ref().is_some_and(|(at, kind)| *at >= since && words.contains(&kind.as_str()))
    });
    // What was still to be sent to somebody who is erased went with them.
    let there = seen.intersection(&here).copied().collect();
    found.unsent = letters.lost(&there, &waiting);
    found.undelivered = letters.given_up(&seen);
    found.unheld = laws.iter().filter(|law| !law.stands(&told)).count();
    found.lost = asked.filter(|(id, _)| !seen.contains(id)).count();
    Ok(found)
}

/// How long it took, or has by now, without the time that the person took to answer, nor that in which a law held it back: that
/// cannot be done. The log says when that was, and not the row.
fn judge(found: &mut Clocks, case: &cases::Case, said: &Story, within: Span, now: Timestamp) {
    let until = case.closed_at.unwrap_or(now);
    let took = said.took_unheld(case, until);
    found.worst_stood = found.worst_stood.max(until.duration_since(case.opened_at) - took);
    if case.state.is_closed() {
        found.worst_closed = found.worst_closed.max(took);
    } else if case.state == State::Paused || said.is_held(now) {
        found.waiting += 1;
    } else {
        found.open += 1;
        found.worst_open = found.worst_open.max(took);
    }
    // Taken back is no answer, and needs none.
    let late = took > within.signed() && case.state != State::Withdrawn;
    found.late += usize::from(late);
    found.held += usize::from(said.is_held(now) && !late && said.took(case, until) > within.signed());
}

/// A hold in force.
struct Law {
    /// The case at which it was decided.
    case: Uuid,
    at: Timestamp,
    until: Timestamp,
    /// Every case of whose data is held: at any of them it may have been ended.
    cases: Vec<Uuid>,
}

impl Law {
    /// Whether the log says that it was decided, and not that it was ended.
    fn stands(&self, told: &BTreeMap<Uuid, Story>) -> bool {
        let decided = told.get(&self.case).is_some_and(|said| said.has_decided(self.at, self.until));
        decided && !self.cases.iter().filter_map(|case| told.get(case)).any(|said| said.has_released(self.at))
    }
}

async fn laws(conn: &mut PgConnection, now: Timestamp) -> Result<Vec<Law>, StoreError> {
    const SQL: &str = "SELECT h.case_id, h.created_at, h.until,
            ARRAY(SELECT r.case_id FROM wordbond.rights_request AS r WHERE r.account_id = h.account_id) AS cases
        FROM wordbond.legal_hold AS h WHERE h.released_at IS NULL AND h.until > $1";
    let rows = sqlx::query(SQL).bind(At(now)).fetch_all(conn).await?;
    let law = |row: &PgRow| {
        let at = |column: &str| row.try_get::<At, _>(column).map(|at| at.0);
        Ok(Law {
            case: row.try_get("case_id")?,
            at: at("created_at")?,
            until: at("until")?,
            cases: row.try_get("cases")?,
        })
    };
    rows.iter().map(law).collect()
}

/// What the operator's log says.
#[derive(Default)]
struct Told {
    /// Of cases.
    stories: BTreeMap<Uuid, Story>,
    /// Of the letters about them.
    letters: Letters,
    /// Of the recipients of erasures.
    steps: Steps,
}

async fn told(conn: &mut PgConnection, store: &Store, since: Timestamp) -> Result<Told, StoreError> {
    const SQL: &str = "SELECT event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        WHERE tenant_id = $1 AND at >= $2 ORDER BY entry_id";
    let rows = sqlx::query(SQL).bind(operator_tenant().uuid()).bind(At(since)).fetch_all(conn).await?;
    let mut told = Told::default();
    for row in &rows {
        // Whether every event can be read is for the audit log's own attack to say.
        let Ok(entry) = audit::read(store.keys(), operator_tenant(), row) else { continue };
        let ids = entry.event.targets.iter().filter_map(|target| target.strip_prefix("case:")?.parse::<Uuid>().ok());
        for case in ids {
            told.stories.entry(case).or_default().take(&entry.event);
        }
        told.letters.take(&entry.event);
        told.steps.take(&entry.event);
    }
    Ok(told)
}

/// The cases, and the steps to recipients, that a job is about which will come up.
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
