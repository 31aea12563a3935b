//! What an export says, whoever's it is: name, notes and drawings, without ids, instants and addresses.

use super::super::taken::Taken;
use aws_lc_rs::digest::{SHA256, digest};

/// Two exports that are equal in this form hold the same.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Canonical {
    name: String,
    notes: Vec<(String, String)>,
    drawings: Vec<(String, String, Vec<u8>)>,
}

impl Canonical {
    pub(super) fn of(taken: &Taken) -> Self {
        let name = taken.texts("account", "name").first().copied().unwrap_or_default().to_owned();
        let rows = taken.sections.iter().filter(|one| one.section == "note").flat_map(|one| &one.rows);
        let text = |row: &serde_json::Map<String, serde_json::Value>, column: &str| {
            row.get(column).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        let mut notes: Vec<_> = rows.map(|row| (text(row, "title"), text(row, "body"))).collect();
        let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        let one = |content: &super::super::taken::Content| {
            (content.file.name.clone(), content.file.kind.clone(), hash(&content.bytes()))
        };
        let mut drawings: Vec<_> = taken.files.iter().map(one).collect();
        notes.sort();
        drawings.sort();
        Self { name, notes, drawings }
    }

    pub(super) const fn rows(&self) -> usize {
        self.notes.len() + self.drawings.len()
    }

    pub(super) const fn drawings(&self) -> usize {
        self.drawings.len()
    }

    /// Whether a note, and a drawing whose name begins so, are in it.
    pub(super) fn holds(&self, title: &str, text: &str, drawing: Option<&str>) -> bool {
        let note = self.notes.iter().any(|(one, other)| one == title && other == text);
        note && drawing.is_none_or(|name| self.drawings.iter().any(|(one, ..)| one.starts_with(name)))
    }
}
