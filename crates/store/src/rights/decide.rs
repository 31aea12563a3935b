//! What the operator decides about a case: more time, a question to the person, a refusal, a legal hold. Each with a reason,
//! which the person reads, and each told in the log with who decided. The log says that there is a reason, and not which: it goes
//! with whom it is about. And what a job decides: that it is done.

use super::{
    Kind, State,
    cases::{self, ANSWER, BEGINS, Case, close, tell},
    erase,
    holds::place,
    restrict,
};
use crate::{Scoped, Store, StoreError, audit, jobs, mails, operator_tenant, tenancy::text, time::At};
use kernel::{AccountId, Actor, Timestamp};
use std::fmt;
use uuid::Uuid;
use vault::Sealed;

/// The longest reason.
const LONGEST: usize = 500;

/// The longest answer.
const ANSWER_LONGEST: usize = 2_000;

/// What the log says of a reason.
pub(super) const GIVEN: &str = "kept with the case";

/// Under what the log says which letter tells a decision.
pub(super) const LETTER: &str = "letter";

/// What is written to the person about a case as it is after a decision.
pub type Letter<'a> = dyn Fn(&Case) -> Option<String> + Send + Sync + 'a;

/// A decision of one of the operator's people about a case.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    /// The case.
    pub case: Uuid,
    /// Who decides.
    pub admin: AccountId,
    /// Why, as the person reads it.
    pub reason: &'a str,
    /// What is written to them: in the transaction of the decision, so that it says what stands then, and goes if it stands.
    pub letter: Option<&'a Letter<'a>>,
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decision({})", self.case)
    }
}

/// A transaction about a case, with its person's rows in scope, and what its state is.
struct About {
    scoped: Scoped,
    account: AccountId,
    case: Case,
}

impl About {
    async fn open(store: &Store, decision: &Decision<'_>) -> Result<Self, StoreError> {
        text("reason", decision.reason, LONGEST)?;
        let account = cases::whose(store, decision.case).await?.ok_or(StoreError::NotFound)?;
        let mut scoped = store.scope_of(operator_tenant(), &Actor::Operator, Some(account)).await?;
        erase::state(&mut scoped, decision.case).await?;
        let case = cases::by_id(store, decision.case).await?.ok_or(StoreError::NotFound)?;
        Ok(Self { scoped, account, case })
    }

    fn is(&self, states: &[State], otherwise: &str) -> Result<(), StoreError> {
        if states.contains(&self.case.state) { Ok(()) } else { Err(StoreError::Invalid(otherwise.to_owned())) }
    }

    /// Tells it the person on the page of their case, writes it to them, tells it in the log, and makes it last.
    async fn end(mut self, decision: &Decision<'_>, action: &str, told: &[(&str, &str)]) -> Result<(), StoreError> {
        tell(&mut self.scoped, self.account, self.case.id, decision.reason.trim()).await?;
        let targets = [format!("case:{}", self.case.id), format!("account:{}", decision.admin)];
        self.finish(decision, action, &targets, told).await
    }

    /// Writes the letter, tells in the log what was decided and which letter says so, and makes it last.
    async fn finish(
        mut self,
        decision: &Decision<'_>,
        action: &str,
        targets: &[String],
        told: &[(&str, &str)],
    ) -> Result<(), StoreError> {
        let case = cases::within(&mut self.scoped, self.account, self.case.id).await?;
        let letter = match decision.letter.and_then(|letter| letter(&case)) {
            Some(text) => Some(mails::letter(&mut self.scoped, self.account, self.case.id, &text).await?.to_string()),
            None => None,
        };
        let mut told = told.to_vec();
        told.push(("reason", GIVEN));
        told.extend(letter.as_deref().map(|id| (LETTER, id)));
        audit::note(&mut self.scoped, action, targets, &told).await?;
        self.scoped.commit().await
    }
}

/// Takes more time: the case is due when `due` says from here on. Once.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, when it is closed, when it was done before, and when the
/// time had run out before its clock stood.
pub async fn extend(
    store: &Store,
    decision: Decision<'_>,
    due: impl FnOnce(&Case) -> Timestamp,
) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    about.is(&[State::Open, State::Paused], "this case is closed")?;
    if about.case.extended_at.is_some() {
        return Err(StoreError::Invalid("more time can be taken once".to_owned()));
    }
    // While the clock stands no time goes by: what counts is when it stopped.
    if about.case.paused_at.unwrap_or_else(|| about.scoped.now()) >= about.case.due_at {
        return Err(StoreError::Invalid("more time must be taken before the case is due".to_owned()));
    }
    let (due_at, now) = (due(&about.case), At(about.scoped.now()));
    sqlx::query("UPDATE wordbond.rights_case SET extended_at = $2, due_at = $3 WHERE case_id = $1")
        .bind(decision.case)
        .bind(now)
        .bind(At(due_at))
        .execute(about.scoped.conn())
        .await?;
    about.end(&decision, "rights.extend", &[("due", &due_at.to_string())]).await
}

