//! Rows of teams before and after.

use crate::{
    DataMap, Role, Store, StoreError,
    data_map::{Scope, Table},
};
use kernel::{DataClass, Timestamp};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How many teams at either end of their age.
const ENDS: i64 = 40;
/// The most rows of a team that are taken of one table.
const MOST: i64 = 2_000;

/// The rows of some teams, by team and table, each as JSON.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    rows: BTreeMap<Uuid, BTreeSet<(String, String)>>,
    /// How many events each team's log had.
    events: BTreeMap<Uuid, i64>,
}

/// What is missing.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    /// Rows that had run out.
    pub(crate) rightly: usize,
    /// Tables with rows that had not.
    pub(crate) wrongly: Vec<(String, usize)>,
    /// Teams at work meanwhile.
    pub(crate) busy: usize,
}

/// The oldest and the newest teams, and some of the others, drawn anew each time.
pub(crate) async fn sample(store: &Store) -> Result<BTreeSet<Uuid>, StoreError> {
    const SQL: &str = "(SELECT tenant_id FROM wordbond.tenant ORDER BY tenant_id LIMIT $1)
        UNION (SELECT tenant_id FROM wordbond.tenant ORDER BY tenant_id DESC LIMIT $1)
        UNION (SELECT tenant_id FROM wordbond.tenant ORDER BY random() LIMIT $1)";
    let mut backup = store.connect_as(Role::Backup).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar(SQL).bind(ENDS).fetch_all(&mut backup).await?;
    backup.close().await?;
    Ok(ids.into_iter().collect())
}

/// Whether a table's rows are compared. Work to do comes and goes; sessions are another promise's.
fn is_compared(table: &Table) -> bool {
    let of_a_team = matches!(table.scope, Scope::Tenant | Scope::Owner);
    of_a_team && !matches!(table.name.as_str(), "wordbond.job" | "wordbond.ticket")
}

/// The tables whose rows are compared, and those that tell what was written.
pub(crate) fn compared() -> Result<Vec<String>, StoreError> {
    let told = |table: &Table| matches!(table.name.as_str(), "wordbond.audit_event" | "wordbond.account");
    let tables = DataMap::own()?.tables.into_iter().filter(|table| is_compared(table) || told(table));
    Ok(tables.map(|table| table.name).collect())
}

impl Rows {
    pub(crate) async fn of(store: &Store, teams: &BTreeSet<Uuid>) -> Result<Self, StoreError> {
        let ids: Vec<Uuid> = teams.iter().copied().collect();
        let mut backup = store.connect_as(Role::Backup).await?;
        let mut all = Self::default();
        const EVENTS: &str =
            "SELECT tenant_id, count(*) FROM wordbond.audit_event WHERE tenant_id = ANY ($1) GROUP BY tenant_id";
        for row in sqlx::query(EVENTS).bind(&ids).fetch_all(&mut backup).await? {
            all.events.insert(row.try_get(0)?, row.try_get(1)?);
        }
        for table in DataMap::own()?.tables.iter().filter(|table| is_compared(table)) {
            let sql = format!(
                "SELECT l.r FROM unnest($1::uuid[]) AS team, LATERAL (SELECT to_jsonb(t)::text AS r FROM {} AS t
                     WHERE t.tenant_id = team ORDER BY 1 LIMIT {MOST}) AS l",
                table.name
            );
            let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&ids).fetch_all(&mut backup).await?;
            for row in rows {
                let tenant = value(&row, "tenant_id").and_then(|id| id.parse().ok()).unwrap_or_default();
                all.rows.entry(tenant).or_default().insert((table.name.clone(), row));
            }
        }
        backup.close().await?;
        Ok(all)
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.values().map(BTreeSet::len).sum()
    }

    /// A team's rows.
    pub(crate) fn of_team(&self, tenant: Uuid) -> Vec<(String, String)> {
        self.rows.get(&tenant).into_iter().flatten().cloned().collect()
    }

    /// What is in these and not in those.
    pub(crate) fn missing(&self, after: &Self, now: Timestamp) -> Result<Gone, StoreError> {
        let map = DataMap::own()?;
        let mut gone = Gone::default();
        let mut wrongly: BTreeMap<String, usize> = BTreeMap::new();
        for (tenant, rows) in &self.rows {
            if self.events.get(tenant) != after.events.get(tenant) {
                gone.busy += 1;
                continue;
            }
            let there = after.rows.get(tenant);
            for (table, row) in rows.iter().filter(|row| !there.is_some_and(|there| there.contains(*row))) {
                let ran_out = map.table(table).is_some_and(|table| has_run_out(table, row, now));
                if ran_out {
                    gone.rightly += 1;
                } else {
                    *wrongly.entry(table.clone()).or_default() += 1;
                }
            }
        }
        gone.wrongly = wrongly.into_iter().collect();
        Ok(gone)
    }
}

fn has_run_out(table: &Table, row: &str, now: Timestamp) -> bool {
    let Some((age, before)) = table.runs_out(now) else { return false };
    value(row, age).and_then(|at| at.parse::<Timestamp>().ok()).is_some_and(|at| at < before)
}

fn value(row: &str, column: &str) -> Option<String> {
    let row: Value = serde_json::from_str(row).ok()?;
    row.as_object()?.get(column)?.as_str().map(str::to_owned)
}

/// Tables in which rows run out, with how many of them are dated before the instant in their id.
pub(crate) async fn misdated(store: &Store) -> Result<Vec<(String, i64)>, StoreError> {
    let mut backup = store.connect_as(Role::Backup).await?;
    let mut found = Vec::new();
    for table in &DataMap::own()?.tables {
        let Some((age, _)) = table.runs_out(store.clock().now()) else { continue };
        // An attack on sessions moves the times of its own ones back.
        let id = key(table).filter(|_| table.name != "wordbond.session");
        let Some(id) = id else { continue };
        let sql = format!(
            "SELECT count(*) FROM {0} WHERE substring({id}::text FROM 15 FOR 1) = '7' AND {age} < to_timestamp(
                 ('x' || substring(replace({id}::text, '-', '') FROM 1 FOR 12))::bit(48)::bigint / 1000.0) - interval '1 minute'",
            table.name
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut backup).await?;
        if count > 0 {
            found.push((table.name.clone(), count));
        }
    }
    backup.close().await?;
    Ok(found)
}

/// The column of a row's own id, named after its table.
fn key(table: &Table) -> Option<&str> {
    let name = table.name.rsplit('.').next()?;
    let own = format!("{}_id", name.trim_start_matches("rights_"));
    let (column, class) = table.columns.get_key_value(own.as_str())?;
    matches!(class, DataClass::Pseudonym).then_some(column.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_out_is_known_by_its_own_id_where_it_has_one() {
        let map = DataMap::own().unwrap();
        for name in ["wordbond.invitation", "wordbond.one_time", "wordbond.rights_case"] {
            assert!(map.table(name).and_then(key).is_some(), "{name}");
        }
    }
}
