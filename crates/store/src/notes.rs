//! Notes: a small real product, so that scoping is attacked on rows that people own and share.
//!
//! A note is its writer's: nobody else in the team sees it unless it was shared with them, and then they can only read it.
//! It is sealed under the writer's key.

use crate::{Scoped, StoreError, audit, team::is_member, tenancy::text, time::At};
use kernel::{PersonId, TenantId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

const LONGEST_TITLE: usize = 200;
const LONGEST_TEXT: usize = 100_000;

/// A note, opened.
#[derive(Clone)]
pub struct Note {
    /// Its id.
    pub id: Uuid,
    /// Who wrote it.
    pub owner: PersonId,
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Writes a note.
///
/// # Errors
/// [`StoreError::NoPerson`], [`StoreError::Invalid`].
pub async fn create(scoped: &mut Scoped, title: &str, body: &str) -> Result<Uuid, StoreError> {
    let (tenant, owner, id) = (scoped.tenant(), scoped.person()?, Uuid::now_v7());
    let (title, body) = seal(scoped, owner, id, 1, title, body)?;
    let now = At(scoped.now());
    const SQL: &str = "INSERT INTO wordbond.note (tenant_id, note_id, owner_id, title, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(owner.uuid())
        .bind(title.as_bytes())
        .bind(body.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    audit::note(scoped, "note.create", &[format!("note:{id}")], &[]).await?;
    Ok(id)
}

/// The notes that the actor may see, newest first, at most 500.
///
/// # Errors
/// When one cannot be opened.
pub async fn list(scoped: &mut Scoped) -> Result<Vec<Note>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT note_id, owner_id, title, body, version, created_at, updated_at FROM wordbond.note
        WHERE tenant_id = $1 ORDER BY note_id DESC LIMIT 500";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter().map(|row| open(&keys, tenant, row)).collect()
}

/// One note.
///
/// # Errors
/// [`StoreError::NotFound`] also for a note that is there and not the actor's to see.
pub async fn get(scoped: &mut Scoped, id: Uuid) -> Result<Note, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT note_id, owner_id, title, body, version, created_at, updated_at FROM wordbond.note
        WHERE tenant_id = $1 AND note_id = $2";
    let row = sqlx::query(SQL).bind(tenant.uuid()).bind(id).fetch_optional(scoped.conn()).await?;
    open(&keys, tenant, &row.ok_or(StoreError::NotFound)?)
}

/// Changes a note of the actor's own.
///
/// # Errors
/// [`StoreError::NotFound`], [`StoreError::Invalid`].
pub async fn edit(scoped: &mut Scoped, id: Uuid, title: &str, body: &str) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    // The lock keeps two edits from sealing the same version.
    const LOCK: &str =
        "SELECT version FROM wordbond.note WHERE tenant_id = $1 AND note_id = $2 AND owner_id = $3 FOR UPDATE";
    let version: Option<i64> =
        sqlx::query_scalar(LOCK).bind(tenant.uuid()).bind(id).bind(owner.uuid()).fetch_optional(scoped.conn()).await?;
    let next = version.ok_or(StoreError::NotFound)? + 1;
    let (title, body) = seal(scoped, owner, id, u64::try_from(next).unwrap_or_default(), title, body)?;
    let now = At(scoped.now());
    const SQL: &str = "UPDATE wordbond.note SET title = $3, body = $4, version = $5, updated_at = $6
        WHERE tenant_id = $1 AND note_id = $2";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(title.as_bytes())
        .bind(body.as_bytes())
        .bind(next)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    audit::note(scoped, "note.edit", &[format!("note:{id}")], &[]).await
}

/// Deletes a note of the actor's own, and every grant on it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(scoped: &mut Scoped, id: Uuid) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    let done = sqlx::query("DELETE FROM wordbond.note WHERE tenant_id = $1 AND note_id = $2 AND owner_id = $3")
        .bind(tenant.uuid())
        .bind(id)
        .bind(owner.uuid())
        .execute(scoped.conn())
        .await?;
    found(done.rows_affected())?;
    audit::note(scoped, "note.delete", &[format!("note:{id}")], &[]).await
}

/// Lets another person of the team read a note of the actor's own. Sharing twice is sharing once.
///
/// # Errors
/// [`StoreError::NotFound`] for a note that is not the actor's, and for a person who is not in the team: both are held by
/// the database's own foreign keys.
pub async fn share(scoped: &mut Scoped, id: Uuid, with: PersonId) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    if !is_member(scoped, with).await? {
        return Err(StoreError::NotFound);
    }
    let now = At(scoped.now());
    const SQL: &str = "INSERT INTO wordbond.note_grant (tenant_id, note_id, person_id, owner_id, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
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
        // There is a grant already; whether it is the actor's own to give shows in whether the note is.
        return get(scoped, id)
            .await
            .and_then(|note| if note.owner == owner { Ok(()) } else { Err(StoreError::NotFound) });
    }
    audit::note(scoped, "note.share", &[format!("note:{id}"), format!("person:{with}")], &[]).await
}

/// Takes a grant back.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn unshare(scoped: &mut Scoped, id: Uuid, with: PersonId) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    const SQL: &str = "DELETE FROM wordbond.note_grant
        WHERE tenant_id = $1 AND note_id = $2 AND person_id = $3 AND owner_id = $4";
    let done = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(with.uuid())
        .bind(owner.uuid())
        .execute(scoped.conn())
        .await?;
    found(done.rows_affected())?;
    audit::note(scoped, "note.unshare", &[format!("note:{id}"), format!("person:{with}")], &[]).await
}

fn found(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

fn seal(
    scoped: &Scoped,
    owner: PersonId,
    id: Uuid,
    version: u64,
    title: &str,
    body: &str,
) -> Result<(Sealed<String>, Sealed<String>), StoreError> {
    text("title", title, LONGEST_TITLE)?;
    text("text", body, LONGEST_TEXT)?;
    let at = |column| place(scoped.tenant(), owner, id, column, version);
    let title = Sealed::seal(scoped.keys(), &at("title"), &title.to_owned())?;
    Ok((title, Sealed::seal(scoped.keys(), &at("body"), &body.to_owned())?))
}

fn open(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<Note, StoreError> {
    let (id, owner) = (row.try_get("note_id")?, PersonId::from(row.try_get::<Uuid, _>("owner_id")?));
    let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
    let open = |column: &'static str| -> Result<String, StoreError> {
        Ok(Sealed::from_bytes(row.try_get(column)?)?.open(keys, &place(tenant, owner, id, column, version))?)
    };
    Ok(Note {
        id,
        owner,
        title: open("title")?,
        text: open("body")?,
        version,
        created_at: row.try_get::<At, _>("created_at")?.0,
        updated_at: row.try_get::<At, _>("updated_at")?.0,
    })
}

const fn place(tenant: TenantId, owner: PersonId, row: Uuid, column: &'static str, version: u64) -> Place {
    Place { tenant, subject: Subject::Person(owner), table: "note", column, row, version }
}
