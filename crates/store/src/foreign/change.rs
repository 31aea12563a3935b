//! Changes: each batch a short transaction of its own, whose number is known before it commits. Whoever writes that number
//! down first can ask afterwards whether it did, even if they died in between.

use super::{
    Foreign,
    sql::{Handle, Reach, TableName, any, literal, quoted},
};
use crate::StoreError;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Postgres, Transaction, postgres::PgArguments, query::Query};
use std::ops::Range;

/// How the value of a column looks when nobody can tell any more whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Become {
    /// Nothing.
    Null,
    /// This text.
    Text(String),
    /// `erased-` and something random, for columns in which no value may come twice.
    Random {
        /// What follows it, such as `@erased.invalid`.
        suffix: String,
        /// How many characters fit.
        longest: usize,
    },
}

/// What is done to the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// They go.
    Delete,
    /// They stay, and these columns become something else: name, type, what.
    Anonymise(Vec<(String, String, Become)>),
    /// They stay, and these columns are emptied.
    Clear(Vec<String>),
}

/// What is done to the rows of one table that belong to a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The table.
    pub table: TableName,
    /// How a row belongs.
    pub reaches: Vec<Reach>,
    /// What is done.
    pub act: Act,
}

/// Which rows of a table one statement looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// So many at most, wherever they lie. An index finds them.
    AtMost(u32),
    /// Those that lie on these pages, in the order of the disk. For rows that lie on nearly every page.
    Pages(Range<u64>),
}

/// Changes that have not committed. Dropped, they are as if they had not been.
#[derive(Debug)]
pub struct Batch<'c> {
    transaction: Transaction<'c, Postgres>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is there.
    Committed,
    /// It is as if it had not been.
    Aborted,
    /// The server has not noticed yet that whoever ran it is gone.
    InProgress,
    /// Too long ago: the server no longer knows.
    Forgotten,
}

impl Become {
    /// The value as SQL makes it.
    fn value(&self, kind: &str) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Text(text) => format!("{}::{kind}", literal(text)),
            Self::Random { suffix, longest } => format!(
                "('erased-' || left(replace(pg_catalog.gen_random_uuid()::text, '-', ''), {}) || {})::{kind}",
                longest.saturating_sub(7 + suffix.chars().count()).min(32),
                literal(suffix)
            ),
        }
    }

    /// The condition under which the column of the row `t` still is what it was.
    fn pending(&self, column: &str, kind: &str) -> String {
        let column = format!("t.{}", quoted(column));
        match self {
            Self::Null => format!("{column} IS NOT NULL"),
            // json has no equality of its own.
            Self::Text(text) if kind == "json" => {
                format!("{column}::jsonb IS DISTINCT FROM {}::jsonb", literal(text))
            }
            Self::Text(text) => format!("{column} IS DISTINCT FROM {}::{kind}", literal(text)),
            Self::Random { suffix, .. } => {
                let like = literal(&format!("erased-%{}", suffix.replace('_', "\\_")));
                format!("({column} IS NOT NULL AND {column}::text NOT LIKE {like})")
            }
        }
    }
}

impl Step {
    /// The condition under which there is something left to do with the row `t`.
    fn condition(&self) -> String {
        let belongs = any(&self.reaches, "t");
        match &self.act {
            Act::Delete | Act::Clear(_) => belongs,
            Act::Anonymise(columns) if columns.is_empty() => "false".to_owned(),
            Act::Anonymise(columns) => {
                let pending: Vec<String> =
                    columns.iter().map(|(column, kind, what)| what.pending(column, kind)).collect();
                format!("{belongs} AND ({})", pending.join(" OR "))
            }
        }
    }

    /// `ONLY`: a table that inherits is a step of its own, and a row's place says nothing about another table's rows.
    fn statement(&self, part: &Part) -> String {
        let (table, condition) = (self.table.sql(), self.condition());
        let which = match part {
            Part::AtMost(rows) => {
                format!("t.ctid = ANY (ARRAY(SELECT t.ctid FROM ONLY {table} AS t WHERE {condition} LIMIT {rows}))")
            }
            Part::Pages(Range { start, end }) => {
                format!("t.ctid >= '({start},0)'::tid AND t.ctid < '({end},0)'::tid AND {condition}")
            }
        };
        let set = match &self.act {
            Act::Delete => return format!("DELETE FROM ONLY {table} AS t WHERE {which}"),
            Act::Anonymise(columns) => columns
                .iter()
                .map(|(column, kind, what)| format!("{} = {}", quoted(column), what.value(kind)))
                .collect::<Vec<_>>(),
            Act::Clear(columns) => columns.iter().map(|column| format!("{} = NULL", quoted(column))).collect(),
        };
        format!("UPDATE ONLY {table} AS t SET {} WHERE {which}", set.join(", "))
    }
}

