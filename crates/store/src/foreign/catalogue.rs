//! What the schema says of itself.

use super::{Foreign, sql::TableName};
use crate::StoreError;
use sqlx::{PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};

/// The tables of a database, but for those that came with the server.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// By name.
    pub tables: BTreeMap<TableName, Table>,
}

/// What holds rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Plain,
    /// A table in parts; its parts are not listed themselves.
    Partitioned,
    /// A query's rows, kept: a copy that an erasure does not reach until it is made anew.
    Materialized,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// What it is.
    pub kind: Kind,
    /// About how many rows it holds.
    pub rows: i64,
    /// What lies on the disk: itself, or its parts.
    pub leaves: Vec<TableName>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key.
    pub primary_key: Vec<String>,
    /// The columns of each unique index that covers every row.
    pub uniques: Vec<Vec<String>>,
    /// The columns of each index that covers every row.
    pub indexes: Vec<Vec<String>>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Whether row security is on.
    pub row_security: bool,
    /// Triggers that the application made.
    pub triggers: Vec<String>,
}

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as the database words it.
    pub kind: String,
    /// The name of the type without length, and of what a domain is made of.
    pub base: String,
    /// The longest text that fits.
    pub longest: Option<i32>,
    /// Whether it must have a value.
    pub not_null: bool,
    /// Whether the database makes its value from other columns.
    pub generated: bool,
}

/// What a foreign key does when the row that it points at goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused.
    Refuse,
    /// The row that points goes too.
    Cascade,
    /// The columns that point are emptied, or set to their default.
    Empty,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that point.
    pub columns: Vec<String>,
    /// The table they point at.
    pub target: TableName,
    /// The columns they point at.
    pub targets: Vec<String>,
    /// What happens when that row goes.
    pub on_delete: OnDelete,
}

/// Tables of all schemas but those that came with the server, which number below 16384. Parts of tables stand with the
/// whole.
const TABLES: &str = "SELECT n.nspname::text, c.relname::text, c.relkind::text, greatest(c.reltuples, 0)::bigint, c.relrowsecurity,
        ARRAY(SELECT ln.nspname::text FROM pg_catalog.pg_partition_tree(c.oid) AS p
            JOIN pg_catalog.pg_class AS l ON l.oid = p.relid JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.relnamespace
            WHERE p.isleaf ORDER BY l.oid),
        ARRAY(SELECT l.relname::text FROM pg_catalog.pg_partition_tree(c.oid) AS p
            JOIN pg_catalog.pg_class AS l ON l.oid = p.relid WHERE p.isleaf ORDER BY l.oid),
        ARRAY(SELECT tgname::text FROM pg_catalog.pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY 1)
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND c.oid >= 16384
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = c.oid AND deptype = 'e')";

const COLUMNS: &str = "SELECT n.nspname::text, c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
        coalesce(b.typname, y.typname)::text,
        CASE WHEN y.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END,
        a.attnotnull OR y.typnotnull, a.attgenerated <> '' OR a.attidentity = 'a'
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type AS b ON b.oid = nullif(y.typbasetype, 0)
    WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 ORDER BY c.oid, a.attnum";

/// Only indexes that hold every row, on columns and not on expressions.
const INDEXES: &str = "SELECT n.nspname::text, c.relname::text, i.indisprimary, i.indisunique,
        ARRAY(SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.number
            WHERE k.place <= i.indnkeyatts ORDER BY k.place)
    FROM pg_catalog.pg_index AS i
    JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
    WHERE i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND c.oid >= 16384 AND m.amname IN ('btree', 'hash')";

const FOREIGN_KEYS: &str =
    "SELECT n.nspname::text, c.relname::text, tn.nspname::text, tc.relname::text, k.confdeltype::text,
        ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS o (number, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = o.number ORDER BY o.place),
        ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS o (number, place)
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = o.number ORDER BY o.place)
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_class AS tc ON tc.oid = k.confrelid
    JOIN pg_catalog.pg_namespace AS tn ON tn.oid = tc.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY k.conname";

impl Foreign {
    /// Reads the schema.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn catalogue(&mut self) -> Result<Catalogue, StoreError> {
        let conn = self.conn();
        let mut catalogue = Catalogue { tables: tables(conn).await? };
        catalogue.read_columns(conn).await?;
        catalogue.read_indexes(conn).await?;
        catalogue.read_foreign_keys(conn).await?;
        Ok(catalogue)
    }
}

