//! Who an account is or was, in which teams: memberships, the rows of teams that were left, and, by a proven address, what was
//! written down before there was an account.

use super::{Index, address};
use crate::{Store, StoreError, open::self_actor, operator_tenant, team};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::Row as _;
use std::collections::BTreeSet;
use uuid::Uuid;

/// How many teams are asked for at once.
const PAGE: i64 = 1_000;

/// A person of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
}

/// Where an account is to be found.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    /// Who they are or were.
    pub seats: Vec<Seat>,
    /// The index under which their address stands in each team, where it has been invited there.
    pub(super) index: Index,
}

/// Walks every team: whoever has left one is found in no list of the account's.
pub(super) async fn find(store: &Store, account: AccountId) -> Result<Seats, StoreError> {
    let address = address(store, account).await?;
    let mut seats = BTreeSet::new();
    let mut index = Index::new();
    let mut after = Uuid::nil();
    loop {
        let teams = page(store, after).await?;
        let Some(last) = teams.last() else { break };
        after = last.uuid();
        let mut scoped = store.scope_of(operator_tenant(), &self_actor(account), Some(account)).await?;
        for tenant in teams {
            scoped.enter(tenant, &team::nobody()).await?;
            let hash = match &address {
                // A team that goes at this instant has no key any more, and nobody in it.
                Some(address) => match store.keys().blind_index(tenant) {
                    Ok(index) => index.email(address).to_vec(),
                    Err(_) => continue,
                },
                None => Vec::new(),
            };
            const PEOPLE: &str = "SELECT person_id FROM wordbond.person
                WHERE tenant_id = $1 AND (account_id = $2 OR account_id IS NULL AND email_index = $3)";
            let rows = sqlx::query(PEOPLE).bind(tenant.uuid()).bind(account.uuid()).bind(hash.as_slice());
            for row in rows.fetch_all(scoped.conn()).await? {
                seats.insert(Seat { tenant, person: PersonId::from(row.try_get::<Uuid, _>(0)?) });
            }
            const INVITED: &str =
                "SELECT EXISTS (SELECT FROM wordbond.invitation WHERE tenant_id = $1 AND email_index = $2)";
            let query = sqlx::query_scalar(INVITED).bind(tenant.uuid()).bind(hash.as_slice());
            if query.fetch_one(scoped.conn()).await? {
                index.insert(tenant, hash);
            }
        }
    }
    Ok(Seats { seats: seats.into_iter().collect(), index })
}

async fn page(store: &Store, after: Uuid) -> Result<Vec<TenantId>, StoreError> {
    const SQL: &str = "SELECT tenant_id FROM wordbond.tenant WHERE tenant_id > $1 ORDER BY tenant_id LIMIT $2";
    let mut tx = store.dispatcher().await?;
    let ids: Vec<Uuid> = sqlx::query_scalar(SQL).bind(after).bind(PAGE).fetch_all(&mut *tx).await?;
    Ok(ids.into_iter().map(TenantId::from).collect())
}
