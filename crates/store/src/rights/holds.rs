//! Legal holds: who may not be erased until when, because a law says so.

use super::footprint::{Seat, Team};
use crate::{Scoped, Store, StoreError, team::nobody, time::At};
use kernel::{AccountId, Timestamp};
use uuid::Uuid;

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
