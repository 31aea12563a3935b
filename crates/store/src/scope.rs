//! The doors to the database. There is no other way to a row than through one of these transactions.
//!
//! The settings that the policies compare with live as long as the transaction, and are sent together with its BEGIN in
//! one message: a connection that is used again carries nothing over. A transaction that is dropped is rolled back.

use crate::StoreError;
use kernel::{AccountId, Actor, Clock, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres, Transaction};
use std::{fmt, sync::Arc};
use uuid::Uuid;
use vault::KeyRing;

/// A transaction within one tenant, on behalf of one actor. Every statement in it sees the tenant's rows only, and of those
/// that a person owns only the actor's own and what is shared with them.
pub struct Scoped {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    actor: Actor,
    account: Option<AccountId>,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
}

impl Scoped {
    pub(crate) async fn begin(
        pool: &PgPool,
        tenant: TenantId,
        actor: &Actor,
        account: Option<AccountId>,
        keys: &KeyRing,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let tx =
            pool.begin_with(AssertSqlSafe(format!("BEGIN; {}", settings(tenant, actor.person(), account)))).await?;
        Ok(Self { tx, tenant, actor: actor.clone(), account, keys: keys.clone(), clock: Arc::clone(clock) })
    }

    /// The connection, within the scope.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// The tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who is asking.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person who is asking.
    ///
    /// # Errors
    /// [`StoreError::NoPerson`] when the actor is none.
    pub fn person(&self) -> Result<PersonId, StoreError> {
        self.actor.person().ok_or(StoreError::NoPerson)
    }

    /// The account whose rows are in scope too, where there is one.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The time by the system's clock.
    #[must_use]
    pub fn now(&self) -> kernel::Timestamp {
        self.clock.now()
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database refuses; nothing has changed then.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }

    /// Takes the rows of another person of the same tenant into scope, for the rest of the transaction or until it is
    /// called again: a person's first rows are made before they can act themselves.
    pub(crate) async fn own_rows_of(&mut self, person: Option<PersonId>) -> Result<(), StoreError> {
        let statement = settings(self.tenant, person, self.account);
        self.tx.execute(AssertSqlSafe(statement)).await?;
        Ok(())
    }

    /// Takes the rows of an account into scope, or those of none: who removes a member also ends that member's sessions.
    pub(crate) async fn account_rows_of(&mut self, account: Option<AccountId>) -> Result<(), StoreError> {
        self.account = account;
        self.own_rows_of(self.actor.person()).await
    }

    /// Moves the rest of the transaction to another tenant and actor: an account's person there.
    pub(crate) async fn enter(&mut self, tenant: TenantId, actor: &Actor) -> Result<(), StoreError> {
        self.actor = actor.clone();
        self.move_to(tenant).await
    }

    /// Moves the rest of the transaction to another tenant: an operator's act is told in the tenant's log and in the
    /// operator's own.
    pub(crate) async fn move_to(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        self.tenant = tenant;
        self.own_rows_of(self.actor.person()).await
    }
}

impl fmt::Debug for Scoped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scoped({}, {})", self.tenant, self.actor)
    }
}

/// The statements that set the scope. Ids are hexadecimal digits and dashes and nothing else.
fn settings(tenant: TenantId, person: Option<PersonId>, account: Option<AccountId>) -> String {
    let actor = person.map_or_else(String::new, |person| person.to_string());
    let account = account.map_or_else(String::new, |account| account.to_string());
    format!(
        "SET LOCAL wordbond.tenant = '{tenant}'; SET LOCAL wordbond.actor = '{actor}'; \
         SET LOCAL wordbond.account = '{account}'"
    )
}

/// A transaction of the application without a tenant: the ledger, instances, reports. It sees no tenant's row.
#[derive(Debug)]
pub struct System {
    tx: Transaction<'static, Postgres>,
}

impl System {
    pub(crate) async fn begin(pool: &PgPool) -> Result<Self, StoreError> {
        Ok(Self { tx: pool.begin_with("BEGIN").await? })
    }

    /// The connection, without a scope.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database refuses; nothing has changed then.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

/// A transaction that can only read, and no tenant's row: for probes and for whatever only shows the ledger.
#[derive(Debug)]
pub struct Auditor {
    tx: Transaction<'static, Postgres>,
}

impl Auditor {
    pub(crate) async fn begin(pool: &PgPool) -> Result<Self, StoreError> {
        Ok(Self { tx: pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await? })
    }

    /// The connection.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
}

/// A transaction of the identity role: the sign-in index, and of it only rows whose key is known.
pub(crate) struct Identity {
    pub(crate) tx: Transaction<'static, Postgres>,
}

impl Identity {
    /// Looks at the row of one key.
    pub(crate) async fn knowing(pool: &PgPool, lookup: &[u8; 32]) -> Result<Self, StoreError> {
        let hex: String = lookup.iter().map(|byte| format!("{byte:02x}")).collect();
        let statement = format!("BEGIN; SET LOCAL wordbond.lookup = '{hex}'");
        Ok(Self { tx: pool.begin_with(AssertSqlSafe(statement)).await? })
    }
}

/// The tenant under which the operator's own acts stand.
#[must_use]
pub fn operator_tenant() -> TenantId {
    TenantId::from(Uuid::nil())
}
