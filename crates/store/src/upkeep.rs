//! What has run out is cleared away by schedule, and not only when something new takes its place: full buckets of the
//! limits, tokens for one use, sessions. Nothing here ends what is still good, so none of it is told.

use crate::{Role, Store, StoreError, limits, mails, one_time, sessions, time::At};
use jiff::SignedDuration;
use kernel::{AccountId, Actor, PersonId, TenantId, Timestamp};
use sqlx::Connection as _;
use uuid::Uuid;

/// How long a bucket has been full before it is forgotten: the clocks of several instances differ by a little.
const FULL_FOR: SignedDuration = SignedDuration::from_mins(1);

/// Clears away what is nobody's: full buckets, and what was kept for visitors. Yields how many rows went.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_visitors(store: &Store) -> Result<u64, StoreError> {
    let now = store.clock().now();
    let full = limits::prune(store, now.checked_sub(FULL_FOR).unwrap_or(Timestamp::MIN)).await?;
    let visitors = one_time::nobody();
    let mut scoped = store.account_scope(visitors).await?;
    let mails = mails::clear_expired(&mut scoped, visitors).await?;
    scoped.commit().await?;
    Ok(full + mails + one_time::prune_visitors(store).await?)
}

/// Clears away what is an account's, of the accounts in up to `teams` teams behind `after`, and behind the last team of those
/// that are in none. Yields the last of these teams, to go on behind it; `None` when there is none left.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_accounts(store: &Store, after: Option<TenantId>, teams: u32) -> Result<Option<TenantId>, StoreError> {
    const SQL: &str = "SELECT tenant_id FROM wordbond.tenant WHERE $1::uuid IS NULL OR tenant_id > $1
        ORDER BY tenant_id LIMIT $2";
    let mut tx = store.dispatcher().await?;
    let found: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(after.map(TenantId::uuid)).bind(i64::from(teams)).fetch_all(&mut *tx).await?;
    drop(tx);
    for tenant in found.iter().copied().map(TenantId::from) {
        for account in accounts(store, tenant).await? {
            clear(store, account).await?;
        }
    }
    if found.is_empty() {
        for account in of_no_team(store).await? {
            clear(store, account).await?;
        }
    }
    Ok(found.last().copied().map(TenantId::from))
}

/// The accounts of a team, those who have left it included: their rows still name them.
async fn accounts(store: &Store, tenant: TenantId) -> Result<Vec<AccountId>, StoreError> {
    // People see their colleagues; nobody in particular is asking.
    let nobody = Actor::Person { id: PersonId::from(Uuid::nil()) };
    let mut scoped = store.scoped(tenant, &nobody).await?;
    const SQL: &str = "SELECT DISTINCT account_id FROM wordbond.person WHERE tenant_id = $1 AND account_id IS NOT NULL";
    let found: Vec<Uuid> = sqlx::query_scalar(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    Ok(found.into_iter().map(AccountId::from).collect())
}

/// The accounts that no team names any more: each of theirs went whole with somebody else.
async fn of_no_team(store: &Store) -> Result<Vec<AccountId>, StoreError> {
    const SQL: &str = "SELECT account_id FROM wordbond.account AS a
        WHERE NOT EXISTS (SELECT FROM wordbond.person AS p WHERE p.account_id = a.account_id)";
    let mut backup = store.connect_as(Role::Backup).await?;
    let found: Vec<Uuid> = sqlx::query_scalar(SQL).fetch_all(&mut backup).await?;
    backup.close().await?;
    Ok(found.into_iter().map(AccountId::from).collect())
}

async fn clear(store: &Store, account: AccountId) -> Result<(), StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let now = scoped.now();
    // What is somebody's who asked to be left alone stays: it is refused all the same.
    const OLD: &str = "SELECT EXISTS (SELECT FROM wordbond.account WHERE account_id = $1 AND restricted_at IS NULL) AND (EXISTS (SELECT FROM wordbond.session WHERE account_id = $1 AND expires_at <= $2)
        OR EXISTS (SELECT FROM wordbond.mail WHERE account_id = $1 AND expires_at <= $2)
        OR EXISTS (SELECT FROM wordbond.one_time WHERE account_id = $1 AND expires_at <= $2))";
    let old: bool = sqlx::query_scalar(OLD).bind(account.uuid()).bind(At(now)).fetch_one(scoped.conn()).await?;
    if !old {
        return Ok(());
    }
    sessions::clear_expired(&mut scoped, account, now).await?;
    one_time::clear_expired(&mut scoped, account).await?;
    mails::clear_expired(&mut scoped, account).await?;
    scoped.commit().await
}
