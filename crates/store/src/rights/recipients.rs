//! Whoever else holds a person's data, and was named by the operator: an erasure begins one step for each of them, in its own
//! transaction, with a job and a deadline of its own. Nothing of the erasure waits for it.
//!
//! Whom a step is about is sealed under the operator's key, and is taken away once the recipient has acknowledged it. What
//! becomes of a step the log says: a row that was only marked is no acknowledgement.
//!
//! Whoever proves impossible to tell (article 19 of the GDPR) is given up by the operator, with a reason that the receipt tells.

use super::decide::GIVEN;
use crate::{
    Scoped, Store, StoreError, audit,
    jobs::{self, Lease},
    operator_tenant,
    tenancy::text,
    time::At,
};
use jiff::SignedDuration;
use kernel::{AccountId, Actor, Timestamp};
use sqlx::{AssertSqlSafe, PgConnection, Row as _, postgres::PgRow};
use std::{fmt, str::FromStr};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// What the jobs are called.
pub const TELL: &str = "rights.tell";

/// What the log says once it is known what became of a step.
pub(super) const TOLD: &str = "rights.told";

/// What the log says when the operator has a step tried again.
pub(super) const AGAIN: &str = "rights.tell";

/// What the log says when the operator gives a recipient up.
pub(super) const GIVE_UP: &str = "rights.give-up";

/// Under what the log of an erasure says which recipients are to be told, and until when.
pub(super) const RECIPIENTS: &str = "recipients";
/// See [`RECIPIENTS`].
pub(super) const UNTIL: &str = "told-by";

/// How long a recipient is tried at least, also where the case is due before.
pub const LEAST: SignedDuration = SignedDuration::from_hours(3 * 24);

/// The longest that is kept of why an attempt did not succeed.
const LONGEST: usize = 200;

/// The longest reason for which a recipient is given up.
const LONGEST_REASON: usize = 500;

/// How many steps are given up in one transaction.
const AT_ONCE: i64 = 200;

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// It is tried.
    Open,
    /// The recipient has it.
    Acknowledged,
    /// The recipient does not take it.
    Refused,
    /// It could not be told in time.
    Expired,
    /// It is not told any more: the operator says why.
    GivenUp,
}

impl Told {
    const ALL: [Self; 5] = [Self::Open, Self::Acknowledged, Self::Refused, Self::Expired, Self::GivenUp];

    /// The word that stands for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::GivenUp => "given-up",
        }
    }

    /// Whether nobody needs to know any more whom it was about.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Acknowledged | Self::GivenUp)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Told {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let found = Self::ALL.into_iter().find(|one| one.word() == text);
        found.ok_or_else(|| StoreError::Unexpected(format!("`{text}` is no state of a step")))
    }
}

/// One recipient of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its id, by which the message is known too.
    pub id: Uuid,
    /// The case.
    pub case: Uuid,
    /// The recipient's name.
    pub recipient: String,
    /// How far it has come.
    pub state: Told,
    /// When the erasure began it.
    pub begun_at: Timestamp,
    /// From when on it is not tried any more.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub attempts: i32,
    /// Why the last attempt did not succeed.
    pub said: Option<String>,
    /// When it was acknowledged.
    pub told_at: Option<Timestamp>,
    /// Why it was given up, in the operator's words; nothing also where nobody can open that.
    pub reason: Option<String>,
}

const COLUMNS: &str = "step_id, case_id, recipient, state, begun_at, due_at, attempts, said, told_at, reason";

fn read(row: &PgRow, keys: &KeyRing) -> Result<Step, StoreError> {
    let id: Uuid = row.try_get("step_id")?;
    let reason: Option<Vec<u8>> = row.try_get("reason")?;
    Ok(Step {
        id,
        case: row.try_get("case_id")?,
        recipient: row.try_get("recipient")?,
        state: row.try_get::<&str, _>("state")?.parse()?,
        begun_at: row.try_get::<At, _>("begun_at")?.0,
        due_at: row.try_get::<At, _>("due_at")?.0,
        attempts: row.try_get("attempts")?,
        said: row.try_get("said")?,
        told_at: row.try_get::<Option<At>, _>("told_at")?.map(|at| at.0),
        reason: reason.and_then(|sealed| Sealed::from_bytes(sealed).ok()?.open(keys, &place(id, "reason")).ok()),
    })
}

