//! Mail that waits to be handed over: sealed, under the account it is about, and sent by a job, so that neither a mail server
//! that is away nor the end of this program loses it.
//!
//! Writing one is no act and leaves no event; what it is about has left its own. Of a letter that tells what was decided about a
//! request the log says what became of it: whoever decided owes it.

use crate::{
    Scoped, Store, StoreError,
    accounts::{account_place, subject},
    audit,
    jobs::{self, Job, Lease},
    one_time::nobody,
    operator_tenant,
    sessions::after,
    time::At,
};
use kernel::{AccountId, Actor, Span, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{Place, Sealed};

/// What the jobs are called.
pub const KIND: &str = "mail.send";

/// What the log says once it is known what became of a letter about a case.
pub(crate) const ENDED: &str = "rights.letter";

/// For how long one is tried to be handed over.
pub const KEEP: Span = Span::days(3);

/// The longest text, in bytes.
const LONGEST: usize = 32_768;

/// A mail that waits.
pub struct Waiting {
    /// What was written.
    pub text: String,
    /// Until when it is worth sending.
    pub expires_at: Timestamp,
}

/// Writes a mail about an account, or to nobody who has one, for a job to send within `keep`. `opens` where it holds a link that
/// opens something, or will. With `at_once`, the job is leased to the caller already, who is to send it now.
///
/// # Errors
/// [`StoreError::Invalid`] for one that is too long; or when the database cannot be asked.
pub async fn put(
    store: &Store,
    account: Option<AccountId>,
    text: &str,
    keep: Span,
    opens: bool,
    at_once: bool,
) -> Result<Option<(Lease, Job)>, StoreError> {
    let owner = account.unwrap_or_else(nobody);
    if account.is_none() {
        store.keys().create(operator_tenant(), subject(owner))?;
    }
    let mut scoped = store.account_scope(owner).await?;
    let waits = Written { case: None, text, keep, opens };
    let job = write(&mut scoped, owner, waits).await?;
    let leased = if at_once {
        Some((jobs::enqueue_leased(&mut scoped, KIND, &job.ids).await?, job))
    } else {
        let now = scoped.now();
        jobs::enqueue(&mut scoped, KIND, &job.ids, now).await?;
        None
    };
    scoped.commit().await?;
    Ok(leased)
}

/// Writes a letter about a case to the account in scope, in the caller's transaction, for a job to send: it is written if what it
/// tells is done. Yields its id.
pub(crate) async fn letter(
    scoped: &mut Scoped,
    account: AccountId,
    case: Uuid,
    text: &str,
) -> Result<Uuid, StoreError> {
    let now = scoped.now();
    let job = write(scoped, account, Written { case: Some(case), text, keep: KEEP, opens: false }).await?;
    jobs::enqueue(scoped, KIND, &job.ids, now).await?;
    job.ids.last().copied().ok_or(StoreError::NotFound)
}

/// What is written.
struct Written<'a> {
    /// The case whose decision it tells.
    case: Option<Uuid>,
    text: &'a str,
    keep: Span,
    opens: bool,
}

/// Writes the row. Yields the job that is to send it.
async fn write(scoped: &mut Scoped, owner: AccountId, what: Written<'_>) -> Result<Job, StoreError> {
    if what.text.len() > LONGEST {
        return Err(StoreError::Invalid(format!("this is longer than {LONGEST} bytes")));
    }
    let (id, now) = (Uuid::now_v7(), scoped.now());
    const SQL: &str = "INSERT INTO wordbond.mail (account_id, mail_id, case_id, body, opens, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let sealed = Sealed::seal(scoped.keys(), &place(owner, id), &what.text.to_owned())?;
    sqlx::query(SQL)
        .bind(owner.uuid())
        .bind(id)
        .bind(what.case)
        .bind(sealed.as_bytes())
        .bind(what.opens)
        .bind(At(now))
        .bind(At(after(now, what.keep)))
        .execute(scoped.conn())
        .await?;
    Ok(Job { kind: KIND.to_owned(), ids: vec![owner.uuid(), id] })
}

