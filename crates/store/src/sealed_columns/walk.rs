//! Everybody's sealed values, each opened where it belongs.

use crate::{
    DataMap, Role, Store, StoreError,
    data_map::{OnErase, Scope, Table},
    forensics::reads_as_text,
    scope::operator_tenant,
};
use aws_lc_rs::rand;
use kernel::{DataClass, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, postgres::PgRow};
use std::{collections::BTreeSet, sync::OnceLock};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject, VaultError, envelope::HEADER, raw::Raw};
use zeroize::Zeroizing;

/// The most rows of one table that are opened.
const MOST: i64 = 20_000;
/// The most bytes of one table that are opened.
const ENOUGH: usize = 64 << 20;
/// How many rows are read at a time.
const PAGE: i64 = 200;

/// How many addresses are taken along, of all that were opened.
const ADDRESSES: usize = 200;

/// Tables of accounts in which the operator writes, and seals under a key of its own.
const OPERATORS: &[&str] = &["wordbond.legal_hold"];

/// What was opened.
#[derive(Default)]
pub(super) struct Walked {
    /// How many columns must be sealed.
    pub(super) columns: usize,
    /// How many values were looked at.
    pub(super) values: usize,
    /// The columns of values that are not sealed, once for each value, at most a hundred.
    pub(super) open: Vec<String>,
    /// The columns of values that nobody can open any more although they are somebody's who is still here, at most a hundred.
    pub(super) lost: Vec<String>,
    /// Addresses of people, drawn anew each time.
    pub(super) addresses: Vec<Zeroizing<Vec<u8>>>,
    /// Out of how many.
    known: usize,
}

impl Walked {
    /// Keeps an address, or one less of those before it, so that each has the same chance.
    fn address(&mut self, address: Zeroizing<Vec<u8>>) -> Result<(), StoreError> {
        self.known += 1;
        if self.addresses.len() < ADDRESSES {
            self.addresses.push(address);
            return Ok(());
        }
        let mut random = [0; 8];
        rand::fill(&mut random).map_err(|_| StoreError::Vault(VaultError::NoRandomness))?;
        let drawn = u64::from_le_bytes(random) % u64::try_from(self.known).unwrap_or(u64::MAX);
        if let Some(kept) = usize::try_from(drawn).ok().and_then(|at| self.addresses.get_mut(at)) {
            *kept = address;
        }
        Ok(())
    }
}

/// What became of a value.
enum Found {
    Opened(Zeroizing<Vec<u8>>),
    /// No key is there that could open it.
    Locked,
    NotSealed,
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

/// The tables with columns that must be sealed.
pub(super) fn tables() -> Result<Vec<&'static str>, StoreError> {
    let sealed = |table: &&Table| table.columns.values().any(|class| is_sealed(*class));
    Ok(map()?.tables.iter().filter(sealed).map(|table| table.name.as_str()).collect())
}

const fn is_sealed(class: DataClass) -> bool {
    matches!(class, DataClass::Personal | DataClass::Content)
}

pub(super) async fn walk(store: &Store) -> Result<Walked, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut walked = Walked::default();
    for table in &map()?.tables {
        let sealed: Vec<&'static str> =
            table.columns.iter().filter(|(_, class)| is_sealed(**class)).map(|(column, _)| column.as_str()).collect();
        if !sealed.is_empty() {
            walked.columns += sealed.len();
            Walk { table, sealed, keys: store.keys(), locked: BTreeSet::new() }.rows(&mut backup, &mut walked).await?;
        }
    }
    backup.close().await?;
    Ok(walked)
}

struct Walk<'a> {
    table: &'static Table,
    sealed: Vec<&'static str>,
    keys: &'a KeyRing,
    /// Rows with values that no key opens.
    locked: BTreeSet<Uuid>,
}