/// Begins a step for each recipient in the transaction of the erasure, which is the operator's by now. Yields what its event says
/// of them; nothing where there is none.
pub(super) async fn begin(
    scoped: &mut Scoped,
    case: Uuid,
    account: AccountId,
    recipients: &[String],
) -> Result<Vec<(&'static str, String)>, StoreError> {
    if recipients.is_empty() {
        return Ok(Vec::new());
    }
    let now = scoped.now();
    let due: At = sqlx::query_scalar("SELECT due_at FROM wordbond.rights_case WHERE case_id = $1")
        .bind(case)
        .fetch_one(scoped.conn())
        .await?;
    let due = due.0.max(now + LEAST);
    for recipient in recipients {
        let step = Uuid::now_v7();
        let subject = Sealed::seal(scoped.keys(), &place(step, "subject"), &account.to_string())?;
        const SQL: &str = "INSERT INTO wordbond.rights_step
            (step_id, case_id, recipient, state, subject, begun_at, due_at) VALUES ($1, $2, $3, 'open', $4, $5, $6)";
        sqlx::query(SQL)
            .bind(step)
            .bind(case)
            .bind(recipient)
            .bind(subject.as_bytes())
            .bind(At(now))
            .bind(At(due))
            .execute(scoped.conn())
            .await?;
        jobs::enqueue(scoped, TELL, &[step], now).await?;
    }
    Ok(vec![(RECIPIENTS, recipients.join(" ")), (UNTIL, due.to_string())])
}

/// A step that is to be told, and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The step.
    pub step: Step,
    /// The account that is no more.
    pub account: AccountId,
}

/// The step that a job is about; `None` where it has come to its end already.
///
/// # Errors
/// When the database cannot be asked, or nobody can read whom it is about.
pub async fn open(store: &Store, job: &jobs::Job) -> Result<Option<Open>, StoreError> {
    let [id] = job.ids.as_slice() else {
        return Err(StoreError::Unexpected(format!("a job of the kind {} without its id", job.kind)));
    };
    let mut system = store.system().await?;
    let sql = format!("SELECT {COLUMNS}, subject FROM wordbond.rights_step WHERE step_id = $1 AND state = 'open'");
    let Some(row) = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(system.conn()).await? else {
        return Ok(None);
    };
    let step = read(&row, store.keys())?;
    let subject: String =
        Sealed::from_bytes(row.try_get("subject")?)?.open(store.keys(), &place(step.id, "subject"))?;
    let account = subject.parse().map_err(|_| StoreError::Unexpected("a step about nobody".to_owned()))?;
    Ok(Some(Open { step, account }))
}

/// Ends a step together with its job, and tells the log. Marked once: whoever comes second has lost the lease.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds the job by now.
pub async fn ended(
    store: &Store,
    lease: &Lease,
    step: &Step,
    state: Told,
    said: Option<&str>,
) -> Result<(), StoreError> {
    let mut scoped = store.scoped(operator_tenant(), &Actor::Job { name: "tell".to_owned() }).await?;
    const SQL: &str = "UPDATE wordbond.rights_step SET state = $2, said = $3, attempts = attempts + $4,
            told_at = CASE WHEN $2 = 'acknowledged' THEN $5 END,
            subject = CASE WHEN $2 = 'acknowledged' THEN NULL ELSE subject END
        WHERE step_id = $1 AND state = 'open'";
    let now = At(scoped.now());
    let done = sqlx::query(SQL)
        .bind(step.id)
        .bind(state.word())
        .bind(said.map(cut).or(step.said.as_deref().filter(|_| state == Told::Expired)))
        .bind(i32::from(state != Told::Expired))
        .bind(now)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() > 0 {
        let told = [("recipient", step.recipient.as_str()), ("state", state.word())];
        audit::note(&mut scoped, TOLD, &[format!("case:{}", step.case)], &told).await?;
    }
    jobs::finish(scoped, lease).await
}

/// Ends the job of a step that needs none any more.
///
/// # Errors
/// As [`ended`].
pub async fn over(store: &Store, lease: &Lease) -> Result<(), StoreError> {
    let (scoped, _) = jobs::begin(store, lease).await?;
    jobs::finish(scoped, lease).await
}

/// Notes why an attempt did not succeed, and gives the job back: it is due again after a pause that grows, or when the step's
/// time is over, if that comes first.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds the job by now.
pub async fn again(store: &Store, lease: &Lease, step: &Step, said: &str) -> Result<Timestamp, StoreError> {
    let mut scoped = store.scoped(operator_tenant(), &Actor::Job { name: "tell".to_owned() }).await?;
    const SQL: &str = "UPDATE wordbond.rights_step SET attempts = attempts + 1, said = $2
        WHERE step_id = $1 AND state = 'open'";
    sqlx::query(SQL).bind(step.id).bind(cut(said)).execute(scoped.conn()).await?;
    scoped.commit().await?;
    let due = (store.clock().now() + jobs::pause(step.attempts.saturating_add(1))).min(step.due_at);
    jobs::put_off(store, lease, due).await?;
    Ok(due)
}

