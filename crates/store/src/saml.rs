//! The identity provider by which a team signs in over SAML: its metadata, as the team gave it.

mod join;
mod walk;

pub use join::join;
pub use walk::{Providers, walk};

use crate::{Scoped, Store, StoreError, audit, time::At};
use kernel::{Actor, PersonId, TenantId, Timestamp};
use sqlx::Row as _;
use vault::{Place, Sealed, Subject};

/// The longest metadata, in bytes.
const LONGEST: usize = 200_000;

/// A team's identity provider.
#[derive(Clone)]
pub struct Idp {
    /// Its metadata, an XML document.
    pub metadata: String,
    /// Whether it may be signed in by.
    pub enabled: bool,
    /// When this was last changed.
    pub updated_at: Timestamp,
}

/// The identity provider of the scope's tenant.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(scoped: &mut Scoped) -> Result<Option<Idp>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT metadata, enabled, version, updated_at FROM wordbond.saml_idp WHERE tenant_id = $1";
    let row = sqlx::query(SQL).bind(tenant.uuid()).fetch_optional(scoped.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
    Ok(Some(Idp {
        metadata: Sealed::from_bytes(row.try_get("metadata")?)?.open(&keys, &place(tenant, version))?,
        enabled: row.try_get("enabled")?,
        updated_at: row.try_get::<At, _>("updated_at")?.0,
    }))
}

/// Sets the identity provider of a team.
///
/// # Errors
/// [`StoreError::Invalid`] for metadata that is too long; [`StoreError::NotFound`] for no team.
pub async fn set(
    store: &Store,
    tenant: TenantId,
    by: PersonId,
    metadata: &str,
    enabled: bool,
) -> Result<(), StoreError> {
    if metadata.len() > LONGEST {
        return Err(StoreError::Invalid(format!("the metadata is longer than {LONGEST} bytes")));
    }
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    const LOCK: &str = "SELECT version FROM wordbond.saml_idp WHERE tenant_id = $1 FOR UPDATE";
    let version: Option<i64> = sqlx::query_scalar(LOCK).bind(tenant.uuid()).fetch_optional(scoped.conn()).await?;
    let next = version.unwrap_or_default() + 1;
    let sealed =
        Sealed::seal(store.keys(), &place(tenant, u64::try_from(next).unwrap_or_default()), &metadata.to_owned())?;
    const SQL: &str = "INSERT INTO wordbond.saml_idp AS i (tenant_id, metadata, enabled, version, updated_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (tenant_id) DO UPDATE SET metadata = $2, enabled = $3, version = $4, updated_at = $5
        WHERE i.version = $4 - 1";
    let now = At(scoped.now());
    let done = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(sealed.as_bytes())
        .bind(enabled)
        .bind(next)
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_dangling(&error) { StoreError::NotFound } else { error.into() })?;
    if done.rows_affected() == 0 {
        return Err(StoreError::Taken("somebody else has just changed this"));
    }
    let state = if enabled { "enabled" } else { "disabled" };
    audit::note(&mut scoped, "saml.set", &[format!("tenant:{tenant}")], &[("state", state)]).await?;
    scoped.commit().await
}

/// Removes the identity provider of a team.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove(store: &Store, tenant: TenantId, by: PersonId) -> Result<(), StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    let done = sqlx::query("DELETE FROM wordbond.saml_idp WHERE tenant_id = $1")
        .bind(tenant.uuid())
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    audit::note(&mut scoped, "saml.remove", &[format!("tenant:{tenant}")], &[]).await?;
    scoped.commit().await
}

const fn place(tenant: TenantId, version: u64) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "saml_idp", column: "metadata", row: tenant.uuid(), version }
}
