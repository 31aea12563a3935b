//! Writing objectives.

use super::{
    MOST_OBJECTIVES, NOT_THEIRS, Refusal, Writer, check_owner,
    fields::{Level, ObjectiveFields},
    history::{Deed, Told, tell},
    invalid, number, place,
    read::{Objective, ObjectiveBody, one},
};
use crate::{Scoped, StoreError, audit, time::At};
use serde_json::{Value, json};
use uuid::Uuid;
use vault::Sealed;

/// Writes an objective.
///
/// # Errors
/// [`Refusal::NotTheirs`]; [`StoreError::Invalid`] with what is wrong, also when the team has too many.
pub async fn create(scoped: &mut Scoped, writer: Writer, fields: ObjectiveFields) -> Result<Uuid, Refusal> {
    let fields = fields.checked()?;
    if !writer.may_write(fields.level, fields.owner) {
        return Err(NOT_THEIRS);
    }
    check_room(scoped).await?;
    check_owner(scoped, fields.owner).await?;
    check_parent(scoped, &fields).await?;
    let (tenant, id, now) = (scoped.tenant(), Uuid::now_v7(), At(scoped.now()));
    let body = seal(scoped, id, 1, &fields)?;
    const SQL: &str =
        "INSERT INTO wordbond.objective (tenant_id, objective_id, owner_id, parent_id, level, status, starts_on,
            ends_on, weight, check_in_every, body, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, $8::text::date, $9, $10, $11, $12, $12)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(fields.owner.map(kernel::PersonId::uuid))
        .bind(fields.parent)
        .bind(fields.level.word())
        .bind(fields.status.word())
        .bind(fields.starts_on.to_string())
        .bind(fields.ends_on.to_string())
        .bind(i16::from(fields.weight))
        .bind(fields.check_in_every.word())
        .bind(body.as_bytes())
        .bind(now)
        .execute(scoped.conn())
        .await?;
    told(scoped, id, 1, Deed::Created, &Value::Null, state(&fields, false)).await?;
    audit::note(scoped, "objective.create", &[format!("objective:{id}")], &[]).await?;
    Ok(id)
}

/// Changes an objective; `from` is the version that the change began from. Yields the new version.
///
/// # Errors
/// [`Refusal::Stale`], [`Refusal::NotTheirs`], [`StoreError::NotFound`], [`StoreError::Invalid`].
pub async fn edit(
    scoped: &mut Scoped,
    writer: Writer,
    id: Uuid,
    from: u64,
    fields: ObjectiveFields,
) -> Result<u64, Refusal> {
    let old = locked(scoped, writer, id, from).await?;
    let fields = fields.checked()?;
    if fields.level != old.fields.level {
        return Err(invalid("the level of an objective does not change").into());
    }
    if old.archived_at.is_some() {
        return Err(invalid("it is archived; restore it first").into());
    }
    if fields.owner != old.fields.owner {
        check_owner(scoped, fields.owner).await?;
    }
    if fields.parent != old.fields.parent {
        check_parent(scoped, &fields).await?;
    }
    if fields == old.fields {
        return Ok(old.version);
    }
    let version = rewrite(scoped, id, old.version, &fields).await?;
    told(scoped, id, version, Deed::Edited, &state(&old.fields, false), state(&fields, false)).await?;
    audit::note(scoped, "objective.edit", &[format!("objective:{id}")], &[]).await?;
    Ok(version)
}

async fn rewrite(scoped: &mut Scoped, id: Uuid, from: u64, fields: &ObjectiveFields) -> Result<u64, StoreError> {
    let (tenant, version, now) = (scoped.tenant(), from + 1, At(scoped.now()));
    let body = seal(scoped, id, version, fields)?;
    const SQL: &str =
        "UPDATE wordbond.objective SET owner_id = $3, parent_id = $4, status = $5, starts_on = $6::text::date,
            ends_on = $7::text::date, weight = $8, check_in_every = $9, body = $10, version = $11, updated_at = $12
        WHERE tenant_id = $1 AND objective_id = $2";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(fields.owner.map(kernel::PersonId::uuid))
        .bind(fields.parent)
        .bind(fields.status.word())
        .bind(fields.starts_on.to_string())
        .bind(fields.ends_on.to_string())
        .bind(i16::from(fields.weight))
        .bind(fields.check_in_every.word())
        .bind(body.as_bytes())
        .bind(number(version))
        .bind(now)
        .execute(scoped.conn())
        .await?;
    Ok(version)
}