/// Stops the clock: the person must answer first.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a question, or when the clock does not run.
pub async fn pause(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    about.is(&[State::Open], "the clock of this case does not run")?;
    let now = At(about.scoped.now());
    sqlx::query("UPDATE wordbond.rights_case SET state = 'paused', paused_at = $2 WHERE case_id = $1")
        .bind(decision.case)
        .bind(now)
        .execute(about.scoped.conn())
        .await?;
    about.end(&decision, "rights.pause", &[]).await
}

/// Lets the clock go on. `due` says until when the case is due by then, of the case as it is and the instant.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when it runs.
pub async fn resume(
    store: &Store,
    decision: Decision<'_>,
    due: impl FnOnce(&Case, Timestamp) -> Timestamp,
) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    about.is(&[State::Paused], "the clock of this case runs")?;
    let due_at = due(&about.case, about.scoped.now());
    go_on(&mut about.scoped, &about.case, about.account, due_at).await?;
    about.end(&decision, "rights.resume", &[("due", &due_at.to_string())]).await
}

/// The same by the person: they have answered, with these words if there are any.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when the clock runs, and for an answer that is too long.
pub async fn answer(
    store: &Store,
    account: AccountId,
    case: Uuid,
    words: &str,
    due: impl FnOnce(&Case, Timestamp) -> Timestamp,
) -> Result<(), StoreError> {
    // An empty line stands between one answer and the next.
    let words = words.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let mut scoped = store.account_scope(account).await?;
    let state = erase::state(&mut scoped, case).await?;
    // Looked at with its row held: nobody moves the deadline in between.
    let found = cases::one(store, account, case).await?.ok_or(StoreError::NotFound)?.case;
    if state.as_deref() != Some(State::Paused.word()) {
        return Err(StoreError::Invalid("the clock of this case runs".to_owned()));
    }
    if !words.is_empty() {
        text("answer", &words, ANSWER_LONGEST)?;
        cases::keep(&mut scoped, account, case, &words).await?;
    }
    let due_at = due(&found, scoped.now());
    go_on(&mut scoped, &found, account, due_at).await?;
    let told = [("due", &*due_at.to_string())];
    audit::note(&mut scoped, "rights.resume", &[format!("case:{case}")], &told).await?;
    scoped.commit().await
}

async fn go_on(scoped: &mut Scoped, case: &Case, account: AccountId, due_at: Timestamp) -> Result<(), StoreError> {
    let now = scoped.now();
    const SQL: &str = "UPDATE wordbond.rights_case SET state = 'open', paused_at = NULL, due_at = $3,
            paused_seconds = paused_seconds + greatest(0, extract(epoch FROM $2::timestamptz - paused_at)::bigint)
        WHERE case_id = $1";
    sqlx::query(SQL).bind(case.id).bind(At(now)).bind(At(due_at)).execute(scoped.conn()).await?;
    // What an erasure takes along, it takes a moment later: the letter that it goes on is on its way by then.
    let (job, begins) = if case.kind == Kind::Erasure { (erase::ERASE, now + BEGINS) } else { (ANSWER, now) };
    jobs::enqueue(scoped, job, &[case.id, account.uuid()], begins).await.map(drop)
}

/// Refuses what was asked for. The restriction that an objection put on ends, unless it was asked for besides.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, or when it is closed or being carried out.
pub async fn refuse(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    if !close(&mut about.scoped, decision.case, State::Refused, "rights.close", None).await? {
        return Err(StoreError::Invalid("this case is closed, or being carried out".to_owned()));
    }
    if about.case.kind == Kind::Objection {
        restrict::lift_of(&mut about.scoped, about.account, decision.case).await?;
    }
    about.end(&decision, "rights.refuse", &[]).await
}

/// Grants what takes somebody's decision: an objection. The restriction stays.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, or when it is no open objection.
pub async fn grant(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    if about.case.kind != Kind::Objection {
        return Err(StoreError::Invalid("only an objection is granted by somebody".to_owned()));
    }
    about.is(&[State::Open], "this case is closed, or its clock stands")?;
    if !close(&mut about.scoped, decision.case, State::Done, "rights.close", None).await? {
        return Err(StoreError::Invalid("this case is closed".to_owned()));
    }
    about.end(&decision, "rights.grant", &[]).await
}

