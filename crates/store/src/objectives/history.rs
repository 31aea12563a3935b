//! The history of an objective and its key results: who changed what, and when.

use super::{number, place, version};
use crate::{Scoped, StoreError, time::At};
use kernel::{PersonId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Sealed};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Written for the first time.
    Created,
    /// Changed.
    Edited,
    /// Put away.
    Archived,
    /// Taken back from there.
    Restored,
}

impl Deed {
    /// The word in answers and exports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Archived => "archived",
            Self::Restored => "restored",
        }
    }
}

/// One field that was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub field: String,
    /// What it said before; null where there was nothing.
    pub from: Value,
    /// What it says since.
    pub to: Value,
}

/// What is sealed of a revision.
#[derive(Serialize, Deserialize)]
struct Body {
    deed: Deed,
    changes: Vec<Change>,
    state: Value,
}

/// A change of an objective or of one of its key results.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its id.
    pub id: Uuid,
    /// The objective.
    pub objective: Uuid,
    /// The key result, where it was one that was changed.
    pub key_result: Option<Uuid>,
    /// Who.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// The version that it led to.
    pub version: u64,
    /// What was done.
    pub deed: Deed,
    /// Each field that was changed.
    pub changes: Vec<Change>,
    /// The whole as it is since, so that any past state can be read back.
    pub state: Value,
}

/// What is to be told of a change.
pub(super) struct Told<'a> {
    pub(super) objective: Uuid,
    pub(super) key_result: Option<Uuid>,
    pub(super) version: u64,
    pub(super) deed: Deed,
    /// Null where there was nothing.
    pub(super) before: &'a Value,
    pub(super) after: Value,
}

/// Writes a revision by the scope's actor.
pub(super) async fn tell(scoped: &mut Scoped, told: Told<'_>) -> Result<(), StoreError> {
    let revision = Revision {
        id: Uuid::now_v7(),
        objective: told.objective,
        key_result: told.key_result,
        person: scoped.person()?,
        at: scoped.now(),
        version: told.version,
        deed: told.deed,
        changes: changes(told.before, &told.after),
        state: told.after,
    };
    insert(scoped, revision).await
}

/// Writes a revision as it stands.
pub(super) async fn insert(scoped: &mut Scoped, revision: Revision) -> Result<(), StoreError> {
    let Revision { id, objective, key_result, person, at, version, deed, changes, state } = revision;
    let tenant = scoped.tenant();
    let place = place(tenant, "objective_revision", id, version);
    let body = Sealed::seal(scoped.keys(), &place, &Body { deed, changes, state })?;
    const SQL: &str = "INSERT INTO wordbond.objective_revision
        (tenant_id, revision_id, objective_id, key_result_id, person_id, version, body, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(objective)
        .bind(key_result)
        .bind(person.uuid())
        .bind(number(version))
        .bind(body.as_bytes())
        .bind(At(at))
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// The fields in which two states differ, in the order of their names.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let Value::Object(after) = after else { return Vec::new() };
    let differs = |(field, to): (&String, &Value)| {
        let from = before.get(field).cloned().unwrap_or(Value::Null);
        (from != *to).then(|| Change { field: field.clone(), from, to: to.clone() })
    };
    after.iter().filter_map(differs).collect()
}

/// The newest revisions of an objective and its key results, newest first: at most `limit`, and only those before `before`.
///
/// # Errors
/// When one cannot be opened.
pub async fn revisions(
    scoped: &mut Scoped,
    objective: Uuid,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Revision>, StoreError> {
    const SQL: &str = "SELECT revision_id, objective_id, key_result_id, person_id, version, body, created_at
        FROM wordbond.objective_revision
        WHERE tenant_id = $1 AND objective_id = $2 AND ($3::uuid IS NULL OR revision_id < $3)
        ORDER BY revision_id DESC LIMIT $4";
    let tenant = scoped.tenant();
    let rows = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(objective)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(scoped.conn())
        .await?;
    let keys = scoped.keys().clone();
    rows.iter().map(|row| open(&keys, scoped, row)).collect()
}

pub(super) fn open(keys: &KeyRing, scoped: &Scoped, row: &PgRow) -> Result<Revision, StoreError> {
    open_in(keys, scoped.tenant(), row)
}

pub(super) fn open_in(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<Revision, StoreError> {
    let (id, version) = (row.try_get("revision_id")?, version(row)?);
    let sealed = Sealed::<Body>::from_bytes(row.try_get("body")?)?;
    let Body { deed, changes, state } = sealed.open(keys, &place(tenant, "objective_revision", id, version))?;
    Ok(Revision {
        id,
        objective: row.try_get("objective_id")?,
        key_result: row.try_get("key_result_id")?,
        person: PersonId::from(row.try_get::<Uuid, _>("person_id")?),
        at: row.try_get::<At, _>("created_at")?.0,
        version,
        deed,
        changes,
        state,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_a_change() {
        let (before, after) = (json!({"a": 1, "b": "x", "c": null}), json!({"a": 2, "b": "x", "c": "new"}));
        let found = changes(&before, &after);
        assert_eq!(found.len(), 2);
        assert_eq!(found.first(), Some(&Change { field: "a".to_owned(), from: json!(1), to: json!(2) }));
        assert_eq!(changes(&Value::Null, &after).len(), 3);
        assert!(changes(&after, &after).is_empty());
    }
}
