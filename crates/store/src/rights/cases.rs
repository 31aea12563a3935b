//! Cases: what somebody asked for, and the clock that runs since. The case names nobody; whose it is stands in a row of the
//! account, and goes with it.

use super::{Kind, State, erase, restrict};
use crate::{Scoped, Store, StoreError, audit, jobs, operator_tenant, time::At};
use jiff::SignedDuration;
use kernel::{AccountId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed};

/// The job that answers whatever is not an erasure.
pub const ANSWER: &str = "rights.answer";

/// How long an erasure waits before it begins: whoever asked still sees their case, and where its receipt will be.
pub const BEGINS: SignedDuration = SignedDuration::from_secs(5);

/// How long an erasure waits at most for the letter that it was asked for, and how often it looks whether that has gone.
const LETTER: SignedDuration = SignedDuration::from_hours(1);
/// See [`LETTER`].
pub const LOOKS: SignedDuration = SignedDuration::from_secs(10);

/// A case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id.
    pub id: Uuid,
    /// What is asked for.
    pub kind: Kind,
    /// How far it has come.
    pub state: State,
    /// When it was asked for.
    pub opened_at: Timestamp,
    /// The instant before which it is answered.
    pub due_at: Timestamp,
    /// When more time was taken.
    pub extended_at: Option<Timestamp>,
    /// Since when the clock stands.
    pub paused_at: Option<Timestamp>,
    /// For how many seconds it stood before that.
    pub paused_seconds: u64,
    /// Until when a law forbids it.
    pub held_until: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Under which id anybody who knows it sees the receipt.
    pub receipt_id: Uuid,
    /// The receipt, as JSON.
    pub receipt: Option<String>,
    /// The ledger's entry of the event that closed it.
    pub entry: Option<i64>,
    /// Whether a probe asked, and has said so since it was closed.
    pub of_probe: bool,
}

/// A case as its person sees it.
#[derive(Clone)]
pub struct Own {
    /// The case.
    pub case: Case,
    /// What they were told about it, the last first, with an empty line in between.
    pub notice: Option<String>,
    /// What they answered, the last first.
    pub answer: Option<String>,
}

pub(super) const COLUMNS: &str = "c.case_id, c.kind, c.state, c.opened_at, c.due_at, c.extended_at, c.paused_at,
    c.paused_seconds, c.held_until, c.closed_at, c.receipt_id, c.receipt, c.entry_id, c.of_probe";

pub(super) fn read(row: &PgRow) -> Result<Case, StoreError> {
    let word = |error: String| StoreError::Unexpected(error);
    let when = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.try_get::<Option<At>, _>(column)?.map(|at| at.0))
    };
    Ok(Case {
        id: row.try_get("case_id")?,
        kind: row.try_get::<&str, _>("kind")?.parse().map_err(word)?,
        state: row.try_get::<&str, _>("state")?.parse().map_err(word)?,
        opened_at: row.try_get::<At, _>("opened_at")?.0,
        due_at: row.try_get::<At, _>("due_at")?.0,
        extended_at: when("extended_at")?,
        paused_at: when("paused_at")?,
        paused_seconds: u64::try_from(row.try_get::<i64, _>("paused_seconds")?).unwrap_or_default(),
        held_until: when("held_until")?,
        closed_at: when("closed_at")?,
        receipt_id: row.try_get("receipt_id")?,
        receipt: row.try_get("receipt")?,
        entry: row.try_get("entry_id")?,
        of_probe: row.try_get("of_probe")?,
    })
}