/// The mail that a job is about; `None` where it is gone, or its account and with it the key.
///
/// # Errors
/// When the database cannot be asked.
pub async fn read(store: &Store, job: &Job) -> Result<Option<Waiting>, StoreError> {
    let Some((account, id)) = of(job) else { return Ok(None) };
    let mut scoped = store.account_scope(account).await?;
    let row = sqlx::query("SELECT body, expires_at FROM wordbond.mail WHERE account_id = $1 AND mail_id = $2")
        .bind(account.uuid())
        .bind(id)
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let expires_at = row.try_get::<At, _>("expires_at")?.0;
    let text = Sealed::from_bytes(row.try_get("body")?)?.open(store.keys(), &place(account, id));
    Ok(text.ok().map(|text| Waiting { text, expires_at }))
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The mail server took it, or it was not to be sent after all.
    HandedOver,
    /// It could not be handed over in time, or nobody can read it.
    GivenUp,
}

impl Fate {
    /// What the log says when a letter was given up.
    pub(crate) const GIVEN_UP: &str = "given up";

    const fn word(self) -> &'static str {
        match self {
            Self::HandedOver => "handed over",
            Self::GivenUp => Self::GIVEN_UP,
        }
    }
}

/// Ends a job together with its mail, and tells what became of a letter.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds the job by now.
pub async fn done(store: &Store, lease: &Lease, job: &Job, fate: Fate) -> Result<(), StoreError> {
    let actor = Actor::Job { name: "mail".to_owned() };
    let account = of(job).map(|(account, _)| account);
    let mut scoped = store.scope_of(lease.tenant, &actor, account).await?;
    if let Some((account, id)) = of(job)
        && let Some(case) = remove(&mut scoped, account, id).await?
    {
        let targets = [format!("case:{case}"), format!("mail:{id}")];
        audit::note(&mut scoped, ENDED, &targets, &[("state", fate.word())]).await?;
    }
    jobs::finish(scoped, lease).await
}

/// Takes back what waits about the account in scope and holds a link, or will, in the caller's transaction. The jobs find nothing
/// and end. Letters of what was decided stay.
pub(crate) async fn forget(scoped: &mut Scoped, account: AccountId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM wordbond.mail WHERE account_id = $1 AND opens")
        .bind(account.uuid())
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// Clears away what the account in scope has waiting past its time, should its job have been lost. Yields how many.
pub(crate) async fn clear_expired(scoped: &mut Scoped, account: AccountId) -> Result<u64, StoreError> {
    const SQL: &str = "DELETE FROM wordbond.mail WHERE account_id = $1 AND expires_at <= $2";
    let now = At(scoped.now());
    Ok(sqlx::query(SQL).bind(account.uuid()).bind(now).execute(scoped.conn()).await?.rows_affected())
}

/// Takes a mail away. Yields the case whose decision it told.
async fn remove(scoped: &mut Scoped, account: AccountId, id: Uuid) -> Result<Option<Uuid>, StoreError> {
    const SQL: &str = "DELETE FROM wordbond.mail WHERE account_id = $1 AND mail_id = $2 RETURNING case_id";
    let case: Option<Option<Uuid>> =
        sqlx::query_scalar(SQL).bind(account.uuid()).bind(id).fetch_optional(scoped.conn()).await?;
    Ok(case.flatten())
}

fn of(job: &Job) -> Option<(AccountId, Uuid)> {
    match *job.ids.as_slice() {
        [account, id] if job.kind == KIND => Some((AccountId::from(account), id)),
        _ => None,
    }
}

/// The account under which stands what is written to people without one.
fn place(account: AccountId, id: Uuid) -> Place {
    account_place(account, "mail", "body", id, 1)
}
