//! Teams: who is in one, as what, and how people come in and leave.
//!
//! The route asks whether the role may do this at all; here stand the rules that the matrix cannot say: a team keeps an
//! owner, only an owner makes or unmakes owners, and nobody gives more than they have. Every change of who is in a team
//! holds the tenant's row until it commits, so that two at once cannot leave a team without an owner.

mod invitations;
mod leave;

pub(crate) use invitations::accept_invited;
pub use invitations::{
    Invitation, Invited, OpenInvitation, accept, invitation, invitations, invite, invited, revoke_invitation,
};
pub use leave::{GRANTS, remove_member};
pub(crate) use leave::{end_invitations, end_tokens};

use crate::{
    Scoped, Store, StoreError, accounts, audit, revocation,
    tenancy::{self, person_place, tenant_place, text},
    time::At,
};
use kernel::{AccountId, Actor, PersonId, TeamRole, TenantId, Timestamp};
use sqlx::Row as _;
use std::fmt;
use uuid::Uuid;
use vault::Sealed;

/// A team that an account is in.
#[derive(Clone)]
pub struct Membership {
    /// The team.
    pub tenant: TenantId,
    /// Who they are in it.
    pub person: PersonId,
    /// What they are in it.
    pub role: TeamRole,
    /// Its name.
    pub name: String,
    /// Whether the operator has suspended it.
    pub suspended: bool,
    /// Whether it requires a second factor.
    pub needs_second: bool,
}

/// Shows ids and nothing that identifies.
impl fmt::Debug for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Membership({}, {}, {})", self.tenant, self.person, self.role)
    }
}

/// Somebody in the team.
#[derive(Clone)]
pub struct Member {
    /// Who they are in the team.
    pub person: PersonId,
    /// Their account; `None` for who only has a token.
    pub account: Option<AccountId>,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they are in the team.
    pub role: TeamRole,
    /// Since when.
    pub created_at: Timestamp,
}

/// What a team can set.
#[derive(Clone)]
pub struct Settings {
    /// Its name.
    pub name: String,
    /// Whether its members need a second factor.
    pub require_second_factor: bool,
}

/// The teams of an account, the oldest membership first.
///
/// # Errors
/// When the database cannot be asked.
pub async fn memberships(store: &Store, account: AccountId) -> Result<Vec<Membership>, StoreError> {
    let mut scoped = store.account_scope(account).await?;
    let mut out = Vec::new();
    for (tenant, person) in accounts::places(&mut scoped, account).await? {
        scoped.enter(tenant, &Actor::Person { id: person }).await?;
        const SQL: &str = "SELECT p.role, t.name, t.version, t.suspended_at IS NOT NULL, t.require_second_factor
            FROM wordbond.person AS p JOIN wordbond.tenant AS t ON t.tenant_id = p.tenant_id
            WHERE p.tenant_id = $1 AND p.person_id = $2 AND p.account_id = $3 AND p.removed_at IS NULL";
        let row = sqlx::query(SQL)
            .bind(tenant.uuid())
            .bind(person.uuid())
            .bind(account.uuid())
            .fetch_optional(scoped.conn())
            .await?;
        let Some(row) = row else { continue };
        let version = u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or_default();
        out.push(Membership {
            tenant,
            person,
            role: tenancy::role(row.try_get(0)?)?,
            name: Sealed::from_bytes(row.try_get(1)?)?.open(store.keys(), &tenant_place(tenant, version))?,
            suspended: row.try_get(3)?,
            needs_second: row.try_get(4)?,
        });
    }
    Ok(out)
}

