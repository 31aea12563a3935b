//! With whom a drawing is shared. What somebody who leaves the team gave and was given ends with their membership:
//! [`crate::team`] knows this table.

use super::get;
use crate::{Scoped, StoreError, audit, team::is_member, time::At};
use kernel::{PersonId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;

/// That somebody may see a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub person: PersonId,
    /// Since when.
    pub created_at: Timestamp,
}

/// With whom a drawing of the actor's own is shared, the latest first.
///
/// # Errors
/// [`StoreError::NotFound`] also for a drawing of somebody else.
pub async fn grants(scoped: &mut Scoped, id: Uuid) -> Result<Vec<Grant>, StoreError> {
    own(scoped, id).await?;
    const SQL: &str = "SELECT person_id, created_at FROM wordbond.drawing_grant
        WHERE tenant_id = $1 AND drawing_id = $2 ORDER BY created_at DESC, person_id LIMIT 1000";
    let tenant = scoped.tenant();
    let rows = sqlx::query(SQL).bind(tenant.uuid()).bind(id).fetch_all(scoped.conn()).await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let person = PersonId::from(row.try_get::<Uuid, _>("person_id")?);
        Ok(Grant { person, created_at: row.try_get::<At, _>("created_at")?.0 })
    };
    rows.iter().map(read).collect()
}

/// Lets another member of the team see a drawing of the actor's own. Sharing twice is sharing once.
///
/// # Errors
/// [`StoreError::NotFound`] for a drawing that is not the actor's, and for whoever is no member of the team;
/// [`StoreError::Invalid`] for the actor themselves.
pub async fn share(scoped: &mut Scoped, id: Uuid, with: PersonId) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    own(scoped, id).await?;
    if with == owner {
        return Err(StoreError::Invalid("it is your own drawing: you see it already".to_owned()));
    }
    if !is_member(scoped, with).await? {
        return Err(StoreError::NotFound);
    }
    const SQL: &str = "INSERT INTO wordbond.drawing_grant (tenant_id, drawing_id, person_id, owner_id, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let now = At(scoped.now());
    let done = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(with.uuid())
        .bind(owner.uuid())
        .bind(now)
        .execute(scoped.conn())
        .await
        .map_err(|error| if StoreError::is_dangling(&error) { StoreError::NotFound } else { error.into() })?;
    if done.rows_affected() == 0 {
        return Ok(());
    }
    audit::note(scoped, "drawing.share", &[format!("drawing:{id}"), format!("person:{with}")], &[]).await
}

/// Takes a grant back.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn unshare(scoped: &mut Scoped, id: Uuid, with: PersonId) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    const SQL: &str = "DELETE FROM wordbond.drawing_grant
        WHERE tenant_id = $1 AND drawing_id = $2 AND person_id = $3 AND owner_id = $4";
    let done = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(with.uuid())
        .bind(owner.uuid())
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    audit::note(scoped, "drawing.unshare", &[format!("drawing:{id}"), format!("person:{with}")], &[]).await
}

/// Refuses a drawing that is not the actor's own, whether or not they see it.
async fn own(scoped: &mut Scoped, id: Uuid) -> Result<(), StoreError> {
    let person = scoped.person()?;
    let drawing = get(scoped, id).await?;
    if drawing.owner == person { Ok(()) } else { Err(StoreError::NotFound) }
}
