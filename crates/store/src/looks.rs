//! Looks: the operator's people at a tenant's data. Each has a reason and an end, and stands in the tenant's own log.

use crate::{
    Scoped, Store, StoreError, audit,
    sign_in::{self, Kind, Whose},
    team::nobody,
    tenancy::text,
    time::At,
};
use kernel::{AccountId, Actor, TenantId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// A look.
#[derive(Clone)]
pub struct Look {
    /// Its id.
    pub id: Uuid,
    /// At whose data.
    pub tenant: TenantId,
    /// By which account.
    pub admin: AccountId,
    /// Why.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when at the latest.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

/// A team as the operator sees it without a look: no name, no people, no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamRow {
    /// The team.
    pub tenant: TenantId,
    /// Since when it is suspended.
    pub suspended_at: Option<Timestamp>,
    /// Since when there is one.
    pub created_at: Timestamp,
}

/// Begins a look.
///
/// # Errors
/// [`StoreError::Invalid`] without a reason, or with an end that is past; [`StoreError::NotFound`] for no team.
pub async fn begin(
    store: &Store,
    admin: AccountId,
    tenant: TenantId,
    reason: &str,
    until: Timestamp,
) -> Result<Uuid, StoreError> {
    text("reason", reason, 500)?;
    let mut scoped = store.scope_of(tenant, &Actor::Operator, Some(admin)).await?;
    let (id, now) = (Uuid::now_v7(), scoped.now());
    if until <= now {
        return Err(StoreError::Invalid("a look that is over before it begins".to_owned()));
    }
    if !exists(&mut scoped).await? {
        return Err(StoreError::NotFound);
    }
    const SQL: &str = "INSERT INTO wordbond.admin_look (tenant_id, look_id, admin_id, reason, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(admin.uuid())
        .bind(Sealed::seal(store.keys(), &place(tenant, id), &reason.trim().to_owned())?.as_bytes())
        .bind(At(now))
        .bind(At(until))
        .execute(scoped.conn())
        .await?;
    let lookup = Kind::Look.lookup(store.keys(), id.as_bytes())?;
    let whose = Whose::Account(admin, Some((tenant, None)));
    sign_in::add(&mut scoped, Kind::Look, &lookup, id, whose, "this look is there already").await?;
    let targets = [format!("tenant:{tenant}"), format!("look:{id}"), format!("account:{admin}")];
    audit::note(&mut scoped, "look.begin", &targets, &[("reason", reason.trim()), ("until", &until.to_string())])
        .await?;
    scoped.commit().await?;
    Ok(id)
}

async fn exists(scoped: &mut Scoped) -> Result<bool, StoreError> {
    let tenant = scoped.tenant();
    Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM wordbond.tenant WHERE tenant_id = $1)")
        .bind(tenant.uuid())
        .fetch_one(scoped.conn())
        .await?)
}

/// The running looks of one of the operator's people, the newest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn current(store: &Store, admin: AccountId) -> Result<Vec<Look>, StoreError> {
    running(store, admin, None).await
}

/// A running look of one of the operator's people.
///
/// # Errors
/// When the database cannot be asked.
pub async fn get(store: &Store, admin: AccountId, id: Uuid) -> Result<Option<Look>, StoreError> {
    Ok(running(store, admin, Some(id)).await?.into_iter().next())
}

async fn running(store: &Store, admin: AccountId, id: Option<Uuid>) -> Result<Vec<Look>, StoreError> {
    let mut scoped = store.account_scope(admin).await?;
    const INDEX: &str = "SELECT tenant_id, row_id FROM wordbond.sign_in
        WHERE account_id = $1 AND kind = 'look' AND ($2::uuid IS NULL OR row_id = $2) ORDER BY row_id DESC LIMIT 100";
    let rows = sqlx::query(INDEX).bind(admin.uuid()).bind(id).fetch_all(scoped.conn()).await?;
    let mut out = Vec::new();
    for row in rows {
        let (tenant, id) = (TenantId::from(row.try_get::<Uuid, _>(0)?), row.try_get::<Uuid, _>(1)?);
        scoped.enter(tenant, &Actor::Operator).await?;
        const SQL: &str = "SELECT look_id, admin_id, reason, created_at, expires_at, ended_at FROM wordbond.admin_look
            WHERE tenant_id = $1 AND look_id = $2 AND admin_id = $3 AND ended_at IS NULL AND expires_at > $4";
        let now = At(scoped.now());
        let look = sqlx::query(SQL)
            .bind(tenant.uuid())
            .bind(id)
            .bind(admin.uuid())
            .bind(now)
            .fetch_optional(scoped.conn())
            .await?;
        if let Some(look) = look {
            out.push(read(store.keys(), tenant, &look)?);
        }
    }
    Ok(out)
}

