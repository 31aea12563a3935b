//! Samples: some values of each column, for whoever guesses what it holds. They are never shown.

use super::{
    Foreign, Table,
    catalogue::Kind,
    sql::{TableName, quoted},
};
use crate::StoreError;
use sqlx::{AssertSqlSafe, Row as _};

/// How many rows are looked at.
const ROWS: i64 = 400;

/// From how many rows on they are drawn from all over the table.
const LARGE: i64 = 20_000;

/// How much of a value is looked at.
const LONGEST: usize = 1_000;

/// How many different values are looked for in another table.
const LOOKED_FOR: usize = 200;

impl Foreign {
    /// Values of each column, in the order of the columns; what is empty is left out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sample(&mut self, name: &TableName, table: &Table) -> Result<Vec<Vec<String>>, StoreError> {
        if table.columns.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<String> = table
            .columns
            .iter()
            .map(|column| match column.base.as_str() {
                "bytea" => "NULL".to_owned(),
                _ => format!("left(t.{}::text, {LONGEST})", quoted(&column.name)),
            })
            .collect();
        let drawn = if table.rows > LARGE && table.kind != Kind::Materialized {
            // Twenty times as many as wanted, because rows come by the page.
            format!(
                " TABLESAMPLE SYSTEM ({}) REPEATABLE (1)",
                (2000.0 * ROWS as f64 / table.rows as f64).clamp(0.01, 100.0)
            )
        } else {
            String::new()
        };
        let select = |drawn: &str| {
            format!("SELECT ARRAY[{}]::text[] FROM {} AS t{drawn} LIMIT {ROWS}", texts.join(", "), name.sql())
        };
        let mut rows = sqlx::query(AssertSqlSafe(select(&drawn))).fetch_all(self.conn()).await?;
        if rows.is_empty() && !drawn.is_empty() {
            rows = sqlx::query(AssertSqlSafe(select(""))).fetch_all(self.conn()).await?;
        }
        let mut out = vec![Vec::new(); table.columns.len()];
        for row in &rows {
            let values: Vec<Option<String>> = row.try_get(0)?;
            for (column, value) in out.iter_mut().zip(values) {
                column.extend(value.filter(|value| !value.is_empty()));
            }
        }
        Ok(out)
    }

    /// Of some different values of a column, how many there are, and how many of them stand in another table's column.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn overlap(
        &mut self,
        (table, column): (&TableName, &str),
        (target, target_column): (&TableName, &str),
    ) -> Result<(u64, u64), StoreError> {
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM {} AS p WHERE p.{} = v.x))
             FROM (SELECT DISTINCT x FROM (SELECT t.{column} AS x FROM {} AS t WHERE t.{column} IS NOT NULL LIMIT {}) AS s
                   LIMIT {LOOKED_FOR}) AS v",
            target.sql(),
            quoted(target_column),
            table.sql(),
            LOOKED_FOR * 50,
            column = quoted(column),
        );
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(self.conn()).await?;
        let (all, there): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        Ok((u64::try_from(all).unwrap_or_default(), u64::try_from(there).unwrap_or_default()))
    }

    /// About how many rows a table holds, counted where the server has not counted them yet.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn about_rows(&mut self, name: &TableName, table: &Table) -> Result<i64, StoreError> {
        if table.rows > 0 {
            return Ok(table.rows);
        }
        let sql = format!("SELECT count(*) FROM (SELECT FROM {} LIMIT 100000) AS x", name.sql());
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.conn()).await?)
    }

    /// The command that makes an index on these columns without holding anybody up.
    #[must_use]
    pub fn index_command(name: &TableName, columns: &[String]) -> String {
        let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
        format!("CREATE INDEX CONCURRENTLY ON {} ({})", name.sql(), columns.join(", "))
    }
}

/// Whether two types can be compared for equality as they stand.
#[must_use]
pub fn comparable(one: &str, other: &str) -> bool {
    let family = |base: &str| match base {
        "int2" | "int4" | "int8" => 1,
        "text" | "varchar" | "bpchar" | "citext" => 2,
        "uuid" => 3,
        _ => 0,
    };
    family(one) != 0 && family(one) == family(other)
}