/// Who is in the scope's tenant, the longest first, at most 1000.
///
/// # Errors
/// [`StoreError::NoPerson`] when the actor is none: the database shows a team's people to its people.
pub async fn members(scoped: &mut Scoped) -> Result<Vec<Member>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    scoped.person()?;
    const SQL: &str = "SELECT person_id, account_id, name, email, role, version, created_at FROM wordbond.person
        WHERE tenant_id = $1 AND removed_at IS NULL ORDER BY created_at, person_id LIMIT 1000";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter()
        .map(|row| {
            let person = PersonId::from(row.try_get::<Uuid, _>("person_id")?);
            let version = u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or_default();
            let open = |column: &'static str| -> Result<String, StoreError> {
                let sealed = Sealed::from_bytes(row.try_get(column)?)?;
                Ok(sealed.open(&keys, &person_place(tenant, person, column, version))?)
            };
            Ok(Member {
                person,
                account: row.try_get::<Option<Uuid>, _>("account_id")?.map(AccountId::from),
                name: open("name")?,
                email: open("email")?,
                role: tenancy::role(row.try_get("role")?)?,
                created_at: row.try_get::<At, _>("created_at")?.0,
            })
        })
        .collect()
}

/// Who has an address in a team: of those who are in it now.
///
/// # Errors
/// When the database cannot be asked.
pub async fn by_email(
    store: &Store,
    tenant: TenantId,
    email: &str,
) -> Result<Option<(PersonId, Option<AccountId>)>, StoreError> {
    let mut scoped = store.scoped(tenant, &nobody()).await?;
    find(&mut scoped, email).await
}

pub(super) async fn find(
    scoped: &mut Scoped,
    email: &str,
) -> Result<Option<(PersonId, Option<AccountId>)>, StoreError> {
    let (tenant, index) = (scoped.tenant(), scoped.keys().blind_index(scoped.tenant())?.email(email));
    const SQL: &str = "SELECT person_id, account_id FROM wordbond.person
        WHERE tenant_id = $1 AND email_index = $2 AND removed_at IS NULL";
    let row = sqlx::query(SQL).bind(tenant.uuid()).bind(index.as_slice()).fetch_optional(scoped.conn()).await?;
    let Some(row) = row else { return Ok(None) };
    let account = row.try_get::<Option<Uuid>, _>(1)?.map(AccountId::from);
    Ok(Some((PersonId::from(row.try_get::<Uuid, _>(0)?), account)))
}

/// An actor who owns nothing, for what the system itself must look up in a team.
pub(crate) fn nobody() -> Actor {
    Actor::Person { id: PersonId::from(Uuid::nil()) }
}

/// The settings of the scope's tenant.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn settings(scoped: &mut Scoped) -> Result<Settings, StoreError> {
    let tenant = scoped.tenant();
    let name = tenancy::name(scoped).await?;
    let required = sqlx::query_scalar("SELECT require_second_factor FROM wordbond.tenant WHERE tenant_id = $1")
        .bind(tenant.uuid())
        .fetch_one(scoped.conn())
        .await?;
    Ok(Settings { name, require_second_factor: required })
}

/// Changes the settings.
///
/// # Errors
/// [`StoreError::Invalid`]; [`StoreError::NotFound`] when `by` is not in the team.
pub async fn set_settings(
    store: &Store,
    tenant: TenantId,
    by: PersonId,
    name: &str,
    require_second_factor: bool,
) -> Result<(), StoreError> {
    text("name", name, 200)?;
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    let next = lock(&mut scoped).await? + 1;
    role_of(&mut scoped, by).await?;
    let place = tenant_place(tenant, u64::try_from(next).unwrap_or_default());
    const SQL: &str =
        "UPDATE wordbond.tenant SET name = $2, version = $3, require_second_factor = $4 WHERE tenant_id = $1";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(Sealed::seal(store.keys(), &place, &name.trim().to_owned())?.as_bytes())
        .bind(next)
        .bind(require_second_factor)
        .execute(scoped.conn())
        .await?;
    let required = if require_second_factor { "required" } else { "optional" };
    audit::note(&mut scoped, "team.settings", &[format!("tenant:{tenant}")], &[("second-factor", required)]).await?;
    revocation::commit(store, scoped).await
}

