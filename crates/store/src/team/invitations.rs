//! Invitations: a token in a mail, good once, for one address, until it expires.

use super::{end_tokens, find, lock, nobody, outranks, role_of};
use crate::{
    Scoped, Store, StoreError,
    accounts::{self, Account, insert_membership, rewrite},
    audit, revocation,
    rights::restrict,
    sessions::{self, after},
    sign_in::{self, Kind, Whose},
    tenancy::{self, NewPerson},
    time::At,
    token::{Form, Token},
};
use kernel::{AccountId, Actor, PersonId, SessionId, Span, TeamRole, TenantId, Timestamp};
use sqlx::{Row as _, postgres::PgRow};
use uuid::Uuid;
use vault::{KeyRing, Place, Sealed, Subject};

/// An invitation that was just made.
#[derive(Clone, Debug)]
pub struct Invited {
    /// Its id.
    pub id: Uuid,
    /// What the mail carries.
    pub token: Token,
}

/// An invitation as the team sees it.
#[derive(Clone)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: TeamRole,
    /// By whom.
    pub invited_by: PersonId,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// An open invitation as whoever holds its token sees it.
#[derive(Clone)]
pub struct OpenInvitation {
    /// Its id.
    pub id: Uuid,
    /// The team.
    pub tenant: TenantId,
    /// The team's name.
    pub team: String,
    /// Whom.
    pub email: String,
    /// As what.
    pub role: TeamRole,
    /// Until when.
    pub expires_at: Timestamp,
}

/// Invites an address. An open invitation to the same address is taken back.
///
/// # Errors
/// [`StoreError::Taken`] for who is in the team; [`StoreError::Invalid`] for a role above one's own.
pub async fn invite(
    store: &Store,
    tenant: TenantId,
    by: PersonId,
    email: &str,
    role: TeamRole,
    ttl: Span,
) -> Result<Invited, StoreError> {
    tenancy::address(email)?;
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    lock(&mut scoped).await?;
    outranks(role_of(&mut scoped, by).await?, role)?;
    if find(&mut scoped, email).await?.is_some() {
        return Err(StoreError::Taken("this address is in the team already"));
    }
    let (id, token, now) = (Uuid::now_v7(), Token::fresh(Form::Invitation)?, scoped.now());
    let index = store.keys().blind_index(tenant)?.email(email);
    let open: Vec<Uuid> = sqlx::query_scalar(
        "SELECT invitation_id FROM wordbond.invitation WHERE tenant_id = $1 AND email_index = $2
            AND accepted_at IS NULL AND revoked_at IS NULL",
    )
    .bind(tenant.uuid())
    .bind(index.as_slice())
    .fetch_all(scoped.conn())
    .await?;
    for old in open {
        close(&mut scoped, old, "revoked_at").await?;
    }
    let lookup = Kind::Invitation.lookup(store.keys(), token.expose().as_bytes())?;
    const SQL: &str = "INSERT INTO wordbond.invitation
        (tenant_id, invitation_id, email, email_index, role, token_hash, invited_by, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(id)
        .bind(Sealed::seal(store.keys(), &place(tenant, id), &email.trim().to_owned())?.as_bytes())
        .bind(index.as_slice())
        .bind(role.as_str())
        .bind(lookup.as_slice())
        .bind(by.uuid())
        .bind(At(now))
        .bind(At(after(now, ttl)))
        .execute(scoped.conn())
        .await?;
    let whose = Whose::Person(tenant, by);
    sign_in::add(&mut scoped, Kind::Invitation, &lookup, id, whose, "this invitation is there already").await?;
    let target = [format!("invitation:{id}")];
    audit::note(&mut scoped, "invitation.create", &target, &[("role", role.as_str())]).await?;
    scoped.commit().await?;
    Ok(Invited { id, token })
}

/// The invitations of the scope's tenant, the newest first, at most 200.
///
/// # Errors
/// When the database cannot be asked.
pub async fn invitations(scoped: &mut Scoped) -> Result<Vec<Invitation>, StoreError> {
    let (tenant, keys) = (scoped.tenant(), scoped.keys().clone());
    const SQL: &str = "SELECT invitation_id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at
        FROM wordbond.invitation WHERE tenant_id = $1 ORDER BY invitation_id DESC LIMIT 200";
    let rows = sqlx::query(SQL).bind(tenant.uuid()).fetch_all(scoped.conn()).await?;
    rows.iter().map(|row| read(&keys, tenant, row)).collect()
}

fn read(keys: &KeyRing, tenant: TenantId, row: &PgRow) -> Result<Invitation, StoreError> {
    let id = row.try_get("invitation_id")?;
    let when = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.try_get::<Option<At>, _>(column)?.map(|at| at.0))
    };
    Ok(Invitation {
        id,
        email: Sealed::from_bytes(row.try_get("email")?)?.open(keys, &place(tenant, id))?,
        role: tenancy::role(row.try_get("role")?)?,
        invited_by: PersonId::from(row.try_get::<Uuid, _>("invited_by")?),
        created_at: row.try_get::<At, _>("created_at")?.0,
        expires_at: row.try_get::<At, _>("expires_at")?.0,
        accepted_at: when("accepted_at")?,
        revoked_at: when("revoked_at")?,
    })
}

