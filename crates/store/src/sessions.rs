//! Sessions: browsers that are signed in.
//!
//! A browser holds 32 random bytes; the database holds a keyed hash of them. A session lives as long as it is used, and no
//! longer than its absolute lifetime. Whenever its rights change it gets a new token, and the old one is dead in the same
//! transaction. Whatever ends or changes one is told to every instance ([`Cache`]).

mod cache;
mod change;
mod end;
mod still;

pub use cache::Cache;
pub use change::{age, complete, confirm, rotate, strengthen, switch};
pub use end::{Census, census, revoke, revoke_all, revoke_all_by};
pub(crate) use end::{clear_expired, end_all, end_membership};
pub use still::{Standing, still};

use crate::{
    Scoped, Store, StoreError,
    accounts::{account_place, tell_of},
    operator_tenant,
    sign_in::{self, Kind, Whose},
    tenancy,
    time::At,
    token::{Form, Token, random},
};
use kernel::{AccountId, Actor, PersonId, SessionId, Span, TeamRole, TenantId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{Place, Sealed};

/// How often at most the last use is written down.
const TOUCH: i64 = 60;

/// The longest name of a device that is kept.
const LONGEST_DEVICE: usize = 200;

/// How long sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without being used.
    pub idle: Span,
    /// In all.
    pub absolute: Span,
}

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// By a password alone.
    Password,
    /// At another provider.
    Provider,
    /// With a second factor.
    Second,
    /// With a passkey.
    Passkey,
}

impl Strength {
    /// Every strength.
    pub const ALL: [Self; 4] = [Self::Password, Self::Provider, Self::Second, Self::Passkey];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
            Self::Second => "second",
            Self::Passkey => "passkey",
        }
    }

    /// The strength of this word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strength| strength.as_str() == text)
    }
}

/// A sign-in.
#[derive(Clone, Copy)]
pub struct NewSession<'a> {
    /// Whose.
    pub account: AccountId,
    /// In which team it begins.
    pub tenant: Option<TenantId>,
    /// How they proved who they are.
    pub strength: Strength,
    /// Whether a second factor is still owed.
    pub pending: bool,
    /// What the browser says it is.
    pub device: &'a str,
    /// How long it may live.
    pub lifetimes: Lifetimes,
    /// When they proved who they are, where that was not just now.
    pub proved_at: Option<Timestamp>,
}

/// A session that has begun.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its id.
    pub id: SessionId,
    /// What the browser will hold.
    pub token: Token,
}

