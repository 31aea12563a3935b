//! What was erased, by keyed hashes of ids. A key once destroyed stays destroyed; a row that comes back, out of a restored
//! backup for example, is recognised here.

use crate::{Role, Scoped, Store, StoreError, operator_tenant, time::At};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::{Connection as _, Row as _};
use std::collections::BTreeSet;
use uuid::Uuid;
use vault::{BlindIndex, KeyRing, Subject};

/// What can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Erased {
    /// How somebody signed in.
    Account(AccountId),
    /// Who they were in a team.
    Person(TenantId, PersonId),
    /// A team, with its last member.
    Tenant(TenantId),
}

impl Erased {
    /// The word for it in the table.
    #[must_use]
    pub const fn which(self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Person(..) => "person",
            Self::Tenant(_) => "tenant",
        }
    }

    /// Whose key goes with it.
    #[must_use]
    pub fn key(self) -> (TenantId, Subject) {
        match self {
            Self::Account(account) => (operator_tenant(), Subject::Person(account.uuid().into())),
            Self::Person(tenant, person) => (tenant, Subject::Person(person)),
            Self::Tenant(tenant) => (tenant, Subject::Tenant),
        }
    }

    const fn id(self) -> Uuid {
        match self {
            Self::Account(id) => id.uuid(),
            Self::Person(_, id) => id.uuid(),
            Self::Tenant(id) => id.uuid(),
        }
    }
}

/// The hash under which the erasure of `what` is noted.
///
/// # Errors
/// What the key store says.
pub fn hash(keys: &KeyRing, what: Erased) -> Result<[u8; 32], StoreError> {
    Ok(index(keys)?.named(what.which(), what.id().as_bytes()))
}

fn index(keys: &KeyRing) -> Result<BlindIndex, StoreError> {
    Ok(BlindIndex::new(&keys.secret("tombstones")?))
}

/// Notes an erasure in its transaction. Noted before, it stays as it is.
pub(super) async fn write(scoped: &mut Scoped, case: Uuid, what: Erased) -> Result<(), StoreError> {
    let (hash, now) = (hash(scoped.keys(), what)?, At(scoped.now()));
    const SQL: &str = "INSERT INTO wordbond.tombstone (subject_hash, which, case_id, erased_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    sqlx::query(SQL).bind(hash.as_slice()).bind(what.which()).bind(case).bind(now).execute(scoped.conn()).await?;
    Ok(())
}

/// What the tombstones say that the tables do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Risen {
    /// How many tombstones there are.
    pub tombstones: u64,
    /// How many ids of accounts, people and teams were compared.
    pub compared: u64,
    /// How many of these were erased, and are there.
    pub risen: u64,
    /// How many keys there are of what was erased.
    pub keys: u64,
}

/// Accounts, people and teams, each with what names it.
const IDS: &str = "SELECT account_id, NULL::uuid, NULL::uuid FROM wordbond.account
    UNION ALL SELECT NULL, tenant_id, person_id FROM wordbond.person
    UNION ALL SELECT NULL, tenant_id, NULL FROM wordbond.tenant";

/// What a key was the key of. An account's stands under the operator's tenant.
pub(crate) fn erased(tenant: TenantId, subject: Subject) -> Erased {
    match subject {
        Subject::Tenant => Erased::Tenant(tenant),
        Subject::Person(person) if tenant == operator_tenant() => Erased::Account(AccountId::from(person.uuid())),
        Subject::Person(person) => Erased::Person(tenant, person),
    }
}

/// Compares every account, person and team, and every key, with the tombstones.
///
/// # Errors
/// When the database or the key store cannot be asked.
pub async fn risen(store: &Store) -> Result<Risen, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    let all: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT subject_hash FROM wordbond.tombstone").fetch_all(&mut backup).await?;
    let all: BTreeSet<Vec<u8>> = all.into_iter().collect();
    let rows = sqlx::query(IDS).fetch_all(&mut backup).await?;
    backup.close().await?;
    let index = index(store.keys())?;
    let is_noted = |what: Erased| all.contains(index.named(what.which(), what.id().as_bytes()).as_slice());
    let mut found = Risen { tombstones: all.len() as u64, compared: rows.len() as u64, ..Risen::default() };
    for row in &rows {
        let (account, tenant, person): (Option<Uuid>, Option<Uuid>, Option<Uuid>) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let what = match (account, tenant, person) {
            (Some(account), ..) => Erased::Account(account.into()),
            (None, Some(tenant), Some(person)) => Erased::Person(tenant.into(), person.into()),
            (None, Some(tenant), None) => Erased::Tenant(tenant.into()),
            (None, None, _) => continue,
        };
        found.risen += u64::from(is_noted(what));
    }
    for (tenant, subject) in store.keys().lying()? {
        found.keys += u64::from(is_noted(erased(tenant, subject)));
    }
    Ok(found)
}