/// Archives an objective, or takes it back. What is so already stays so, at the version that it has.
///
/// # Errors
/// As [`edit`].
pub async fn set_archived(
    scoped: &mut Scoped,
    writer: Writer,
    id: Uuid,
    from: u64,
    archived: bool,
) -> Result<u64, Refusal> {
    let old = locked(scoped, writer, id, from).await?;
    if old.archived_at.is_some() == archived {
        return Ok(old.version);
    }
    if !archived {
        check_room(scoped).await?;
    }
    // The body is sealed for its version, so that it is sealed again.
    let version = rewrite(scoped, id, old.version, &old.fields).await?;
    let (tenant, now) = (scoped.tenant(), archived.then(|| At(scoped.now())));
    sqlx::query("UPDATE wordbond.objective SET archived_at = $3 WHERE tenant_id = $1 AND objective_id = $2")
        .bind(tenant.uuid())
        .bind(id)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    let (deed, action) =
        if archived { (Deed::Archived, "objective.archive") } else { (Deed::Restored, "objective.restore") };
    told(scoped, id, version, deed, &state(&old.fields, !archived), state(&old.fields, archived)).await?;
    audit::note(scoped, action, &[format!("objective:{id}")], &[]).await?;
    Ok(version)
}

/// The objective, locked until the transaction ends, if the writer may write it and knows its newest version.
async fn locked(scoped: &mut Scoped, writer: Writer, id: Uuid, from: u64) -> Result<Objective, Refusal> {
    let old = one(scoped, id, "FOR UPDATE").await?;
    if !writer.may_write(old.fields.level, old.fields.owner) {
        return Err(NOT_THEIRS);
    }
    if old.version == from { Ok(old) } else { Err(Refusal::Stale) }
}

async fn check_room(scoped: &mut Scoped) -> Result<(), StoreError> {
    const SQL: &str = "SELECT count(*) FROM wordbond.objective WHERE tenant_id = $1 AND archived_at IS NULL";
    let tenant = scoped.tenant();
    let count: i64 = sqlx::query_scalar(SQL).bind(tenant.uuid()).fetch_one(scoped.conn()).await?;
    if usize::try_from(count).unwrap_or_default() < MOST_OBJECTIVES {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("the team has {MOST_OBJECTIVES} objectives; archive some first")))
}

/// An objective supports one of a higher level, so that there is no circle.
async fn check_parent(scoped: &mut Scoped, fields: &ObjectiveFields) -> Result<(), StoreError> {
    let Some(parent) = fields.parent else { return Ok(()) };
    let found = one(scoped, parent, "FOR SHARE").await;
    let parent = found.map_err(|error| match error {
        StoreError::NotFound => invalid("the objective that it is to support is not there"),
        other => other,
    })?;
    match parent.fields.level.cmp(&fields.level) {
        std::cmp::Ordering::Less if parent.archived_at.is_none() => Ok(()),
        std::cmp::Ordering::Less => Err(invalid("the objective that it is to support is archived")),
        _ if fields.level == Level::Company => Err(invalid("an objective of the company supports no other")),
        _ => Err(invalid("an objective supports one of a higher level")),
    }
}

pub(super) fn seal(
    scoped: &Scoped,
    id: Uuid,
    version: u64,
    fields: &ObjectiveFields,
) -> Result<Sealed<ObjectiveBody>, StoreError> {
    let body = ObjectiveBody { title: fields.title.clone(), description: fields.description.clone() };
    Ok(Sealed::seal(scoped.keys(), &place(scoped.tenant(), "objective", id, version), &body)?)
}

/// The whole of an objective as history keeps it.
pub(super) fn state(fields: &ObjectiveFields, archived: bool) -> Value {
    let mut state = serde_json::to_value(fields).unwrap_or_default();
    if let Value::Object(map) = &mut state {
        map.insert("archived".to_owned(), json!(archived));
    }
    state
}

async fn told(
    scoped: &mut Scoped,
    objective: Uuid,
    version: u64,
    deed: Deed,
    before: &Value,
    after: Value,
) -> Result<(), StoreError> {
    tell(scoped, Told { objective, key_result: None, version, deed, before, after }).await
}
