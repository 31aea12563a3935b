//! The map of a foreign database: whose the rows of each table are, what each column holds, and what an erasure does.

use super::error::ForeignError;
use kernel::{DataClass, Span};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};
use store::foreign::TableName;

/// A map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Where the people are.
    pub subject: Subject,
    /// Every table.
    #[serde(rename = "table", default)]
    pub tables: Vec<Table>,
}

/// The table of people.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its name.
    pub table: TableName,
    /// The column whose value tells people apart.
    pub key: String,
    /// Columns of it that hold e-mail addresses, by which somebody is found.
    #[serde(default)]
    pub email: Vec<String>,
    /// Columns whose values are looked for in every text afterwards: of this table by name, of another table that is the
    /// person's as `schema.table.column`.
    #[serde(default)]
    pub identifiers: Vec<String>,
}

/// A table and all its columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Schema and name.
    pub name: TableName,
    /// What it holds.
    #[serde(default)]
    pub about: String,
    /// A row belongs to whom it points at through one of these, or to whom that row belongs.
    #[serde(default)]
    pub owned_by: Vec<Link>,
    /// These are emptied where they point at a row that goes.
    #[serde(default)]
    pub cleared: Vec<Link>,
    /// These say nothing about whose a row is.
    #[serde(default)]
    pub points_at: Vec<Link>,
    /// What an erasure does with the rows that belong to the person.
    pub on_erase: Rule,
    /// What columns become where rows are made anonymous: `null`, `random`, `random@` for an address, or `=text`.
    #[serde(default)]
    pub anonymise: BTreeMap<String, String>,
    /// Why something about people stays.
    #[serde(default)]
    pub keep_reason: Option<String>,
    /// How long rows stay.
    #[serde(default, deserialize_with = "span")]
    pub keep_for: Option<Span>,
    /// The column from which that counts.
    #[serde(default)]
    pub age: Option<String>,
    /// What is done where a text names the person. Nothing said: the erasure is not complete until nothing does.
    #[serde(default)]
    pub mentions: BTreeMap<String, Mention>,
    /// Column to class.
    pub columns: BTreeMap<String, Class>,
}

/// What an erasure does with rows that belong to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// They go.
    Delete,
    /// They stay, and nobody can tell whose they were.
    Anonymise,
    /// They stay, for a reason; or they are nobody's.
    Keep,
    /// A materialized view: it is made anew.
    Refresh,
}

/// What is done with a text that names the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mention {
    /// What names them is replaced.
    Redact,
    /// It stays, for the table's reason.
    Keep,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Class {
    /// This.
    Known(DataClass),
    /// Nobody has said.
    Unclassified,
}

/// Columns of one table that point at columns of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Link {
    /// The columns that point.
    pub columns: Vec<String>,
    /// The table they point at.
    pub table: TableName,
    /// The columns they point at.
    pub targets: Vec<String>,
    /// Whether the schema does not know of it.
    pub undeclared: bool,
}

/// The word for a column that nobody has classified.
pub const UNCLASSIFIED: &str = "unclassified";

/// The word after a link that the schema does not know of.
const UNDECLARED: &str = " undeclared";

impl Map {
    /// Reads a map.
    ///
    /// # Errors
    /// [`ForeignError::Map`], with line and column.
    pub fn parse(text: &str) -> Result<Self, ForeignError> {
        toml::from_str(text).map_err(|error| ForeignError::Map(error.to_string()))
    }

    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }

    /// Whether it is the table of people.
    #[must_use]
    pub fn is_root(&self, name: &TableName) -> bool {
        self.subject.table == *name
    }

    /// The identifiers: table and column.
    ///
    /// # Errors
    /// The identifier that is neither a column nor a table's column.
    pub fn identifiers(&self) -> Result<Vec<(TableName, String)>, String> {
        let read = |text: &String| match text.rsplit_once('.') {
            None => Ok((self.subject.table.clone(), text.clone())),
            Some((table, column)) => Ok((table.parse()?, column.to_owned())),
        };
        self.subject.identifiers.iter().map(read).collect()
    }
}

impl Table {
    /// Every link, whatever it is for.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.owned_by.iter().chain(&self.cleared).chain(&self.points_at)
    }

    /// The columns of one of these classes.
    pub fn columns_of<'a>(&'a self, wanted: &'a [DataClass]) -> impl Iterator<Item = &'a str> {
        let is_wanted = |class: &Class| matches!(class, Class::Known(class) if wanted.contains(class));
        self.columns.iter().filter(move |(_, class)| is_wanted(class)).map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(class) => class.fmt(f),
            Self::Unclassified => f.write_str(UNCLASSIFIED),
        }
    }
}

impl TryFrom<String> for Class {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == UNCLASSIFIED { Ok(Self::Unclassified) } else { text.parse().map(Self::Known) }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let undeclared = if self.undeclared { UNDECLARED } else { "" };
        write!(f, "{} -> {}({}){undeclared}", self.columns.join(", "), self.table, self.targets.join(", "))
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("`{text}` is no link; expected column -> schema.table(column)");
        let (bare, undeclared) = text.strip_suffix(UNDECLARED).map_or((text, false), |bare| (bare, true));
        let (columns, rest) = bare.split_once("->").ok_or_else(shape)?;
        let (table, targets) =
            rest.trim().strip_suffix(')').and_then(|rest| rest.rsplit_once('(')).ok_or_else(shape)?;
        let list = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        let (columns, targets) = (list(columns), list(targets));
        let whole = columns.len() == targets.len() && columns.iter().chain(&targets).all(|name| !name.is_empty());
        if !whole {
            return Err(shape());
        }
        Ok(Self { columns, table: table.trim().parse()?, targets, undeclared })
    }
}

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `for ever` is said by leaving it out.
fn span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_read_back() {
        for text in ["user_id -> shop.user(id)", "tenant, author -> shop.user(tenant, id)", "mail -> a.b(c) undeclared"]
        {
            assert_eq!(text.parse::<Link>().unwrap().to_string(), text);
        }
        for wrong in ["user_id", "a -> b(c)", "a, b -> x.y(c)", "a -> x.y(c", " -> x.y()", "a -> x.y(c) declared"] {
            assert!(wrong.parse::<Link>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_map_reads_and_says_where_it_does_not() {
        let map = Map::parse(
            "[subject]\ntable = \"shop.user\"\nkey = \"id\"\nemail = [\"mail\"]\nidentifiers = [\"mail\", \"shop.alias.name\"]\n\
             [[table]]\nname = \"shop.user\"\non_erase = \"delete\"\nkeep_for = \"30 days\"\n[table.columns]\nid = \"pseudonym\"\nmail = \"unclassified\"\n",
        )
        .unwrap();
        assert_eq!(map.tables[0].columns["mail"], Class::Unclassified);
        assert_eq!(map.tables[0].columns["id"], Class::Known(DataClass::Pseudonym));
        assert_eq!(map.identifiers().unwrap()[1], ("shop.alias".parse().unwrap(), "name".to_owned()));
        let error = Map::parse("[subject]\ntable = \"user\"\nkey = \"id\"\n").unwrap_err().to_string();
        assert!(error.contains("schema.table"), "{error}");
        let error = Map::parse("[subject]\ntable = \"a.user\"\nkey = \"id\"\nkeys = 3\n").unwrap_err().to_string();
        assert!(error.contains("keys"), "{error}");
    }
}
