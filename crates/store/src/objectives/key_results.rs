//! Writing key results.

use super::{
    MOST_KEY_RESULTS, NOT_THEIRS, Refusal, Writer, check_owner,
    fields::KeyResultFields,
    history::{Deed, Told, tell},
    invalid, number, place,
    read::{KeyResult, KeyResultBody, one, one_key_result},
};
use crate::{Scoped, StoreError, audit, time::At};
use serde_json::{Value, json};
use uuid::Uuid;
use vault::Sealed;

/// Adds a key result to an objective.
///
/// # Errors
/// [`Refusal::NotTheirs`], [`StoreError::NotFound`]; [`StoreError::Invalid`] with what is wrong, also when there are too
/// many.
pub async fn add(
    scoped: &mut Scoped,
    writer: Writer,
    objective: Uuid,
    fields: KeyResultFields,
) -> Result<Uuid, Refusal> {
    let fields = fields.checked()?;
    check_objective(scoped, writer, objective).await?;
    check_room(scoped, objective).await?;
    check_owner(scoped, fields.owner).await?;
    let (tenant, id, now) = (scoped.tenant(), Uuid::now_v7(), At(scoped.now()));
    let body = seal(scoped, id, 1, &fields)?;
    const SQL: &str = "INSERT INTO wordbond.key_result
        (tenant_id, key_result_id, objective_id, owner_id, unit, direction, weight, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(objective)
        .bind(fields.owner.map(kernel::PersonId::uuid))
        .bind(fields.unit.word())
        .bind(fields.direction.word())
        .bind(i16::from(fields.weight))
        .bind(body.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    let place = (objective, id);
    told(scoped, place, 1, Deed::Created, &Value::Null, state(&fields, false)).await?;
    note(scoped, "key-result.create", place).await?;
    Ok(id)
}

/// Changes a key result, not its value; `from` is the version that the change began from. Yields the new version.
///
/// # Errors
/// [`Refusal::Stale`], [`Refusal::NotTheirs`], [`StoreError::NotFound`], [`StoreError::Invalid`].
pub async fn edit(
    scoped: &mut Scoped,
    writer: Writer,
    place: (Uuid, Uuid),
    from: u64,
    fields: KeyResultFields,
) -> Result<u64, Refusal> {
    let old = locked(scoped, writer, place, from).await?;
    let fields = fields.checked()?;
    if old.archived_at.is_some() {
        return Err(invalid("it is archived; restore it first").into());
    }
    if fields.owner != old.fields.owner {
        check_owner(scoped, fields.owner).await?;
    }
    if old.latest.is_some() && fields.unit != old.fields.unit {
        return Err(invalid("the unit does not change once somebody has checked in").into());
    }
    if fields == old.fields {
        return Ok(old.version);
    }
    let version = rewrite(scoped, place.1, old.version, &fields).await?;
    told(scoped, place, version, Deed::Edited, &state(&old.fields, false), state(&fields, false)).await?;
    note(scoped, "key-result.edit", place).await?;
    Ok(version)
}

async fn rewrite(scoped: &mut Scoped, id: Uuid, from: u64, fields: &KeyResultFields) -> Result<u64, StoreError> {
    let (tenant, version, now) = (scoped.tenant(), from + 1, At(scoped.now()));
    let body = seal(scoped, id, version, fields)?;
    const SQL: &str = "UPDATE wordbond.key_result
        SET owner_id = $3, unit = $4, direction = $5, weight = $6, body = $7, version = $8, updated_at = $9
        WHERE tenant_id = $1 AND key_result_id = $2";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(fields.owner.map(kernel::PersonId::uuid))
        .bind(fields.unit.word())
        .bind(fields.direction.word())
        .bind(i16::from(fields.weight))
        .bind(body.as_bytes())
        .bind(number(version))
        .bind(now)
        .execute(scoped.conn())
        .await?;
    Ok(version)
}

/// Archives a key result, or takes it back. What is so already stays so, at the version that it has.
///
/// # Errors
/// As [`edit`].
pub async fn set_archived(
    scoped: &mut Scoped,
    writer: Writer,
    place: (Uuid, Uuid),
    from: u64,
    archived: bool,
) -> Result<u64, Refusal> {
    let old = locked(scoped, writer, place, from).await?;
    if old.archived_at.is_some() == archived {
        return Ok(old.version);
    }
    if !archived {
        check_room(scoped, place.0).await?;
    }
    let version = rewrite(scoped, place.1, old.version, &old.fields).await?;
    let (tenant, now) = (scoped.tenant(), archived.then(|| At(scoped.now())));
    sqlx::query("UPDATE wordbond.key_result SET archived_at = $3 WHERE tenant_id = $1 AND key_result_id = $2")
        .bind(tenant.uuid())
        .bind(place.1)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    let (deed, action) =
        if archived { (Deed::Archived, "key-result.archive") } else { (Deed::Restored, "key-result.restore") };
    told(scoped, place, version, deed, &state(&old.fields, !archived), state(&old.fields, archived)).await?;
    note(scoped, action, place).await?;
    Ok(version)
}

/// The key result, locked until the transaction ends, if the writer may write it and knows its newest version.
async fn locked(scoped: &mut Scoped, writer: Writer, place: (Uuid, Uuid), from: u64) -> Result<KeyResult, Refusal> {
    check_objective(scoped, writer, place.0).await?;
    let old = one_key_result(scoped, place.0, place.1).await?;
    if old.version == from { Ok(old) } else { Err(Refusal::Stale) }
}

/// The objective, locked so that key results are added one after the other, must be the writer's to write and not archived.
async fn check_objective(scoped: &mut Scoped, writer: Writer, objective: Uuid) -> Result<(), Refusal> {
    let objective = one(scoped, objective, "FOR UPDATE").await?;
    if !writer.may_write(objective.fields.level, objective.fields.owner) {
        return Err(NOT_THEIRS);
    }
    if objective.archived_at.is_some() {
        return Err(invalid("the objective is archived; restore it first").into());
    }
    Ok(())
}

async fn check_room(scoped: &mut Scoped, objective: Uuid) -> Result<(), StoreError> {
    const SQL: &str = "SELECT count(*) FROM wordbond.key_result
        WHERE tenant_id = $1 AND objective_id = $2 AND archived_at IS NULL";
    let tenant = scoped.tenant();
    let count: i64 = sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(objective).fetch_one(scoped.conn()).await?;
    if usize::try_from(count).unwrap_or_default() < MOST_KEY_RESULTS {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("the objective has {MOST_KEY_RESULTS} key results; archive some first")))
}

pub(super) fn seal(
    scoped: &Scoped,
    id: Uuid,
    version: u64,
    fields: &KeyResultFields,
) -> Result<Sealed<KeyResultBody>, StoreError> {
    let KeyResultFields { title, initial, target, lower, .. } = fields.clone();
    let body = KeyResultBody { title, initial, target, lower };
    Ok(Sealed::seal(scoped.keys(), &place(scoped.tenant(), "key_result", id, version), &body)?)
}

/// The whole of a key result as history keeps it.
pub(super) fn state(fields: &KeyResultFields, archived: bool) -> Value {
    let mut state = serde_json::to_value(fields).unwrap_or_default();
    if let Value::Object(map) = &mut state {
        map.insert("archived".to_owned(), json!(archived));
    }
    state
}

async fn told(
    scoped: &mut Scoped,
    (objective, key_result): (Uuid, Uuid),
    version: u64,
    deed: Deed,
    before: &Value,
    after: Value,
) -> Result<(), StoreError> {
    tell(scoped, Told { objective, key_result: Some(key_result), version, deed, before, after }).await
}

async fn note(scoped: &mut Scoped, action: &str, (objective, key_result): (Uuid, Uuid)) -> Result<(), StoreError> {
    let targets = [format!("key-result:{key_result}"), format!("objective:{objective}")];
    audit::note(scoped, action, &targets, &[]).await
}
