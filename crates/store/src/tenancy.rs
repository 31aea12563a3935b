//! Tenants, their people, and the bearer tokens by which people are known.

use crate::{
    Scoped, Store, StoreError, audit, revocation,
    sessions::after,
    sign_in::{self, Kind, Whose},
    time::At,
    token::Form,
};
use kernel::{AccountId, Actor, PersonId, Span, TeamRole, TenantId};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{Place, Sealed, Subject};

pub use crate::token::Token;

/// How long an API token is good at the most, and where nobody says otherwise.
pub const LONGEST_TOKEN: Span = Span::days(365);

/// A person as they introduce themselves.
#[derive(Clone, Copy)]
pub struct NewPerson<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
}

impl NewPerson<'_> {
    fn check(&self) -> Result<(), StoreError> {
        text("name", self.name, 200)?;
        address(self.email)
    }
}

/// A person who has just joined.
#[derive(Clone, Debug)]
pub struct Joined {
    /// Their tenant.
    pub tenant: TenantId,
    /// Their id.
    pub person: PersonId,
    /// Their token.
    pub token: Token,
}

/// A person, opened.
#[derive(Clone)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// Whom a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The tenant.
    pub tenant: TenantId,
    /// The person.
    pub person: PersonId,
    /// Their account, where they have one.
    pub account: Option<AccountId>,
    /// What they are in the team.
    pub role: TeamRole,
    /// Whether the operator has suspended the tenant: its people may then do nothing.
    pub suspended: bool,
    /// Whether the team requires a second factor and this person has none.
    pub needs_second: bool,
}

/// Creates a tenant with its first person, who owns it.
///
/// # Errors
/// [`StoreError::Invalid`].
pub async fn create(store: &Store, actor: &Actor, name: &str, first: NewPerson<'_>) -> Result<Joined, StoreError> {
    text("name", name, 200)?;
    first.check()?;
    let tenant = TenantId::new();
    store.keys().create(tenant, Subject::Tenant)?;
    let mut scoped = store.scoped(tenant, actor).await?;
    insert_tenant(&mut scoped, name).await?;
    join(store, scoped, first, TeamRole::Owner).await
}

/// Adds a person to the tenant: a member, who has a token and no account.
///
/// # Errors
/// [`StoreError::Invalid`]; [`StoreError::Taken`] when the tenant has that address already.
pub async fn add_person(
    store: &Store,
    tenant: TenantId,
    actor: &Actor,
    person: NewPerson<'_>,
) -> Result<Joined, StoreError> {
    person.check()?;
    join(store, store.scoped(tenant, actor).await?, person, TeamRole::Member).await
}

/// Writes the row of the scope's tenant, and its event.
pub(crate) async fn insert_tenant(scoped: &mut Scoped, name: &str) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    let sealed = Sealed::seal(scoped.keys(), &tenant_place(tenant, 1), &name.trim().to_owned())?;
    let now = At(scoped.now());
    sqlx::query("INSERT INTO wordbond.tenant (tenant_id, name, created_at) VALUES ($1, $2, $3)")
        .bind(tenant.uuid())
        .bind(sealed.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    audit::note(scoped, "tenant.create", &[format!("tenant:{tenant}")], &[]).await
}

/// Writes the person, their token, what leads to it and the event, in one transaction.
async fn join(store: &Store, mut scoped: Scoped, new: NewPerson<'_>, role: TeamRole) -> Result<Joined, StoreError> {
    let (tenant, person) = (scoped.tenant(), PersonId::new());
    store.keys().create(tenant, Subject::Person(person))?;
    let by = scoped.actor().person();
    scoped.own_rows_of(Some(person)).await?;
    insert_person(&mut scoped, person, new, role).await?;
    let written = insert_token(&mut scoped, person, None, LONGEST_TOKEN).await?;
    scoped.own_rows_of(by).await?;
    let targets = [format!("person:{person}"), written.target.clone()];
    audit::note(&mut scoped, "person.add", &targets, &written.context()).await?;
    scoped.commit().await?;
    Ok(Joined { tenant, person, token: written.token })
}

/// A token that was just written, and what an event tells of it.
pub(crate) struct Written {
    pub(crate) token: Token,
    pub(crate) target: String,
    pub(crate) mark: String,
    pub(crate) expires: String,
}