/// A statement with every handle as a parameter.
pub(crate) fn bound(sql: String, handles: &[Handle]) -> Query<'_, Postgres, PgArguments> {
    given(with_handles(sql, handles), handles)
}

/// A statement that names every handle already. It is not kept by the server, so that it is planned for the values at hand.
pub(crate) fn given(sql: String, handles: &[Handle]) -> Query<'_, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    handles.iter().fold(query, |query, handle| query.bind(&handle.values))
}

impl Foreign {
    /// How many rows a step has left to do.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn left(&mut self, step: &Step, handles: &[Handle]) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM ONLY {} AS t WHERE {}", step.table.sql(), step.condition());
        self.counted(sql, handles).await
    }

    /// How many rows belong to the subjects, whatever is done to them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn held(&mut self, table: &TableName, reaches: &[Reach], handles: &[Handle]) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {} AS t WHERE {}", table.sql(), any(reaches, "t"));
        self.counted(sql, handles).await
    }

    /// How many rows point through these columns at a row that is not there. A foreign key prevents that; what is joined
    /// without one can lose its owner.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn orphans(
        &mut self,
        table: &TableName,
        columns: &[String],
        target: &TableName,
        targets: &[String],
    ) -> Result<u64, StoreError> {
        let pairs: Vec<String> = columns
            .iter()
            .zip(targets)
            .map(|(column, target)| format!("p.{} = t.{}", quoted(target), quoted(column)))
            .collect();
        let set: Vec<String> = columns.iter().map(|column| format!("t.{} IS NOT NULL", quoted(column))).collect();
        let sql = format!(
            "SELECT count(*) FROM {} AS t WHERE {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
            table.sql(),
            set.join(" AND "),
            target.sql(),
            pairs.join(" AND ")
        );
        self.counted(sql, &[]).await
    }

    async fn counted(&mut self, sql: String, handles: &[Handle]) -> Result<u64, StoreError> {
        let row = bound(sql, handles).fetch_one(self.conn()).await?;
        let count: i64 = sqlx::Row::try_get(&row, 0)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Of how many pages a table is.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn pages(&mut self, table: &TableName) -> Result<u64, StoreError> {
        let sql = format!(
            "SELECT pg_catalog.pg_relation_size({}::regclass) / current_setting('block_size')::bigint",
            literal(&table.sql())
        );
        let pages: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.conn()).await?;
        Ok(u64::try_from(pages).unwrap_or_default())
    }

    /// Begins a batch.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        let mut transaction = self.conn().begin().await?;
        // What is checked at the end of a transaction by default would fail the commit, and name no statement.
        transaction.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        Ok(Batch { transaction })
    }

    /// How the transaction of that number ended.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn ended(&mut self, xid: &str) -> Result<Ended, StoreError> {
        const SQL: &str = "SELECT pg_catalog.pg_xact_status($1::text::xid8)";
        let status: Option<String> = sqlx::query_scalar(SQL).bind(xid).fetch_one(self.conn()).await?;
        Ok(match status.as_deref() {
            Some("committed") => Ended::Committed,
            Some("aborted") => Ended::Aborted,
            Some(_) => Ended::InProgress,
            None => Ended::Forgotten,
        })
    }

    /// Makes a materialized view anew.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn refresh(&mut self, view: &TableName) -> Result<(), StoreError> {
        let sql = format!("REFRESH MATERIALIZED VIEW {}", view.sql());
        self.conn().execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }
}

/// A statement that names every handle, whether it needs it or not: the driver counts them.
pub(crate) fn with_handles(sql: String, handles: &[Handle]) -> String {
    let unused: Vec<String> = (1..=handles.len())
        .filter(|number| !names_parameter(&sql, *number))
        .map(|number| format!("${number}::text[] IS NULL"))
        .collect();
    if unused.is_empty() { sql } else { format!("WITH given AS (SELECT {}) {sql}", unused.join(", ")) }
}