/// Takes an invitation back.
///
/// # Errors
/// [`StoreError::NotFound`], also when it is not open any more.
pub async fn revoke_invitation(store: &Store, tenant: TenantId, by: PersonId, id: Uuid) -> Result<(), StoreError> {
    let mut scoped = store.scoped(tenant, &Actor::Person { id: by }).await?;
    lock(&mut scoped).await?;
    close(&mut scoped, id, "revoked_at").await?;
    audit::note(&mut scoped, "invitation.revoke", &[format!("invitation:{id}")], &[]).await?;
    scoped.commit().await
}

/// Closes an open invitation, and removes what leads to it: that is its maker's.
async fn close(scoped: &mut Scoped, id: Uuid, column: &'static str) -> Result<(), StoreError> {
    let (tenant, now, actor) = (scoped.tenant(), At(scoped.now()), scoped.actor().person());
    let sql = format!(
        "UPDATE wordbond.invitation SET {column} = $3 WHERE tenant_id = $1 AND invitation_id = $2
            AND accepted_at IS NULL AND revoked_at IS NULL RETURNING invited_by"
    );
    let by: Option<Uuid> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(tenant.uuid())
        .bind(id)
        .bind(now)
        .fetch_optional(scoped.conn())
        .await?;
    scoped.own_rows_of(Some(PersonId::from(by.ok_or(StoreError::NotFound)?))).await?;
    sign_in::remove(scoped, Kind::Invitation, &[id]).await?;
    scoped.own_rows_of(actor).await
}

/// The open invitation of a token; `None` when it was used, taken back or has expired.
///
/// # Errors
/// When the database cannot be asked.
pub async fn invitation(store: &Store, token: &str) -> Result<Option<OpenInvitation>, StoreError> {
    if !Form::Invitation.fits(token) {
        return Ok(None);
    }
    let lookup = Kind::Invitation.lookup(store.keys(), token.as_bytes())?;
    let Some(found) = sign_in::find(store, Kind::Invitation, &lookup).await? else { return Ok(None) };
    let Some(tenant) = found.tenant else { return Ok(None) };
    let mut scoped = store.scoped(tenant, &nobody()).await?;
    let now = At(scoped.now());
    const SQL: &str = "SELECT invitation_id, email, role, invited_by, created_at, expires_at, accepted_at, revoked_at
        FROM wordbond.invitation WHERE tenant_id = $1 AND invitation_id = $2 AND token_hash = $3
            AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $4";
    let row = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(found.row)
        .bind(lookup.as_slice())
        .bind(now)
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Invitation { id, email, role, expires_at, .. } = read(store.keys(), tenant, &row)?;
    Ok(Some(OpenInvitation { id, tenant, team: tenancy::name(&mut scoped).await?, email, role, expires_at }))
}

/// Lets an account into the team of an invitation. Its sessions but `keep` end: one that the provider of a team opened must
/// not reach another team.
///
/// # Errors
/// [`StoreError::NotFound`] for a token that is no open invitation's; [`StoreError::Invalid`] when it is for another address,
/// or the account's is not proven; [`StoreError::Taken`] when they are in the team already.
pub async fn accept(
    store: &Store,
    token: &str,
    account: AccountId,
    keep: Option<SessionId>,
) -> Result<(TenantId, PersonId), StoreError> {
    let open = invitation(store, token).await?.ok_or(StoreError::NotFound)?;
    let who = accounts::by_id(store, account).await?.ok_or(StoreError::NotFound)?;
    if !who.verified {
        return Err(StoreError::Invalid("prove your address first: we have sent you a mail".to_owned()));
    }
    let person = accept_invited(store, open.tenant, open.id, &who, keep).await?;
    Ok((open.tenant, person))
}

/// The open invitation of an address in a team.
///
/// # Errors
/// When the database cannot be asked.
pub async fn invited(store: &Store, tenant: TenantId, email: &str) -> Result<Option<Uuid>, StoreError> {
    let mut scoped = store.scoped(tenant, &nobody()).await?;
    let (now, index) = (At(scoped.now()), store.keys().blind_index(tenant)?.email(email));
    const SQL: &str = "SELECT invitation_id FROM wordbond.invitation WHERE tenant_id = $1 AND email_index = $2
        AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3 ORDER BY invitation_id DESC LIMIT 1";
    Ok(sqlx::query_scalar(SQL)
        .bind(tenant.uuid())
        .bind(index.as_slice())
        .bind(now)
        .fetch_optional(scoped.conn())
        .await?)
}

