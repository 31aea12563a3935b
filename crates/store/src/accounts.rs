//! Accounts: how somebody signs in. One address, one password, and a membership in each team.
//!
//! An account's rows are seen in its own scope only. Name and address are sealed under the account's own key; the address is
//! found by a keyed hash. Every change is told in the log of the oldest team of the account, and under the operator's where
//! there is none.

mod copies;
mod password;
mod rectify;
mod tokens;

pub use copies::{sample, stale_addresses};
pub use password::{failed, password_census, recover, rehash, set_password, shared_salts, succeeded};
pub(crate) use rectify::rewrite;
pub use rectify::{set_email, set_name, set_verified};
pub use tokens::{ApiToken, new_token, revoke_token, tokens};

use crate::{
    Scoped, Store, StoreError, audit,
    open::self_actor,
    operator_tenant,
    sign_in::{self, Kind, Whose},
    tenancy::{self, NewPerson, text},
    time::At,
};
use kernel::{AccountId, Actor, PersonId, TeamRole, TenantId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use std::fmt;
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// Somebody who signs up.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their address.
    pub email: &'a str,
    /// The PHC text of their password; none for who signs in elsewhere.
    pub password_hash: Option<&'a str>,
    /// The name of their team.
    pub team: &'a str,
    /// Whether the address has been proven already.
    pub verified: bool,
}

/// Somebody who has signed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedUp {
    /// Their account.
    pub account: AccountId,
    /// Their team.
    pub tenant: TenantId,
    /// Who they are in it: its owner.
    pub person: PersonId,
}

/// An account, opened.
#[derive(Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// Whether the address has been proven.
    pub verified: bool,
    /// The PHC text of the password, where there is one.
    pub password_hash: Option<String>,
    /// When the password was set.
    pub password_changed_at: Option<Timestamp>,
    /// How many wrong passwords were tried since the last right one.
    pub failures: u32,
    /// When the last of them was.
    pub failed_at: Option<Timestamp>,
    /// Whether one-time passwords are set up.
    pub has_totp: bool,
    /// Whether there is a passkey.
    pub has_passkeys: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Shows the id and nothing that identifies.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.id)
    }
}

/// Makes an account with a team of its own.
///
/// # Errors
/// [`StoreError::Taken`] when the address has an account, which the caller must not show; [`StoreError::Invalid`].
pub async fn sign_up(store: &Store, new: NewAccount<'_>) -> Result<SignedUp, StoreError> {
    text("name", new.name, 200)?;
    text("team", new.team, 200)?;
    tenancy::address(new.email)?;
    let lookup = Kind::Email.lookup(store.keys(), new.email.as_bytes())?;
    // Keys are files: none is made for an address that is taken. Whoever comes second at the same time meets the index.
    if sign_in::find(store, Kind::Email, &lookup).await?.is_some() {
        return Err(StoreError::Taken(TAKEN));
    }
    let (account, tenant, person) = (AccountId::new(), TenantId::new(), PersonId::new());
    store.keys().create(operator_tenant(), subject(account))?;
    store.keys().create(tenant, Subject::Tenant)?;
    store.keys().create(tenant, Subject::Person(person))?;
    let mut scoped = store.scope_of(tenant, &Actor::Person { id: person }, Some(account)).await?;
    sign_in::add(&mut scoped, Kind::Email, &lookup, account.uuid(), Whose::Account(account, None), TAKEN).await?;
    insert(&mut scoped, account, new).await?;
    tenancy::insert_tenant(&mut scoped, new.team).await?;
    let who = NewPerson { name: new.name, email: new.email };
    tenancy::insert_person(&mut scoped, person, who, TeamRole::Owner).await?;
    insert_membership(&mut scoped, account, person).await?;
    let targets = [format!("account:{account}"), format!("person:{person}")];
    audit::note(&mut scoped, "account.create", &targets, &[]).await?;
    scoped.commit().await?;
    Ok(SignedUp { account, tenant, person })
}

const TAKEN: &str = "this address has an account already";

pub(crate) async fn insert(scoped: &mut Scoped, account: AccountId, new: NewAccount<'_>) -> Result<(), StoreError> {
    let (now, keys) = (At(scoped.now()), scoped.keys().clone());
    let seal = |column, value: &str| Sealed::seal(&keys, &place(account, column, 1), &value.trim().to_owned());
    let (email, name) = (seal("email", new.email)?, seal("name", new.name)?);
    const SQL: &str = "INSERT INTO wordbond.account
        (account_id, email, name, email_verified_at, password_hash, password_changed_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(email.as_bytes())
        .bind(name.as_bytes())
        .bind(new.verified.then_some(now))
        .bind(new.password_hash.map(str::as_bytes))
        .bind(new.password_hash.map(|_| now))
        .bind(now)
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// Writes down that the account in scope is a member of the scope's tenant.
pub(crate) async fn insert_membership(
    scoped: &mut Scoped,
    account: AccountId,
    person: PersonId,
) -> Result<(), StoreError> {
    let (tenant, now) = (scoped.tenant(), At(scoped.now()));
    const SQL: &str =
        "INSERT INTO wordbond.membership (account_id, tenant_id, person_id, created_at) VALUES ($1, $2, $3, $4)";
    sqlx::query(SQL)
        .bind(account.uuid())
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| {
            if StoreError::is_duplicate(&error) {
                StoreError::Taken("you are in this team already")
            } else {
                error.into()
            }
        })?;
    Ok(())
}

/// The account of an address, however it is written.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_email(store: &Store, email: &str) -> Result<Option<Account>, StoreError> {
    let lookup = Kind::Email.lookup(store.keys(), email.as_bytes())?;
    match sign_in::find(store, Kind::Email, &lookup).await?.and_then(|found| found.account) {
        Some(account) => by_id(store, account).await,
        None => Ok(None),
    }
}