impl Written {
    pub(crate) fn context(&self) -> [(&'static str, &str); 2] {
        [("expires", &self.expires), ("mark", &self.mark)]
    }
}

/// Writes a fresh API token of a person whose rows are in scope, to be good for as long as `lives`.
pub(crate) async fn insert_token(
    scoped: &mut Scoped,
    person: PersonId,
    label: Option<&str>,
    lives: Span,
) -> Result<Written, StoreError> {
    let (tenant, token, id, keys) = (scoped.tenant(), Token::fresh(Form::Api)?, Uuid::now_v7(), scoped.keys().clone());
    let lookup = Kind::Token.lookup(&keys, token.expose().as_bytes())?;
    let label =
        label.map(|text| Sealed::seal(&keys, &token_place(tenant, person, id), &text.trim().to_owned())).transpose()?;
    let now = scoped.now();
    let expires = after(now, lives);
    const SQL: &str =
        "INSERT INTO wordbond.token (tenant_id, token_id, person_id, token_hash, label, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(person.uuid())
        .bind(lookup.as_slice())
        .bind(label.as_ref().map(Sealed::as_bytes))
        .bind(At(now))
        .bind(At(expires))
        .execute(scoped.conn())
        .await?;
    sign_in::add(scoped, Kind::Token, &lookup, id, Whose::Person(tenant, person), "this token is there already")
        .await?;
    let (target, mark) = (format!("token:{id}"), sign_in::mark(&lookup));
    Ok(Written { token, target, mark, expires: expires.to_string() })
}

/// Writes a person whose rows are in scope: of the account in scope, where there is one.
pub(crate) async fn insert_person(
    scoped: &mut Scoped,
    person: PersonId,
    new: NewPerson<'_>,
    role: TeamRole,
) -> Result<(), StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let name = Sealed::seal(&keys, &person_place(tenant, person, "name", 1), &new.name.trim().to_owned())?;
    let email = Sealed::seal(&keys, &person_place(tenant, person, "email", 1), &new.email.trim().to_owned())?;
    let index = keys.blind_index(tenant)?.email(new.email);
    let (now, account) = (At(scoped.now()), scoped.account().map(AccountId::uuid));
    const SQL: &str = "INSERT INTO wordbond.person
        (tenant_id, person_id, name, email, email_index, account_id, role, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(name.as_bytes())
        .bind(email.as_bytes())
        .bind(index.as_slice())
        .bind(account)
        .bind(role.as_str())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| match error {
            error if StoreError::is_duplicate(&error) => StoreError::Taken("this address is in the team already"),
            error if StoreError::is_dangling(&error) => StoreError::NotFound,
            error => error.into(),
        })?;
    Ok(())
}

/// Whom a token stands for; `None` for one that stands for nobody, whatever the reason.
///
/// # Errors
/// When the database cannot be asked.
pub async fn authenticate(store: &Store, token: &str) -> Result<Option<Session>, StoreError> {
    if !Form::Api.fits(token) {
        return Ok(None);
    }
    let lookup = Kind::Token.lookup(store.keys(), token.as_bytes())?;
    let Some(found) = sign_in::find(store, Kind::Token, &lookup).await? else { return Ok(None) };
    let (Some(tenant), Some(person)) = (found.tenant, found.person) else { return Ok(None) };
    // The index only says where to look. What counts is the tenant's own row: it goes when the token is revoked, or the
    // person leaves or is erased, in that very transaction.
    let mut scoped = store.scoped(tenant, &Actor::Person { id: person }).await?;
    const SQL: &str =
        "SELECT t.suspended_at IS NOT NULL, p.role, p.account_id, t.require_second_factor FROM wordbond.token AS k
        JOIN wordbond.tenant AS t ON t.tenant_id = k.tenant_id
        JOIN wordbond.person AS p ON p.tenant_id = k.tenant_id AND p.person_id = k.person_id AND p.removed_at IS NULL
        WHERE k.tenant_id = $1 AND k.token_id = $2 AND k.person_id = $3 AND k.token_hash = $4 AND k.expires_at > $5";
    let now = At(scoped.now());
    let row = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(found.row)
        .bind(person.uuid())
        .bind(lookup.as_slice())
        .bind(now)
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let account = row.try_get::<Option<Uuid>, _>(2)?.map(AccountId::from);
    let (role, suspended) = (role(row.try_get(1)?)?, row.try_get(0)?);
    let required: bool = row.try_get(3)?;
    drop(scoped);
    let needs_second = required && !has_factor(store, account).await?;
    Ok(Some(Session { tenant, person, account, role, suspended, needs_second }))
}

/// Whether an account has a second factor. Who has no account has none.
async fn has_factor(store: &Store, account: Option<AccountId>) -> Result<bool, StoreError> {
    let Some(account) = account else { return Ok(false) };
    const SQL: &str = "SELECT EXISTS (SELECT FROM wordbond.factor WHERE account_id = $1)";
    let mut scoped = store.account_scope(account).await?;
    Ok(sqlx::query_scalar(SQL).bind(account.uuid()).fetch_one(scoped.conn()).await?)
}

/// The role of a word in the database.
pub(crate) fn role(word: &str) -> Result<TeamRole, StoreError> {
    TeamRole::parse(word).ok_or_else(|| StoreError::Unexpected("a role that this build does not know".to_owned()))
}

