//! Reading objectives and key results.

use super::{
    check_ins::{self, CheckIn},
    fields::{Direction, Every, KeyResultFields, Level, ObjectiveFields, Status, Unit},
    place, version,
};
use crate::{Scoped, StoreError, time::At};
use jiff::civil::Date;
use kernel::{PersonId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Sealed};

/// What is sealed of an objective.
#[derive(Serialize, Deserialize)]
pub(super) struct ObjectiveBody {
    pub(super) title: String,
    pub(super) description: String,
}

/// What is sealed of a key result.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyResultBody {
    pub(super) title: String,
    pub(super) initial: f64,
    pub(super) target: f64,
    pub(super) lower: Option<f64>,
}

/// An objective, opened.
#[derive(Clone)]
pub struct Objective {
    /// Its id.
    pub id: Uuid,
    /// What people wrote.
    pub fields: ObjectiveFields,
    /// Counts its changes, from 1.
    pub version: u64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was put away, where it is.
    pub archived_at: Option<Timestamp>,
}

/// A key result, opened.
#[derive(Clone)]
pub struct KeyResult {
    /// Its id.
    pub id: Uuid,
    /// The objective that it belongs to.
    pub objective: Uuid,
    /// What people wrote.
    pub fields: KeyResultFields,
    /// Counts its changes, from 1; a check-in is none.
    pub version: u64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was put away, where it is.
    pub archived_at: Option<Timestamp>,
    /// The newest check-in, where there is one.
    pub latest: Option<CheckIn>,
}

impl KeyResult {
    /// The value now: that of the newest check-in, else the initial one.
    #[must_use]
    pub fn current(&self) -> f64 {
        self.latest.as_ref().map_or(self.fields.initial, |check_in| check_in.value)
    }
}

/// Objectives with their key results.
#[derive(Clone, Default)]
pub struct Tree {
    /// The objectives, the oldest first.
    pub objectives: Vec<Objective>,
    /// Their key results, the oldest first.
    pub key_results: Vec<KeyResult>,
}

/// Which of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// What is not archived.
    #[default]
    Current,
    /// Archived objectives, with all of their key results.
    Archived,
    /// All there is.
    All,
}

impl Filter {
    const fn condition(self) -> &'static str {
        match self {
            Self::Current => "o.archived_at IS NULL",
            Self::Archived => "o.archived_at IS NOT NULL",
            Self::All => "true",
        }
    }
}

pub(super) const OBJECTIVE: &str = "SELECT o.objective_id, o.owner_id, o.parent_id, o.level, o.status, o.starts_on::text, o.ends_on::text,
    o.weight, o.check_in_every, o.body, o.version, o.created_at, o.updated_at, o.archived_at FROM wordbond.objective AS o";

/// With the newest check-in beside it.
const KEY_RESULT: &str =
    "SELECT k.key_result_id, k.objective_id, k.owner_id, k.unit, k.direction, k.weight, k.body, k.version,
    k.created_at, k.updated_at, k.archived_at,
    c.check_in_id, c.person_id AS check_in_person, c.body AS check_in_body, c.created_at AS checked_in_at
    FROM wordbond.key_result AS k
    JOIN wordbond.objective AS o ON o.tenant_id = k.tenant_id AND o.objective_id = k.objective_id
    LEFT JOIN LATERAL (SELECT * FROM wordbond.check_in AS i
                       WHERE i.tenant_id = k.tenant_id AND i.key_result_id = k.key_result_id
                       ORDER BY i.check_in_id DESC LIMIT 1) AS c ON true";

/// The team's objectives with their key results.
///
/// # Errors
/// When one cannot be opened.
pub async fn tree(scoped: &mut Scoped, filter: Filter) -> Result<Tree, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let kept = if filter == Filter::Current { "AND k.archived_at IS NULL" } else { "" };
    let condition = filter.condition();
    let objectives = format!("{OBJECTIVE} WHERE o.tenant_id = $1 AND {condition} ORDER BY o.objective_id");
    let key_results = format!("{KEY_RESULT} WHERE k.tenant_id = $1 AND {condition} {kept} ORDER BY k.key_result_id");
    let rows = sqlx::query(AssertSqlSafe(objectives)).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    let objectives = rows.iter().map(|row| objective(&keys, tenant, row)).collect::<Result<_, _>>()?;
    let rows = sqlx::query(AssertSqlSafe(key_results)).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    let key_results = rows.iter().map(|row| key_result(&keys, tenant, row)).collect::<Result<_, _>>()?;
    Ok(Tree { objectives, key_results })
}

