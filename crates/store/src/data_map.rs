//! The data map: where data is, what it is, whose it is. Compared with the live schema in both directions.

use crate::StoreError;
use kernel::{DataClass, Span, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};

/// The map that this build was made with.
const OWN: &str = include_str!("../data_map.toml");

/// Whose rows a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// A tenant's.
    Tenant,
    /// A person's within a tenant.
    Owner,
    /// An account's.
    Account,
    /// Whoever's key is known.
    Lookup,
    /// Nobody's.
    System,
}

/// What an erasure of a person does with the rows that name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnErase {
    /// They go.
    Delete,
    /// They stay, without the columns under `anonymise`.
    Anonymise,
    /// They stay as they are.
    Keep,
}

/// The map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataMap {
    /// Tables of the database.
    #[serde(rename = "table")]
    pub tables: Vec<Table>,
    /// Files outside it.
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// A table and all its columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Schema and name.
    pub name: String,
    /// What it holds.
    pub about: String,
    /// Whose rows.
    pub scope: Scope,
    /// The column that names the person whose row it is.
    pub owner: Option<String>,
    /// Who else may read a row: a condition on the row `t`, with `:actor` for who asks.
    pub readers: Option<String>,
    /// How long rows stay.
    pub retention: String,
    /// What an erasure does, for people.
    pub erasure: String,
    /// What an erasure does.
    pub on_erase: OnErase,
    /// Columns that an erasure empties.
    #[serde(default)]
    pub anonymise: BTreeSet<String>,
    /// Columns whose values are ids of people or accounts.
    #[serde(default)]
    pub people: BTreeSet<String>,
    /// How long a row stays, counted from its column `age`.
    pub keep_for: Option<Span>,
    /// The column from which a row's age is counted.
    pub age: Option<String>,
    /// The column to which look-ups lead: they go with the row.
    pub found_by: Option<String>,
    /// Its foreign keys, as the database words them.
    pub foreign_keys: BTreeSet<String>,
    /// Column to class.
    pub columns: BTreeMap<String, DataClass>,
}

/// A file, or a directory of files of one kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Below the data directory.
    pub path: String,
    /// What it holds.
    pub about: String,
    /// Its class.
    pub class: DataClass,
    /// How long it stays.
    pub retention: String,
    /// What an erasure does.
    pub erasure: String,
}

/// How the map for people begins.
const INTRODUCTION: &str = "# Data map

Where data is, what it is, whose it is, how long it stays, and what an erasure does with it. Made from
`crates/store/data_map.toml` by `cargo run -p store --example data_map`; the system compares that file with the live schema
at every start, in both directions, and refuses to serve where they differ.

Classes: **system** says nothing about a person; **pseudonym** is an id without meaning of its own; **blind-index** is a
keyed hash to look something up by; **credential** is a hash of a secret or a wrapped key; **personal** and **content** are
stored as ciphertext only, in columns of the type `wordbond.sealed`.
";

impl Table {
    fn markdown(&self) -> String {
        let whose = match (self.scope, &self.owner) {
            (Scope::Owner, Some(owner)) => format!("a person's within a tenant, by `{owner}`"),
            (Scope::Account, _) => "an account's".to_owned(),
            (Scope::Lookup, _) => "shown only to whoever knows their key".to_owned(),
            (Scope::Tenant | Scope::Owner, _) => "a tenant's".to_owned(),
            (Scope::System, _) => "nobody's".to_owned(),
        };
        let mut out = format!(
            "\n## {}\n\n{} Rows are {whose}. They stay: {}. At an erasure: {}.\n\n| column | class |\n|---|---|\n",
            self.name, self.about, self.retention, self.erasure
        );
        for (column, class) in &self.columns {
            out.push_str(&format!("| `{column}` | {class} |\n"));
        }
        out
    }

    /// The column from which age counts, and before which instant a row has run out at `now`; `None` where none does.
    #[must_use]
    pub fn runs_out(&self, now: Timestamp) -> Option<(&str, Timestamp)> {
        let (keep_for, age) = (self.keep_for?, self.age.as_deref()?);
        Some((age, now.checked_sub(keep_for.signed()).ok()?))
    }

