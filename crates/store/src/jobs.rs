//! Work to be done later: enqueued in the transaction that wants it, done once it is due, at least once.
//!
//! A job names what it is about by ids only. The dispatcher sees tickets and nothing else; the work itself runs in the
//! scope of the job's own tenant. A lease carries a fencing token: a worker that was thought dead and comes back cannot
//! finish what another has taken over.

use crate::{Scoped, Store, StoreError, time::At};
use jiff::SignedDuration;
use kernel::{Actor, TenantId, Timestamp};
use sqlx::Row as _;
use std::time::Duration;
use uuid::Uuid;

/// How long a worker has the job to itself.
const LEASE: SignedDuration = SignedDuration::from_mins(5);

/// How often whoever works for longer says that the job is still being done.
pub const RENEWS: Duration = Duration::from_secs(60);

/// The first pause after a failure; it doubles with each further one.
const PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The longest pause.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(6);

/// A worker's hold on a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose job.
    pub tenant: TenantId,
    /// Which.
    pub job: Uuid,
    /// Grows with every lease; only the newest may finish.
    pub fence: i64,
    /// How often it has been leased, this time included.
    pub attempts: i32,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// A word of this program.
    pub kind: String,
    /// What it is about.
    pub ids: Vec<Uuid>,
}

/// Puts a job in the tenant's queue, if and only if the transaction commits.
///
/// # Errors
/// When the database refuses; a `kind` that is no plain word is refused there.
pub async fn enqueue(scoped: &mut Scoped, kind: &str, ids: &[Uuid], due_at: Timestamp) -> Result<Uuid, StoreError> {
    let tenant = scoped.tenant();
    let job = insert(scoped, kind, ids).await?;
    sqlx::query("INSERT INTO wordbond.ticket (tenant_id, job_id, due_at) VALUES ($1, $2, $3)")
        .bind(tenant.uuid())
        .bind(job)
        .bind(At(due_at))
        .execute(scoped.conn())
        .await?;
    Ok(job)
}

async fn insert(scoped: &mut Scoped, kind: &str, ids: &[Uuid]) -> Result<Uuid, StoreError> {
    let (tenant, job, now) = (scoped.tenant(), Uuid::now_v7(), At(scoped.now()));
    sqlx::query("INSERT INTO wordbond.job (tenant_id, job_id, kind, ids, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(tenant.uuid())
        .bind(job)
        .bind(kind)
        .bind(ids)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    Ok(job)
}

/// As [`enqueue`], for whoever does the work at once: the job is leased to the caller from the beginning.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_leased(scoped: &mut Scoped, kind: &str, ids: &[Uuid]) -> Result<Lease, StoreError> {
    let (tenant, now) = (scoped.tenant(), scoped.now());
    let job = insert(scoped, kind, ids).await?;
    const SQL: &str = "INSERT INTO wordbond.ticket (tenant_id, job_id, due_at, leased_until, fence, attempts)
        VALUES ($1, $2, $3, $4, 1, 1)";
    let statement = sqlx::query(SQL).bind(tenant.uuid()).bind(job).bind(At(now)).bind(At(now + LEASE));
    statement.execute(scoped.conn()).await?;
    Ok(Lease { tenant, job, fence: 1, attempts: 1 })
}

/// Makes every leased job due again. For a system whose only instance has just started: whoever held a lease is gone.
///
/// # Errors
/// When the database refuses.
pub async fn release_all(store: &Store) -> Result<u64, StoreError> {
    let mut tx = store.dispatcher().await?;
    const SQL: &str =
        "UPDATE wordbond.ticket SET leased_until = NULL, fence = fence + 1 WHERE leased_until IS NOT NULL";
    let done = sqlx::query(SQL).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}

/// Leases the job that has been due longest, if any is. Workers that ask at the same time get different ones.
///
/// # Errors
/// When the database refuses.
pub async fn lease(store: &Store) -> Result<Option<Lease>, StoreError> {
    // Materialised: a plan that asked the inner question once for each ticket would lease several, and tell of one.
    const SQL: &str = "WITH due AS MATERIALIZED (
            SELECT tenant_id, job_id FROM wordbond.ticket
            WHERE due_at <= $1 AND (leased_until IS NULL OR leased_until < $1)
            ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        UPDATE wordbond.ticket AS t
        SET leased_until = $2, fence = t.fence + 1, attempts = t.attempts + 1
        FROM due WHERE t.tenant_id = due.tenant_id AND t.job_id = due.job_id
        RETURNING t.tenant_id, t.job_id, t.fence, t.attempts";
    let now = store.clock().now();
    let mut tx = store.dispatcher().await?;
    let row = sqlx::query(SQL).bind(At(now)).bind(At(now + LEASE)).fetch_optional(&mut *tx).await?;
    tx.commit().await?;
    row.map(|row| {
        Ok(Lease {
            tenant: TenantId::from(row.try_get::<Uuid, _>(0)?),
            job: row.try_get(1)?,
            fence: row.try_get(2)?,
            attempts: row.try_get(3)?,
        })
    })
    .transpose()
}

