//! Check-ins: the only way in which the value of a key result changes.

use super::{
    NOT_THEIRS, Refusal, Writer,
    fields::{Unit, figure, long_text},
    invalid, place,
    read::{one, one_key_result},
};
use crate::{Scoped, StoreError, audit, time::At};
use kernel::{PersonId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Sealed};

/// What is sealed of a check-in.
#[derive(Serialize, Deserialize)]
struct Body {
    value: f64,
    confidence: u8,
    comment: String,
}

/// A check-in, opened.
#[derive(Clone)]
pub struct CheckIn {
    /// Its id.
    pub id: Uuid,
    /// The key result.
    pub key_result: Uuid,
    /// Who checked in.
    pub person: PersonId,
    /// When.
    pub at: Timestamp,
    /// The value since then.
    pub value: f64,
    /// How likely the target seemed, 1 to 10.
    pub confidence: u8,
    /// What there was to say; may be empty.
    pub comment: String,
}

/// A check-in as somebody makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCheckIn {
    /// The value now.
    pub value: f64,
    /// How likely the target seems, 1 to 10.
    pub confidence: u8,
    /// What there is to say; may be empty.
    pub comment: String,
}

impl NewCheckIn {
    pub(super) fn check(&self, unit: Unit) -> Result<(), StoreError> {
        figure("the value", self.value)?;
        if unit == Unit::Boolean && self.value != 0.0 && (self.value - 1.0).abs() > f64::EPSILON {
            return Err(invalid("the value is 1 for done or 0 for not yet"));
        }
        if !(1..=10).contains(&self.confidence) {
            return Err(invalid("confidence is a number from 1 to 10"));
        }
        long_text("comment", &self.comment)
    }
}

/// Checks in.
///
/// # Errors
/// [`Refusal::NotTheirs`], [`StoreError::NotFound`]; [`StoreError::Invalid`] with what is wrong, also for what is archived.
pub async fn check_in(
    scoped: &mut Scoped,
    writer: Writer,
    (objective, key_result): (Uuid, Uuid),
    new: NewCheckIn,
) -> Result<Uuid, Refusal> {
    let above = one(scoped, objective, "FOR SHARE").await?;
    let found = one_key_result(scoped, objective, key_result).await?;
    if !writer.may_check_in(above.fields.level, above.fields.owner, found.fields.owner) {
        return Err(NOT_THEIRS);
    }
    if above.archived_at.is_some() || found.archived_at.is_some() {
        return Err(invalid("it is archived; restore it first").into());
    }
    new.check(found.fields.unit)?;
    let (id, person, at) = (Uuid::now_v7(), scoped.person()?, scoped.now());
    let NewCheckIn { value, confidence, comment } = new;
    let made = CheckIn { id, key_result, person, at, value, confidence, comment: comment.trim().to_owned() };
    insert(scoped, objective, &made).await?;
    let targets = [format!("check-in:{id}"), format!("key-result:{key_result}"), format!("objective:{objective}")];
    audit::note(scoped, "key-result.check-in", &targets, &[]).await?;
    Ok(id)
}

/// Writes a check-in as it stands.
pub(super) async fn insert(scoped: &mut Scoped, objective: Uuid, made: &CheckIn) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    let body = Body { value: made.value, confidence: made.confidence, comment: made.comment.clone() };
    let body = Sealed::seal(scoped.keys(), &place(tenant, "check_in", made.id, 1), &body)?;
    const SQL: &str = "INSERT INTO wordbond.check_in
        (tenant_id, check_in_id, key_result_id, objective_id, person_id, body, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(made.id)
        .bind(made.key_result)
        .bind(objective)
        .bind(made.person.uuid())
        .bind(body.as_bytes())
        .bind(At(made.at))
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// The newest check-ins of a key result, newest first: at most `limit`, and only those before `before`.
///
/// # Errors
/// When one cannot be opened.
pub async fn check_ins(
    scoped: &mut Scoped,
    key_result: Uuid,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<CheckIn>, StoreError> {
    const SQL: &str = "SELECT check_in_id, key_result_id, person_id, body, created_at FROM wordbond.check_in
        WHERE tenant_id = $1 AND key_result_id = $2 AND ($3::uuid IS NULL OR check_in_id < $3)
        ORDER BY check_in_id DESC LIMIT $4";
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let rows = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(key_result)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(scoped.conn())
        .await?;
    rows.iter().map(|row| read(&keys, tenant, row)).collect()
}

pub(super) fn read(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<CheckIn, StoreError> {
    let (id, key_result) = (row.try_get("check_in_id")?, row.try_get("key_result_id")?);
    let person = PersonId::from(row.try_get::<Uuid, _>("person_id")?);
    let at = row.try_get::<At, _>("created_at")?.0;
    open(keys, tenant, (id, key_result, person, at), row.try_get("body")?)
}

pub(super) fn open(
    keys: &KeyRing,
    tenant: TenantId,
    (id, key_result, person, at): (Uuid, Uuid, PersonId, Timestamp),
    body: Vec<u8>,
) -> Result<CheckIn, StoreError> {
    let sealed = Sealed::<Body>::from_bytes(body)?;
    let Body { value, confidence, comment } = sealed.open(keys, &place(tenant, "check_in", id, 1))?;
    Ok(CheckIn { id, key_result, person, at, value, confidence, comment })
}
