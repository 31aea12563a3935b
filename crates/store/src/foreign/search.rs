//! Searching: every text of a table, page after page, and putting something else in its place.

use super::{
    Foreign,
    sql::{TableName, literal, quoted},
};
use crate::StoreError;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// A page as the disk has it.
const PAGE: i64 = 8192;

/// About how much text one statement should bring.
const PLENTY: usize = 8 << 20;

/// At most so many pages per statement.
const MOST_PAGES: i64 = 16_384;

/// One row whose texts were read: where it lies, and the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it lies, until it is changed.
    pub place: String,
    /// The texts, in the order of the columns asked for.
    pub texts: Vec<Option<String>>,
}

/// A column that is searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Its name.
    pub column: String,
    /// Its type.
    pub kind: String,
    /// Whether it holds bytes, of which only plain letters can be searched.
    pub bytes: bool,
}

/// Reads a table from its first page to its last. It holds no lock and no snapshot between statements, so that it is in
/// nobody's way, and rows written behind it are not seen.
#[derive(Clone, Debug)]
pub struct Reader {
    table: TableName,
    columns: Vec<Searched>,
    needles: Vec<String>,
    marks: Vec<String>,
    next: i64,
    end: i64,
    step: i64,
}

impl Reader {
    /// A reader of these columns of a table, or part of one. With `needles`, which are plain letters and lower case, only
    /// rows that hold one are brought; with `marks`, only rows that hold one of those, which have neither upper nor lower case; without, all
    /// are.
    #[must_use]
    pub fn new(table: TableName, columns: Vec<Searched>, needles: Vec<String>, marks: Vec<String>) -> Self {
        let step = if needles.is_empty() && marks.is_empty() { 64 } else { 4096 };
        Self { table, columns, needles, marks, next: 0, end: -1, step }
    }

    /// The condition under which a text may name somebody. What is quick to see stands first, and bytes are compared:
    /// some collations know no parts of a text, and make other small letters of capitals.
    fn test(&self, text: &str) -> Option<String> {
        let any = |tests: Vec<String>| (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")));
        let mark = |mark: &String| format!("strpos({text} COLLATE \"C\", {}) > 0", literal(mark));
        let needle = |number| format!("strpos(lower({text} COLLATE \"C\"), ${}) > 0", number + 3);
        let marks = any(self.marks.iter().map(mark).collect());
        let needles = any((0..self.needles.len()).map(needle).collect());
        match (marks, needles) {
            (Some(marks), Some(needles)) => Some(format!("({marks} AND {needles})")),
            (marks, needles) => marks.or(needles),
        }
    }

    fn statement(&self) -> String {
        let texts: Vec<String> = self.columns.iter().map(Searched::text).collect();
        let mut sql = format!(
            "SELECT t.ctid::text, ARRAY[{}] FROM ONLY {} AS t WHERE t.ctid >= $1::text::tid AND t.ctid < $2::text::tid",
            texts.join(", "),
            self.table.sql()
        );
        let tests: Vec<String> = texts.iter().filter_map(|text| self.test(text)).collect();
        if !tests.is_empty() {
            sql += &format!(" AND ({})", tests.join(" OR "));
        }
        sql
    }
}

impl Searched {
    fn text(&self) -> String {
        let column = format!("t.{}", quoted(&self.column));
        if self.bytes { format!("encode({column}, 'escape')") } else { format!("{column}::text") }
    }
}

impl Foreign {
    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read_on(&mut self, reader: &mut Reader) -> Result<Option<Vec<Found>>, StoreError> {
        if reader.end < 0 {
            let sql = format!("SELECT pg_catalog.pg_relation_size({}::regclass)", literal(&reader.table.sql()));
            let bytes: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(self.conn()).await?;
            reader.end = bytes / PAGE;
        }
        if reader.next >= reader.end {
            return Ok(None);
        }
        let until = reader.next + reader.step;
        let query = sqlx::query(AssertSqlSafe(reader.statement()))
            .persistent(false)
            .bind(format!("({},0)", reader.next))
            .bind(format!("({until},0)"));
        let query = reader.needles.iter().fold(query, |query, needle| query.bind(needle));
        let rows = query.fetch_all(self.conn()).await?;
        let found = rows
            .iter()
            .map(|row| Ok(Found { place: row.try_get(0)?, texts: row.try_get(1)? }))
            .collect::<Result<Vec<_>, sqlx::Error>>()?;
        let brought: usize = found.iter().flat_map(|row| row.texts.iter().flatten()).map(String::len).sum();
        reader.next = until;
        reader.step = if brought > PLENTY { (reader.step / 2).max(1) } else { (reader.step * 2).min(MOST_PAGES) };
        Ok(Some(found))
    }

    /// Puts texts in the place of others: row, text that stands there, text that shall. What stands there no longer is left
    /// as it is. Says how many were replaced.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn replace(
        &mut self,
        table: &TableName,
        column: &Searched,
        changes: &[(String, String, String)],
    ) -> Result<u64, StoreError> {
        let sql = format!(
            "UPDATE ONLY {} AS t SET {name} = v.new::{} FROM unnest($1::text[], $2::text[], $3::text[]) AS v (place, old, new)
             WHERE t.ctid = v.place::tid AND t.{name}::text = v.old",
            table.sql(),
            column.kind,
            name = quoted(&column.column),
        );
        let places: Vec<&str> = changes.iter().map(|(place, _, _)| place.as_str()).collect();
        let old: Vec<&str> = changes.iter().map(|(_, old, _)| old.as_str()).collect();
        let new: Vec<&str> = changes.iter().map(|(_, _, new)| new.as_str()).collect();
        let mut transaction = self.conn().begin().await?;
        transaction.execute("SET CONSTRAINTS ALL IMMEDIATE").await?;
        let query = sqlx::query(AssertSqlSafe(sql)).bind(places).bind(old).bind(new);
        let done = query.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(done)
    }
}