/// The person who is asking.
///
/// # Errors
/// [`StoreError::NoPerson`], [`StoreError::NotFound`].
pub async fn me(scoped: &mut Scoped) -> Result<Person, StoreError> {
    let (tenant, id, keys) = (scoped.tenant(), scoped.person()?, scoped.keys().clone());
    let row = sqlx::query("SELECT name, email, version FROM wordbond.person WHERE tenant_id = $1 AND person_id = $2")
        .bind(tenant.uuid())
        .bind(id.uuid())
        .fetch_optional(scoped.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
    let open = |column: &'static str| -> Result<String, StoreError> {
        let sealed = Sealed::from_bytes(row.try_get(column)?)?;
        Ok(sealed.open(&keys, &person_place(tenant, id, column, version))?)
    };
    Ok(Person { id, name: open("name")?, email: open("email")? })
}

/// The name of the scope's tenant.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn name(scoped: &mut Scoped) -> Result<String, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let row = sqlx::query("SELECT name, version FROM wordbond.tenant WHERE tenant_id = $1")
        .bind(tenant.uuid())
        .fetch_optional(scoped.conn())
        .await?
        .ok_or(StoreError::NotFound)?;
    let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
    Ok(Sealed::from_bytes(row.try_get("name")?)?.open(&keys, &tenant_place(tenant, version))?)
}

/// Suspends a tenant: its people's tokens still say who they are, and that they may do nothing.
///
/// # Errors
/// [`StoreError::NotFound`]; [`StoreError::Invalid`] without a reason.
pub async fn suspend(store: &Store, tenant: TenantId, actor: &Actor, reason: &str) -> Result<(), StoreError> {
    set_suspended(store, tenant, actor, None, reason, true).await
}

/// Ends a suspension.
///
/// # Errors
/// As [`suspend`].
pub async fn resume(store: &Store, tenant: TenantId, actor: &Actor, reason: &str) -> Result<(), StoreError> {
    set_suspended(store, tenant, actor, None, reason, false).await
}

/// Suspends a tenant as one of the operator's people, whom the event names.
///
/// # Errors
/// As [`suspend`].
pub async fn suspend_by(store: &Store, tenant: TenantId, admin: AccountId, reason: &str) -> Result<(), StoreError> {
    set_suspended(store, tenant, &Actor::Operator, Some(admin), reason, true).await
}

/// Ends a suspension as one of the operator's people, whom the event names.
///
/// # Errors
/// As [`suspend`].
pub async fn resume_by(store: &Store, tenant: TenantId, admin: AccountId, reason: &str) -> Result<(), StoreError> {
    set_suspended(store, tenant, &Actor::Operator, Some(admin), reason, false).await
}

async fn set_suspended(
    store: &Store,
    tenant: TenantId,
    actor: &Actor,
    admin: Option<AccountId>,
    reason: &str,
    suspended: bool,
) -> Result<(), StoreError> {
    text("reason", reason, 500)?;
    let mut scoped = store.scoped(tenant, actor).await?;
    let now = suspended.then(|| At(scoped.now()));
    let done = sqlx::query("UPDATE wordbond.tenant SET suspended_at = $2 WHERE tenant_id = $1")
        .bind(tenant.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    let action = if suspended { "tenant.suspend" } else { "tenant.resume" };
    let mut targets = vec![format!("tenant:{tenant}")];
    targets.extend(admin.map(|admin| format!("account:{admin}")));
    audit::note(&mut scoped, action, &targets, &[("reason", reason)]).await?;
    revocation::commit(store, scoped).await
}

/// Refuses what is no e-mail address.
pub(crate) fn address(email: &str) -> Result<(), StoreError> {
    text("email", email, 254)?;
    match email.trim().split_once('@') {
        Some((local, domain))
            if !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !email.trim().contains(|c: char| c.is_whitespace() || c.is_control()) =>
        {
            Ok(())
        }
        _ => Err(StoreError::Invalid("email is no address".to_owned())),
    }
}

/// Refuses a text that is empty or longer than `longest` characters.
pub(crate) fn text(what: &str, text: &str, longest: usize) -> Result<(), StoreError> {
    if text.trim().is_empty() {
        return Err(StoreError::Invalid(format!("{what} is empty")));
    }
    if text.chars().count() > longest {
        return Err(StoreError::Invalid(format!("{what} is longer than {longest} characters")));
    }
    Ok(())
}

pub(crate) const fn tenant_place(tenant: TenantId, version: u64) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "tenant", column: "name", row: tenant.uuid(), version }
}

pub(crate) const fn token_place(tenant: TenantId, person: PersonId, token: Uuid) -> Place {
    Place { tenant, subject: Subject::Person(person), table: "token", column: "label", row: token, version: 1 }
}

pub(crate) const fn person_place(tenant: TenantId, person: PersonId, column: &'static str, version: u64) -> Place {
    Place { tenant, subject: Subject::Person(person), table: "person", column, row: person.uuid(), version }
}
