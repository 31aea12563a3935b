//! Where somebody is: their account, who they are or were in which teams, and what becomes of these teams without them. There
//! is one finder: what a copy shows, what is counted, and what an erasure takes is found in the same way.

use crate::{Scoped, Store, StoreError, accounts, team::nobody, tenancy::person_place};
use kernel::{AccountId, PersonId, TenantId};
use sqlx::{AssertSqlSafe, Row as _};
use uuid::Uuid;
use vault::Sealed;

/// How many teams are asked for at a time.
const PAGE: i64 = 500;

/// What becomes of a team when somebody is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    /// It goes on without them.
    Stays,
    /// They are its last member: it goes with them.
    Goes,
    /// They are the last owner with an account, and not its last member: they must hand it over first.
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
    /// Their address, where it has been proven.
    pub address: Option<String>,
    /// Who they are or were in which teams, by the ids of the teams.
    pub seats: Vec<Seat>,
}

impl Footprint {
    /// The teams that they must hand over before they can be erased.
    pub fn needing(&self) -> impl Iterator<Item = TenantId> {
        self.seats.iter().filter(|seat| seat.team == Team::Needs).map(|seat| seat.tenant)
    }
}

/// Finds an account's person in every team there is: where they are a member, where they were one, and where somebody put their
/// address down without an account, or one that they had before. The last two only where the address has been proven.
///
/// # Errors
/// When the database cannot be asked.
pub async fn ever(store: &Store, account: AccountId) -> Result<Footprint, StoreError> {
    let address = accounts::by_id(store, account).await?.filter(|who| who.verified).map(|who| who.email);
    let mut seats = Vec::new();
    let mut after = None;
    loop {
        let page = teams(store, after).await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        let mut scoped = store.erasing(Some(account)).await?;
        for tenant in page {
            scoped.enter(tenant, &nobody()).await?;
            seats.extend(in_team(&mut scoped, account, address.as_deref()).await?);
        }
    }
    Ok(Footprint { account, address, seats })
}

/// The teams behind `after`, by id.
pub(crate) async fn teams(store: &Store, after: Option<TenantId>) -> Result<Vec<TenantId>, StoreError> {
    const SQL: &str = "SELECT tenant_id FROM wordbond.tenant WHERE $1::uuid IS NULL OR tenant_id > $1
        ORDER BY tenant_id LIMIT $2";
    let mut tx = store.dispatcher().await?;
    let found: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(after.map(TenantId::uuid)).bind(PAGE).fetch_all(&mut *tx).await?;
    Ok(found.into_iter().map(TenantId::from).collect())
}

/// Who an account's person is in the scope's tenant: one row, or one for each time that they were somebody else there.
pub(super) async fn in_team(
    scoped: &mut Scoped,
    account: AccountId,
    address: Option<&str>,
) -> Result<Vec<Seat>, StoreError> {
    let tenant = scoped.tenant();
    // A team that goes at this instant has no key any more, and nobody in it.
    let index = address.and_then(|address| Some(scoped.keys().blind_index(tenant).ok()?.email(address).to_vec()));
    let sql = format!(
        "SELECT person_id, removed_at IS NOT NULL, role = 'owner' AND account_id IS NOT NULL,
            (SELECT count(*) FROM wordbond.person AS o WHERE o.tenant_id = p.tenant_id AND o.removed_at IS NULL
                AND ({}) IS NOT TRUE),
            (SELECT count(*) FROM wordbond.person AS o WHERE o.tenant_id = p.tenant_id AND o.removed_at IS NULL
                AND o.role = 'owner' AND o.account_id <> $2),
            EXISTS (SELECT FROM wordbond.tenant AS t WHERE t.tenant_id = p.tenant_id AND t.suspended_at IS NOT NULL)
        FROM wordbond.person AS p WHERE tenant_id = $1 AND ({}) ORDER BY person_id",
        theirs("o"),
        theirs("p")
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(tenant.uuid()).bind(account.uuid()).bind(&index);
    let rows = query.fetch_all(scoped.conn()).await?;
    let mut seats = Vec::new();
    for row in &rows {
        let (left, owner): (bool, bool) = (row.try_get(1)?, row.try_get(2)?);
        let (others, owners): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
        let person = PersonId::from(row.try_get::<Uuid, _>(0)?);
        let bound = owner && owners == 0 && !row.try_get::<bool, _>(5)?;
        seats.push(Seat { tenant, person, left, team: fate(left, others, bound) });
    }
    if let Some(index) = index {
        let people = unindexed(scoped, &index).await?;
        seats.extend(people.into_iter().map(|person| Seat { tenant, person, left: true, team: Team::Stays }));
    }
    Ok(seats)
}

/// The condition under which somebody is the person of the account that is bound second, whose index is bound third: by their
/// account; without one, by the address under which they are or were found, unless an account had proven that before, whose
/// they are then.
fn theirs(of: &str) -> String {
    format!(
        "{of}.account_id = $2 OR {of}.account_id IS NULL AND ({of}.of_account = $2
            OR {of}.of_account IS NULL AND ({of}.email_index = $3 OR {of}.former_index = $3))"
    )
}

