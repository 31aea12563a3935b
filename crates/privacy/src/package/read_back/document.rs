//! Reading the JSON of a package as it arrives: one file is in memory at a time.

use super::{
    super::{FORMAT, File, SCHEMA_VERSION},
    rows,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{PersonId, TenantId};
use serde::{
    Deserialize,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{
    cell::{Cell, RefCell},
    fmt, io,
};
use store::{
    copy::Row,
    objectives::{KeyResultFields, NewCheckIn, ObjectiveFields},
};
use uuid::Uuid;

/// How much of a package may be read without a file's ending: what one file may take, and all sections together.
const MOST: usize = 64 * 1024 * 1024;

/// What a package brings back.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// The person's name.
    Name(String),
    /// A note.
    Note {
        /// Its title.
        title: String,
        /// Its text.
        text: String,
    },
    /// A drawing.
    Drawing {
        /// What it is.
        file: File,
        /// Its content.
        content: Vec<u8>,
    },
    /// An objective of the person's, without owner and without what it supports.
    Objective {
        /// Its id in the package.
        id: Uuid,
        /// What it supports there, which may be somebody else's and not in the package.
        parent: Option<Uuid>,
        /// What people wrote.
        fields: ObjectiveFields,
        /// Whether it was put away.
        archived: bool,
    },
    /// A key result of the person's, without owner.
    KeyResult {
        /// Its id in the package.
        id: Uuid,
        /// The objective there, which may be somebody else's and not in the package.
        objective: Uuid,
        /// What people wrote.
        fields: KeyResultFields,
        /// Whether it was put away.
        archived: bool,
    },
    /// The newest check-in of the person's in a key result.
    CheckIn {
        /// The key result's id in the package.
        key_result: Uuid,
        /// What was noted.
        new: NewCheckIn,
    },
    /// A row that lacks something.
    Incomplete,
}

/// Why a package is not read, in words that repeat nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRead(pub String);

impl fmt::Display for NotRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotRead {}

/// Reads a package and hands on what it brings back, in order. `take` may stop the reading.
///
/// # Errors
/// [`NotRead`] for what is no package, another version of one, or one that is cut off: what was handed on by then stays.
pub fn read(from: impl io::Read, take: impl FnMut(Piece) -> bool) -> Result<(), NotRead> {
    let left = Cell::new(MOST);
    let bounded = Bounded { from, left: &left };
    let taker = Taker { take: RefCell::new(take), left: &left, wrong: RefCell::new(None) };
    let mut reader = serde_json::Deserializer::from_reader(io::BufReader::new(bounded));
    let read = Whole(&taker).deserialize(&mut reader).and_then(|()| reader.end());
    if let Some(why) = taker.wrong.take() {
        return Err(NotRead(why.to_owned()));
    }
    read.map_err(|error| {
        NotRead(format!(
            "this is no package: something else was expected at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

/// Ends where a single part is too long.
struct Bounded<'a, R> {
    from: R,
    left: &'a Cell<usize>,
}

impl<R: io::Read> io::Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let left = self.left.get().checked_sub(read).ok_or_else(|| io::Error::other("a part is too long"))?;
        self.left.set(left);
        Ok(read)
    }
}

struct Taker<'a, F> {
    take: RefCell<F>,
    left: &'a Cell<usize>,
    wrong: RefCell<Option<&'static str>>,
}

impl<F: FnMut(Piece) -> bool> Taker<'_, F> {
    fn give<E: de::Error>(&self, piece: Piece) -> Result<(), E> {
        self.left.set(MOST);
        if (self.take.borrow_mut())(piece) { Ok(()) } else { Err(self.stop("the reading was ended")) }
    }

    fn stop<E: de::Error>(&self, why: &'static str) -> E {
        *self.wrong.borrow_mut() = Some(why);
        E::custom(why)
    }
}

/// The whole document.
struct Whole<'a, 'b, F>(&'a Taker<'b, F>);

impl<'de, F: FnMut(Piece) -> bool> DeserializeSeed<'de> for Whole<'_, '_, F> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Piece) -> bool> Visitor<'de> for Whole<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a package")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // What it is stands first: nothing is taken of what says otherwise, or nothing.
        let mut known = (false, false);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "format" if map.next_value::<String>()? == FORMAT => known.0 = true,
                "format" => return Err(self.0.stop("this is no package of a person's data")),
                "schema_version" if map.next_value::<u32>()? == SCHEMA_VERSION => known.1 = true,
                "schema_version" => {
                    return Err(self
                        .0
                        .stop("this package has another version than the one that is read here, which is 1"));
                }
                "sections" | "files" if known != (true, true) => {
                    return Err(self.0.stop("this is no package of a person's data"));
                }
                "sections" => map.next_value_seed(Sections(self.0))?,
                "files" => map.next_value_seed(Contents(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if known == (true, true) { Ok(()) } else { Err(self.0.stop("this is no package of a person's data")) }
    }
}

#[derive(Deserialize)]
struct Section {
    section: String,
    rows: Rows,
}

