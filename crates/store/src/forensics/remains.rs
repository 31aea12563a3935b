//! What remains of somebody in rows: looked for in every table that the database has, whatever the data map says of it.

use super::places::Kind;
use crate::{
    Address, DataMap, Role, Store, StoreError,
    address::connect,
    data_map::{OnErase, Table},
    rights::tombstones::{self, Erased},
};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Tables with all their columns, of every schema but the server's own.
const COLUMNS: &str = "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname),
        format_type(coalesce(nullif(t.typbasetype, 0), a.atttypid), NULL)
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS t ON t.oid = a.atttypid
    WHERE c.relkind IN ('r', 'p', 'm') AND c.oid >= 16384 AND n.nspname !~ '^pg_'
    ORDER BY 1, a.attnum";

/// The server's own catalogues, in which comments, settings and bodies of functions stand. What the planner keeps of columns is
/// searched in the files, and goes with the scrub.
const CATALOGUES: &str = "SELECT c.oid::regclass::text FROM pg_class AS c
    WHERE c.relkind = 'r' AND c.relnamespace = 'pg_catalog'::regnamespace AND c.oid < 16384
        AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data') AND has_table_privilege(c.oid, 'SELECT')
    ORDER BY 1";

/// Table to its columns with their types.
type Tables = BTreeMap<String, Vec<(String, String)>>;

/// Sees every row: the superuser of a server of our own, else the role that reads for backups.
pub(super) async fn eyes(store: &Store) -> Result<PgConnection, StoreError> {
    match store.address() {
        Address::Socket { .. } => connect(&store.address().bootstrap()).await,
        Address::Url { .. } => store.connect_as(Role::Backup).await,
    }
}

async fn tables(conn: &mut PgConnection) -> Result<Tables, StoreError> {
    let mut tables = Tables::new();
    for row in sqlx::query(COLUMNS).fetch_all(conn).await? {
        tables.entry(row.try_get(0)?).or_default().push((row.try_get(1)?, row.try_get(2)?));
    }
    Ok(tables)
}

/// The rows that hold any of these texts in any column, by table, as JSON. Bytes stand there in hexadecimal digits, ids as text.
/// Rows of the server's catalogues are among them, as the server writes rows.
///
/// # Errors
/// When the database refuses.
pub async fn rows_with(store: &Store, texts: &[String]) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let mut conn = eyes(store).await?;
    let patterns: Vec<String> = texts.iter().map(|text| format!("%{text}%")).collect();
    let mut found = BTreeMap::new();
    let own = tables(&mut conn).await?.into_keys().map(|table| (table, "to_jsonb(t)::text"));
    let catalogues: Vec<String> = sqlx::query_scalar(CATALOGUES).fetch_all(&mut conn).await?;
    for (table, text) in own.chain(catalogues.into_iter().map(|table| (table, "t::text"))) {
        let sql = format!("SELECT r FROM (SELECT {text} AS r FROM {table} AS t) AS all_rows WHERE r LIKE ANY ($1)");
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&patterns).fetch_all(&mut conn).await?;
        if !rows.is_empty() {
            found.insert(table, rows);
        }
    }
    conn.close().await?;
    Ok(found)
}

/// What has come back, or never went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risen {
    /// How many tombstones there are.
    pub tombstones: usize,
    /// How many ids, in how many columns, were compared with them.
    pub ids: usize,
    /// The columns.
    pub columns: usize,
    /// How many keys were compared.
    pub keys: usize,
    /// Where something of an erased account, person or team is, in words.
    pub found: Vec<String>,
}

/// Compares the id in every column of every table, and every key, with everything that was ever erased. Where the data map
/// says that rows are kept as they are, ids that lead nowhere may stand.
///
/// # Errors
/// When the database or the key store cannot be asked.
pub async fn risen(store: &Store) -> Result<Risen, StoreError> {
    let mut conn = eyes(store).await?;
    // While an erasure is being carried out, some of it is still there.
    const DONE: &str = "SELECT t.subject_hash FROM wordbond.tombstone AS t
        JOIN wordbond.rights_case AS c ON c.case_id = t.case_id WHERE c.state = 'done'";
    let noted: Vec<Vec<u8>> = sqlx::query_scalar(DONE).fetch_all(&mut conn).await?;
    let mut risen = Risen { tombstones: noted.len(), ..Risen::default() };
    let noted: BTreeSet<Vec<u8>> = noted.into_iter().collect();
    let is_noted = |what: Erased| -> Result<bool, StoreError> {
        Ok(noted.contains(tombstones::hash(store.keys(), what)?.as_slice()))
    };
    let kept = kept()?;
    for (table, columns) in tables(&mut conn).await? {
        for (column, kind) in &columns {
            if !matches!(kind.as_str(), "uuid" | "uuid[]") || kept.contains(&(table.clone(), column.clone())) {
                continue;
            }
            risen.columns += 1;
            for id in ids(&mut conn, &table, column, kind == "uuid[]").await? {
                risen.ids += 1;
                let (tenant, person) = (TenantId::from(id), PersonId::from(id));
                let all =
                    [Erased::Account(AccountId::from(id)), Erased::Person(tenant, person), Erased::Tenant(tenant)];
                for what in all {
                    if is_noted(what)? {
                        risen.found.push(format!("{table}.{column} names an erased {}", what.which()));
                    }
                }
            }
        }
    }
    conn.close().await?;
    for (tenant, subject) in store.keys().lying()? {
        risen.keys += 1;
        let what = tombstones::erased(tenant, subject);
        if is_noted(what)? {
            risen.found.push(format!("the {} holds the key of an erased {}", Kind::Keys, what.which()));
        }
    }
    Ok(risen)
}

/// How many erasures are reported done although the account that asked is there, or nothing was noted of what was erased.
///
/// # Errors
/// When the database refuses.
pub async fn empty_reports(store: &Store) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT count(*) FROM wordbond.rights_case AS c WHERE c.kind = 'erasure' AND c.state = 'done'
        AND (EXISTS (SELECT FROM wordbond.rights_request AS r WHERE r.case_id = c.case_id)
             OR NOT EXISTS (SELECT FROM wordbond.tombstone AS t WHERE t.case_id = c.case_id))";
    let mut conn = eyes(store).await?;
    let count: i64 = sqlx::query_scalar(SQL).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The columns in which the map lets ids of people stay.
fn kept() -> Result<BTreeSet<(String, String)>, StoreError> {
    let map = DataMap::own()?;
    // A job names what it still has to do away with.
    let stay = |table: &Table| table.on_erase == OnErase::Keep || table.name == "wordbond.job";
    let stay = map.tables.into_iter().filter(stay);
    Ok(stay.flat_map(|table| table.people.into_iter().map(move |column| (table.name.clone(), column))).collect())
}

async fn ids(conn: &mut PgConnection, table: &str, column: &str, is_list: bool) -> Result<Vec<Uuid>, StoreError> {
    let value = if is_list { format!("unnest({column})") } else { column.to_owned() };
    let sql = format!("SELECT DISTINCT id FROM (SELECT {value} AS id FROM {table}) AS ids WHERE id IS NOT NULL");
    conn.fetch_all(AssertSqlSafe(sql)).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
