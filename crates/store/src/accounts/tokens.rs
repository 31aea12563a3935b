//! API tokens of a person: made, listed and taken back by that person.

use crate::{
    Store, StoreError, audit, revocation,
    sign_in::{self, Kind},
    tenancy::{LONGEST_TOKEN, Token, insert_token, text, token_place},
    time::At,
};
use kernel::{Actor, PersonId, Span, TenantId, Timestamp};
use sqlx::Row as _;
use uuid::Uuid;
use vault::Sealed;

/// How many a person may have.
const MOST: i64 = 50;

/// An API token, without what opens anything.
#[derive(Clone)]
pub struct ApiToken {
    /// Its id.
    pub id: Uuid,
    /// What its person calls it.
    pub label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
}

/// The tokens of a person, the oldest first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn tokens(store: &Store, tenant: TenantId, person: PersonId) -> Result<Vec<ApiToken>, StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: person }).await?;
    const SQL: &str =
        "SELECT token_id, label, created_at, expires_at FROM wordbond.token WHERE tenant_id = $1 AND person_id = $2
        ORDER BY token_id";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).bind(person.uuid()).fetch_all(scoped.conn()).await?;
    let mut out = Vec::new();
    for row in rows {
        let (id, sealed): (Uuid, Option<Vec<u8>>) = (row.try_get(0)?, row.try_get(1)?);
        let label = match sealed {
            Some(bytes) => {
                Some(Sealed::<String>::from_bytes(bytes)?.open(store.keys(), &token_place(tenant, person, id))?)
            }
            None => None,
        };
        let (created_at, expires_at) = (row.try_get::<At, _>(2)?.0, row.try_get::<At, _>(3)?.0);
        out.push(ApiToken { id, label, created_at, expires_at });
    }
    Ok(out)
}

/// Makes a token that is good for as long as `lives`.
///
/// # Errors
/// [`StoreError::Invalid`] for a bad label, too long a life, or one too many.
pub async fn new_token(
    store: &Store,
    tenant: TenantId,
    person: PersonId,
    label: &str,
    lives: Span,
) -> Result<Token, StoreError> {
    text("label", label, 100)?;
    if lives > LONGEST_TOKEN {
        return Err(StoreError::Invalid(format!("a token is good for {LONGEST_TOKEN} at most")));
    }
    let mut scoped = store.scoped(tenant, &Actor::Person { id: person }).await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.token WHERE tenant_id = $1 AND person_id = $2")
        .bind(tenant.uuid())
        .bind(person.uuid())
        .fetch_one(scoped.conn())
        .await?;
    if there >= MOST {
        return Err(StoreError::Invalid(format!("there are {MOST} tokens already; revoke one first")));
    }
    let written = insert_token(&mut scoped, person, Some(label), lives).await?;
    audit::note(&mut scoped, "token.create", std::slice::from_ref(&written.target), &written.context()).await?;
    scoped.commit().await?;
    Ok(written.token)
}

/// Takes a token back.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn revoke_token(store: &Store, tenant: TenantId, person: PersonId, id: Uuid) -> Result<(), StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: person }).await?;
    let done = sqlx::query("DELETE FROM wordbond.token WHERE tenant_id = $1 AND token_id = $2 AND person_id = $3")
        .bind(tenant.uuid())
        .bind(id)
        .bind(person.uuid())
        .execute(scoped.conn())
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound);
    }
    sign_in::remove(&mut scoped, Kind::Token, &[id]).await?;
    audit::note(&mut scoped, "token.revoke", &[format!("token:{id}")], &[]).await?;
    revocation::commit(store, scoped).await
}
