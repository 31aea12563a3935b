//! Drawings: files that people upload, and with whom they share them.
//!
//! A drawing is its uploader's: nobody else in the team sees it unless it was shared with them, and then they can only
//! look. Its bytes are a blob, stored before the drawing is; its name is sealed under the uploader's key.

pub mod attack;
mod grants;
mod sealing;

pub use grants::{Grant, grants, share, unshare};

use crate::{
    Scoped, Store, StoreError, audit,
    blobs::{self, Blob, Reader, Staged},
    tenancy::text,
    time::At,
};
use kernel::{Actor, PersonId, TenantId, Timestamp};
use sealing::{Label, Whose};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use std::fmt;
use uuid::Uuid;
use vault::{KeyRing, Plain};

/// The largest drawing, in bytes.
pub const LARGEST: usize = 16 * 1024 * 1024;
/// The longest name, in characters.
pub const LONGEST_NAME: usize = 200;
/// How much a person may keep, in bytes.
const MOST: i64 = 2 * 1024 * 1024 * 1024;

/// What a file is, by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// Portable Document Format.
    Pdf,
    /// Scalable Vector Graphics.
    Svg,
    /// Drawing Interchange Format, as text or binary.
    Dxf,
    /// The native format of AutoCAD.
    Dwg,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Png, Self::Jpeg, Self::Pdf, Self::Svg, Self::Dxf, Self::Dwg];

    /// The word in the database and in answers; also the usual ending of a file's name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Pdf => "pdf",
            Self::Svg => "svg",
            Self::Dxf => "dxf",
            Self::Dwg => "dwg",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// A drawing without its content.
#[derive(Clone)]
pub struct Drawing {
    /// Its id.
    pub id: Uuid,
    /// Who uploaded it.
    pub owner: PersonId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its length in bytes.
    pub size: u64,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// The blob that holds its bytes.
    pub blob: Uuid,
}

/// A file that is to be a drawing.
#[derive(Clone, Copy)]
pub struct File<'a> {
    /// What it is to be called.
    pub name: &'a str,
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub content: &'a [u8],
}

/// Shows neither name nor bytes.
impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({}, {} bytes)", self.kind.word(), self.content.len())
    }
}

/// A name is content: it stays out of logs.
impl fmt::Debug for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Drawing({}, {}, {} bytes)", self.id, self.kind.word(), self.size)
    }
}

/// Which drawings of those that the actor may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    #[default]
    All,
    /// The actor's own.
    Own,
    /// Those of others, shared with the actor.
    Shared,
}

/// Whether the actor may keep a drawing of that name and length, before its bytes are stored.
///
/// # Errors
/// [`StoreError::NoPerson`]; [`StoreError::Invalid`] for a bad name, an empty or too large file, and when the person keeps
/// too much.
pub async fn check(scoped: &mut Scoped, name: &str, size: u64) -> Result<(), StoreError> {
    text("name", name, LONGEST_NAME)?;
    checked_size(scoped, size).await.map(drop)
}