/// People without an account who were removed from the scope's team before it was kept by which address they had been found,
/// and whose row holds an address with this index.
async fn unindexed(scoped: &mut Scoped, index: &[u8]) -> Result<Vec<PersonId>, StoreError> {
    const SQL: &str = "SELECT person_id, email, version FROM wordbond.person
        WHERE tenant_id = $1 AND account_id IS NULL AND removed_at IS NOT NULL AND former_index IS NULL AND of_account IS NULL";
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let of_team = keys.blind_index(tenant)?;
    let mut found = Vec::new();
    for row in &rows {
        let person = PersonId::from(row.try_get::<Uuid, _>(0)?);
        let version = u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or_default();
        let place = person_place(tenant, person, "email", version);
        // Whose key is gone by now is somebody who is being erased.
        let Ok(email) = Sealed::<String>::from_bytes(row.try_get(1)?)?.open(&keys, &place) else { continue };
        if of_team.email(&email).as_slice() == index {
            found.push(person);
        }
    }
    Ok(found)
}

/// Notes whose the people without an account of the scope's team are that stand under an address, by its index there, which
/// `account` had proven and has no more: whoever has the address next is somebody else.
pub(crate) async fn keep(scoped: &mut Scoped, account: AccountId, index: &[u8; 32]) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    scoped.own_rows_of(nobody().person()).await?;
    const SQL: &str = "SELECT person_id FROM wordbond.person WHERE tenant_id = $1 AND account_id IS NULL
        AND of_account IS NULL AND (email_index = $2 OR former_index = $2)";
    let found: Vec<Uuid> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(index.as_slice()).fetch_all(scoped.conn()).await?;
    let people = found.into_iter().map(PersonId::from).chain(unindexed(scoped, index).await?);
    for person in people.collect::<Vec<_>>() {
        scoped.own_rows_of(Some(person)).await?;
        sqlx::query("UPDATE wordbond.person SET of_account = $3 WHERE tenant_id = $1 AND person_id = $2")
            .bind(tenant.uuid())
            .bind(person.uuid())
            .bind(account.uuid())
            .execute(scoped.conn())
            .await?;
    }
    Ok(())
}

/// What becomes of a team that has so many other members. `bound` where nobody else with an account owns it, who could answer
/// for the others in it; a team that the operator has suspended binds nobody, who could not hand it over.
const fn fate(left: bool, others: i64, bound: bool) -> Team {
    match (left, others, bound) {
        (false, 0, _) => Team::Goes,
        (false, _, true) => Team::Needs,
        _ => Team::Stays,
    }
}

/// What whoever must hand teams over reads.
#[must_use]
pub fn hand_over(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("«{name}»")).collect();
    format!(
        "You are the last owner of {}, and others are in it: make somebody else with an account an owner first, or remove them.",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_member_takes_the_team_along_and_the_last_owner_hands_it_over() {
        assert_eq!(fate(false, 0, true), Team::Goes);
        assert_eq!(fate(false, 0, false), Team::Goes);
        assert_eq!(fate(false, 2, true), Team::Needs);
        assert_eq!(fate(false, 2, false), Team::Stays);
        assert_eq!(fate(true, 0, true), Team::Stays);
    }
}
