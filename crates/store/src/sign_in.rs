//! The index by which somebody is found before it is known who they are: keyed hashes of addresses, tokens and identities.
//!
//! It only says where to look. What counts is the row that it leads to, in the scope of its account or person, which goes in
//! the very transaction that takes the right away.

use crate::{Scoped, Store, StoreError, time::At};
use aws_lc_rs::digest::{SHA256, digest};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::Row as _;
use uuid::Uuid;
use vault::KeyRing;

/// What a row of the index leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A person's API token.
    Token,
    /// The account of an address.
    Email,
    /// A session.
    Session,
    /// What is good once.
    OneTime,
    /// An identity at another provider.
    Link,
    /// A passkey.
    Passkey,
    /// An invitation.
    Invitation,
    /// A look of the operator's people.
    Look,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Email => "email",
            Self::Session => "session",
            Self::OneTime => "one-time",
            Self::Link => "link",
            Self::Passkey => "passkey",
            Self::Invitation => "invitation",
            Self::Look => "look",
        }
    }

    /// Where a value of this kind is found.
    pub(crate) fn lookup(self, keys: &KeyRing, value: &[u8]) -> Result<[u8; 32], StoreError> {
        let index = keys.identity_index()?;
        Ok(match self {
            // Tokens say by their prefix what they are.
            Self::Token | Self::Session | Self::OneTime | Self::Invitation => index.token(value),
            Self::Email => index.email(&String::from_utf8_lossy(value)),
            Self::Link | Self::Passkey | Self::Look => index.named(self.as_str(), value),
        })
    }
}

/// What an event says of the key that leads to a row: enough to see that it is another, and nothing to look it up by.
pub(crate) fn mark(lookup: &[u8]) -> String {
    let digest = digest(&SHA256, &[b"wordbond mark\0", lookup].concat());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A row of the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) account: Option<AccountId>,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) person: Option<PersonId>,
    pub(crate) row: Uuid,
}

/// Whose a row is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Whose {
    /// An account's, with the membership it is about.
    Account(AccountId, Option<(TenantId, Option<PersonId>)>),
    /// A person's, without an account.
    Person(TenantId, PersonId),
}

/// Looks at one row, by the identity role.
pub(crate) async fn find(store: &Store, kind: Kind, lookup: &[u8; 32]) -> Result<Option<Found>, StoreError> {
    let mut identity = store.identity_knowing(lookup).await?;
    const SQL: &str =
        "SELECT account_id, tenant_id, person_id, row_id FROM wordbond.sign_in WHERE lookup = $1 AND kind = $2";
    let row = sqlx::query(SQL).bind(lookup.as_slice()).bind(kind.as_str()).fetch_optional(&mut *identity.tx).await?;
    drop(identity);
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Found {
        account: row.try_get::<Option<Uuid>, _>(0)?.map(AccountId::from),
        tenant: row.try_get::<Option<Uuid>, _>(1)?.map(TenantId::from),
        person: row.try_get::<Option<Uuid>, _>(2)?.map(PersonId::from),
        row: row.try_get(3)?,
    }))
}

/// Adds a row in the transaction that writes what it leads to. `Taken` says so in `taken`'s words.
pub(crate) async fn add(
    scoped: &mut Scoped,
    kind: Kind,
    lookup: &[u8; 32],
    row: Uuid,
    whose: Whose,
    taken: &'static str,
) -> Result<(), StoreError> {
    let (account, tenant, person) = match whose {
        Whose::Account(account, place) => (
            Some(account.uuid()),
            place.map(|(tenant, _)| tenant.uuid()),
            place.and_then(|(_, p)| p.map(PersonId::uuid)),
        ),
        Whose::Person(tenant, person) => (None, Some(tenant.uuid()), Some(person.uuid())),
    };
    let now = At(scoped.now());
    const SQL: &str =
        "INSERT INTO wordbond.sign_in (lookup, kind, account_id, tenant_id, person_id, row_id, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(lookup.as_slice())
        .bind(kind.as_str())
        .bind(account)
        .bind(tenant)
        .bind(person)
        .bind(row)
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_duplicate(&error) { StoreError::Taken(taken) } else { error.into() })?;
    Ok(())
}

/// Removes the rows that lead to any of `rows`, as far as they are in scope.
pub(crate) async fn remove(scoped: &mut Scoped, kind: Kind, rows: &[Uuid]) -> Result<(), StoreError> {
    if !rows.is_empty() {
        sqlx::query("DELETE FROM wordbond.sign_in WHERE kind = $1 AND row_id = ANY($2)")
            .bind(kind.as_str())
            .bind(rows)
            .execute(scoped.conn())
            .await?;
    }
    Ok(())
}
