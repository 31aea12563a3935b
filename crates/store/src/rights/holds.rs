//! Legal holds: who may not be erased until when, because a law says so.

use super::footprint::{Seat, Team};
use crate::{Scoped, Store, StoreError, operator_tenant, team::nobody, time::At};
use kernel::{AccountId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{Place, Sealed, Subject};

/// Until when an account may not be erased, if anything forbids it: a hold on it, or on anybody whose rows would go with a team
/// that goes with it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn until(store: &Store, account: AccountId, seats: &[Seat]) -> Result<Option<Timestamp>, StoreError> {
    let mut scoped = store.erasing(Some(account)).await?;
    let mut until = of_account(&mut scoped, account).await?;
    for seat in seats.iter().filter(|seat| seat.team == Team::Goes) {
        scoped.move_to(seat.tenant).await?;
        until = until.max(of_team(&mut scoped).await?);
    }
    Ok(until)
}

/// A hold that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: Uuid,
    /// Why, as the operator wrote it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The holds on an account that are in force, by their ends.
///
/// # Errors
/// When the database cannot be asked.
pub async fn in_force(store: &Store, account: AccountId) -> Result<Vec<Hold>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    const SQL: &str = "SELECT hold_id, reason, created_at, until FROM wordbond.legal_hold
        WHERE account_id = $1 AND released_at IS NULL AND until > $2 ORDER BY until, hold_id";
    let now = At(scoped.now());
    let rows = sqlx::query(SQL).bind(account.uuid()).bind(now).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| {
            let id: Uuid = row.try_get(0)?;
            let reason = Sealed::from_bytes(row.try_get(1)?)?.open(store.keys(), &place(id, "reason"))?;
            Ok(Hold { id, reason, since: row.try_get::<At, _>(2)?.0, until: row.try_get::<At, _>(3)?.0 })
        })
        .collect()
}

/// Where what is said about a hold is sealed: under the operator's key.
pub(super) fn place(hold: Uuid, column: &'static str) -> Place {
    Place { tenant: operator_tenant(), subject: Subject::Tenant, table: "legal_hold", column, row: hold, version: 1 }
}

/// Until when a law forbids to erase the account in scope.
pub(super) async fn of_account(scoped: &mut Scoped, account: AccountId) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "SELECT max(until) FROM wordbond.legal_hold
        WHERE account_id = $1 AND released_at IS NULL AND until > $2";
    let now = At(scoped.now());
    let until: Option<At> = sqlx::query_scalar(SQL).bind(account.uuid()).bind(now).fetch_one(scoped.conn()).await?;
    Ok(until.map(|at| at.0))
}

/// The same of everybody who is or was in the scope's team: what is theirs would go with it. Their accounts are locked until
/// the transaction ends, so that a hold that comes meanwhile finds the team gone or is found. The account in scope is the same
/// again afterwards, and nobody's rows are.
pub(super) async fn of_team(scoped: &mut Scoped) -> Result<Option<Timestamp>, StoreError> {
    let (tenant, own) = (scoped.tenant(), scoped.account());
    scoped.own_rows_of(nobody().person()).await?;
    const SQL: &str = "SELECT DISTINCT account_id FROM wordbond.person WHERE tenant_id = $1 AND account_id IS NOT NULL
        ORDER BY account_id";
    let accounts: Vec<Uuid> = sqlx::query_scalar(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    let mut until = None;
    for account in accounts.into_iter().map(AccountId::from) {
        scoped.account_rows_of(Some(account)).await?;
        sqlx::query("SELECT FROM wordbond.account WHERE account_id = $1 FOR UPDATE")
            .bind(account.uuid())
            .execute(scoped.conn())
            .await?;
        until = until.max(of_account(scoped, account).await?);
    }
    scoped.account_rows_of(own).await?;
    Ok(until)
}
