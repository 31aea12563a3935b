//! The files in a package: the drawings that the person uploaded.

use kernel::{Actor, PersonId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use store::{
    Store, StoreError, blobs,
    copy::{Holdings, Row},
    drawings,
};
use uuid::Uuid;

/// A file, without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The section that lists it.
    pub section: String,
    /// Its id.
    pub id: Uuid,
    /// The team that it is in.
    pub team: TenantId,
    /// Who the person is in that team.
    pub person: PersonId,
    /// What it is called.
    pub name: String,
    /// What it is: `png`, `jpeg`, `pdf`, `svg`, `dxf`, `dwg`.
    pub kind: String,
    /// Its length in bytes.
    pub size: u64,
}

/// The files of a package, with names for a folder in which no two are called the same.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeSet<String>);

impl Files {
    /// A path below `drawings/` for a file, whatever people called it.
    pub fn path(&mut self, file: &File) -> String {
        let kept = |letter: char| if letter.is_alphanumeric() || " -_.()".contains(letter) { letter } else { '_' };
        let name: String = file.name.chars().map(kept).take(80).collect();
        let ending = format!(".{}", file.kind);
        let stem = name.trim_matches([' ', '.']).trim_end_matches(ending.as_str()).to_owned();
        let stem = if stem.is_empty() { "drawing".to_owned() } else { stem };
        let first = format!("drawings/{stem}{ending}");
        let mut path = first;
        let mut number = 1;
        while !self.0.insert(path.to_lowercase()) {
            number += 1;
            path = format!("drawings/{stem} ({number}){ending}");
        }
        path
    }
}

/// The files that holdings name.
pub(super) fn list(holdings: &Holdings) -> Vec<File> {
    let drawings = holdings.held.iter().filter(|held| held.table == "wordbond.drawing");
    drawings.flat_map(|held| held.rows.iter().filter_map(of)).collect()
}

fn of(row: &Row) -> Option<File> {
    let id = |column: &str| row.get(column)?.as_str()?.parse::<Uuid>().ok();
    Some(File {
        section: "drawing".to_owned(),
        id: id("drawing_id")?,
        team: id("tenant_id")?.into(),
        person: id("owner_id")?.into(),
        name: row.get("label")?.get("name")?.as_str()?.to_owned(),
        kind: row.get("kind")?.as_str()?.to_owned(),
        size: row.get("size").and_then(Value::as_u64)?,
    })
}

/// The content of a file, a chunk at a time.
pub(super) async fn content(store: &Store, file: &File) -> Result<blobs::Reader, StoreError> {
    let scoped = store.scoped(file.team, &Actor::Person { id: file.person }).await?;
    Ok(drawings::reader(store, scoped, file.id).await?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder_and_no_two_are_the_same() {
        let mut files = Files::default();
        let mut path = |name: &str| {
            let (section, kind) = ("drawing".to_owned(), "png".to_owned());
            let (id, team, person) = (Uuid::now_v7(), TenantId::new(), PersonId::new());
            files.path(&File { section, id, team, person, name: name.to_owned(), kind, size: 1 })
        };
        assert_eq!(path("Gear box"), "drawings/Gear box.png");
        assert_eq!(path("gear box.png"), "drawings/gear box (2).png");
        assert_eq!(path("../../etc/passwd"), "drawings/_.._etc_passwd.png");
        assert_eq!(path("..."), "drawings/drawing.png");
        assert_eq!(path("Zahnräder/2"), "drawings/Zahnräder_2.png");
    }
}