impl Walk<'_> {
    async fn rows(&mut self, backup: &mut PgConnection, walked: &mut Walked) -> Result<(), StoreError> {
        let key = key(backup, &self.table.name).await?;
        let Some(row_id) = key.last() else { return Ok(()) };
        let has = |column: &str| self.table.columns.contains_key(column);
        // What is nobody's is sealed under the operator's key.
        let nobodys = format!("'{}'::uuid", operator_tenant());
        let whose = match self.table.scope {
            Scope::Account => "account_id",
            Scope::System => nobodys.as_str(),
            _ => "tenant_id",
        };
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
        self.still_there(backup, row_id, walked).await
    }

    /// Of rows that an erasure deletes none may be left without its key: they went before it. One that was being erased while it
    /// was read is gone at a second look.
    async fn still_there(
        &self,
        backup: &mut PgConnection,
        row_id: &str,
        walked: &mut Walked,
    ) -> Result<(), StoreError> {
        if self.locked.is_empty() || self.table.on_erase != OnErase::Delete {
            return Ok(());
        }
        let name = &self.table.name;
        let locked: Vec<Uuid> = self.locked.iter().copied().collect();
        let sql = format!("SELECT count(*) FROM {name} WHERE {row_id} = ANY ($1)");
        let left: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&locked).fetch_one(backup).await?;
        let room = 100_usize.saturating_sub(walked.lost.len());
        walked.lost.extend(std::iter::repeat_n(name.clone(), usize::try_from(left).unwrap_or_default().min(room)));
        Ok(())
    }

    /// Opens what is sealed in a row. Yields how many bytes that was.
    fn row(&mut self, row: &PgRow, walked: &mut Walked) -> Result<usize, StoreError> {
        let (whose, row_id): (Uuid, Uuid) = (row.try_get(0)?, row.try_get(2)?);
        let owner: Option<Uuid> = row.try_get(1)?;
        let version = u64::try_from(row.try_get::<i64, _>(3)?).unwrap_or_default();
        let (tenant, subjects) = match self.table.scope {
            Scope::Account if OPERATORS.contains(&self.table.name.as_str()) => {
                (operator_tenant(), vec![Subject::Tenant])
            }
            Scope::Account => (operator_tenant(), vec![Subject::Person(PersonId::from(whose))]),
            Scope::Owner => {
                let own = owner.map(|owner| Subject::Person(PersonId::from(owner)));
                (TenantId::from(whose), own.into_iter().chain([Subject::Tenant]).collect())
            }
            _ => (TenantId::from(whose), vec![Subject::Tenant]),
        };
        let mut bytes = 0;
        for (at, column) in self.sealed.clone().iter().enumerate() {
            let Some(value) = row.try_get::<Option<Vec<u8>>, _>(at + 4)? else { continue };
            bytes += value.len();
            walked.values += 1;
            let table = self.table.name.rsplit('.').next().unwrap_or_default();
            let places = subjects.iter().flat_map(|subject| {
                // What never changes is sealed as the first version, also in a row that counts its own.
                [version, 1].map(|version| Place { tenant, subject: *subject, table, column, row: row_id, version })
            });
            match self.open(value, places) {
                Found::Opened(plain) if *column == "email" => walked.address(plain)?,
                Found::Opened(_) => {}
                Found::Locked => drop(self.locked.insert(row_id)),
                Found::NotSealed if walked.open.len() < 100 => {
                    walked.open.push(format!("{}.{column}", self.table.name));
                }
                Found::NotSealed => {}
            }
        }
        Ok(bytes)
    }

    fn open(&self, value: Vec<u8>, places: impl Iterator<Item = Place>) -> Found {
        let reads_as_text = reads_as_text(value.get(HEADER.len()..).unwrap_or_default());
        let Ok(sealed) = Sealed::<Raw>::from_bytes(value) else { return Found::NotSealed };
        let mut all_gone = true;
        for place in places {
            match sealed.open_bytes(self.keys, &place) {
                Ok(plain) => return Found::Opened(plain),
                // Its key is destroyed: nobody opens it any more, and it must at least look like that.
                Err(VaultError::NoKey(_)) => {}
                Err(_) => all_gone = false,
            }
        }
        if all_gone && !reads_as_text { Found::Locked } else { Found::NotSealed }
    }
}

async fn key(backup: &mut PgConnection, table: &str) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
        WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)";
    Ok(sqlx::query_scalar(SQL).bind(table).fetch_all(backup).await?)
}
