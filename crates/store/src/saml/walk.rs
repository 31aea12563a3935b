//! Whether every team's identity provider is one that the team set: looked up for every tenant at once.

use super::place;
use crate::{Role, Store, StoreError};
use kernel::TenantId;
use sqlx::{Connection as _, Row as _};
use uuid::Uuid;
use vault::Sealed;

/// What was found. Only counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Providers {
    /// How many teams have one.
    pub all: usize,
    /// How many of them do not open under their team's key: nobody set them.
    pub foreign: usize,
}

/// Opens the provider of every team, as the backup reads them.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store) -> Result<Providers, StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    const SQL: &str = "SELECT tenant_id, version, metadata FROM wordbond.saml_idp";
    let rows = sqlx::query(SQL).fetch_all(&mut connection).await?;
    connection.close().await?;
    let mut found = Providers { all: rows.len(), foreign: 0 };
    for row in &rows {
        let tenant = TenantId::from(row.try_get::<Uuid, _>("tenant_id")?);
        let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
        let opened = Sealed::<String>::from_bytes(row.try_get("metadata")?)
            .ok()
            .and_then(|sealed| sealed.open(store.keys(), &place(tenant, version)).ok());
        found.foreign += usize::from(opened.is_none());
    }
    Ok(found)
}