async fn tables(conn: &mut PgConnection) -> Result<BTreeMap<TableName, Table>, StoreError> {
    let mut out = BTreeMap::new();
    for row in sqlx::query(TABLES).fetch_all(conn).await? {
        let name = TableName { schema: row.try_get(0)?, name: row.try_get(1)? };
        let kind = match row.try_get::<String, _>(2)?.as_str() {
            "p" => Kind::Partitioned,
            "m" => Kind::Materialized,
            _ => Kind::Plain,
        };
        let (schemas, names): (Vec<String>, Vec<String>) = (row.try_get(5)?, row.try_get(6)?);
        let parts = schemas.into_iter().zip(names).map(|(schema, name)| TableName { schema, name });
        let leaves = if kind == Kind::Partitioned { parts.collect() } else { vec![name.clone()] };
        let table = Table {
            kind,
            rows: row.try_get(3)?,
            leaves,
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            row_security: row.try_get(4)?,
            triggers: row.try_get(7)?,
        };
        out.insert(name, table);
    }
    Ok(out)
}

impl Catalogue {
    async fn read_columns(&mut self, conn: &mut PgConnection) -> Result<(), StoreError> {
        for row in sqlx::query(COLUMNS).fetch_all(conn).await? {
            let name = TableName { schema: row.try_get(0)?, name: row.try_get(1)? };
            if let Some(table) = self.tables.get_mut(&name) {
                table.columns.push(Column {
                    name: row.try_get(2)?,
                    kind: row.try_get(3)?,
                    base: row.try_get(4)?,
                    longest: row.try_get(5)?,
                    not_null: row.try_get(6)?,
                    generated: row.try_get(7)?,
                });
            }
        }
        Ok(())
    }

    async fn read_indexes(&mut self, conn: &mut PgConnection) -> Result<(), StoreError> {
        for row in sqlx::query(INDEXES).fetch_all(conn).await? {
            let name = TableName { schema: row.try_get(0)?, name: row.try_get(1)? };
            if let Some(table) = self.tables.get_mut(&name) {
                let (primary, unique): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
                let columns: Vec<String> = row.try_get(4)?;
                if primary {
                    table.primary_key.clone_from(&columns);
                }
                if unique {
                    table.uniques.push(columns.clone());
                }
                table.indexes.push(columns);
            }
        }
        Ok(())
    }

    async fn read_foreign_keys(&mut self, conn: &mut PgConnection) -> Result<(), StoreError> {
        for row in sqlx::query(FOREIGN_KEYS).fetch_all(conn).await? {
            let name = TableName { schema: row.try_get(0)?, name: row.try_get(1)? };
            if let Some(table) = self.tables.get_mut(&name) {
                table.foreign_keys.push(ForeignKey {
                    target: TableName { schema: row.try_get(2)?, name: row.try_get(3)? },
                    on_delete: match row.try_get::<String, _>(4)?.as_str() {
                        "c" => OnDelete::Cascade,
                        "n" | "d" => OnDelete::Empty,
                        _ => OnDelete::Refuse,
                    },
                    columns: row.try_get(5)?,
                    targets: row.try_get(6)?,
                });
            }
        }
        Ok(())
    }

    /// The same, with only those schemas. None: all.
    #[must_use]
    pub fn within(mut self, schemas: &BTreeSet<String>) -> Self {
        if !schemas.is_empty() {
            self.tables.retain(|name, _| schemas.contains(&name.schema));
        }
        self
    }
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether an index leads with these columns, in any order.
    #[must_use]
    pub fn has_index(&self, columns: &[String]) -> bool {
        let wanted: BTreeSet<&String> = columns.iter().collect();
        self.indexes.iter().any(|index| index.iter().take(wanted.len()).collect::<BTreeSet<_>>() == wanted)
    }

    /// Whether no two rows can have the same value there.
    #[must_use]
    pub fn is_unique(&self, column: &str) -> bool {
        self.uniques.iter().any(|unique| unique.iter().map(String::as_str).eq([column]))
    }
}

impl Column {
    /// Whether texts may stand in it: in words, in JSON, or in bytes.
    #[must_use]
    pub fn is_searchable(&self) -> bool {
        self.is_text() || self.is_json() || self.base == "bytea"
    }

    /// Whether it holds words.
    #[must_use]
    pub fn is_text(&self) -> bool {
        let base = self.base.trim_start_matches('_');
        matches!(base, "text" | "varchar" | "bpchar" | "citext" | "name" | "xml" | "hstore")
    }

    /// Whether it holds JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        matches!(self.base.trim_start_matches('_'), "json" | "jsonb")
    }

    /// Whether it holds several values of its type.
    #[must_use]
    pub fn is_array(&self) -> bool {
        self.base.starts_with('_')
    }
}
