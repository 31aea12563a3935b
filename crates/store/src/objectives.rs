//! Objectives and key results: what a team wants to reach, how far it is, and how both came about.
//!
//! They are the team's, sealed under its key; every member sees them. Who may write which follows from their role
//! ([`Writer`]). Nothing is ever deleted: what is over is archived. Every change writes a [`Revision`], and a value changes
//! only by a [`CheckIn`].

mod check_ins;
mod export;
mod fields;
mod history;
mod import;
mod key_results;
mod read;
pub mod walk;
mod write;

pub use check_ins::{CheckIn, NewCheckIn, check_in, check_ins};
pub use export::{Everything, everything};
pub use fields::{Direction, Every, KeyResultFields, Level, ObjectiveFields, Status, Unit};
pub use history::{Change, Deed, Revision, revisions};
pub use import::{Imported, import};
pub use key_results::{add, edit as edit_key_result, set_archived as set_key_result_archived};
pub use read::{Filter, KeyResult, Objective, Tree, get, tree};
pub use write::{create, edit, set_archived};

use crate::{Scoped, StoreError};
use kernel::{Permission, PersonId, TeamRole, TenantId};
use uuid::Uuid;
use vault::{Place, Subject};

/// The longest title, in characters.
pub const LONGEST_TITLE: usize = 200;
/// The longest description or comment, in characters.
pub const LONGEST_TEXT: usize = 10_000;
/// How many objectives a team may have that are not archived.
pub const MOST_OBJECTIVES: usize = 1_000;
/// How many key results an objective may have that are not archived.
pub const MOST_KEY_RESULTS: usize = 20;

/// Who writes: the actor of the scope, with their role in the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The person.
    pub person: PersonId,
    /// Their role.
    pub role: TeamRole,
}

impl Writer {
    /// Whether they may write an objective of this level and owner, and its key results. The company's are its admins';
    /// the team's are every member's; a personal one is its owner's, and the admins' so that none is left without anybody.
    #[must_use]
    pub fn may_write(self, level: Level, owner: Option<PersonId>) -> bool {
        let admin = self.role.may(Permission::CompanyObjectivesWrite);
        let member = self.role.may(Permission::ObjectivesWrite);
        match level {
            Level::Company => admin,
            Level::Team => member,
            Level::Personal => admin || member && owner == Some(self.person),
        }
    }

    /// Whether they may check in: whoever may write the objective, and whose key result it is.
    #[must_use]
    pub fn may_check_in(self, level: Level, owner: Option<PersonId>, key_result_owner: Option<PersonId>) -> bool {
        self.may_write(level, owner)
            || self.role.may(Permission::ObjectivesWrite) && key_result_owner == Some(self.person)
    }
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Somebody wrote in the meantime: the version that the change began from is not the newest.
    #[error("somebody changed this in the meantime")]
    Stale,
    /// It is not theirs to write.
    #[error("{0}")]
    NotTheirs(&'static str),
    /// As everywhere in the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<vault::VaultError> for Refusal {
    fn from(error: vault::VaultError) -> Self {
        Self::Store(error.into())
    }
}

const NOT_THEIRS: Refusal =
    Refusal::NotTheirs("the company's objectives are its admins' to write, a personal one its owner's");

fn invalid(why: &str) -> StoreError {
    StoreError::Invalid(why.to_owned())
}

fn place(tenant: TenantId, table: &'static str, row: Uuid, version: u64) -> Place {
    Place { tenant, subject: Subject::Tenant, table, column: "body", row, version }
}

/// The version in a row.
fn version(row: &sqlx::postgres::PgRow) -> Result<u64, StoreError> {
    use sqlx::Row as _;
    Ok(u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default())
}

/// The version for a row.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Refuses an owner who is no member of the team now. Whoever has left keeps their row, so that a foreign key does not say.
async fn check_owner(scoped: &mut Scoped, owner: Option<PersonId>) -> Result<(), StoreError> {
    let Some(owner) = owner else { return Ok(()) };
    let (tenant, by) = (scoped.tenant(), scoped.actor().person());
    scoped.own_rows_of(Some(owner)).await?;
    const SQL: &str = "SELECT removed_at IS NULL FROM wordbond.person WHERE tenant_id = $1 AND person_id = $2";
    let member: Option<bool> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(owner.uuid()).fetch_optional(scoped.conn()).await?;
    scoped.own_rows_of(by).await?;
    if member == Some(true) { Ok(()) } else { Err(invalid("the owner is no member of the team")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_follows_from_role_and_level() {
        let (me, other) = (PersonId::new(), PersonId::new());
        let may = |role, level, owner| Writer { person: me, role }.may_write(level, Some(owner));
        for owner in [me, other] {
            assert!(TeamRole::ALL.map(|role| may(role, Level::Company, owner)) == [false, false, true, true]);
            assert!(TeamRole::ALL.map(|role| may(role, Level::Team, owner)) == [false, true, true, true]);
        }
        assert!(TeamRole::ALL.map(|role| may(role, Level::Personal, me)) == [false, true, true, true]);
        assert!(TeamRole::ALL.map(|role| may(role, Level::Personal, other)) == [false, false, true, true]);
    }

    #[test]
    fn whose_key_result_it_is_may_check_in() {
        let (me, other) = (PersonId::new(), PersonId::new());
        let may = |role, mine: bool| {
            let owner = if mine { me } else { other };
            Writer { person: me, role }.may_check_in(Level::Company, Some(other), Some(owner))
        };
        assert!(may(TeamRole::Member, true) && !may(TeamRole::Member, false));
        assert!(!may(TeamRole::Viewer, true) && may(TeamRole::Admin, false));
    }
}