/// A session in use.
#[derive(Clone)]
pub struct LiveSession {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// In which team it acts, if in any.
    pub tenant: Option<TenantId>,
    /// Who they are there.
    pub person: Option<PersonId>,
    /// What they are there.
    pub role: Option<TeamRole>,
    /// How they proved who they are.
    pub strength: Strength,
    /// Whether a second factor is still owed.
    pub pending: bool,
    /// The key of its form tokens.
    pub csrf: [u8; 32],
    /// Whether the operator has suspended the team.
    pub suspended: bool,
    /// Whether the team requires a second factor.
    pub needs_second: bool,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When they last proved again who they are.
    pub confirmed_at: Option<Timestamp>,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

impl LiveSession {
    /// Whether it is alive at `now`: neither unused for too long nor too old, whichever its row or `lifetimes` says.
    #[must_use]
    pub fn is_alive(&self, lifetimes: Lifetimes, now: Timestamp) -> bool {
        is_within(self.created_at, self.seen_at, self.expires_at, lifetimes, now)
    }
}

fn is_within(created: Timestamp, seen: Timestamp, expires: Timestamp, lifetimes: Lifetimes, now: Timestamp) -> bool {
    now < expires && now < after(created, lifetimes.absolute) && now < after(seen, lifetimes.idle)
}

/// A session as its owner sees it.
#[derive(Clone)]
pub struct ListedSession {
    /// Its id.
    pub id: SessionId,
    /// In which team it acts.
    pub tenant: Option<TenantId>,
    /// How they proved who they are.
    pub strength: Strength,
    /// Whether a second factor is still owed.
    pub pending: bool,
    /// What the browser said it is.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
}

pub(crate) fn after(time: Timestamp, span: Span) -> Timestamp {
    time.checked_add(span.signed()).unwrap_or(Timestamp::MAX)
}

/// Begins a session. Sessions of the account that have expired are cleared away.
///
/// # Errors
/// [`StoreError::NotFound`] when the account is no member of the tenant.
pub async fn open(store: &Store, new: NewSession<'_>) -> Result<Opened, StoreError> {
    let (account, id, token) = (new.account, SessionId::new(), Token::fresh(Form::Session)?);
    let mut scoped = store.account_scope(account).await?;
    let now = scoped.now();
    end::clear_expired(&mut scoped, account, now).await?;
    let place = match new.tenant {
        Some(tenant) => Some((tenant, member(&mut scoped, account, tenant).await?)),
        None => None,
    };
    let lookup = Kind::Session.lookup(store.keys(), token.expose().as_bytes())?;
    let device: String = new.device.chars().filter(|c| !c.is_control()).take(LONGEST_DEVICE).collect();
    const SQL: &str = "INSERT INTO wordbond.session (account_id, session_id, tenant_id, person_id, token_hash, csrf,
            strength, pending, device, created_at, seen_at, confirmed_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12)";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(id.uuid())
        .bind(place.map(|(tenant, _)| tenant.uuid()))
        .bind(place.map(|(_, person)| person.uuid()))
        .bind(lookup.as_slice())
        .bind(random()?.as_slice())
        .bind(new.strength.as_str())
        .bind(new.pending)
        .bind(Sealed::seal(store.keys(), &device_place(account, id), &device)?.as_bytes())
        .bind(At(now))
        .bind((!new.pending).then_some(At(new.proved_at.map_or(now, |at| at.min(now)))))
        .bind(At(after(now, new.lifetimes.absolute)))
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_dangling(&error) { StoreError::NotFound } else { error.into() })?;
    lead(&mut scoped, account, place, id, &lookup).await?;
    let (mark, pending) = (sign_in::mark(&lookup), if new.pending { "yes" } else { "no" });
    let context = [("mark", mark.as_str()), ("pending", pending), ("strength", new.strength.as_str())];
    tell_of(&mut scoped, account, place, "session.open", &[named(id)], &context).await?;
    scoped.commit().await?;
    Ok(Opened { id, token })
}

/// How an event names a session.
fn named(id: SessionId) -> String {
    format!("session:{id}")
}

/// Writes what leads from a token's hash to its session.
async fn lead(
    scoped: &mut Scoped,
    account: AccountId,
    place: Option<(TenantId, PersonId)>,
    id: SessionId,
    lookup: &[u8; 32],
) -> Result<(), StoreError> {
    let whose = Whose::Account(account, place.map(|(tenant, person)| (tenant, Some(person))));
    sign_in::add(scoped, Kind::Session, lookup, id.uuid(), whose, "this session is there already").await
}

/// Who the account in scope is in a tenant.
async fn member(scoped: &mut Scoped, account: AccountId, tenant: TenantId) -> Result<PersonId, StoreError> {
    let person: Option<Uuid> =
        sqlx::query_scalar("SELECT person_id FROM wordbond.membership WHERE account_id = $1 AND tenant_id = $2")
            .bind(account.uuid())
            .bind(tenant.uuid())
            .fetch_optional(scoped.conn())
            .await?;
    person.map(PersonId::from).ok_or(StoreError::NotFound)
}

/// The live session of a token; `None` for one that is of none, whatever the reason: never made, ended, expired, or its
/// membership is gone. Writes down the last use, at most once a minute.
///
/// # Errors
/// When the database cannot be asked.
pub async fn find(
    store: &Store,
    token: &str,
    lifetimes: Lifetimes,
    now: Timestamp,
) -> Result<Option<LiveSession>, StoreError> {
    if !Form::Session.fits(token) {
        return Ok(None);
    }
    let lookup = Kind::Session.lookup(store.keys(), token.as_bytes())?;
    let Some(found) = sign_in::find(store, Kind::Session, &lookup).await? else { return Ok(None) };
    let Some(account) = found.account else { return Ok(None) };
    let actor = found.person.map_or(Actor::Visitor, |id| Actor::Person { id });
    let mut scoped = store.scope_of(found.tenant.unwrap_or(operator_tenant()), &actor, Some(account)).await?;
    // The index only says where to look: the token must be the session's own, and the membership must stand.
    const SQL: &str =
        "SELECT s.session_id, s.tenant_id, s.person_id, s.csrf, s.strength, s.pending, s.created_at, s.seen_at,
            s.confirmed_at, s.expires_at, p.role, t.suspended_at IS NOT NULL AS suspended, t.require_second_factor
        FROM wordbond.session AS s
        LEFT JOIN wordbond.person AS p ON p.tenant_id = s.tenant_id AND p.person_id = s.person_id
            AND p.account_id = s.account_id AND p.removed_at IS NULL
        LEFT JOIN wordbond.tenant AS t ON t.tenant_id = p.tenant_id
        WHERE s.account_id = $1 AND s.session_id = $2 AND s.token_hash = $3";
    let row = sqlx::query(SQL)
        .bind(account.uuid())
        .bind(found.row)
        .bind(lookup.as_slice())
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(mut session) = read(account, &row)?.filter(|session| session.is_alive(lifetimes, now)) else {
        return Ok(None);
    };
    if session.seen_at.as_second() + TOUCH <= now.as_second() {
        touch(scoped, &mut session, now).await?;
    }
    Ok(Some(session))
}