/// Lets an account into the team of an invitation to its address, which it has proven to that team at least.
pub(crate) async fn accept_invited(
    store: &Store,
    tenant: TenantId,
    invitation: Uuid,
    who: &Account,
    keep: Option<SessionId>,
) -> Result<PersonId, StoreError> {
    let account = who.id;
    let fresh = PersonId::new();
    let mut scoped = store.scope_of(tenant, &nobody(), Some(account)).await?;
    lock(&mut scoped).await?;
    let role = open_for(&mut scoped, invitation, who).await?;
    let earlier = earlier(&mut scoped, who).await?;
    let person = earlier.map_or(fresh, |(person, _)| person);
    close(&mut scoped, invitation, "accepted_at").await?;
    scoped.enter(tenant, &Actor::Person { id: person }).await?;
    match earlier {
        Some((_, now)) => come_back(&mut scoped, person, who, role.max(now.unwrap_or(role))).await?,
        None => {
            store.keys().create(tenant, Subject::Person(person))?;
            tenancy::insert_person(&mut scoped, person, NewPerson { name: &who.name, email: &who.email }, role).await?;
        }
    }
    insert_membership(&mut scoped, account, person).await?;
    restrict::as_the_account(&mut scoped, account, person).await?;
    sessions::end_all(&mut scoped, account, keep).await?;
    let targets = [format!("invitation:{invitation}"), format!("person:{person}"), format!("account:{account}")];
    audit::note(&mut scoped, "invitation.accept", &targets, &[("role", role.as_str())]).await?;
    revocation::commit(store, scoped).await?;
    Ok(person)
}

/// The role of an invitation that is open, and for this account's address.
async fn open_for(scoped: &mut Scoped, id: Uuid, who: &Account) -> Result<TeamRole, StoreError> {
    let (tenant, now) = (scoped.tenant(), At(scoped.now()));
    const SQL: &str = "SELECT role, email_index FROM wordbond.invitation WHERE tenant_id = $1 AND invitation_id = $2
        AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $3";
    let row = sqlx::query(SQL).bind(tenant.uuid()).bind(id).bind(now).fetch_optional(scoped.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    if row.try_get::<&[u8], _>(1)? != scoped.keys().blind_index(tenant)?.email(&who.email) {
        return Err(StoreError::Invalid("this invitation is for another address".to_owned()));
    }
    tenancy::role(row.try_get(0)?)
}

/// The row that the account, or its address, has in the team from before: of who left, or who only had a token. With what
/// they are, where they are in the team now.
async fn earlier(scoped: &mut Scoped, who: &Account) -> Result<Option<(PersonId, Option<TeamRole>)>, StoreError> {
    let (tenant, index) = (scoped.tenant(), scoped.keys().blind_index(scoped.tenant())?.email(&who.email));
    const SQL: &str = "SELECT person_id, account_id, role, removed_at IS NULL FROM wordbond.person
        WHERE tenant_id = $1 AND (account_id = $2 OR email_index = $3) ORDER BY removed_at IS NULL DESC LIMIT 1";
    let row = sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(who.id.uuid())
        .bind(index.as_slice())
        .fetch_optional(scoped.conn())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (account, current): (Option<Uuid>, bool) = (row.try_get(1)?, row.try_get(3)?);
    if current && account.is_some() {
        return Err(StoreError::Taken("you are in this team already"));
    }
    let role = current.then(|| tenancy::role(row.try_get(2)?)).transpose()?;
    Ok(Some((PersonId::from(row.try_get::<Uuid, _>(0)?), role)))
}

/// Makes an earlier row the account's. The tokens that there are were given to whoever added the person, and end.
async fn come_back(scoped: &mut Scoped, person: PersonId, who: &Account, role: TeamRole) -> Result<(), StoreError> {
    end_tokens(scoped, person).await?;
    let tenant = scoped.tenant();
    const SQL: &str = "UPDATE wordbond.person SET account_id = $3, role = $4, removed_at = NULL
        WHERE tenant_id = $1 AND person_id = $2";
    sqlx::query(SQL)
        .bind(tenant.uuid())
        .bind(person.uuid())
        .bind(who.id.uuid())
        .bind(role.as_str())
        .execute(scoped.conn())
        .await?;
    // Whoever has left is found by no address: they are in the team again before it is written.
    rewrite(scoped, person, &who.name, &who.email).await
}

const fn place(tenant: TenantId, id: Uuid) -> Place {
    Place { tenant, subject: Subject::Tenant, table: "invitation", column: "email", row: id, version: 1 }
}
