//! What goes over the wire. Types of their own: a new column leaks nowhere by itself.

use kernel::{PersonId, Timestamp};
use serde::Serialize;
use store::drawings::{Drawing, Grant};
use utoipa::ToSchema;
use uuid::Uuid;

/// A drawing's bytes.
#[derive(ToSchema)]
#[schema(as = DrawingFile, value_type = String, format = Binary)]
pub(crate) struct File(#[expect(dead_code, reason = "only its schema is used")] Vec<u8>);

/// A drawing that was kept.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadedDrawing)]
pub(crate) struct Uploaded {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub(crate) drawing: Uuid,
}

/// A drawing without its content.
#[derive(Serialize, ToSchema)]
#[schema(as = Drawing)]
pub(crate) struct Shown {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    drawing: Uuid,
    /// Who uploaded it.
    #[schema(value_type = String, format = Uuid)]
    owner: PersonId,
    /// What it is called.
    name: String,
    /// What it is, by its content: png, jpeg, pdf, svg, dxf or dwg.
    kind: &'static str,
    /// Its length in bytes.
    size: u64,
    /// When it was uploaded.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Drawing> for Shown {
    fn from(found: Drawing) -> Self {
        let Drawing { id, owner, name, kind, size, created_at, .. } = found;
        Self { drawing: id, owner, name, kind: kind.word(), size, created_at }
    }
}

/// Drawings, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Drawings)]
pub(crate) struct Listed {
    /// The drawings.
    pub(crate) drawings: Vec<Shown>,
    /// What to ask for with `before` to get the next page; null on the last.
    #[schema(value_type = Option<String>, format = Uuid)]
    pub(crate) next: Option<Uuid>,
}

/// With whom a drawing is shared.
#[derive(Serialize, ToSchema)]
#[schema(as = DrawingGrants)]
pub(crate) struct Shares {
    /// The latest first.
    pub(crate) grants: Vec<Shared>,
}

/// That somebody may see a drawing.
#[derive(Serialize, ToSchema)]
#[schema(as = DrawingGrant)]
pub(crate) struct Shared {
    /// Who.
    #[schema(value_type = String, format = Uuid)]
    person: PersonId,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Grant> for Shared {
    fn from(grant: Grant) -> Self {
        Self { person: grant.person, created_at: grant.created_at }
    }
}