/// Ends a look.
///
/// # Errors
/// [`StoreError::NotFound`] when it is not running, or another's.
pub async fn end(store: &Store, admin: AccountId, id: Uuid) -> Result<(), StoreError> {
    let look = get(store, admin, id).await?.ok_or(StoreError::NotFound)?;
    let mut scoped = store.scope_of(look.tenant, &Actor::Operator, Some(admin)).await?;
    const SQL: &str = "UPDATE wordbond.admin_look SET ended_at = $3
        WHERE tenant_id = $1 AND look_id = $2 AND ended_at IS NULL";
    let now = At(scoped.now());
    let done = sqlx::query(SQL).bind(look.tenant.uuid()).bind(id).bind(now).execute(scoped.conn()).await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    sign_in::remove(&mut scoped, Kind::Look, &[id]).await?;
    let targets = [format!("tenant:{}", look.tenant), format!("look:{id}"), format!("account:{admin}")];
    audit::note(&mut scoped, "look.end", &targets, &[]).await?;
    scoped.commit().await
}

/// The looks at the scope's tenant, the newest first, at most 200.
///
/// # Errors
/// When the database cannot be asked.
pub async fn of_tenant(scoped: &mut Scoped) -> Result<Vec<Look>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT look_id, admin_id, reason, created_at, expires_at, ended_at FROM wordbond.admin_look
        WHERE tenant_id = $1 ORDER BY look_id DESC LIMIT 200";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter().map(|row| read(&keys, tenant, row)).collect()
}

fn read(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<Look, StoreError> {
    let id = row.try_get("look_id")?;
    Ok(Look {
        id,
        tenant,
        admin: AccountId::from(row.try_get::<Uuid, _>("admin_id")?),
        reason: Sealed::from_bytes(row.try_get("reason")?)?.open(keys, &place(tenant, id))?,
        created_at: row.try_get::<At, _>("created_at")?.0,
        expires_at: row.try_get::<At, _>("expires_at")?.0,
        ended_at: row.try_get::<Option<At>, _>("ended_at")?.map(|at| at.0),
    })
}

/// The teams there are, the newest first: ids and times, as the dispatcher sees them.
///
/// # Errors
/// When the database cannot be asked.
pub async fn teams(store: &Store, limit: u32) -> Result<Vec<TeamRow>, StoreError> {
    let mut tx = store.dispatcher().await?;
    const SQL: &str = "SELECT tenant_id, suspended_at, created_at FROM wordbond.tenant
        ORDER BY created_at DESC, tenant_id DESC LIMIT $1";
    let rows = sqlx::query(SQL).bind(i64::from(limit)).fetch_all(&mut *tx).await?;
    rows.iter().map(row).collect()
}

/// One team, with how many people are in it.
///
/// # Errors
/// When the database cannot be asked.
pub async fn team(store: &Store, tenant: TenantId) -> Result<Option<(TeamRow, u64)>, StoreError> {
    let mut scoped = store.scoped(tenant, &nobody()).await?;
    const SQL: &str = "SELECT tenant_id, suspended_at, created_at,
            (SELECT count(*) FROM wordbond.person AS p WHERE p.tenant_id = t.tenant_id AND p.removed_at IS NULL)
        FROM wordbond.tenant AS t WHERE tenant_id = $1";
    let found = sqlx::query(SQL).bind(tenant.uuid()).fetch_optional(scoped.conn()).await?;
    let Some(found) = found else { return Ok(None) };
    Ok(Some((row(&found)?, u64::try_from(found.try_get::<i64, _>(3)?).unwrap_or_default())))
}

fn row(row: &PgRow) -> Result<TeamRow, StoreError> {
    Ok(TeamRow {
        tenant: TenantId::from(row.try_get::<Uuid, _>(0)?),
        suspended_at: row.try_get::<Option<At>, _>(1)?.map(|at| at.0),
        created_at: row.try_get::<At, _>(2)?.0,
    })
}

const fn place(tenant: TenantId, id: Uuid) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "admin_look", column: "reason", row: id, version: 1 }
}
