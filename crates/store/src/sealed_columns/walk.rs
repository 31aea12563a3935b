//! Everybody's sealed values, each opened where it belongs.

use crate::{
    DataMap, Role, Store, StoreError,
    data_map::{Scope, Table},
    forensics::reads_as_text,
    scope::operator_tenant,
};
use kernel::{DataClass, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, postgres::PgRow};
use std::sync::OnceLock;
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject, VaultError, envelope::HEADER, raw::Raw};

/// The most rows of one table that are opened.
const MOST: i64 = 20_000;
/// The most bytes of one table that are opened.
const ENOUGH: usize = 64 << 20;
/// How many rows are read at a time.
const PAGE: i64 = 200;

/// What was opened.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// How many columns must be sealed.
    pub(super) columns: usize,
    /// How many values were looked at.
    pub(super) values: usize,
    /// The columns of values that are not sealed, once for each value, at most a hundred.
    pub(super) open: Vec<String>,
}

/// The map of this build, for as long as the program runs: places are named by it.
fn map() -> Result<&'static DataMap, StoreError> {
    static MAP: OnceLock<DataMap> = OnceLock::new();
    if let Some(map) = MAP.get() {
        return Ok(map);
    }
    let own = DataMap::own()?;
    Ok(MAP.get_or_init(|| own))
}

pub(super) async fn walk(store: &Store) -> Result<Walked, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut walked = Walked::default();
    for table in &map()?.tables {
        let sealed: Vec<&'static str> = table
            .columns
            .iter()
            .filter(|(_, class)| matches!(class, DataClass::Personal | DataClass::Content))
            .map(|(column, _)| column.as_str())
            .collect();
        if !sealed.is_empty() {
            walked.columns += sealed.len();
            Walk { table, sealed, keys: store.keys() }.rows(&mut backup, &mut walked).await?;
        }
    }
    backup.close().await?;
    Ok(walked)
}

struct Walk<'a> {
    table: &'static Table,
    sealed: Vec<&'static str>,
    keys: &'a KeyRing,
}

impl Walk<'_> {
    async fn rows(&self, backup: &mut PgConnection, walked: &mut Walked) -> Result<(), StoreError> {
        let key = key(backup, &self.table.name).await?;
        let Some(row_id) = key.last() else { return Ok(()) };
        let has = |column: &str| self.table.columns.contains_key(column);
        let whose = if self.table.scope == Scope::Account { "account_id" } else { "tenant_id" };
        let owner = self.table.owner.as_deref().unwrap_or(whose);
        let version = if has("version") { "version" } else { "1::bigint" };
        let name = &self.table.name;
        let all: i64 = backup.fetch_one(AssertSqlSafe(format!("SELECT count(*) FROM {name}"))).await?.try_get(0)?;
        let order = if all > MOST { "random()".to_owned() } else { key.join(", ") };
        let sealed = self.sealed.join(", ");
        backup.execute("BEGIN").await?;
        backup
            .execute(AssertSqlSafe(format!(
                "DECLARE walk CURSOR FOR SELECT {whose}, {owner}, {row_id}, {version}, {sealed} FROM {name} \
                 ORDER BY {order} LIMIT {MOST}"
            )))
            .await?;
        let mut bytes = 0;
        while bytes < ENOUGH {
            let page = backup.fetch_all(AssertSqlSafe(format!("FETCH {PAGE} FROM walk"))).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                bytes += self.row(row, walked)?;
            }
        }
        backup.execute("ROLLBACK").await?;
        Ok(())
    }

    /// Opens what is sealed in a row. Yields how many bytes that was.
    fn row(&self, row: &PgRow, walked: &mut Walked) -> Result<usize, StoreError> {
        let (whose, row_id): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(2)?);
        let owner: Option<Uuid> = row.try_get(1)?;
        let version = u64::try_from(row.try_get::<i64, _>(3)?).unwrap_or_default();
        let (tenant, subjects) = match self.table.scope {
            Scope::Account => (operator_tenant(), vec![Subject::Person(PersonId::from(whose))]),
            Scope::Owner => {
                let own = owner.map(|owner| Subject::Person(PersonId::from(owner)));
                (TenantId::from(whose), own.into_iter().chain([Subject::Tenant]).collect())
            }
            _ => (TenantId::from(whose), vec![Subject::Tenant]),
        };
        let mut bytes = 0;
        for (at, column) in self.sealed.iter().enumerate() {
            let Some(value) = row.try_get::<Option<Vec<u8>>, _>(at + 4)? else { continue };
            bytes += value.len();
            walked.values += 1;
            let table = self.table.name.rsplit('.').next().unwrap_or_default();
            let places = subjects.iter().flat_map(|subject| {
                // What never changes is sealed as the first version, also in a row that counts its own.
                [version, 1].map(|version| Place { tenant, subject: *subject, table, column, row: row_id, version })
            });
            if !self.is_sealed(value, places) && walked.open.len() < 100 {
                walked.open.push(format!("{}.{column}", self.table.name));
            }
        }
        Ok(bytes)
    }

    fn is_sealed(&self, value: Vec<u8>, places: impl Iterator<Item = Place>) -> bool {
        let reads_as_text = reads_as_text(value.get(HEADER.len()..).unwrap_or_default());
        let Ok(sealed) = Sealed::<Raw>::from_bytes(value) else { return false };
        let mut all_gone = true;
        for place in places {
            match sealed.open_bytes(self.keys, &place) {
                Ok(_) => return true,
                // Its key is destroyed: nobody opens it any more, and it must at least look like that.
                Err(VaultError::NoKey(_)) => {}
                Err(_) => all_gone = false,
            }
        }
        all_gone && !reads_as_text
    }
}

async fn key(backup: &mut PgConnection, table: &str) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)";
    Ok(sqlx::query_scalar(SQL).bind(table).fetch_all(backup).await?)
}
