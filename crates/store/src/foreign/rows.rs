//! Reading: who is meant, and the rows that belong to them.

use super::{
    Foreign,
    change::{bound, given, with_handles},
    sql::{Handle, Reach, TableName, any, columns_of, quoted},
};
use crate::StoreError;
use sqlx::{AssertSqlSafe, Executor as _, Row as _};

/// How many rows are fetched at a time.
const AT_ONCE: u32 = 500;

impl Foreign {
    /// The subjects whose `column` has one of these values: for each, the values of `wanted`, as text. Without regard to
    /// upper and lower case where `loosely`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn subjects(
        &mut self,
        table: &TableName,
        column: &str,
        kind: &str,
        values: &[String],
        loosely: bool,
        wanted: &[String],
    ) -> Result<Vec<Vec<Option<String>>>, StoreError> {
        let shown: Vec<String> = wanted.iter().map(|column| format!("t.{}::text", quoted(column))).collect();
        let column = format!("t.{}", quoted(column));
        let condition = if loosely {
            format!("lower({column}::text) = ANY (SELECT lower(v) FROM unnest($1::text[]) AS v)")
        } else {
            format!("{column} = ANY ($1::text[]::{kind}[])")
        };
        let sql = format!("SELECT ARRAY[{}] FROM {} AS t WHERE {condition}", shown.join(", "), table.sql());
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(values).fetch_all(self.conn()).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// The different values of a column in the rows that belong to the subjects, as text.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn values(
        &mut self,
        table: &TableName,
        column: &str,
        reaches: &[Reach],
        handles: &[Handle],
    ) -> Result<Vec<String>, StoreError> {
        let column = format!("t.{}", quoted(column));
        let sql = format!(
            "SELECT DISTINCT {column}::text FROM {} AS t WHERE {column} IS NOT NULL AND {}",
            table.sql(),
            any(reaches, "t")
        );
        let rows = bound(sql, handles).fetch_all(self.conn()).await?;
        Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
    }

    /// Hands every row that belongs to the subjects to `take`: as JSON, and each column as text, in this order. Within what
    /// [`Foreign::freeze`] began: a cursor walks, so that no more than some hundred rows are in memory.
    ///
    /// # Errors
    /// When the database refuses, or `take` does.
    pub async fn walk<E: From<StoreError>>(
        &mut self,
        table: &TableName,
        columns: &[String],
        order: &[String],
        (reaches, handles): (&[Reach], &[Handle]),
        mut take: impl FnMut(&str, &[Option<String>]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let by = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", columns_of("t", order)) };
        let texts: Vec<String> = columns.iter().map(|column| format!("x.{}::text", quoted(column))).collect();
        let select = format!(
            "SELECT row_to_json(x)::text, ARRAY[{}]::text[] FROM (SELECT {} FROM {} AS t WHERE {}{by}) AS x",
            texts.join(", "),
            columns_of("t", columns),
            table.sql(),
            any(reaches, "t")
        );
        let declare = format!("DECLARE wordbond_walk NO SCROLL CURSOR FOR {}", with_handles(select, handles));
        given(declare, handles).execute(self.conn()).await.map_err(StoreError::from)?;
        let mut count = 0;
        loop {
            let fetch = format!("FETCH {AT_ONCE} FROM wordbond_walk");
            let rows = sqlx::query(AssertSqlSafe(fetch)).fetch_all(self.conn()).await.map_err(StoreError::from)?;
            for row in &rows {
                let texts: Vec<Option<String>> = row.try_get(1).map_err(StoreError::from)?;
                take(row.try_get(0).map_err(StoreError::from)?, &texts)?;
                count += 1;
            }
            if rows.len() < AT_ONCE as usize {
                break;
            }
        }
        self.conn().execute("CLOSE wordbond_walk").await.map_err(StoreError::from)?;
        Ok(count)
    }
}
