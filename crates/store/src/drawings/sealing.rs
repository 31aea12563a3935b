//! How a drawing's name lies in the database.

use crate::StoreError;
use kernel::{PersonId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// Which drawing, and whose key.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) tenant: TenantId,
    pub(super) owner: PersonId,
    pub(super) drawing: Uuid,
}

/// What is known of a drawing besides its bytes.
#[derive(Serialize, Deserialize)]
pub(super) struct Label {
    name: String,
}

impl Label {
    pub(super) fn of(name: &str) -> Self {
        Self { name: name.trim().to_owned() }
    }

    pub(super) fn into_name(self) -> String {
        self.name
    }
}

pub(super) fn seal_label(keys: &KeyRing, whose: Whose, label: &Label) -> Result<Sealed<Label>, StoreError> {
    Ok(Sealed::seal(keys, &whose.place(), label)?)
}

pub(super) fn open_label(keys: &KeyRing, whose: Whose, bytes: Vec<u8>) -> Result<Label, StoreError> {
    Ok(Sealed::<Label>::from_bytes(bytes)?.open(keys, &whose.place())?)
}

impl Whose {
    fn place(self) -> Place {
        let subject = Subject::Person(self.owner);
        Place { tenant: self.tenant, subject, table: "drawing", column: "label", row: self.drawing, version: 1 }
    }
}
