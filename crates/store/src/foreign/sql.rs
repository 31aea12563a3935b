//! How a row belongs to a subject, as a condition.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, sync::Arc};

/// A table, by schema and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    /// The schema.
    pub schema: String,
    /// The name within it.
    pub name: String,
}

impl TableName {
    /// The table of that schema and name.
    #[must_use]
    pub fn new(schema: &str, name: &str) -> Self {
        Self { schema: schema.to_owned(), name: name.to_owned() }
    }

    /// As SQL names it, quoted.
    pub(crate) fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

impl FromStr for TableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('.') {
            Some((schema, name)) if !schema.is_empty() && !name.is_empty() => Ok(Self::new(schema, name)),
            _ => Err(format!("`{text}` is no table; expected schema.table")),
        }
    }
}

impl TryFrom<String> for TableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

/// Values of one column of the subjects' table, by which other tables name them: their keys, or their addresses. They are
/// bound to a statement and cast to the type that the column has there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handle {
    /// The column of the subjects' table.
    pub column: String,
    /// Its type.
    pub kind: String,
    /// The values, as text.
    pub values: Vec<String>,
}

/// One way in which a row belongs to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One of its columns holds a handle.
    Handle {
        /// The column.
        column: String,
        /// Its type, to which the handle's values are cast.
        kind: String,
        /// The number of the handle.
        handle: usize,
    },
    /// It points at a row that belongs to the subject.
    Through {
        /// The columns that point.
        columns: Vec<String>,
        /// The columns they point at.
        targets: Vec<String>,
        /// The rows they point at.
        parent: Arc<Owned>,
    },
}

/// The rows of a table that belong to a subject: by any of the ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The table.
    pub table: TableName,
    /// The ways.
    pub reaches: Vec<Reach>,
}

/// A name as SQL quotes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL quotes it.
pub(crate) fn literal(text: &str) -> String {
    let escape = if text.contains('\\') { " E" } else { "" };
    format!("{escape}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Several columns of `alias`, as a list.
pub(crate) fn columns_of(alias: &str, columns: &[String]) -> String {
    columns.iter().map(|column| format!("{alias}.{}", quoted(column))).collect::<Vec<_>>().join(", ")
}

impl Owned {
    /// The condition under which the row `alias` belongs to a subject. Handles are parameters, from `$1` on.
    pub(crate) fn condition(&self, alias: &str) -> String {
        any(&self.reaches, alias)
    }
}

/// The condition under which any of the ways leads from the row `alias` to a subject.
pub(crate) fn any(reaches: &[Reach], alias: &str) -> String {
    if reaches.is_empty() {
        return "false".to_owned();
    }
    let ways: Vec<String> = reaches.iter().map(|reach| reach.condition(alias)).collect();
    format!("({})", ways.join(" OR "))
}

impl Reach {
    fn condition(&self, alias: &str) -> String {
        match self {
            // The cast is on the parameter, so that an index on the column is used.
            Self::Handle { column, kind, handle } => {
                format!("{alias}.{} = ANY (${}::text[]::{kind}[])", quoted(column), handle + 1)
            }
            Self::Through { columns, targets, parent } => {
                // Each level has an alias of its own.
                let inner = format!("{alias}p");
                format!(
                    "({}) IN (SELECT {} FROM {} AS {inner} WHERE {})",
                    columns_of(alias, columns),
                    columns_of(&inner, targets),
                    parent.table.sql(),
                    parent.condition(&inner)
                )
            }
        }
    }

    /// The columns of the row that lead away from it.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        match self {
            Self::Handle { column, .. } => vec![column.clone()],
            Self::Through { columns, .. } => columns.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_break_out() {
        assert_eq!(TableName::new("a\"b", "c").sql(), "\"a\"\"b\".\"c\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), " E'a\\\\''b'");
        assert!("noschema".parse::<TableName>().is_err() && ".x".parse::<TableName>().is_err());
    }

    #[test]
    fn a_row_belongs_through_its_parents() {
        let handle = Reach::Handle { column: "user_id".into(), kind: "bigint".into(), handle: 0 };
        let order = Arc::new(Owned { table: TableName::new("shop", "order"), reaches: vec![handle] });
        let item = Owned {
            table: TableName::new("shop", "item"),
            reaches: vec![Reach::Through {
                columns: vec!["order_id".into()],
                targets: vec!["id".into()],
                parent: order,
            }],
        };
        assert_eq!(
            item.condition("t"),
            "((t.\"order_id\") IN (SELECT tp.\"id\" FROM \"shop\".\"order\" AS tp WHERE (tp.\"user_id\" = ANY ($1::text[]::bigint[]))))"
        );
        assert_eq!(any(&[], "t"), "false");
    }
}