/// Has a step tried again that was refused, or ran out: the operator has seen to it. It gets a new deadline, and the log says so.
///
/// # Errors
/// [`StoreError::Invalid`] when there is nothing to try again.
pub async fn retry(store: &Store, case: Uuid, recipient: &str, admin: AccountId) -> Result<(), StoreError> {
    let mut scoped = store.scoped(operator_tenant(), &Actor::Operator).await?;
    let now = scoped.now();
    let due = now + LEAST;
    const SQL: &str = "UPDATE wordbond.rights_step SET state = 'open', due_at = $3
        WHERE case_id = $1 AND recipient = $2 AND state IN ('refused', 'expired') RETURNING step_id";
    let step: Option<Uuid> =
        sqlx::query_scalar(SQL).bind(case).bind(recipient).bind(At(due)).fetch_optional(scoped.conn()).await?;
    let Some(step) = step else {
        return Err(StoreError::Invalid("this was told, or is being tried already".to_owned()));
    };
    jobs::enqueue(&mut scoped, TELL, &[step], now).await?;
    let targets = [format!("case:{case}"), format!("account:{admin}")];
    audit::note(&mut scoped, AGAIN, &targets, &[("recipient", recipient), (UNTIL, &due.to_string())]).await?;
    scoped.commit().await
}

/// Gives up a recipient that has not acknowledged, for good, and says why: in this case, or in every one. Whom the steps were about
/// is taken out, and the log says of each who gave it up. Yields how many were given up. Cut short, it is done again for the rest.
///
/// # Errors
/// [`StoreError::Invalid`] without a reason; [`StoreError::NotFound`] when there is nothing to give up.
pub async fn give_up(store: &Store, giving: GivingUp<'_>) -> Result<usize, StoreError> {
    text("reason", giving.reason, LONGEST_REASON)?;
    let mut given = 0;
    loop {
        let some = give_up_some(store, giving).await?;
        given += some;
        match (given, some) {
            (0, _) => return Err(StoreError::NotFound),
            (_, 0) => return Ok(given),
            _ => {}
        }
    }
}

/// Whom one of the operator's people gives up, and why.
#[derive(Clone, Copy, Debug)]
pub struct GivingUp<'a> {
    /// The case; `None` is every one.
    pub case: Option<Uuid>,
    /// The recipient's name.
    pub recipient: &'a str,
    /// Who decides.
    pub admin: AccountId,
    /// Why, as the receipt tells it.
    pub reason: &'a str,
}

async fn give_up_some(store: &Store, giving: GivingUp<'_>) -> Result<usize, StoreError> {
    let mut scoped = store.scoped(operator_tenant(), &Actor::Operator).await?;
    const WAITING: &str = "SELECT step_id, case_id FROM wordbond.rights_step
        WHERE recipient = $1 AND ($2::uuid IS NULL OR case_id = $2) AND state IN ('open', 'refused', 'expired')
        ORDER BY step_id LIMIT $3 FOR UPDATE";
    let steps: Vec<(Uuid, Uuid)> =
        sqlx::query_as(WAITING).bind(giving.recipient).bind(giving.case).bind(AT_ONCE).fetch_all(scoped.conn()).await?;
    let why = giving.reason.trim().to_owned();
    for (step, case) in &steps {
        let reason = Sealed::seal(scoped.keys(), &place(*step, "reason"), &why)?;
        const SQL: &str =
            "UPDATE wordbond.rights_step SET state = 'given-up', subject = NULL, reason = $2 WHERE step_id = $1";
        sqlx::query(SQL).bind(step).bind(reason.as_bytes()).execute(scoped.conn()).await?;
        let targets = [format!("case:{case}"), format!("account:{}", giving.admin)];
        let told = [("recipient", giving.recipient), ("reason", GIVEN)];
        audit::note(&mut scoped, GIVE_UP, &targets, &told).await?;
    }
    scoped.commit().await?;
    Ok(steps.len())
}

/// The steps of a case, by name of the recipient.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_case(store: &Store, case: Uuid) -> Result<Vec<Step>, StoreError> {
    let mut system = store.system().await?;
    let sql = format!("SELECT {COLUMNS} FROM wordbond.rights_step WHERE case_id = $1 ORDER BY recipient");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(case).fetch_all(system.conn()).await?;
    rows.iter().map(|row| read(row, store.keys())).collect()
}

/// Every step there is, as the backup reads them.
pub(super) async fn all(conn: &mut PgConnection, keys: &KeyRing) -> Result<Vec<Step>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM wordbond.rights_step");
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(conn).await?;
    rows.iter().map(|row| read(row, keys)).collect()
}

/// Where it is sealed whom a step is about, and why it was given up: under the operator's key.
fn place(step: Uuid, column: &'static str) -> Place {
    let table = "rights_step";
    Place { tenant: operator_tenant(), subject: Subject::Tenant, table, column, row: step, version: 1 }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(LONGEST).map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back() {
        for state in Told::ALL {
            assert_eq!(state.word().parse::<Told>().unwrap(), state);
        }
        assert!("told".parse::<Told>().is_err());
    }

    #[test]
    fn what_is_kept_of_an_answer_is_short() {
        assert_eq!(cut("ä"), "ä");
        assert_eq!(cut(&"ä".repeat(300)).chars().count(), LONGEST);
    }
}