/// Changes what a member is.
///
/// # Errors
/// [`StoreError::NotFound`] for who is not in the team; [`StoreError::Invalid`] for taking away the last owner, and for making
/// or unmaking an owner without being one.
pub async fn set_role(
    store: &Store,
    tenant: TenantId,
    by: PersonId,
    person: PersonId,
    role: TeamRole,
) -> Result<(), StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    lock(&mut scoped).await?;
    let (own, old) = (role_of(&mut scoped, by).await?, role_of(&mut scoped, person).await?);
    outranks(own, old)?;
    outranks(own, role)?;
    if old == role {
        return Ok(());
    }
    if old == TeamRole::Owner {
        another_owner(&mut scoped, person).await?;
    }
    scoped.own_rows_of(Some(person)).await?;
    sqlx::query("UPDATE wordbond.person SET role = $3 WHERE tenant_id = $1 AND person_id = $2")
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(role.as_str())
        .execute(scoped.conn())
        .await?;
    scoped.own_rows_of(Some(by)).await?;
    let context = [("from", old.as_str()), ("to", role.as_str())];
    audit::note(&mut scoped, "member.role", &[format!("person:{person}")], &context).await?;
    revocation::commit(store, scoped).await
}

/// Holds the tenant's row until the transaction ends. Yields its version.
async fn lock(scoped: &mut Scoped) -> Result<i64, StoreError> {
    let tenant = scoped.tenant();
    let version: Option<i64> =
        sqlx::query_scalar("SELECT version FROM wordbond.tenant WHERE tenant_id = $1 FOR UPDATE")
            .bind(tenant.uuid())
            .fetch_optional(scoped.conn())
            .await?;
    version.ok_or(StoreError::NotFound)
}

/// Whether somebody is in the scope's team now. Whoever has left keeps their row, so that a foreign key does not say. They
/// stay in it until the transaction ends.
pub(crate) async fn is_member(scoped: &mut Scoped, person: PersonId) -> Result<bool, StoreError> {
    let (tenant, by) = (scoped.tenant(), scoped.actor().person());
    scoped.own_rows_of(Some(person)).await?;
    const SQL: &str =
        "SELECT removed_at IS NULL FROM wordbond.person WHERE tenant_id = $1 AND person_id = $2 FOR SHARE";
    let member: Option<bool> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(person.uuid()).fetch_optional(scoped.conn()).await?;
    scoped.own_rows_of(by).await?;
    Ok(member == Some(true))
}

/// What a person of the scope's tenant is, as long as they are in it.
async fn role_of(scoped: &mut Scoped, person: PersonId) -> Result<TeamRole, StoreError> {
    let tenant = scoped.tenant();
    const SQL: &str = "SELECT role FROM wordbond.person WHERE tenant_id = $1 AND person_id = $2 AND removed_at IS NULL";
    let role: Option<String> =
        sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(person.uuid()).fetch_optional(scoped.conn()).await?;
    tenancy::role(&role.ok_or(StoreError::NotFound)?)
}

/// Nobody gives or takes more than they have.
fn outranks(own: TeamRole, other: TeamRole) -> Result<(), StoreError> {
    if own >= other { Ok(()) } else { Err(StoreError::Invalid(format!("only {other}s may do this"))) }
}

/// A team keeps an owner who can sign in: whoever only has a token answers for nobody.
async fn another_owner(scoped: &mut Scoped, than: PersonId) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    const SQL: &str = "SELECT EXISTS (SELECT FROM wordbond.person
        WHERE tenant_id = $1 AND person_id <> $2 AND role = 'owner' AND removed_at IS NULL AND account_id IS NOT NULL)";
    let another: bool = sqlx::query_scalar(SQL).bind(tenant.uuid()).bind(than.uuid()).fetch_one(scoped.conn()).await?;
    if another {
        Ok(())
    } else {
        Err(StoreError::Invalid("a team keeps an owner with an account: make somebody else one first".to_owned()))
    }
}