    /// The columns that hold ciphertext.
    pub fn sealed(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|(_, class)| class.is_sealed()).map(|(column, _)| column.as_str())
    }

    /// Every way in which its own lines contradict each other, a sentence each.
    fn contradictions(&self) -> Vec<String> {
        let name = &self.name;
        let mut out = Vec::new();
        let named = self.people.iter().chain(&self.anonymise).chain(&self.age).chain(&self.found_by);
        let unknown = named.filter(|column| !self.columns.contains_key(*column));
        out.extend(unknown.map(|column| format!("{name} names the column {column}, which it does not have")));
        if self.keep_for.is_some() != self.age.is_some() {
            out.push(format!("{name} needs both `keep_for` and `age`, or neither"));
        }
        if (self.on_erase == OnErase::Anonymise) == self.anonymise.is_empty() {
            out.push(format!("{name} anonymises, or lists columns to empty, and not both"));
        }
        if !self.anonymise.is_subset(&self.people) {
            out.push(format!("{name} empties a column that names nobody"));
        }
        out
    }

    /// Whether its rows are somebody's, so that row security must hold.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        self.scope != Scope::System
    }
}

impl DataMap {
    /// The map of this build.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] when the file is malformed, which a test prevents.
    pub fn own() -> Result<Self, StoreError> {
        Self::parse(OWN)
    }

    /// Reads a map.
    ///
    /// # Errors
    /// [`StoreError::Unexpected`] with line and column, or with what contradicts itself.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let map: Self = toml::from_str(text).map_err(|error| StoreError::Unexpected(format!("data map: {error}")))?;
        let wrong: Vec<String> = map.tables.iter().flat_map(Table::contradictions).collect();
        if wrong.is_empty() { Ok(map) } else { Err(StoreError::Unexpected(format!("data map: {}", wrong.join("; ")))) }
    }

    /// A table by its schema and name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The tables whose rows are somebody's.
    pub fn scoped(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(|table| table.is_scoped())
    }

    /// The map for people: `docs/DATA_MAP.md`, which a test holds to this.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = INTRODUCTION.to_owned();
        for table in &self.tables {
            out.push_str(&table.markdown());
        }
        out.push_str("\n## Files\n\nBelow the data directory.\n\n| file | class | holds | stays | at an erasure |\n|---|---|---|---|---|\n");
        for File { path, class, about, retention, erasure } in &self.files {
            out.push_str(&format!("| `{path}` | {class} | {about} | {retention} | {erasure} |\n"));
        }
        out
    }

    /// Every way in which the map and the schema that `conn` sees differ, a sentence each.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn differences(&self, conn: &mut PgConnection) -> Result<Vec<String>, StoreError> {
        let live = Live::read(conn).await?;
        let mut out = Vec::new();
        for table in &self.tables {
            match live.columns.get(&table.name) {
                None => out.push(format!("{} is on the map and not in the database", table.name)),
                Some(columns) => compare(table, columns, live.foreign_keys.get(&table.name), &mut out),
            }
        }
        let mapped: BTreeSet<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
        let unmapped = live.columns.keys().filter(|name| !mapped.contains(name.as_str()));
        out.extend(unmapped.map(|name| format!("{name} is in the database and not on the map")));
        Ok(out)
    }
}

/// What the catalogue says.
struct Live {
    /// Table to column to type.
    columns: BTreeMap<String, BTreeMap<String, String>>,
    /// Table to its foreign keys.
    foreign_keys: BTreeMap<String, BTreeSet<String>>,
}

/// Tables of all schemas but those that came with the server, which number below 16384.
const COLUMNS: &str = "SELECT n.nspname || '.' || c.relname, a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384";

const FOREIGN_KEYS: &str = "SELECT n.nspname || '.' || c.relname, pg_get_constraintdef(k.oid)
    FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.conrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE k.contype = 'f'";

impl Live {
    async fn read(conn: &mut PgConnection) -> Result<Self, StoreError> {
        let mut columns: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for row in sqlx::query(COLUMNS).fetch_all(&mut *conn).await? {
            columns.entry(row.try_get(0)?).or_default().insert(row.try_get(1)?, row.try_get(2)?);
        }
        let mut foreign_keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in sqlx::query(FOREIGN_KEYS).fetch_all(&mut *conn).await? {
            let words: String = row.try_get(1)?;
            let words = words.trim_start_matches("FOREIGN KEY ").to_owned();
            foreign_keys.entry(row.try_get(0)?).or_default().insert(words);
        }
        Ok(Self { columns, foreign_keys })
    }
}

