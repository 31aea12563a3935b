//! Where somebody is: their account, who they are in which teams, and what becomes of these teams without them.

use crate::{
    Scoped, Store, StoreError,
    accounts::{self},
    team::nobody,
};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::Row as _;
use uuid::Uuid;

/// How many teams are asked for at a time.
const PAGE: i64 = 500;

/// What becomes of a team when somebody is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    /// It goes on without them.
    Stays,
    /// They are its last member: it goes with them.
    Goes,
    /// They are its last owner and not its last member: they must hand it over first.
    Needs,
}

/// Who somebody is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
    /// Whether they have left it.
    pub left: bool,
    /// What becomes of it.
    pub team: Team,
}

/// Where somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Their account.
    pub account: AccountId,
    /// Who they are in which teams, by the ids of the teams.
    pub seats: Vec<Seat>,
}

impl Footprint {
    /// The teams that they must hand over before they can be erased.
    pub fn needing(&self) -> impl Iterator<Item = TenantId> {
        self.seats.iter().filter(|seat| seat.team == Team::Needs).map(|seat| seat.tenant)
    }
}

/// Where an account's person is now: the teams that it is a member of.
///
/// # Errors
/// When the database cannot be asked.
pub async fn now(store: &Store, account: AccountId) -> Result<Footprint, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let mut seats = Vec::new();
    for (tenant, _) in accounts::places(&mut scoped, account).await? {
        scoped.enter(tenant, &nobody()).await?;
        seats.extend(in_team(&mut scoped, account).await?);
    }
    seats.sort_by_key(|seat| (seat.tenant, seat.person));
    Ok(Footprint { account, seats })
}

/// The same, and the teams that they have left: looked for in every team there is.
///
/// # Errors
/// When the database cannot be asked.
pub async fn ever(store: &Store, account: AccountId) -> Result<Footprint, StoreError> {
    let mut seats = Vec::new();
    let mut after = None;
    loop {
        let page = teams(store, after).await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        let mut scoped = store.erasing(Some(account)).await?;
        for tenant in page {
            scoped.enter(tenant, &nobody()).await?;
            seats.extend(in_team(&mut scoped, account).await?);
        }
    }
    Ok(Footprint { account, seats })
}

/// The teams behind `after`, by id.
pub(super) async fn teams(store: &Store, after: Option<TenantId>) -> Result<Vec<TenantId>, StoreError> {
    const SQL: &str = "SELECT tenant_id FROM wordbond.tenant WHERE $1::uuid IS NULL OR tenant_id > $1
        ORDER BY tenant_id LIMIT $2";
    let mut tx = store.dispatcher().await?;
    let found: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(after.map(TenantId::uuid)).bind(PAGE).fetch_all(&mut *tx).await?;
    Ok(found.into_iter().map(TenantId::from).collect())
}

/// Who an account's person is in the scope's tenant: one row, or one for each time that they were somebody else there.
pub(super) async fn in_team(scoped: &mut Scoped, account: AccountId) -> Result<Vec<Seat>, StoreError> {
    let tenant = scoped.tenant();
    const SQL: &str = "SELECT person_id, removed_at IS NOT NULL, role = 'owner',
            (SELECT count(*) FROM wordbond.person AS o WHERE o.tenant_id = p.tenant_id AND o.removed_at IS NULL
                AND o.account_id IS DISTINCT FROM p.account_id),
            (SELECT count(*) FROM wordbond.person AS o WHERE o.tenant_id = p.tenant_id AND o.removed_at IS NULL
                AND o.role = 'owner' AND o.account_id IS DISTINCT FROM p.account_id)
        FROM wordbond.person AS p WHERE tenant_id = $1 AND account_id = $2 ORDER BY person_id";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).bind(account.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| {
            let (left, owner): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
            let (others, owners): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
            let person = PersonId::from(row.try_get::<Uuid, _>(0)?);
            Ok(Seat { tenant, person, left, team: fate(left, owner, others, owners) })
        })
        .collect()
}

/// What becomes of a team that has so many other members, and so many other owners.
const fn fate(left: bool, owner: bool, others: i64, owners: i64) -> Team {
    match (left, others, owner, owners) {
        (true, ..) => Team::Stays,
        (false, 0, ..) => Team::Goes,
        (false, _, true, 0) => Team::Needs,
        (false, ..) => Team::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_member_takes_the_team_along_and_the_last_owner_hands_it_over() {
        assert_eq!(fate(false, true, 0, 0), Team::Goes);
        assert_eq!(fate(false, true, 2, 0), Team::Needs);
        assert_eq!(fate(false, true, 2, 1), Team::Stays);
        assert_eq!(fate(false, false, 2, 1), Team::Stays);
        assert_eq!(fate(true, true, 0, 0), Team::Stays);
    }
}
