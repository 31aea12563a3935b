//! What a person is given of their data: sections, one per table of the map that holds something of theirs, and their files.
//!
//! What is in it follows from the map ([`store::copy`]); what it is called stands in [`words`]. Nothing of anybody else is in
//! it: ids of others are taken out, and so are addresses and texts that others wrote ([`others`]). It is given as JSON, which
//! can be read back, as a page for people, as tables, and as an archive of all three with the files.

mod archive;
mod files;
mod html;
mod json;
mod others;
pub mod read_back;
mod tables;
mod words;

pub use archive::{unzip, zip};
pub use files::{File, Files};
pub use html::html;
pub use json::{Pieces, json};
pub use others::SOMEBODY;
pub use tables::{Table, tables};

use kernel::{AccountId, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::{
    Store, StoreError,
    copy::{self, Holdings, Row},
};
use uuid::Uuid;

/// What the document calls itself.
pub const FORMAT: &str = "wordbond.package";

/// The version of the package's schema. It grows with every change that a reader of an older one would stumble over.
pub const SCHEMA_VERSION: u32 = 1;

/// How a section is called: the name of its table without the schema.
#[must_use]
pub fn section_of(table: &str) -> &str {
    table.split_once('.').map_or(table, |(_, name)| name)
}

/// What a section is called and what it holds, for the person whose data it is.
#[must_use]
pub fn words_of(section: &str) -> Option<(&'static str, &'static str)> {
    words::of(section).map(|words| (words.title, words.about))
}

/// Which tables a package is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Everything about the person.
    Access,
    /// What the person provided.
    Portability,
}

impl Reach {
    /// Whether a section is in such a package.
    #[must_use]
    pub fn has(self, section: &str) -> bool {
        self == Self::Access || words::PROVIDED.contains(&section)
    }
}

/// The rows of one table that are about the person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// The name of the table.
    pub section: String,
    /// What it is called.
    pub title: String,
    /// What it holds, in a sentence.
    pub about: String,
    /// The rows, the oldest first.
    pub rows: Vec<Row>,
}

/// Something that is held and not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptBack {
    /// The section.
    pub section: String,
    /// The column.
    pub column: String,
    /// Why.
    pub why: String,
}

/// What a person is given, without the content of their files, which is read while it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Its id.
    pub id: Uuid,
    /// When it was gathered.
    pub made_at: Timestamp,
    /// Which tables it is about.
    pub reach: Reach,
    /// Whose it is.
    pub account: AccountId,
    /// The sections, in the order of the map; empty ones too, since that nothing is held is an answer.
    pub sections: Vec<Section>,
    /// What is held and not given.
    pub kept_back: Vec<KeptBack>,
    /// The files.
    pub files: Vec<File>,
}

/// Gathers everything that `reach` asks for about an account.
///
/// # Errors
/// [`StoreError::NotFound`]; and when something cannot be opened, rather than leave it out.
pub async fn gather(store: &Store, account: AccountId, reach: Reach) -> Result<Package, StoreError> {
    let holdings = copy::holdings(store, account).await?;
    let files = files::list(&holdings);
    let sections = sections(&holdings, reach);
    let kept_back = copy::KEPT_BACK.iter().map(|(table, column, why)| KeptBack {
        section: section_of(table).to_owned(),
        column: (*column).to_owned(),
        why: (*why).to_owned(),
    });
    let kept_back = kept_back.filter(|one| reach.has(&one.section)).collect();
    Ok(Package { id: Uuid::new_v4(), made_at: store.clock().now(), reach, account, sections, kept_back, files })
}

fn sections(holdings: &Holdings, reach: Reach) -> Vec<Section> {
    let others = others::Others::of(holdings);
    let mut out = Vec::new();
    for held in &holdings.held {
        let section = section_of(&held.table);
        if !reach.has(section) {
            continue;
        }
        let rows = held.rows.iter().map(|row| others.without(section, &held.people, row)).collect();
        let (title, about) =
            words::of(section).map_or((section, held.about.as_str()), |words| (words.title, words.about));
        out.push(Section { section: section.to_owned(), title: title.to_owned(), about: about.to_owned(), rows });
    }
    out
}

impl Package {
    /// How many rows each section has, for a page that says what is held.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        self.sections.iter().map(|section| (section.section.as_str(), section.rows.len())).collect()
    }

    /// A section by its name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.section == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::DataMap;

    #[test]
    fn a_section_has_the_name_of_its_table() {
        assert_eq!(section_of("wordbond.drawing"), "drawing");
        assert_eq!(section_of("drawing"), "drawing");
    }

    #[test]
    fn every_table_of_the_map_that_can_hold_something_of_somebody_is_a_section_with_words() {
        for table in &DataMap::own().unwrap().tables {
            let section = section_of(&table.name);
            let known = words::of(section).is_some();
            assert_eq!(known, copy::is_somebodys(table), "{section}: say in words.rs what it is called");
            let nobody = words::NAMES_NOBODY.iter().any(|(name, _)| *name == section);
            let special = ["tenant", "audit_event", "rights_case"].contains(&section);
            if known {
                let found = special || !table.people.is_empty();
                assert_eq!(!found, nobody, "{section}: no column says whose a row is, and nobody said why");
            }
        }
    }
}