/// An objective with all of its key results, archived ones too, the oldest first.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(scoped: &mut Scoped, id: Uuid) -> Result<(Objective, Vec<KeyResult>), StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let found = one(scoped, id, "").await?;
    let sql = format!("{KEY_RESULT} WHERE k.tenant_id = $1 AND k.objective_id = $2 ORDER BY k.key_result_id");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(id).fetch_all(scoped.conn()).await?;
    Ok((found, rows.iter().map(|row| key_result(&keys, tenant, row)).collect::<Result<_, _>>()?))
}

/// An objective, locked as `lock` says.
pub(super) async fn one(scoped: &mut Scoped, id: Uuid, lock: &'static str) -> Result<Objective, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let sql = format!("{OBJECTIVE} WHERE o.tenant_id = $1 AND o.objective_id = $2 {lock}");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(id).fetch_optional(scoped.conn()).await?;
    objective(&keys, tenant, &row.ok_or(StoreError::NotFound)?)
}

/// A key result of an objective, locked until the transaction ends.
pub(super) async fn one_key_result(scoped: &mut Scoped, objective: Uuid, id: Uuid) -> Result<KeyResult, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let sql =
        format!("{KEY_RESULT} WHERE k.tenant_id = $1 AND k.objective_id = $2 AND k.key_result_id = $3 FOR UPDATE OF k");
    let query = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(objective).bind(id);
    let row = query.fetch_optional(scoped.conn()).await?;
    key_result(&keys, tenant, &row.ok_or(StoreError::NotFound)?)
}

pub(super) fn objective(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<Objective, StoreError> {
    let (id, version) = (row.try_get("objective_id")?, version(row)?);
    let sealed = Sealed::<ObjectiveBody>::from_bytes(row.try_get("body")?)?;
    let ObjectiveBody { title, description } = sealed.open(keys, &place(tenant, "objective", id, version))?;
    let fields = ObjectiveFields {
        title,
        description,
        level: word(row, "level", Level::parse)?,
        status: word(row, "status", Status::parse)?,
        owner: row.try_get::<Option<Uuid>, _>("owner_id")?.map(PersonId::from),
        parent: row.try_get("parent_id")?,
        starts_on: day(row, "starts_on")?,
        ends_on: day(row, "ends_on")?,
        weight: weight(row)?,
        check_in_every: word(row, "check_in_every", Every::parse)?,
    };
    let (created_at, updated_at, archived_at) = times(row)?;
    Ok(Objective { id, fields, version, created_at, updated_at, archived_at })
}

pub(super) fn key_result(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<KeyResult, StoreError> {
    let (id, objective, version) = (row.try_get("key_result_id")?, row.try_get("objective_id")?, version(row)?);
    let sealed = Sealed::<KeyResultBody>::from_bytes(row.try_get("body")?)?;
    let KeyResultBody { title, initial, target, lower } =
        sealed.open(keys, &place(tenant, "key_result", id, version))?;
    let fields = KeyResultFields {
        title,
        owner: row.try_get::<Option<Uuid>, _>("owner_id")?.map(PersonId::from),
        unit: word(row, "unit", Unit::parse)?,
        direction: word(row, "direction", Direction::parse)?,
        initial,
        target,
        lower,
        weight: weight(row)?,
    };
    let latest = match row.try_get::<Option<Uuid>, _>("check_in_id")? {
        None => None,
        Some(found) => {
            let person = PersonId::from(row.try_get::<Uuid, _>("check_in_person")?);
            let at = row.try_get::<At, _>("checked_in_at")?.0;
            Some(check_ins::open(keys, tenant, (found, id, person, at), row.try_get("check_in_body")?)?)
        }
    };
    let (created_at, updated_at, archived_at) = times(row)?;
    Ok(KeyResult { id, objective, fields, version, created_at, updated_at, archived_at, latest })
}

fn word<T>(row: &PgRow, column: &str, parse: fn(&str) -> Option<T>) -> Result<T, StoreError> {
    let word: String = row.try_get(column)?;
    parse(&word).ok_or_else(|| StoreError::Unexpected(format!("{column} {word}")))
}

fn day(row: &PgRow, column: &str) -> Result<Date, StoreError> {
    let text: String = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Unexpected(format!("{column} {text}")))
}

fn weight(row: &PgRow) -> Result<u8, StoreError> {
    Ok(u8::try_from(row.try_get::<i16, _>("weight")?).unwrap_or_default())
}

fn times(row: &PgRow) -> Result<(Timestamp, Timestamp, Option<Timestamp>), StoreError> {
    let at = |column| row.try_get::<At, _>(column).map(|at| at.0);
    let archived = row.try_get::<Option<At>, _>("archived_at")?.map(|at| at.0);
    Ok((at("created_at")?, at("updated_at")?, archived))
}