/// Opens a case: its row, whose it is, the event, and the job that answers it, in one transaction. Where the person must do
/// something first, they read `first`; the clock stands until they say that it is done, and the job begins then.
///
/// # Errors
/// [`StoreError::Taken`] when one of the same kind is open.
pub async fn open(
    store: &Store,
    account: AccountId,
    kind: Kind,
    due_at: Timestamp,
    first: Option<&str>,
) -> Result<Case, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    // Held until the commit: of two requests at once, one finds the other's case.
    sqlx::query("SELECT FROM wordbond.account WHERE account_id = $1 FOR UPDATE")
        .bind(account.uuid())
        .execute(scoped.conn())
        .await?;
    const OPEN: &str =
        "SELECT EXISTS (SELECT FROM wordbond.rights_request AS r JOIN wordbond.rights_case AS c USING (case_id)
        WHERE r.account_id = $1 AND c.kind = $2 AND c.closed_at IS NULL)";
    let already: bool =
        sqlx::query_scalar(OPEN).bind(account.uuid()).bind(kind.word()).fetch_one(scoped.conn()).await?;
    if already {
        return Err(StoreError::Taken("you have asked for this already, and it is not answered yet"));
    }
    let (case, receipt, now) = (Uuid::now_v7(), Uuid::new_v4(), scoped.now());
    const SQL: &str =
        "INSERT INTO wordbond.rights_case AS c (case_id, kind, state, opened_at, due_at, receipt_id, paused_at)
        VALUES ($1, $2, CASE WHEN $6 THEN 'paused' ELSE 'open' END, $3, $4, $5, CASE WHEN $6 THEN $3 END)
        RETURNING c.case_id, c.kind, c.state, c.opened_at, c.due_at, c.extended_at, c.paused_at,
            c.paused_seconds, c.held_until, c.closed_at, c.receipt_id, c.receipt, c.entry_id, c.of_probe";
    let row = sqlx::query(SQL)
        .bind(case)
        .bind(kind.word())
        .bind(At(now))
        .bind(At(due_at))
        .bind(receipt)
        .bind(first.is_some())
        .fetch_one(scoped.conn())
        .await?;
    let opened = read(&row)?;
    sqlx::query("INSERT INTO wordbond.rights_request (account_id, case_id, created_at) VALUES ($1, $2, $3)")
        .bind(account.uuid())
        .bind(case)
        .bind(At(now))
        .execute(scoped.conn())
        .await?;
    let told = [("kind", kind.word()), ("due", &due_at.to_string())];
    audit::note(&mut scoped, "rights.open", &[format!("case:{case}")], &told).await?;
    if let Some(words) = first {
        tell(&mut scoped, account, case, words).await?;
        audit::note(&mut scoped, "rights.pause", &[format!("case:{case}")], &[("why", erase::OWNER)]).await?;
    } else {
        let (job, begins) = if kind == Kind::Erasure { (erase::ERASE, now + BEGINS) } else { (ANSWER, now) };
        jobs::enqueue(&mut scoped, job, &[case, account.uuid()], begins).await?;
    }
    scoped.commit().await?;
    Ok(opened)
}

/// The cases of an account, the newest first, at most 100.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_account(store: &Store, account: AccountId) -> Result<Vec<Own>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    own(&mut scoped, account, None).await
}

/// A case of an account.
///
/// # Errors
/// When the database cannot be asked.
pub async fn one(store: &Store, account: AccountId, case: Uuid) -> Result<Option<Own>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    Ok(own(&mut scoped, account, Some(case)).await?.into_iter().next())
}

async fn own(scoped: &mut Scoped, account: AccountId, case: Option<Uuid>) -> Result<Vec<Own>, StoreError> {
    let keys = scoped.keys().clone();
    let sql = format!(
        "SELECT {COLUMNS}, r.notice, r.answer, r.version FROM wordbond.rights_request AS r JOIN wordbond.rights_case AS c USING (case_id)
         WHERE r.account_id = $1 AND ($2::uuid IS NULL OR r.case_id = $2) ORDER BY r.case_id DESC LIMIT 100"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account.uuid()).bind(case).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| {
            let Said { notice, answer, .. } = said(&keys, account, row)?;
            Ok(Own { case: read(row)?, notice, answer })
        })
        .collect()
}

/// A case of the account in scope, as the caller's transaction has it.
pub(super) async fn within(scoped: &mut Scoped, account: AccountId, case: Uuid) -> Result<Case, StoreError> {
    let own = own(scoped, account, Some(case)).await?.pop();
    Ok(own.ok_or(StoreError::NotFound)?.case)
}

