//! Whoever is not meant: rows of teams and of people before and after something that must leave them alone, compared as they
//! stand by the role that sees every row. What the log tells of, and what has run out, is nobody's fault.

use super::tombstones::{self, Erased};
use crate::{
    DataMap, Role, Store, StoreError, audit,
    data_map::{Scope, Table},
    retention_active::rows::{self, Rows},
    time::At,
};
use jiff::SignedDuration;
use kernel::{AccountId, DataClass, TenantId, Timestamp};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many people at either end of their age, and how many others, drawn anew each time.
const PEOPLE: i64 = 40;

/// How much earlier than the first look an event may be whose rows were not there yet.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// Tables whose rows come and go by themselves.
const OF_MOMENTS: &[&str] = &["wordbond.session", "wordbond.one_time", "wordbond.mail", "wordbond.rights_request"];

/// What was there.
#[derive(Debug)]
pub struct Bystanders {
    since: Timestamp,
    ids: BTreeSet<Uuid>,
    teams: Rows,
    people: BTreeMap<Line, Uuid>,
}

/// A row: its table, and its columns without those that the system itself keeps.
type Line = (String, String);

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// How many rows were there before.
    pub rows: usize,
    /// Tables of which rows are gone or altered, with how many.
    pub harmed: Vec<(String, usize)>,
}

impl Bystanders {
    /// Takes down the rows of a sample of people and teams.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(store: &Store) -> Result<Self, StoreError> {
        let since = store.clock().now();
        let ids = rows::sample(store).await?;
        let teams = Rows::of(store, &ids).await?;
        const SQL: &str = "(SELECT account_id FROM wordbond.account ORDER BY account_id LIMIT $1)
            UNION (SELECT account_id FROM wordbond.account ORDER BY account_id DESC LIMIT $1)
            UNION (SELECT account_id FROM wordbond.account ORDER BY random() LIMIT $1)";
        let mut backup = store.connect_as(Role::Backup).await?;
        let accounts: Vec<Uuid> = sqlx::query_scalar(SQL).bind(PEOPLE).fetch_all(&mut backup).await?;
        let people = of_people(&mut backup, &accounts).await?;
        Ok(Self { since, ids, teams, people })
    }

    /// Compares them with what is there now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn compare(&self, store: &Store) -> Result<Compared, StoreError> {
        let after = Rows::of(store, &self.ids).await?;
        let gone = self.teams.missing(&after, store.clock().now())?;
        let mut harmed: BTreeMap<String, usize> = gone.wrongly.into_iter().collect();
        let mut backup = store.connect_as(Role::Backup).await?;
        let accounts: Vec<Uuid> = self.people.values().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let now = of_people(&mut backup, &accounts).await?;
        let missing: Vec<_> = self.people.iter().filter(|(line, _)| !now.contains_key(*line)).collect();
        if !missing.is_empty() {
            let acted = self.acted(store, &mut backup).await?;
            let erased = erased(store, &mut backup, missing.iter().map(|(_, account)| **account)).await?;
            for ((table, row), account) in missing {
                let is_told = acted.iter().any(|id| row.contains(&id.to_string()));
                if !is_told && !erased.contains(account) {
                    *harmed.entry(table.clone()).or_default() += 1;
                }
            }
        }
        Ok(Compared { rows: self.teams.count() + self.people.len(), harmed: harmed.into_iter().collect() })
    }

    /// Whoever did something since, or to whom something was done, as the logs tell.
    async fn acted(&self, store: &Store, backup: &mut PgConnection) -> Result<BTreeSet<Uuid>, StoreError> {
        const SQL: &str = "SELECT tenant_id, event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
            WHERE at >= $1";
        let since = self.since.checked_sub(MARGIN).unwrap_or(self.since);
        let mut acted = BTreeSet::new();
        for row in &sqlx::query(SQL).bind(At(since)).fetch_all(backup).await? {
            let tenant = TenantId::from(row.try_get::<Uuid, _>("tenant_id")?);
            // Whether every event can be read is for the audit log's own attack to say.
            let Ok(entry) = audit::read(store.keys(), tenant, row) else { continue };
            acted.extend(entry.event.actor.person().map(|person| person.uuid()));
            acted
                .extend(entry.event.targets.iter().filter_map(|target| target.split_once(':')?.1.parse::<Uuid>().ok()));
        }
        Ok(acted)
    }
}

/// Which of these people were erased.
async fn erased(
    store: &Store,
    backup: &mut PgConnection,
    accounts: impl Iterator<Item = Uuid>,
) -> Result<BTreeSet<Uuid>, StoreError> {
    const SQL: &str = "SELECT EXISTS (SELECT FROM wordbond.tombstone WHERE subject_hash = $1)";
    let mut erased = BTreeSet::new();
    for account in accounts.collect::<BTreeSet<_>>() {
        let hash = tombstones::hash(store.keys(), Erased::Account(AccountId::from(account)))?;
        if sqlx::query_scalar(SQL).bind(hash.as_slice()).fetch_one(&mut *backup).await? {
            erased.insert(account);
        }
    }
    Ok(erased)
}

/// The rows of these people that stay as long as nobody acts, with whose they are.
async fn of_people(backup: &mut PgConnection, accounts: &[Uuid]) -> Result<BTreeMap<Line, Uuid>, StoreError> {
    let mut all = BTreeMap::new();
    for table in DataMap::own()?.tables.iter().filter(|table| is_compared(table)) {
        let kept = table.columns.iter().filter(|(_, class)| !matches!(class, DataClass::System));
        let pairs: Vec<String> = kept.map(|(column, _)| format!("'{column}', t.{column}")).collect();
        // What opens a session or a token comes and goes with it.
        let lasts = if table.name == "wordbond.sign_in" { " AND t.kind IN ('email', 'link', 'passkey')" } else { "" };
        let sql = format!(
            "SELECT t.account_id, json_build_object({})::text FROM {} AS t WHERE t.account_id = ANY($1){lasts}",
            pairs.join(", "),
            table.name
        );
        for row in sqlx::query(AssertSqlSafe(sql)).bind(accounts).fetch_all(&mut *backup).await? {
            all.insert((table.name.clone(), row.try_get(1)?), row.try_get(0)?);
        }
    }
    Ok(all)
}

fn is_compared(table: &Table) -> bool {
    matches!(table.scope, Scope::Account | Scope::Lookup)
        && table.columns.contains_key("account_id")
        && !OF_MOMENTS.contains(&table.name.as_str())
}