/// An account.
///
/// # Errors
/// When the database cannot be asked, or its key is gone.
pub async fn by_id(store: &Store, id: AccountId) -> Result<Option<Account>, StoreError> {
    let mut scoped = store.account_scope(id).await?;
    const SQL: &str = "SELECT email, name, email_verified_at IS NOT NULL AS verified, password_hash, password_changed_at,
            failures, failed_at, version, created_at,
            EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = a.account_id AND f.kind = 'totp') AS totp,
            EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = a.account_id AND f.kind = 'passkey') AS passkeys
        FROM wordbond.account AS a WHERE account_id = $1";
    let row = sqlx::query(SQL).bind(id.uuid()).fetch_optional(scoped.conn()).await?;
    row.map(|row| open(scoped.keys(), id, &row)).transpose()
}

fn open(keys: &KeyRing, id: AccountId, row: &PgRow) -> Result<Account, StoreError> {
    let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
    let open = |column: &'static str| -> Result<String, StoreError> {
        Ok(Sealed::from_bytes(row.try_get(column)?)?.open(keys, &place(id, column, version))?)
    };
    let when = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.try_get::<Option<At>, _>(column)?.map(|at| at.0))
    };
    let hash: Option<Vec<u8>> = row.try_get("password_hash")?;
    let unreadable = |_| StoreError::Unexpected("a password hash that is no text".to_owned());
    Ok(Account {
        id,
        email: open("email")?,
        name: open("name")?,
        verified: row.try_get("verified")?,
        password_hash: hash.map(String::from_utf8).transpose().map_err(unreadable)?,
        password_changed_at: when("password_changed_at")?,
        failures: u32::try_from(row.try_get::<i32, _>("failures")?).unwrap_or_default(),
        failed_at: when("failed_at")?,
        has_totp: row.try_get("totp")?,
        has_passkeys: row.try_get("passkeys")?,
        created_at: row.try_get::<At, _>("created_at")?.0,
    })
}

/// The memberships of the account in scope, the oldest first.
pub(crate) async fn places(scoped: &mut Scoped, account: AccountId) -> Result<Vec<(TenantId, PersonId)>, StoreError> {
    const SQL: &str = "SELECT tenant_id, person_id FROM wordbond.membership WHERE account_id = $1
        ORDER BY created_at, tenant_id LIMIT 200";
    let rows = sqlx::query(SQL).bind(account.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| Ok((TenantId::from(row.try_get::<Uuid, _>(0)?), PersonId::from(row.try_get::<Uuid, _>(1)?))))
        .collect()
}

/// Records what an account did: under the given tenant, or the oldest of the account's, or the operator's.
pub(crate) async fn tell(
    scoped: &mut Scoped,
    account: AccountId,
    under: Option<(TenantId, PersonId)>,
    action: &str,
    context: &[(&str, &str)],
) -> Result<(), StoreError> {
    tell_of(scoped, account, under, action, &[], context).await
}

/// As [`tell`], of rows of the account, which the event names.
pub(crate) async fn tell_of(
    scoped: &mut Scoped,
    account: AccountId,
    under: Option<(TenantId, PersonId)>,
    action: &str,
    rows: &[String],
    context: &[(&str, &str)],
) -> Result<(), StoreError> {
    let (tenant, actor) = (scoped.tenant(), scoped.actor().clone());
    let place = match under {
        Some(place) => Some(place),
        None => places(scoped, account).await?.first().copied(),
    };
    match place {
        Some((tenant, person)) => scoped.enter(tenant, &Actor::Person { id: person }).await?,
        None => scoped.enter(operator_tenant(), &self_actor(account)).await?,
    }
    let targets: Vec<String> = [format!("account:{account}")].into_iter().chain(rows.iter().cloned()).collect();
    audit::note(scoped, action, &targets, context).await?;
    scoped.enter(tenant, &actor).await
}

/// Under whose key an account's rows are sealed: its own, in the nil tenant.
pub(crate) fn subject(account: AccountId) -> Subject {
    Subject::Person(account.uuid().into())
}

/// Where a sealed value of an account's row belongs.
pub(crate) fn account_place(
    account: AccountId,
    table: &'static str,
    column: &'static str,
    row: Uuid,
    version: u64,
) -> Place {
    Place { tenant: operator_tenant(), subject: subject(account), table, column, row, version }
}

fn place(account: AccountId, column: &'static str, version: u64) -> Place {
    account_place(account, "account", column, account.uuid(), version)
}