/// Makes a lease begin anew, for work that takes longer than one lasts. A job that is just being taken off is left alone, and so
/// is one that another worker holds by now.
///
/// # Errors
/// When the database refuses.
pub async fn renew(store: &Store, lease: &Lease) -> Result<(), StoreError> {
    const SQL: &str = "WITH mine AS MATERIALIZED (
            SELECT tenant_id, job_id FROM wordbond.ticket
            WHERE tenant_id = $1 AND job_id = $2 AND fence = $3 FOR UPDATE SKIP LOCKED)
        UPDATE wordbond.ticket AS t SET leased_until = $4 FROM mine
        WHERE t.tenant_id = mine.tenant_id AND t.job_id = mine.job_id";
    let mut tx = store.dispatcher().await?;
    sqlx::query(SQL)
        .bind(lease.tenant.uuid())
        .bind(lease.job)
        .bind(lease.fence)
        .bind(At(store.clock().now() + LEASE))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Begins the work: a transaction in the scope of the job's tenant, and what is to be done.
///
/// # Errors
/// [`StoreError::LostLease`] when the job is gone.
pub async fn begin(store: &Store, lease: &Lease) -> Result<(Scoped, Job), StoreError> {
    let actor = Actor::Job { name: "worker".to_owned() };
    let mut scoped = store.scoped(lease.tenant, &actor).await?;
    let row = sqlx::query("SELECT kind, ids FROM wordbond.job WHERE tenant_id = $1 AND job_id = $2")
        .bind(lease.tenant.uuid())
        .bind(lease.job)
        .fetch_optional(scoped.conn())
        .await?
        .ok_or(StoreError::LostLease)?;
    Ok((scoped, Job { kind: row.try_get(0)?, ids: row.try_get(1)? }))
}

/// Ends the work: removes the job and commits what the transaction did, both or neither.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds the job by now; nothing of the work has then happened.
pub async fn finish(mut scoped: Scoped, lease: &Lease) -> Result<(), StoreError> {
    take_off(&mut scoped, lease).await?;
    scoped.commit().await
}

/// Removes the job in a transaction that goes on and commits later: whoever comes second waits here, and then finds nothing.
///
/// # Errors
/// [`StoreError::LostLease`] as for [`finish`].
pub(crate) async fn take_off(scoped: &mut Scoped, lease: &Lease) -> Result<(), StoreError> {
    let done = sqlx::query("DELETE FROM wordbond.ticket WHERE tenant_id = $1 AND job_id = $2 AND fence = $3")
        .bind(lease.tenant.uuid())
        .bind(lease.job)
        .bind(lease.fence)
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::LostLease);
    }
    sqlx::query("DELETE FROM wordbond.job WHERE tenant_id = $1 AND job_id = $2")
        .bind(lease.tenant.uuid())
        .bind(lease.job)
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// Gives the job back after a failure; it is due again after a pause that grows with each attempt.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds it by now.
pub async fn retry(store: &Store, lease: &Lease) -> Result<Timestamp, StoreError> {
    let due = store.clock().now() + pause(lease.attempts);
    put_off(store, lease, due).await?;
    Ok(due)
}

/// Gives the job back, to be done at that time: something must come first.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker holds it by now.
pub async fn put_off(store: &Store, lease: &Lease, due: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.dispatcher().await?;
    const SQL: &str = "UPDATE wordbond.ticket SET leased_until = NULL, due_at = $4
        WHERE tenant_id = $1 AND job_id = $2 AND fence = $3";
    let done = sqlx::query(SQL)
        .bind(lease.tenant.uuid())
        .bind(lease.job)
        .bind(lease.fence)
        .bind(At(due))
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    if done.rows_affected() == 0 { Err(StoreError::LostLease) } else { Ok(()) }
}

/// How long a job that failed so often rests.
pub(crate) fn pause(attempts: i32) -> SignedDuration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default().min(20);
    PAUSE.checked_mul(1 << doublings).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        assert_eq!(pause(1), PAUSE);
        assert_eq!(pause(2), PAUSE * 2);
        assert_eq!(pause(4), PAUSE * 8);
        assert_eq!(pause(i32::MAX), LONGEST_PAUSE);
        assert_eq!(pause(i32::MIN), PAUSE);
    }
}