fn read(account: AccountId, row: &PgRow) -> Result<Option<LiveSession>, StoreError> {
    let tenant = row.try_get::<Option<Uuid>, _>("tenant_id")?.map(TenantId::from);
    let role = row.try_get::<Option<&str>, _>("role")?.map(tenancy::role).transpose()?;
    if tenant.is_some() && role.is_none() {
        return Ok(None);
    }
    let unreadable = || StoreError::Unexpected("a session that this build cannot read".to_owned());
    let csrf: Vec<u8> = row.try_get("csrf")?;
    Ok(Some(LiveSession {
        id: SessionId::from(row.try_get::<Uuid, _>("session_id")?),
        account,
        tenant,
        person: row.try_get::<Option<Uuid>, _>("person_id")?.map(PersonId::from),
        role,
        strength: Strength::parse(row.try_get("strength")?).ok_or_else(unreadable)?,
        pending: row.try_get("pending")?,
        csrf: csrf.try_into().map_err(|_| unreadable())?,
        suspended: row.try_get::<Option<bool>, _>("suspended")?.unwrap_or_default(),
        needs_second: row.try_get::<Option<bool>, _>("require_second_factor")?.unwrap_or_default(),
        created_at: row.try_get::<At, _>("created_at")?.0,
        seen_at: row.try_get::<At, _>("seen_at")?.0,
        confirmed_at: row.try_get::<Option<At>, _>("confirmed_at")?.map(|at| at.0),
        expires_at: row.try_get::<At, _>("expires_at")?.0,
    }))
}

/// Writes down the last use. Not an act, so it leaves no event.
async fn touch(mut scoped: Scoped, session: &mut LiveSession, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str =
        "UPDATE wordbond.session SET seen_at = $3 WHERE account_id = $1 AND session_id = $2 AND seen_at < $3";
    sqlx::query(SQL).bind(session.account.uuid()).bind(session.id.uuid()).bind(At(now)).execute(scoped.conn()).await?;
    scoped.commit().await?;
    session.seen_at = now;
    Ok(())
}

/// The sessions of an account that have not expired, the last used first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn list(store: &Store, account: AccountId) -> Result<Vec<ListedSession>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let now = At(scoped.now());
    const SQL: &str =
        "SELECT session_id, tenant_id, strength, pending, device, created_at, seen_at FROM wordbond.session
        WHERE account_id = $1 AND expires_at > $2 ORDER BY seen_at DESC, session_id LIMIT 200";
    let rows = sqlx::query(SQL).bind(account.uuid()).bind(now).fetch_all(scoped.conn()).await?;
    let unreadable = || StoreError::Unexpected("a session that this build cannot read".to_owned());
    rows.iter()
        .map(|row| {
            let id = SessionId::from(row.try_get::<Uuid, _>("session_id")?);
            Ok(ListedSession {
                id,
                tenant: row.try_get::<Option<Uuid>, _>("tenant_id")?.map(TenantId::from),
                strength: Strength::parse(row.try_get("strength")?).ok_or_else(unreadable)?,
                pending: row.try_get("pending")?,
                device: Sealed::from_bytes(row.try_get("device")?)?.open(store.keys(), &device_place(account, id))?,
                created_at: row.try_get::<At, _>("created_at")?.0,
                seen_at: row.try_get::<At, _>("seen_at")?.0,
            })
        })
        .collect()
}

fn device_place(account: AccountId, id: SessionId) -> Place {
    account_place(account, "session", "device", id.uuid(), 1)
}
