//! Whether anything is left of what was erased: every place on the map is searched again, in every row of every table, as the
//! backup reads them, and every key and file is looked for.

use super::{
    erase::Targets,
    rows::{Counts, pseudonyms},
    tombstones::Erased,
};
use crate::{
    DataMap, Role, Store, StoreError, blobs,
    data_map::{OnErase, Table},
};
use kernel::{DataClass, TenantId};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

/// The columns by which a team finds an address, or found it.
const INDEXES: [&str; 2] = ["email_index", "former_index"];

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many places were searched that must be empty: columns of tables, keys, and people's files.
    pub places: u64,
    /// What must not be there, by table; keys under `keys/`, files under `blobs/`.
    pub left: Counts,
    /// What stays by the map, and names an id that leads nowhere any more.
    pub kept: Counts,
}

/// Searches every place. `job` is the one that asks: it names what it erases until it is done.
///
/// # Errors
/// When the database or the key store cannot be asked.
pub async fn verify(store: &Store, targets: &Targets, job: Option<Uuid>) -> Result<Verified, StoreError> {
    let map = DataMap::own()?;
    let (mut people, mut tenants) = (Vec::new(), Vec::new());
    for what in &targets.erased {
        match what {
            Erased::Account(account) => people.push(account.uuid()),
            Erased::Person(_, person) => people.push(person.uuid()),
            Erased::Tenant(tenant) => tenants.push(tenant.uuid()),
        }
    }
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut found = Verified::default();
    for table in map.tables.iter().filter(|table| table.name.starts_with("wordbond.")) {
        let columns: Vec<&str> = pseudonyms(table).filter(|column| *column != "tenant_id").collect();
        for column in columns {
            let rows = naming(&mut backup, table, column, &people, job).await?;
            let stays = table.on_erase == OnErase::Keep && table.people.contains(column);
            found.places += u64::from(!stays);
            let counts = if stays { &mut found.kept } else { &mut found.left };
            *counts.entry(table.name.clone()).or_default() += rows;
        }
        if !tenants.is_empty() && table.columns.get("tenant_id") == Some(&DataClass::Pseudonym) {
            *found.left.entry(table.name.clone()).or_default() +=
                naming(&mut backup, table, "tenant_id", &tenants, None).await?;
            found.places += 1;
        }
    }
    backup.close().await?;
    for what in &targets.erased {
        let (tenant, subject) = what.key();
        let there = store.keys().lies(tenant, subject)?;
        *found.left.entry("keys/".to_owned()).or_default() += u64::from(there);
        found.places += 1;
        if let Erased::Person(tenant, person) = what {
            let objects = blobs::objects_of(store, *tenant, *person).await?.len();
            *found.left.entry("blobs/".to_owned()).or_default() += objects as u64;
            found.places += 1;
        }
    }
    found.left.retain(|_, rows| *rows > 0);
    found.kept.retain(|_, rows| *rows > 0);
    Ok(found)
}

/// How many rows hold an address, found by each team's own index, but for those of people who are about to be erased, and of other
/// accounts. By table; tables without any are left out.
///
/// # Errors
/// When the database cannot be asked.
pub async fn address(store: &Store, address: &str, but: &[Uuid]) -> Result<Counts, StoreError> {
    let map = DataMap::own()?;
    let mut backup = store.connect_as(Role::Backup).await?;
    let teams: Vec<Uuid> = sqlx::query_scalar("SELECT tenant_id FROM wordbond.tenant").fetch_all(&mut backup).await?;
    // A team that goes at this instant has no key any more, and nothing that anybody could find.
    let index = |team: &Uuid| Some(store.keys().blind_index(TenantId::from(*team)).ok()?.email(address).to_vec());
    let hashes: Vec<Vec<u8>> = teams.iter().filter_map(index).collect();
    let mut found = Counts::new();
    let indexes = |table: &Table| -> Vec<String> {
        let here = |index: &&str| table.columns.get(*index) == Some(&DataClass::BlindIndex);
        INDEXES.into_iter().filter(here).map(|index| format!("{index} = ANY($1)")).collect()
    };
    for table in map.tables.iter().filter(|table| table.columns.contains_key("tenant_id") && !indexes(table).is_empty())
    {
        // Whoever stands under an address that another account had proven before is that one's.
        let theirs = "account_id IS NULL AND of_account IS NULL AND NOT person_id = ANY($2)";
        let whose = if table.columns.contains_key("person_id") { theirs } else { "$2 IS NOT NULL" };
        let any = indexes(table).join(" OR ");
        let sql = format!("SELECT count(*) FROM {} WHERE ({any}) AND {whose}", table.name);
        let row = sqlx::query(AssertSqlSafe(sql)).bind(&hashes).bind(but).fetch_one(&mut backup).await?;
        found.insert(table.name.clone(), u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default());
    }
    backup.close().await?;
    found.retain(|_, rows| *rows > 0);
    Ok(found)
}

/// How many rows of a table name any of the ids in a column.
async fn naming(
    conn: &mut PgConnection,
    table: &Table,
    column: &str,
    ids: &[Uuid],
    job: Option<Uuid>,
) -> Result<u64, StoreError> {
    let condition = if column == "ids" { "ids && $1".to_owned() } else { format!("{column} = ANY($1)") };
    // The job that asks is no place.
    let but = if table.name == "wordbond.job" {
        "AND job_id IS DISTINCT FROM $2"
    } else {
        "AND $2::uuid IS NOT DISTINCT FROM $2"
    };
    let sql = format!("SELECT count(*) FROM {} WHERE {condition} {but}", table.name);
    let row = sqlx::query(AssertSqlSafe(sql)).bind(ids).bind(job).fetch_one(conn).await?;
    Ok(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default())
}

impl Verified {
    /// Whether nothing is left that must not be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.left.is_empty()
    }
}