fn names_parameter(sql: &str, number: usize) -> bool {
    let name = format!("${number}");
    sql.match_indices(&name)
        .any(|(at, _)| !sql.get(at + name.len()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
}

impl Batch<'_> {
    /// Carries out part of a step, and says how many rows it was.
    ///
    /// # Errors
    /// When the database refuses: the batch is lost then. [`is_passing`] tells whether to try again.
    pub async fn run(&mut self, step: &Step, handles: &[Handle], part: &Part) -> Result<u64, StoreError> {
        Ok(bound(step.statement(part), handles).execute(&mut *self.transaction).await?.rows_affected())
    }

    /// The number of the transaction, by which the server can be asked how it ended. Only what changed something has one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn xid(&mut self) -> Result<String, StoreError> {
        let number = "SELECT pg_catalog.pg_current_xact_id()::text";
        Ok(sqlx::query_scalar(number).fetch_one(&mut *self.transaction).await?)
    }

    /// Makes it lasting.
    ///
    /// # Errors
    /// When the database refuses: nothing was changed then.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}

/// Whether an error says that something still points at a row that was to go.
#[must_use]
pub fn is_pointed_at(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    error.code().as_deref() == Some("23503")
}

/// Whether an error is one that passes: a lock that somebody holds, a deadlock, a statement that took too long.
#[must_use]
pub fn is_passing(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    matches!(error.code().as_deref(), Some("55P03" | "40P01" | "40001" | "57014"))
}

/// Whether an error is about what was to be stored: a value that its type does not take, or that a constraint forbids.
#[must_use]
pub fn is_about_data(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Whether an error says that a statement took too long, for which an index may be missing.
#[must_use]
pub fn is_slow(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    error.code().as_deref() == Some("57014")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(act: Act) -> Step {
        let reach = Reach::Handle { column: "user_id".into(), kind: "bigint".into(), handle: 0 };
        Step { table: TableName::new("shop", "order"), reaches: vec![reach], act }
    }

    #[test]
    fn a_batch_takes_so_many_rows_and_no_more() {
        assert_eq!(
            step(Act::Delete).statement(&Part::AtMost(5)),
            "DELETE FROM ONLY \"shop\".\"order\" AS t WHERE t.ctid = ANY (ARRAY(SELECT t.ctid FROM ONLY \"shop\".\"order\" AS t WHERE \
             (t.\"user_id\" = ANY ($1::text[]::bigint[])) LIMIT 5))"
        );
        assert_eq!(
            step(Act::Delete).statement(&Part::Pages(8..16)),
            "DELETE FROM ONLY \"shop\".\"order\" AS t WHERE t.ctid >= '(8,0)'::tid AND t.ctid < '(16,0)'::tid AND \
             (t.\"user_id\" = ANY ($1::text[]::bigint[]))"
        );
    }

    #[test]
    fn what_was_made_anonymous_is_not_made_so_again() {
        let columns = vec![
            ("name".to_owned(), "text".to_owned(), Become::Text("gone".to_owned())),
            (
                "email".to_owned(),
                "character varying(40)".to_owned(),
                Become::Random { suffix: String::new(), longest: 20 },
            ),
        ];
        let statement = step(Act::Anonymise(columns)).statement(&Part::AtMost(9));
        assert!(statement.contains("t.\"name\" IS DISTINCT FROM 'gone'::text"), "{statement}");
        assert!(statement.contains("NOT LIKE 'erased-%'"), "{statement}");
        assert!(statement.contains(", 13)"), "seven characters are `erased-`: {statement}");
    }

    #[test]
    fn every_handle_is_named_once_bound() {
        let handle = |column: &str| Handle { column: column.into(), kind: "text".into(), values: Vec::new() };
        let two = [handle("a"), handle("b")];
        assert_eq!(with_handles("SELECT $2".into(), &two), "WITH given AS (SELECT $1::text[] IS NULL) SELECT $2");
        let many: Vec<Handle> = (0..10).map(|_| handle("a")).collect();
        assert!(with_handles("SELECT $10".into(), &many).contains("$1::text[]"));
        assert!(names_parameter("$1", 1) && !names_parameter("$10", 1));
    }
}
