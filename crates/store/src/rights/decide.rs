//! What the operator decides about a case: more time, a question to the person, a refusal, a legal hold. Each with a reason,
//! which the person reads, and each told in the log with who decided. And what a job decides: that it is done.

use super::{
    Kind, State,
    cases::{self, ANSWER, Case, close, tell},
    erase, restrict,
};
use crate::{Scoped, Store, StoreError, audit, jobs, operator_tenant, tenancy::text, time::At};
use kernel::{AccountId, Actor, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{Place, Sealed, Subject};

/// The longest reason.
const LONGEST: usize = 500;

/// A decision of one of the operator's people about a case.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// The case.
    pub case: Uuid,
    /// Who decides.
    pub admin: AccountId,
    /// Why, as the person reads it.
    pub reason: &'a str,
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

    /// Tells it, writes it to the person, and makes it last.
    async fn end(mut self, decision: &Decision<'_>, action: &str, told: &[(&str, &str)]) -> Result<(), StoreError> {
        tell(&mut self.scoped, self.account, self.case.id, decision.reason.trim()).await?;
        let targets = [format!("case:{}", self.case.id), format!("account:{}", decision.admin)];
        let told: Vec<(&str, &str)> = told.iter().copied().chain([("reason", decision.reason.trim())]).collect();
        audit::note(&mut self.scoped, action, &targets, &told).await?;
        self.scoped.commit().await
    }
}

/// Takes more time: the case is due at `due_at` from here on. Once.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, when it is closed, and when it was done before.
pub async fn extend(store: &Store, decision: Decision<'_>, due_at: Timestamp) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    about.is(&[State::Open, State::Paused], "this case is closed")?;
    if about.case.extended_at.is_some() {
        return Err(StoreError::Invalid("more time can be taken once".to_owned()));
    }
    if about.scoped.now() >= about.case.due_at {
        return Err(StoreError::Invalid("more time must be taken before the case is due".to_owned()));
    }
    let now = At(about.scoped.now());
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

/// Lets the clock go on, with what the case is due at by then: later by as long as it stood.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when it runs.
pub async fn resume(store: &Store, decision: Decision<'_>, due_at: Timestamp) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    about.is(&[State::Paused], "the clock of this case runs")?;
    go_on(&mut about.scoped, &about.case, about.account, due_at).await?;
    about.end(&decision, "rights.resume", &[("due", &due_at.to_string())]).await
}

/// The same by the person: they have answered.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when the clock runs.
pub async fn answer(store: &Store, account: AccountId, case: Uuid, due_at: Timestamp) -> Result<(), StoreError> {
    let found = cases::one(store, account, case).await?.ok_or(StoreError::NotFound)?.case;
    let mut scoped = store.account_scope(account).await?;
    if erase::state(&mut scoped, case).await?.as_deref() != Some(State::Paused.word()) {
        return Err(StoreError::Invalid("the clock of this case runs".to_owned()));
    }
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
    let job = if case.kind == Kind::Erasure { erase::ERASE } else { ANSWER };
    jobs::enqueue(scoped, job, &[case.id, account.uuid()], now).await.map(drop)
}

/// Refuses what was asked for. A restriction that went with an objection ends.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason, or when it is closed or being carried out.
pub async fn refuse(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    if !close(&mut about.scoped, decision.case, State::Refused, "rights.close", None).await? {
        return Err(StoreError::Invalid("this case is closed, or being carried out".to_owned()));
    }
    if about.case.kind == Kind::Objection {
        restrict::write(&mut about.scoped, about.account, false).await?;
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

/// Holds the data of whoever asked until then, because a law says so. What was asked for already waits.
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
    let place = Place {
        tenant: operator_tenant(),
        subject: Subject::Tenant,
        table: "legal_hold",
        column: "reason",
        row: id,
        version: 1,
    };
    const SQL: &str = "INSERT INTO wordbond.legal_hold (account_id, hold_id, case_id, reason, until, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(SQL)
        .bind(about.account.uuid())
        .bind(id)
        .bind(decision.case)
        .bind(Sealed::seal(store.keys(), &place, &decision.reason.trim().to_owned())?.as_bytes())
        .bind(At(until))
        .bind(At(now))
        .execute(about.scoped.conn())
        .await?;
    if !about.case.state.is_closed() {
        sqlx::query("UPDATE wordbond.rights_case SET held_until = $2 WHERE case_id = $1")
            .bind(decision.case)
            .bind(At(until))
            .execute(about.scoped.conn())
            .await?;
    }
    // The person reads until when, and the reason only where the law lets it be told: the log has it.
    let targets = [format!("case:{}", decision.case), format!("account:{}", decision.admin)];
    let told = [("reason", decision.reason.trim()), ("until", &until.to_string())];
    audit::note(&mut about.scoped, "rights.hold", &targets, &told).await?;
    about.scoped.commit().await?;
    Ok(id)
}

/// Ends every hold on the data of whoever asked. An erasure that waited is carried out.
///
/// # Errors
/// [`StoreError::NotFound`] when there is none; [`StoreError::Invalid`] without a reason.
pub async fn release(store: &Store, decision: Decision<'_>) -> Result<(), StoreError> {
    let mut about = About::open(store, &decision).await?;
    let now = about.scoped.now();
    let ended =
        sqlx::query("UPDATE wordbond.legal_hold SET released_at = $2 WHERE account_id = $1 AND released_at IS NULL")
            .bind(about.account.uuid())
            .bind(At(now))
            .execute(about.scoped.conn())
            .await?;
    if ended.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    const WAITING: &str = "UPDATE wordbond.rights_case SET held_until = NULL
        WHERE held_until IS NOT NULL AND closed_at IS NULL AND case_id IN (
            SELECT case_id FROM wordbond.rights_request WHERE account_id = $1)
        RETURNING case_id, kind";
    let waiting = sqlx::query(WAITING).bind(about.account.uuid()).fetch_all(about.scoped.conn()).await?;
    for row in &waiting {
        let (case, kind): (Uuid, String) = (row.try_get(0)?, row.try_get(1)?);
        if kind == Kind::Erasure.word() {
            jobs::enqueue(&mut about.scoped, erase::ERASE, &[case, about.account.uuid()], now).await?;
        }
    }
    let targets = [format!("case:{}", decision.case), format!("account:{}", decision.admin)];
    audit::note(&mut about.scoped, "rights.release", &targets, &[("reason", decision.reason.trim())]).await?;
    about.scoped.commit().await
}

/// Until when an account is held, if it is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn held(store: &Store, account: AccountId) -> Result<Option<Timestamp>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    erase::held(&mut scoped, account).await
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