/// The rows of a section, counted while they are read: each takes more room than it has letters.
struct Rows(Vec<Row>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Counted;
        impl<'de> Visitor<'de> for Counted {
            type Value = Rows;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {} rows", rows::MOST_ROWS)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Rows, A::Error> {
                let mut out = Vec::new();
                while let Some(row) = all.next_element()? {
                    if out.len() == rows::MOST_ROWS {
                        return Err(de::Error::invalid_length(out.len() + 1, &self));
                    }
                    out.push(row);
                }
                Ok(Rows(out))
            }
        }
        from.deserialize_seq(Counted)
    }
}

struct Sections<'a, 'b, F>(&'a Taker<'b, F>);

impl<'de, F: FnMut(Piece) -> bool> DeserializeSeed<'de> for Sections<'_, '_, F> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Piece) -> bool> Visitor<'de> for Sections<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sections")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(Section { section, rows }) = all.next_element()? {
            for piece in rows::pieces(&section, &rows.0) {
                self.0.give(piece)?;
            }
            self.0.left.set(MOST);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Content {
    section: String,
    id: Uuid,
    team: TenantId,
    person: PersonId,
    name: String,
    kind: String,
    size: u64,
    content: String,
    sha256: String,
}

struct Contents<'a, 'b, F>(&'a Taker<'b, F>);

impl<'de, F: FnMut(Piece) -> bool> DeserializeSeed<'de> for Contents<'_, '_, F> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Piece) -> bool> Visitor<'de> for Contents<'_, '_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while let Some(one) = all.next_element::<Content>()? {
            let Content { section, id, team, person, name, kind, size, content, sha256 } = one;
            let content = STANDARD.decode(content).map_err(|_| self.0.stop("the content of a file is no base64"))?;
            let sum: String = digest(&SHA256, &content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            if content.len() as u64 != size || sum != sha256 {
                return Err(self.0.stop("a file is not what the package says of it"));
            }
            let file = File { section, id, team, person, name, kind, size };
            self.0.give(Piece::Drawing { file, content })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn package() -> Value {
        let id = Uuid::now_v7();
        json!({
            "format": FORMAT, "schema_version": SCHEMA_VERSION, "id": id, "made_at": "2026-11-22T10:00:00Z",
            "sections": [
                {"section": "account", "title": "", "about": "", "rows": [{"name": "Ada", "email": "ada@example.org"}]},
                {"section": "note", "title": "", "about": "", "rows": [{"title": "a", "body": "b"}, {"title": "c"}]},
                {"section": "session", "title": "", "about": "", "rows": [{"device": "x"}]},
            ],
            "kept_back": [],
            "files": [{"section": "drawing", "id": id, "team": id, "person": id, "name": "x", "kind": "png", "size": 3, "content": "AQID",
                "sha256": "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"}],
        })
    }

    /// As it is written: what it is stands first.
    fn written(package: &Value) -> String {
        let field = |name: &str| format!("\"{name}\":{}", package[name]);
        let fields = ["format", "schema_version", "id", "made_at", "sections", "kept_back", "files"].map(field);
        format!("{{{}}}", fields.join(","))
    }

    fn pieces(text: &str) -> (Vec<Piece>, Result<(), NotRead>) {
        let mut out = Vec::new();
        let read = read(text.as_bytes(), |piece| {
            out.push(piece);
            true
        });
        (out, read)
    }

    #[test]
    fn what_can_be_made_again_is_handed_on() {
        let (out, read) = pieces(&written(&package()));
        read.unwrap();
        assert_eq!(out.len(), 4, "{out:?}");
        assert!(matches!(&out[0], Piece::Name(name) if name == "Ada"));
        assert!(matches!(&out[1], Piece::Note { title, text } if title == "a" && text == "b"));
        assert!(matches!(&out[2], Piece::Incomplete), "a note without a text");
        assert!(matches!(&out[3], Piece::Drawing { content, .. } if content == &[1, 2, 3]));
    }

    #[test]
    fn what_is_no_package_brings_nothing() {
        let wrong = |change: fn(&mut Value)| {
            let mut package = package();
            change(&mut package);
            let (out, read) = pieces(&written(&package));
            (out.len(), read.unwrap_err().to_string())
        };
        assert_eq!(wrong(|p| p["format"] = json!("other")).0, 0);
        assert!(wrong(|p| p["schema_version"] = json!(2)).1.contains("another version"));
        assert!(wrong(|p| p["files"][0]["content"] = json!("???")).1.contains("base64"));
        assert!(wrong(|p| p["files"][0]["size"] = json!(4)).1.contains("not what"));
        let whole = written(&package());
        assert!(pieces(whole.get(..whole.len() - 5).unwrap()).1.is_err(), "cut off");
        assert_eq!(pieces(&package().to_string()).0, [], "files before it is known what they are in");
        let many = format!("[{}{{}}]", "{},".repeat(rows::MOST_ROWS));
        let mut crowd =
            written(&json!({"format": FORMAT, "schema_version": SCHEMA_VERSION, "sections": "S", "files": []}));
        crowd = crowd.replace("\"S\"", &format!("[{{\"section\":\"note\",\"rows\":{many}}}]"));
        assert!(pieces(&crowd).1.is_err(), "nobody has as many notes");
        let first = read(whole.as_bytes(), |_| false).unwrap_err();
        assert_eq!(first.0, "the reading was ended");
    }

    proptest! {
        #[test]
        fn reading_never_fails_badly(text in any::<String>()) {
            let _ = pieces(&text);
        }
    }
}