/// What was written to and by a person, and the row's version.
struct Said {
    notice: Option<String>,
    answer: Option<String>,
    version: i64,
}

fn said(keys: &KeyRing, account: AccountId, row: &PgRow) -> Result<Said, StoreError> {
    let (case, version): (Uuid, i64) = (row.try_get("case_id")?, row.try_get("version")?);
    let open = |column: &'static str| -> Result<Option<String>, StoreError> {
        let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>(column)? else { return Ok(None) };
        Ok(Some(Sealed::from_bytes(sealed)?.open(keys, &place(account, case, column, version))?))
    };
    Ok(Said { notice: open("notice")?, answer: open("answer")?, version })
}

/// Writes to the person, in the caller's transaction, in whose scope their account is. What they were told before stays, below.
pub(super) async fn tell(scoped: &mut Scoped, account: AccountId, case: Uuid, words: &str) -> Result<(), StoreError> {
    let mut said = held(scoped, account, case).await?;
    said.notice = Some(above(words, said.notice));
    say(scoped, account, case, said).await
}

/// Keeps what the person answers, above what they answered before, as [`tell`] does what they are told.
pub(super) async fn keep(scoped: &mut Scoped, account: AccountId, case: Uuid, words: &str) -> Result<(), StoreError> {
    let mut said = held(scoped, account, case).await?;
    said.answer = Some(above(words, said.answer));
    say(scoped, account, case, said).await
}

fn above(words: &str, before: Option<String>) -> String {
    before.map_or_else(|| words.to_owned(), |before| format!("{words}\n\n{before}"))
}

/// What was said by now. The row is held until the transaction ends.
async fn held(scoped: &mut Scoped, account: AccountId, case: Uuid) -> Result<Said, StoreError> {
    const SQL: &str = "SELECT case_id, notice, answer, version FROM wordbond.rights_request
        WHERE account_id = $1 AND case_id = $2 FOR UPDATE";
    let row = sqlx::query(SQL).bind(account.uuid()).bind(case).fetch_optional(scoped.conn()).await?;
    said(scoped.keys(), account, &row.ok_or(StoreError::NotFound)?)
}

/// Writes both anew: both carry the row's version.
async fn say(scoped: &mut Scoped, account: AccountId, case: Uuid, said: Said) -> Result<(), StoreError> {
    let (version, keys) = (said.version + 1, scoped.keys().clone());
    let seal = |column: &'static str, words: Option<String>| -> Result<Option<Vec<u8>>, StoreError> {
        let Some(words) = words else { return Ok(None) };
        Ok(Some(Sealed::seal(&keys, &place(account, case, column, version), &words)?.as_bytes().to_vec()))
    };
    const SQL: &str = "UPDATE wordbond.rights_request SET notice = $3, answer = $4, version = $5
        WHERE account_id = $1 AND case_id = $2";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(case)
        .bind(seal("notice", said.notice)?)
        .bind(seal("answer", said.answer)?)
        .bind(version)
        .execute(scoped.conn())
        .await?;
    Ok(())
}

fn place(account: AccountId, case: Uuid, column: &'static str, version: i64) -> Place {
    let version = u64::try_from(version).unwrap_or_default();
    crate::accounts::account_place(account, "rights_request", column, case, version)
}

/// Whether a letter about an account waits that was written since the case was opened, not long ago. What was asked for at a
/// browser that somebody else sits at must not take the warning along.
///
/// # Errors
/// When the database cannot be asked.
pub async fn letter_waits(store: &Store, account: AccountId, case: Uuid) -> Result<bool, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT EXISTS (SELECT FROM wordbond.mail AS m, wordbond.rights_case AS c
        WHERE m.account_id = $1 AND c.case_id = $2 AND m.created_at >= c.opened_at AND c.opened_at > $3)";
    let since = scoped.now().checked_sub(LETTER).unwrap_or(Timestamp::MIN);
    Ok(sqlx::query_scalar(SQL).bind(account.uuid()).bind(case).bind(At(since)).fetch_one(scoped.conn()).await?)
}

