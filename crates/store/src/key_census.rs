//! Keys and their owners, compared in both directions: a key without an owner was left by a crash or an erasure that did not
//! end, an owner without a key cannot be read.

use crate::{Role, Store, StoreError, one_time, operator_tenant};
use jiff::SignedDuration;
use kernel::{TenantId, Timestamp};
use serde::Serialize;
use std::collections::BTreeSet;
use uuid::Uuid;
use vault::Subject;

/// How old a key must be: it is made before the row of its owner is committed.
const GRACE: SignedDuration = SignedDuration::from_hours(1);

/// What does not fit. Ids only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyCensus {
    /// How many keys were compared.
    pub keys: usize,
    /// Keys whose owner is not there, as `team/person` or `team/tenant`.
    pub without_owner: Vec<String>,
    /// Owners whose key is not there.
    pub without_key: Vec<String>,
}

/// Compares every key with every owner.
///
/// # Errors
/// When the database or the key store cannot be asked.
pub async fn census(store: &Store, now: Timestamp) -> Result<KeyCensus, StoreError> {
    // The keys first: whoever comes in between has a row and is not missed below, for rows are asked one by one.
    let keys = store.keys().subjects()?;
    let owners = owners(store).await?;
    let before = now.checked_sub(GRACE).unwrap_or(Timestamp::MIN).as_second();
    let mut out = KeyCensus { keys: keys.len(), ..KeyCensus::default() };
    for (tenant, subject, made) in keys {
        if made < before && !owners.contains(&pair(tenant, subject)) {
            out.without_owner.push(name(tenant, subject));
        }
    }
    for (tenant, owner) in owners {
        let tenant = TenantId::from(tenant);
        let subject = owner.map_or(Subject::Tenant, |owner| Subject::Person(owner.into()));
        // The key of whoever keeps things for visitors is made when the first one comes.
        let visitors = tenant == operator_tenant() && owner == Some(one_time::nobody().uuid());
        if !visitors && !store.keys().has(tenant, subject)? {
            out.without_key.push(name(tenant, subject));
        }
    }
    Ok(out)
}

/// Everybody who owns a key: people, teams, accounts and the system itself.
async fn owners(store: &Store) -> Result<BTreeSet<(Uuid, Option<Uuid>)>, StoreError> {
    const SQL: &str = "SELECT tenant_id, person_id FROM wordbond.person
        UNION ALL SELECT tenant_id, NULL FROM wordbond.tenant
        UNION ALL SELECT $1, account_id FROM wordbond.account";
    let mut backup = store.connect_as(Role::Backup).await?;
    let operator = operator_tenant().uuid();
    let rows: Vec<(Uuid, Option<Uuid>)> = sqlx::query_as(SQL).bind(operator).fetch_all(&mut backup).await?;
    Ok(rows.into_iter().chain([(operator, None), (operator, Some(one_time::nobody().uuid()))]).collect())
}

fn pair(tenant: TenantId, subject: Subject) -> (Uuid, Option<Uuid>) {
    match subject {
        Subject::Tenant => (tenant.uuid(), None),
        Subject::Person(person) => (tenant.uuid(), Some(person.uuid())),
    }
}

fn name(tenant: TenantId, subject: Subject) -> String {
    match subject {
        Subject::Tenant => format!("{tenant}/tenant"),
        Subject::Person(person) => format!("{tenant}/{person}"),
    }
}