fn compare(table: &Table, live: &BTreeMap<String, String>, keys: Option<&BTreeSet<String>>, out: &mut Vec<String>) {
    let name = &table.name;
    for (column, class) in &table.columns {
        match live.get(column) {
            None => out.push(format!("{name}.{column} is on the map and not in the database")),
            Some(kind) if !fits(*class, kind) => {
                out.push(format!("{name}.{column} is {class} and has the type {kind}"))
            }
            Some(_) => {}
        }
    }
    let unclassified = live.keys().filter(|column| !table.columns.contains_key(*column));
    out.extend(unclassified.map(|column| format!("{name}.{column} is in the database and has no class")));
    if let Some(owner) = table.owner.as_ref().filter(|owner| !table.columns.contains_key(*owner)) {
        out.push(format!("{name} is owned through {owner}, which it does not have"));
    }
    let none = BTreeSet::new();
    let keys = keys.unwrap_or(&none);
    out.extend(
        keys.difference(&table.foreign_keys)
            .map(|key| format!("{name} has the foreign key {key}, which is not on the map")),
    );
    out.extend(table.foreign_keys.difference(keys).map(|key| format!("{name} lacks the foreign key {key}")));
}

/// Whether a column of that type can hold data of that class.
fn fits(class: DataClass, kind: &str) -> bool {
    match class {
        DataClass::Personal | DataClass::Content => kind == "wordbond.sealed",
        DataClass::Pseudonym => matches!(kind, "uuid" | "uuid[]"),
        DataClass::BlindIndex | DataClass::Credential => kind == "bytea",
        DataClass::System => kind != "wordbond.sealed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_map_reads_and_names_each_table_once() {
        let map = DataMap::own().unwrap();
        let names: BTreeSet<&str> = map.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names.len(), map.tables.len());
        for table in map.scoped() {
            let key = if table.scope == Scope::Account { "account_id" } else { "tenant_id" };
            assert!(table.columns.contains_key(key), "{}", table.name);
        }
        assert!(map.tables.iter().filter(|t| t.scope == Scope::Owner).all(|table| table.owner.is_some()));
    }

    #[test]
    fn the_map_for_people_is_the_map() {
        let written = include_str!("../../../docs/DATA_MAP.md");
        let own = DataMap::own().unwrap().markdown();
        assert_eq!(written, own, "write it anew: cargo run -p store --example data_map > docs/DATA_MAP.md");
    }

    #[test]
    fn every_id_on_the_map_is_somebodys_or_known_to_be_nobodys() {
        // Ids of things and of tenants. Whatever else is a pseudonym must be declared to name people.
        const NOBODY: &[&str] = &["tenant_id", "objective_id", "parent_id", "key_result_id", "drawing_id", "note_id"];
        for table in &DataMap::own().unwrap().tables {
            let short = table.name.rsplit('.').next().unwrap();
            for (column, class) in &table.columns {
                let own_key = [short, short.rsplit('_').next().unwrap()].contains(&column.trim_end_matches("_id"));
                let thing = own_key
                    || NOBODY.contains(&column.as_str())
                    || ["row_id", "case_id", "blob_id", "receipt_id", "job_id"].contains(&column.as_str());
                if *class == DataClass::Pseudonym && !thing {
                    assert!(table.people.contains(column), "{}.{column}: list it under `people`", table.name);
                }
            }
        }
    }

    #[test]
    fn a_map_that_contradicts_itself_says_how() {
        let own = |more: &str| {
            let text = format!(
                "file = []\n[[table]]\nname = \"a.b\"\nabout = \"\"\nscope = \"system\"\nretention = \"\"\nerasure = \"\"\n\
                 foreign_keys = []\n{more}\n[table.columns]\nc = \"pseudonym\"\n"
            );
            DataMap::parse(&text).map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(own("on_erase = \"keep\""), Ok(()));
        for (more, says) in [
            ("on_erase = \"anonymise\"", "not both"),
            ("on_erase = \"keep\"\nkeep_for = \"1 day\"", "`keep_for` and `age`"),
            ("on_erase = \"delete\"\npeople = [\"d\"]", "the column d"),
            ("on_erase = \"anonymise\"\nanonymise = [\"c\"]", "names nobody"),
        ] {
            assert!(own(more).unwrap_err().contains(says), "{more}");
        }
    }

    #[test]
    fn a_class_binds_the_type() {
        assert!(fits(DataClass::Personal, "wordbond.sealed"));
        assert!(!fits(DataClass::Personal, "text"));
        assert!(!fits(DataClass::Content, "bytea"));
        assert!(!fits(DataClass::Pseudonym, "text"));
        assert!(!fits(DataClass::System, "wordbond.sealed"));
    }

    #[test]
    fn a_malformed_map_says_where() {
        let error = DataMap::parse("[[table]]\nname = 3\n").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
