//! Tenants, their people, and the bearer tokens by which people are known.

use crate::{Scoped, Store, StoreError, audit, time::At};
use aws_lc_rs::rand;
use kernel::{Actor, PersonId, TenantId};
use sqlx::Row as _;
use std::fmt;
use uuid::Uuid;
use vault::{Place, Sealed, Subject};

/// What every token begins with, so that one that is found somewhere is recognised.
const TOKEN_PREFIX: &str = "wbt_";

/// A bearer token in the clear. It exists once, in the answer to its making; the database holds a keyed hash.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    fn fresh() -> Result<Self, StoreError> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| StoreError::Vault(vault::VaultError::NoRandomness))?;
        Ok(Self(bytes.iter().fold(TOKEN_PREFIX.to_owned(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// The text, for the one answer that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

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
        text("email", self.email, 254)?;
        match self.email.trim().split_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !domain.contains('@') => Ok(()),
            _ => Err(StoreError::Invalid("email is no address".to_owned())),
        }
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
    /// Whether the operator has suspended the tenant: its people may then do nothing.
    pub suspended: bool,
}

/// Creates a tenant with its first person.
///
/// # Errors
/// [`StoreError::Invalid`].
pub async fn create(store: &Store, actor: &Actor, name: &str, first: NewPerson<'_>) -> Result<Joined, StoreError> {
    text("name", name, 200)?;
    first.check()?;
    let tenant = TenantId::new();
    store.keys().create(tenant, Subject::Tenant)?;
    let mut scoped = store.scoped(tenant, actor).await?;
    let sealed = Sealed::seal(store.keys(), &tenant_place(tenant, 1), &name.to_owned())?;
    let now = At(scoped.now());
    sqlx::query("INSERT INTO wordbond.tenant (tenant_id, name, created_at) VALUES ($1, $2, $3)")
        .bind(tenant.uuid())
        .bind(sealed.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    audit::note(&mut scoped, "tenant.create", &[format!("tenant:{tenant}")], &[]).await?;
    join(store, scoped, first).await
}

/// Adds a person to the tenant.
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
    join(store, store.scoped(tenant, actor).await?, person).await
}

/// Writes the person, their token and the event, commits, and then tells the sign-in index. Cut short in between, the
/// person is there without a way in, and nobody has been told of them.
async fn join(store: &Store, mut scoped: Scoped, new: NewPerson<'_>) -> Result<Joined, StoreError> {
    let (tenant, person, token) = (scoped.tenant(), PersonId::new(), Token::fresh()?);
    let token_id = Uuid::now_v7();
    let lookup = store.keys().identity_index()?.token(token.expose().as_bytes());
    store.keys().create(tenant, Subject::Person(person))?;
    let by = scoped.actor().person();
    scoped.own_rows_of(Some(person)).await?;
    insert_person(&mut scoped, person, new).await?;
    let now = At(scoped.now());
    sqlx::query("INSERT INTO wordbond.token (tenant_id, token_id, person_id, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(tenant.uuid())
        .bind(token_id)
        .bind(person.uuid())
        .bind(lookup.as_slice())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    scoped.own_rows_of(by).await?;
    audit::note(&mut scoped, "person.add", &[format!("person:{person}")], &[]).await?;
    scoped.commit().await?;

    let mut identity = store.identity_of(tenant, person).await?;
    sqlx::query(
        "INSERT INTO wordbond.sign_in (lookup, tenant_id, person_id, token_id, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(lookup.as_slice())
    .bind(tenant.uuid())
    .bind(person.uuid())
    .bind(token_id)
    .bind(now)
    .execute(&mut *identity.tx)
    .await?;
    identity.tx.commit().await?;
    Ok(Joined { tenant, person, token })
}

async fn insert_person(scoped: &mut Scoped, person: PersonId, new: NewPerson<'_>) -> Result<(), StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let name = Sealed::seal(&keys, &person_place(tenant, person, "name", 1), &new.name.trim().to_owned())?;
    let email = Sealed::seal(&keys, &person_place(tenant, person, "email", 1), &new.email.trim().to_owned())?;
    let index = keys.blind_index(tenant)?.email(new.email);
    let now = At(scoped.now());
    const SQL: &str = "INSERT INTO wordbond.person (tenant_id, person_id, name, email, email_index, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(name.as_bytes())
        .bind(email.as_bytes())
        .bind(index.as_slice())
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
    if !token.starts_with(TOKEN_PREFIX) || token.len() != TOKEN_PREFIX.len() + 64 {
        return Ok(None);
    }
    let lookup = store.keys().identity_index()?.token(token.as_bytes());
    let mut identity = store.identity_knowing(&lookup).await?;
    let row = sqlx::query("SELECT tenant_id, person_id, token_id FROM wordbond.sign_in WHERE lookup = $1")
        .bind(lookup.as_slice())
        .fetch_optional(&mut *identity.tx)
        .await?;
    drop(identity);
    let Some(row) = row else { return Ok(None) };
    let (tenant, person) = (TenantId::from(row.try_get::<Uuid, _>(0)?), PersonId::from(row.try_get::<Uuid, _>(1)?));
    // The index only says where to look. What counts is the tenant's own row: it goes when the token is revoked or the
    // person is erased, in that very transaction.
    let mut scoped = store.scoped(tenant, &Actor::Person { id: person }).await?;
    const SQL: &str = "SELECT t.suspended_at IS NOT NULL FROM wordbond.token AS k
        JOIN wordbond.tenant AS t ON t.tenant_id = k.tenant_id
        WHERE k.tenant_id = $1 AND k.token_id = $2 AND k.person_id = $3 AND k.token_hash = $4";
    let suspended: Option<bool> = sqlx::query_scalar(SQL)
        .bind(tenant.uuid())
        .bind(row.try_get::<Uuid, _>(2)?)
        .bind(person.uuid())
        .bind(lookup.as_slice())
        .fetch_optional(scoped.conn())
        .await?;
    Ok(suspended.map(|suspended| Session { tenant, person, suspended }))
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
    set_suspended(store, tenant, actor, reason, true).await
}

/// Ends a suspension.
///
/// # Errors
/// As [`suspend`].
pub async fn resume(store: &Store, tenant: TenantId, actor: &Actor, reason: &str) -> Result<(), StoreError> {
    set_suspended(store, tenant, actor, reason, false).await
}

async fn set_suspended(
    store: &Store,
    tenant: TenantId,
    actor: &Actor,
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
    audit::note(&mut scoped, action, &[format!("tenant:{tenant}")], &[("reason", reason)]).await?;
    scoped.commit().await
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

const fn tenant_place(tenant: TenantId, version: u64) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "tenant", column: "name", row: tenant.uuid(), version }
}

const fn person_place(tenant: TenantId, person: PersonId, column: &'static str, version: u64) -> Place {
    Place { tenant, subject: Subject::Person(person), table: "person", column, row: person.uuid(), version }
}