/// Keeps a drawing of the actor's, whose bytes are stored already.
///
/// # Errors
/// As [`check`]; [`StoreError::NotFound`] for bytes of somebody else's.
pub async fn create(scoped: &mut Scoped, name: &str, kind: Kind, staged: &Staged) -> Result<Uuid, StoreError> {
    let (tenant, owner, id) = (scoped.tenant(), scoped.person()?, Uuid::now_v7());
    text("name", name, LONGEST_NAME)?;
    let size = checked_size(scoped, staged.size).await?;
    let blob = blobs::keep(scoped, staged).await?;
    let whose = Whose { tenant, owner, drawing: id };
    let keys = scoped.keys().clone();
    let label = sealing::seal_label(&keys, whose, &Label::of(name))?;
    const SQL: &str = "INSERT INTO wordbond.drawing
        (tenant_id, drawing_id, owner_id, kind, size, label, created_at, blob_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let now = At(scoped.now());
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(owner.uuid())
        .bind(kind.word())
        .bind(size)
        .bind(label.as_bytes())
        .bind(now)
        .bind(blob.id)
        .execute(scoped.conn())
        .await?;
    audit::note(scoped, "drawing.create", &[format!("drawing:{id}")], &[]).await?;
    Ok(id)
}

/// Stores the bytes and keeps the drawing, in transactions of its own: for what is in memory already.
///
/// # Errors
/// As [`create`].
pub async fn upload(store: &Store, tenant: TenantId, actor: &Actor, file: File<'_>) -> Result<Uuid, StoreError> {
    let mut scoped = store.scoped(tenant, actor).await?;
    check(&mut scoped, file.name, file.content.len() as u64).await?;
    let owner = scoped.person()?;
    // No transaction is held while bytes are on their way.
    drop(scoped);
    let staged = blobs::put(store, tenant, owner, file.content).await?;
    let mut scoped = store.scoped(tenant, actor).await?;
    let id = create(&mut scoped, file.name, file.kind, &staged).await?;
    scoped.commit().await?;
    Ok(id)
}

async fn checked_size(scoped: &mut Scoped, size: u64) -> Result<i64, StoreError> {
    let owner = scoped.person()?;
    if size == 0 {
        return Err(StoreError::Invalid("the file is empty".to_owned()));
    }
    if size > LARGEST as u64 {
        return Err(StoreError::Invalid(format!("the file is larger than {} MiB", LARGEST / 1024 / 1024)));
    }
    const SQL: &str =
        "SELECT coalesce(sum(size), 0)::bigint FROM wordbond.drawing WHERE tenant_id = $1 AND owner_id = $2";
    let (tenant, size) = (scoped.tenant(), i64::try_from(size).unwrap_or(i64::MAX));
    let kept: i64 = sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(owner.uuid()).fetch_one(scoped.conn()).await?;
    if kept.saturating_add(size) > MOST {
        return Err(StoreError::Invalid("you keep 2 GiB of drawings already; delete some first".to_owned()));
    }
    Ok(size)
}

/// Drawings that the actor may see, newest first: at most `limit`, and only those older than `before`.
///
/// # Errors
/// When one cannot be opened.
pub async fn list(
    scoped: &mut Scoped,
    which: Which,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Drawing>, StoreError> {
    let (tenant, person, keys) = (scoped.tenant(), scoped.person()?, scoped.keys().clone());
    const SQL: &str = "SELECT drawing_id, owner_id, kind, size, label, created_at, blob_id FROM wordbond.drawing
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR drawing_id < $2)
          AND ($3 = 'all' OR (owner_id = $4) = ($3 = 'own'))
        ORDER BY drawing_id DESC LIMIT $5";
    let which = match which {
        Which::All => "all",
        Which::Own => "own",
        Which::Shared => "shared",
    };
    let rows = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(before)
        .bind(which)
        .bind(person.uuid())
        .bind(i64::from(limit))
        .fetch_all(scoped.conn())
        .await?;
    rows.iter().map(|row| open(&keys, scoped, row)).collect()
}

/// A drawing without its content.
///
/// # Errors
/// [`StoreError::NotFound`] also for one that is there and not the actor's to see.
pub async fn get(scoped: &mut Scoped, id: Uuid) -> Result<Drawing, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT drawing_id, owner_id, kind, size, label, created_at, blob_id FROM wordbond.drawing
        WHERE tenant_id = $1 AND drawing_id = $2";
    let row = sqlx::query(SQL).bind(tenant.uuid()).bind(id).fetch_optional(scoped.conn()).await?;
    open(&keys, scoped, &row.ok_or(StoreError::NotFound)?)
}

/// A drawing and its bytes, to be read as they are needed. The transaction ends here: none is held while bytes are on their
/// way.
///
/// # Errors
/// [`StoreError::NotFound`] as [`get`]; [`StoreError::Unexpected`] and [`StoreError::Vault`] when what is stored is not
/// what was uploaded.
pub async fn reader(store: &Store, mut scoped: Scoped, id: Uuid) -> Result<(Drawing, Reader), StoreError> {
    let drawing = get(&mut scoped, id).await?;
    let blob = Blob { tenant: scoped.tenant(), owner: drawing.owner, id: drawing.blob };
    drop(scoped);
    let reader = Reader::open(store, blob).await?;
    if reader.length() != drawing.size {
        return Err(StoreError::Unexpected(format!("drawing {id} is not what was uploaded")));
    }
    Ok((drawing, reader))
}

/// A drawing with its content.
///
/// # Errors
/// As [`reader`].
pub async fn content(store: &Store, scoped: Scoped, id: Uuid) -> Result<(Drawing, Plain), StoreError> {
    let (drawing, reader) = reader(store, scoped, id).await?;
    let content = reader.all().await?;
    Ok((drawing, content))
}

/// Deletes a drawing of the actor's own, and every grant on it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(scoped: &mut Scoped, id: Uuid) -> Result<(), StoreError> {
    let (tenant, owner) = (scoped.tenant(), scoped.person()?);
    const SQL: &str = "SELECT blob_id FROM wordbond.drawing WHERE tenant_id = $1 AND drawing_id = $2 AND owner_id = $3";
    let blob: Option<Uuid> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(id).bind(owner.uuid()).fetch_optional(scoped.conn()).await?;
    // The drawing goes with its blob.
    blobs::discard(scoped, blob.ok_or(StoreError::NotFound)?).await?;
    audit::note(scoped, "drawing.delete", &[format!("drawing:{id}")], &[]).await
}

fn open(keys: &KeyRing, scoped: &Scoped, row: &PgRow) -> Result<Drawing, StoreError> {
    let (id, owner) = (row.try_get("drawing_id")?, PersonId::from(row.try_get::<Uuid, _>("owner_id")?));
    let whose = Whose { tenant: scoped.tenant(), owner, drawing: id };
    let label = sealing::open_label(keys, whose, row.try_get("label")?)?;
    let word: String = row.try_get("kind")?;
    let kind = Kind::parse(&word).ok_or_else(|| StoreError::Unexpected(format!("a drawing of the kind {word}")))?;
    let size = u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or_default();
    let (created_at, blob) = (row.try_get::<At, _>("created_at")?.0, row.try_get("blob_id")?);
    Ok(Drawing { id, owner, name: label.into_name(), kind, size, created_at, blob })
}
