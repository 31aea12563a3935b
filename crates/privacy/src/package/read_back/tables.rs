//! Reading tables back: one by itself, or all of an archive with the files beside them.

use super::{
    document::{NotRead, Piece},
    rows::{self, MOST_ROWS, SECTIONS, id, text, whole},
};
use crate::package::{File, Files, archive};
use kernel::csv::{self, Records};
use serde_json::Value;
use std::collections::BTreeMap;
use store::copy::Row;

/// How much a table or an archive may hold, unpacked: it is in memory as a whole.
pub const MOST: usize = 64 * 1024 * 1024;

/// How many columns a table may have.
const MOST_COLUMNS: usize = 64;

/// What a table of a section brings back.
///
/// # Errors
/// [`NotRead`] for a section of which nothing is read back, and for what is no table.
pub fn table(section: &str, csv: &[u8]) -> Result<Vec<Piece>, NotRead> {
    if !SECTIONS.contains(&section) {
        return Err(NotRead(format!("say with ?section= what the table holds: one of {}", SECTIONS.join(", "))));
    }
    Ok(rows::pieces(section, &parsed(csv)?))
}

/// What an archive brings back: its tables, and the drawings that they name. The document in it is not looked at.
///
/// # Errors
/// [`NotRead`] for what is no archive of a package, is too large, or has a table that is none.
pub fn archive(bytes: &[u8]) -> Result<Vec<Piece>, NotRead> {
    let none = || {
        NotRead(format!(
            "this is no archive with tables, or holds more than {} MiB; a larger one is read back as package.json",
            MOST >> 20
        ))
    };
    let is_read = |name: &str| name.starts_with("tables/") || name.starts_with("drawings/");
    let mut files = archive::unzip_some(bytes, MOST as u64, is_read).ok_or_else(none)?;
    if !files.keys().any(|name| name.starts_with("tables/")) {
        return Err(none());
    }
    let mut rows = |section: &str| match files.remove(&format!("tables/{section}.csv")) {
        Some(csv) => parsed(&csv),
        None => Ok(Vec::new()),
    };
    let mut out = Vec::new();
    for section in SECTIONS {
        out.extend(rows::pieces(section, &rows(section)?));
    }
    let (drawings, mut names) = (rows("drawing")?, Files::default());
    out.extend(drawings.iter().map(|row| drawing(row, &mut names, &mut files).unwrap_or(Piece::Incomplete)));
    Ok(out)
}

/// The drawing of a row, whose file lies under the name that an archive gives it.
fn drawing(row: &Row, names: &mut Files, files: &mut BTreeMap<String, Vec<u8>>) -> Option<Piece> {
    let file = File {
        section: "drawing".to_owned(),
        id: id(row, "drawing_id")?,
        team: id(row, "tenant_id")?.into(),
        person: id(row, "owner_id")?.into(),
        name: text(row, "label.name")?,
        kind: text(row, "kind")?,
        size: whole(row, "size")?,
    };
    let content = files.remove(&names.path(&file))?;
    (content.len() as u64 == file.size).then_some(Piece::Drawing { file, content })
}

/// The rows of a table, as the document has them: `body.title` is a field of an object. An empty cell is nothing, or an empty
/// text: a table does not tell.
fn parsed(table: &[u8]) -> Result<Vec<Row>, NotRead> {
    let no_text = |_| NotRead("this is no table: it is not in UTF-8".to_owned());
    let text = std::str::from_utf8(table).map_err(no_text)?.trim_start_matches('\u{feff}');
    let wrong = |number: usize| NotRead(format!("this is no table: record {} cannot be read", number + 1));
    let mut records = Records::of(text);
    let Some(heads) = records.next().transpose().map_err(wrong)? else { return Ok(Vec::new()) };
    // No table that is given out has more of either.
    if heads.len() > MOST_COLUMNS || heads.iter().any(|head| head.matches('.').count() > 1) {
        return Err(wrong(0));
    }
    let mut out = Vec::new();
    for (number, record) in (1..).zip(records) {
        let record = record.map_err(wrong)?;
        if record.len() != heads.len() {
            return Err(wrong(number));
        }
        if number > MOST_ROWS {
            return Err(NotRead(format!("a table of more than {MOST_ROWS} rows is not read")));
        }
        let mut row = Row::new();
        for (head, cell) in heads.iter().zip(&record) {
            put(&mut row, head, csv::text(cell)).ok_or_else(|| wrong(0))?;
        }
        out.push(row);
    }
    Ok(out)
}

fn put(row: &mut Row, path: &str, cell: &str) -> Option<()> {
    let (row, name) = match path.split_once('.') {
        Some((first, name)) => {
            let inner = row.entry(first).or_insert_with(|| Value::Object(Row::new()));
            (inner.as_object_mut()?, name)
        }
        None => (row, path),
    };
    // What is empty is missing where something is needed, and a text without letters where a text is.
    if !cell.is_empty() || matches!(name, "title" | "body" | "description" | "comment") {
        row.insert(name.to_owned(), Value::String(cell.to_owned()));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_table_of_notes_brings_notes() {
        let csv = "\u{feff}title,body,created_at\r\n'=a,\"b, c\",2026-11-22T10:00:00Z\r\nempty,,\r\n";
        let made = table("note", csv.as_bytes()).unwrap();
        let note = |title: &str, text: &str| Piece::Note { title: title.to_owned(), text: text.to_owned() };
        assert_eq!(made, [note("=a", "b, c"), note("empty", "")]);
        assert_eq!(table("note", b"body\r\nno title\r\n").unwrap(), [Piece::Incomplete]);
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        let why = |section: &str, csv: &[u8]| table(section, csv).unwrap_err().0;
        assert!(why("session", b"").contains("?section="), "nobody brings sessions");
        assert!(why("note", b"title,body\r\na\r\n").contains("record 2"));
        assert!(why("note", b"title,body\r\n\"a\r\n").contains("record 2"));
        assert!(why("note", b"\xff").contains("UTF-8"));
        assert!(why("note", b"a,a.b\r\n1,2\r\n").contains("record 1"), "a text has no fields");
        let deep = format!("{}\nx\n", ".".repeat(500_000));
        assert!(why("note", deep.as_bytes()).contains("record 1"), "no row is that deep");
        assert!(why("note", "\n".repeat(1_000_000).as_bytes()).contains("more than"));
        assert!(archive(b"PK").unwrap_err().0.contains("no archive"));
    }

    proptest! {
        #[test]
        fn reading_never_fails_badly(section in proptest::sample::select(SECTIONS.to_vec()), csv in any::<Vec<u8>>()) {
            let _ = table(section, &csv);
            let _ = archive(&csv);
        }
    }
}
