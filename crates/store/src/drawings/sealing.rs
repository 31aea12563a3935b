//! How a drawing lies in the database: a sealed label, and its bytes in sealed parts.

use crate::{Scoped, StoreError};
use aws_lc_rs::digest::{SHA256, digest};
use kernel::{PersonId, TenantId};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject, raw::Raw};
use zeroize::Zeroizing;

/// The length of a part. Short enough that no message to the database is long.
const PART: usize = 256 * 1024;

/// Which drawing, and whose key.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) tenant: TenantId,
    pub(super) owner: PersonId,
    pub(super) drawing: Uuid,
}

/// What is known of a drawing besides its bytes, and a checksum of these.
#[derive(Serialize, Deserialize)]
pub(super) struct Label {
    name: String,
    sha256: String,
}

impl Label {
    pub(super) fn of(name: &str, content: &[u8]) -> Self {
        Self { name: name.trim().to_owned(), sha256: hash(content) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn fits(&self, content: &[u8]) -> bool {
        self.sha256 == hash(content)
    }
}

fn hash(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn seal_label(keys: &KeyRing, whose: Whose, label: &Label) -> Result<Sealed<Label>, StoreError> {
    Ok(Sealed::seal(keys, &whose.place("drawing", "label", 1), label)?)
}

pub(super) fn open_label(keys: &KeyRing, whose: Whose, bytes: Vec<u8>) -> Result<Label, StoreError> {
    Ok(Sealed::<Label>::from_bytes(bytes)?.open(keys, &whose.place("drawing", "label", 1))?)
}

/// Seals and writes the parts in order.
pub(super) async fn write_parts(scoped: &mut Scoped, whose: Whose, content: &[u8]) -> Result<(), StoreError> {
    const SQL: &str = "INSERT INTO wordbond.drawing_part (tenant_id, part_id, drawing_id, owner_id, number, content)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let keys = scoped.keys().clone();
    for (number, part) in (1_i32..).zip(content.chunks(PART)) {
        let sealed = Sealed::<Raw>::seal_bytes(&keys, &whose.part(number), part)?;
        sqlx::query(SQL)
            .bind(whose.tenant.uuid())
            .bind(Uuid::now_v7())
            .bind(whose.drawing)
            .bind(whose.owner.uuid())
            .bind(number)
            .bind(sealed.as_bytes())
            .execute(scoped.conn())
            .await?;
    }
    Ok(())
}

/// Reads and opens the parts in order.
pub(super) async fn read_parts(scoped: &mut Scoped, whose: Whose, size: u64) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    const SQL: &str = "SELECT number, content FROM wordbond.drawing_part
        WHERE tenant_id = $1 AND drawing_id = $2 ORDER BY number";
    let keys = scoped.keys().clone();
    let rows = sqlx::query(SQL).bind(whose.tenant.uuid()).bind(whose.drawing).fetch_all(scoped.conn()).await?;
    // Room for the whole at once: a buffer that grows leaves copies of what was in it.
    let room = usize::try_from(size).unwrap_or_default().min(super::LARGEST);
    let mut content = Zeroizing::new(Vec::with_capacity(room));
    for row in &rows {
        let sealed = Sealed::<Raw>::from_bytes(row.try_get("content")?)?;
        content.extend_from_slice(&sealed.open_bytes(&keys, &whose.part(row.try_get("number")?))?);
    }
    Ok(content)
}

impl Whose {
    fn place(self, table: &'static str, column: &'static str, version: u64) -> Place {
        let subject = Subject::Person(self.owner);
        Place { tenant: self.tenant, subject, table, column, row: self.drawing, version }
    }

    /// A part is bound to its drawing and to its place in it.
    fn part(self, number: i32) -> Place {
        self.place("drawing_part", "content", u64::try_from(number).unwrap_or_default())
    }
}