/// A case by the id of its receipt: what anybody sees who knows it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_receipt(store: &Store, receipt: Uuid) -> Result<Option<Case>, StoreError> {
    select(store, "c.receipt_id = $1", Some(receipt)).await.map(|cases| cases.into_iter().next())
}

/// A case by its id, whoever's it is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_id(store: &Store, case: Uuid) -> Result<Option<Case>, StoreError> {
    select(store, "c.case_id = $1", Some(case)).await.map(|cases| cases.into_iter().next())
}

/// The ledger's leaf of the event that closed a case, once it is sealed.
///
/// # Errors
/// When the database cannot be asked.
pub async fn leaf(store: &Store, case: &Case) -> Result<Option<u64>, StoreError> {
    let Some(entry) = case.entry else { return Ok(None) };
    Ok(ledger::index_of(store.auditor().await?.conn(), ledger::EntryId(entry)).await?)
}

async fn select(store: &Store, condition: &'static str, id: Option<Uuid>) -> Result<Vec<Case>, StoreError> {
    let mut system = store.system().await?;
    let sql = format!("SELECT {COLUMNS} FROM wordbond.rights_case AS c WHERE {condition}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_all(system.conn()).await?;
    rows.iter().map(read).collect()
}

/// Whose a case is, as the dispatcher sees it; nobody's any more once they are erased.
///
/// # Errors
/// When the database cannot be asked.
pub async fn whose(store: &Store, case: Uuid) -> Result<Option<AccountId>, StoreError> {
    let mut tx = store.dispatcher().await?;
    let found: Option<Uuid> = sqlx::query_scalar("SELECT account_id FROM wordbond.rights_request WHERE case_id = $1")
        .bind(case)
        .fetch_optional(&mut *tx)
        .await?;
    Ok(found.map(AccountId::from))
}

/// Closes a case in the caller's transaction, under the operator's tenant, and tells it. Yields whether it was open.
pub(super) async fn close(
    scoped: &mut Scoped,
    case: Uuid,
    state: State,
    action: &str,
    receipt: Option<&str>,
) -> Result<bool, StoreError> {
    scoped.move_to(operator_tenant()).await?;
    let before = erase::state(scoped, case).await?.and_then(|word| word.parse::<State>().ok());
    let fits = match state {
        State::Done => matches!(before, Some(State::Open | State::Working)),
        _ => matches!(before, Some(State::Open | State::Paused)),
    };
    if !fits {
        return Ok(false);
    }
    let mut event = audit::event(scoped.actor(), action, &[format!("case:{case}")], scoped.now());
    event.context.insert("state".to_owned(), state.word().to_owned());
    let keys = scoped.keys().clone();
    let id = audit::record(scoped, &keys, &event).await?;
    let entry: i64 =
        sqlx::query_scalar("SELECT entry_id FROM wordbond.audit_event WHERE tenant_id = $1 AND event_id = $2")
            .bind(operator_tenant().uuid())
            .bind(id)
            .fetch_one(scoped.conn())
            .await?;
    let now = At(scoped.now());
    const SQL: &str = "UPDATE wordbond.rights_case
        SET state = $2, closed_at = $3, paused_at = NULL, held_until = NULL, receipt = $4, entry_id = $5 WHERE case_id = $1";
    sqlx::query(SQL).bind(case).bind(state.word()).bind(now).bind(receipt).bind(entry).execute(scoped.conn()).await?;
    Ok(true)
}

/// Takes a request back, and with an objection the restriction that it put on. What is being carried out cannot be.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] when it is closed, or too far.
pub async fn withdraw(store: &Store, account: AccountId, case: Uuid) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let Some(own) = own(&mut scoped, account, Some(case)).await?.pop() else { return Err(StoreError::NotFound) };
    if !close(&mut scoped, case, State::Withdrawn, "rights.withdraw", None).await? {
        return Err(StoreError::Invalid("this is answered already, or being carried out".to_owned()));
    }
    if own.case.kind == Kind::Objection {
        restrict::lift_of(&mut scoped, account, case).await?;
    }
    scoped.commit().await
}