/// Holds the data of whoever asked until then, because a law says so: no erasure takes it. An erasure that was asked for already
/// waits; nothing else that was asked for does.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, for an end that is past, or for what is being erased.
pub async fn hold(store: &Store, decision: Decision<'_>, until: Timestamp) -> Result<Uuid, StoreError> {
    let mut about = About::open(store, &decision).await?;
    if about.case.state == State::Working {
        return Err(StoreError::Invalid("this is being erased already".to_owned()));
    }
    let (id, now) = (Uuid::now_v7(), about.scoped.now());
    if until <= now {
        return Err(StoreError::Invalid("a hold that is over before it begins".to_owned()));
    }
    const SQL: &str = "INSERT INTO wordbond.legal_hold (account_id, hold_id, case_id, reason, until, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(SQL)
        .bind(about.account.uuid())
        .bind(id)
        .bind(decision.case)
        .bind(Sealed::seal(store.keys(), &place(id, "reason"), &decision.reason.trim().to_owned())?.as_bytes())
        .bind(At(until))
        .bind(At(now))
        .execute(about.scoped.conn())
        .await?;
    const WAITS: &str = "UPDATE wordbond.rights_case SET held_until = greatest(held_until, $2)
        WHERE kind = 'erasure' AND state IN ('open', 'paused') AND case_id IN (
            SELECT case_id FROM wordbond.rights_request WHERE account_id = $1) RETURNING case_id";
    let waiting: Vec<Uuid> =
        sqlx::query_scalar(WAITS).bind(about.account.uuid()).bind(At(until)).fetch_all(about.scoped.conn()).await?;
    // The person reads until when, and the reason only where the law lets it be told.
    let targets = targets(&decision, waiting);
    about.finish(&decision, "rights.hold", &targets, &[("until", &until.to_string())]).await?;
    Ok(id)
}

/// Ends every hold on the data of whoever asked. An erasure that waited is carried out.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none; [`StoreError::Invalid`] without a reason.
pub async fn release(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    let now = about.scoped.now();
    const HOLDS: &str =
        "SELECT hold_id FROM wordbond.legal_hold WHERE account_id = $1 AND released_at IS NULL FOR UPDATE";
    let holds: Vec<Uuid> = sqlx::query_scalar(HOLDS).bind(about.account.uuid()).fetch_all(about.scoped.conn()).await?;
    if holds.is_empty() {
        return Err(StoreError::NotFound);
    }
    for hold in holds {
        let why = Sealed::seal(store.keys(), &place(hold, "released_why"), &decision.reason.trim().to_owned())?;
        const END: &str = "UPDATE wordbond.legal_hold SET released_at = $3, released_why = $4
            WHERE account_id = $1 AND hold_id = $2";
        sqlx::query(END)
            .bind(about.account.uuid())
            .bind(hold)
            .bind(At(now))
            .bind(why.as_bytes())
            .execute(about.scoped.conn())
            .await?;
    }
    const WAITING: &str = "UPDATE wordbond.rights_case SET held_until = NULL
        WHERE held_until IS NOT NULL AND closed_at IS NULL AND case_id IN (
            SELECT case_id FROM wordbond.rights_request WHERE account_id = $1)
        RETURNING case_id";
    let waiting: Vec<Uuid> =
        sqlx::query_scalar(WAITING).bind(about.account.uuid()).fetch_all(about.scoped.conn()).await?;
    for case in &waiting {
        jobs::enqueue(&mut about.scoped, erase::ERASE, &[*case, about.account.uuid()], now + BEGINS).await?;
    }
    let targets = targets(&decision, waiting);
    about.finish(&decision, "rights.release", &targets, &[]).await
}

/// What an event about a hold names: the case at which it was decided, the erasures that wait, and who decided.
fn targets(decision: &Decision<'_>, waiting: Vec<Uuid>) -> Vec<String> {
    let cases = std::iter::once(decision.case).chain(waiting.into_iter().filter(|case| *case != decision.case));
    cases.map(|case| format!("case:{case}")).chain([format!("account:{}", decision.admin)]).collect()
}

/// Closes a case as answered, with its receipt, and takes the job off, in one transaction.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker has the job by now.
pub async fn done(store: &Store, lease: &jobs::Lease, case: Uuid, receipt: &str) -> Result<bool, StoreError> {
    let mut scoped = store.erasing(None).await?;
    jobs::take_off(&mut scoped, lease).await?;
    let closed = close(&mut scoped, case, State::Done, "rights.close", Some(receipt)).await?;
    scoped.commit().await?;
    Ok(closed)
}
