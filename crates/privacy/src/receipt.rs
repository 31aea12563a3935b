//! Receipts: what was done about a case, in counts per place. They hold no personal data and are shown to whoever knows their
//! address.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::rights::{Kind, cases::Case, rows::Counts, verify::Verified};
use uuid::Uuid;

/// The version of the receipt's form.
pub const SCHEMA_VERSION: u32 = 1;

/// What was done about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of this form.
    pub schema_version: u32,
    /// The case.
    pub case: Uuid,
    /// What was asked for.
    pub kind: Kind,
    /// When it was asked for.
    pub opened_at: Timestamp,
    /// When it was done.
    pub closed_at: Timestamp,
    /// Rows by table: those that were erased, or those that a copy holds.
    pub rows: Counts,
    /// Rows by table that stay, and name an id that leads nowhere any more.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub kept: Counts,
    /// Keys that were destroyed.
    #[serde(default)]
    pub keys: usize,
    /// Places that were searched afterwards, and found empty.
    #[serde(default)]
    pub searched: u64,
}

impl Receipt {
    /// The receipt of an erasure.
    #[must_use]
    pub fn of_erasure(case: &Case, now: Timestamp, gone: Counts, found: &Verified, keys: usize) -> Self {
        let (kept, searched) = (found.kept.clone(), found.places);
        Self { kept, keys, searched, ..Self::of_answer(case, now, gone) }
    }

    /// The receipt of anything else: how many rows of what there are.
    #[must_use]
    pub fn of_answer(case: &Case, now: Timestamp, mut rows: Counts) -> Self {
        rows.retain(|_, rows| *rows > 0);
        Self {
            schema_version: SCHEMA_VERSION,
            case: case.id,
            kind: case.kind,
            opened_at: case.opened_at,
            closed_at: now,
            rows,
            kept: Counts::new(),
            keys: 0,
            searched: 0,
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Counts and instants can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Read back; `None` where a case has none yet.
    #[must_use]
    pub fn of(case: &Case) -> Option<Self> {
        serde_json::from_str(case.receipt.as_deref()?).ok()
    }
}
