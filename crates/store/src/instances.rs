//! The instances that serve, so that probes attack every one of them.

use crate::{Store, StoreError, time::At};
use jiff::SignedDuration;
use kernel::Timestamp;
use sqlx::Row as _;
use uuid::Uuid;

/// How long an instance that no longer shows itself is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// A running instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its random name.
    pub id: Uuid,
    /// SHA-256 of its executable, in hexadecimal.
    pub build: String,
    /// SHA-256 of its profile, in hexadecimal.
    pub profile: String,
    /// Where it listens.
    pub address: String,
}

/// Says that the instance is alive.
///
/// # Errors
/// When the database refuses.
pub async fn heartbeat(store: &Store, instance: &Instance) -> Result<(), StoreError> {
    let mut system = store.system().await?;
    let now = store.clock().now();
    const SQL: &str = "INSERT INTO wordbond.instance (instance_id, build, profile, address, started_at, heartbeat_at)
        VALUES ($1, $2, $3, $4, $5, $5)
        ON CONFLICT (instance_id) DO UPDATE SET build = $2, profile = $3, address = $4, heartbeat_at = $5";
    sqlx::query(SQL)
        .bind(instance.id)
        .bind(&instance.build)
        .bind(&instance.profile)
        .bind(&instance.address)
        .bind(At(now))
        .execute(system.conn())
        .await?;
    let forgotten = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
    sqlx::query("DELETE FROM wordbond.instance WHERE heartbeat_at < $1")
        .bind(At(forgotten))
        .execute(system.conn())
        .await?;
    system.commit().await
}

/// The instances that have shown themselves since `since`.
///
/// # Errors
/// When the database refuses.
pub async fn alive(store: &Store, since: Timestamp) -> Result<Vec<Instance>, StoreError> {
    const SQL: &str = "SELECT instance_id, build, profile, address FROM wordbond.instance
        WHERE heartbeat_at >= $1 ORDER BY instance_id";
    let mut auditor = store.auditor().await?;
    let rows = sqlx::query(SQL).bind(At(since)).fetch_all(auditor.conn()).await?;
    rows.iter()
        .map(|row| {
            Ok(Instance {
                id: row.try_get(0)?,
                build: row.try_get(1)?,
                profile: row.try_get(2)?,
                address: row.try_get(3)?,
            })
        })
        .collect()
}

/// Takes an instance off the list, when it ends in good order.
///
/// # Errors
/// When the database refuses.
pub async fn leave(store: &Store, id: Uuid) -> Result<(), StoreError> {
    let mut system = store.system().await?;
    sqlx::query("DELETE FROM wordbond.instance WHERE instance_id = $1").bind(id).execute(system.conn()).await?;
    system.commit().await
}
