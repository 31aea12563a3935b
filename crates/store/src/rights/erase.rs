//! Erasing somebody's rows: one transaction in which everything goes that the map says goes, the tombstones are written, the
//! event is told, and the work that is left, destroying the keys, is enqueued. A crash before the commit leaves everything,
//! one after it leaves a job that goes on.

use super::{
    State,
    cases::{close, tell},
    footprint::{Footprint, Seat, Team, hand_over, in_team},
    holds, recipients,
    rows::{self, Counts, order},
    tombstones::{self, Erased},
};
use crate::{
    DataMap, Scoped, Store, StoreError, audit,
    data_map::Table,
    jobs::{self, Lease},
    operator_tenant, revocation,
    sign_in::{self, Kind},
    team::nobody,
    tenancy,
    time::At,
};
use jiff::SignedDuration;
use kernel::{AccountId, PersonId, TenantId, Timestamp};
use sqlx::Row as _;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The job that goes on after the commit.
pub const FINISH: &str = "rights.finish";

/// Why a clock stands, as the log says it.
pub(super) const OWNER: &str = "a team needs another owner";

/// After how long an erasure that a law forbids is tried again at the latest.
const LOOKS_AGAIN: SignedDuration = SignedDuration::from_hours(24);

/// The job that begins.
pub const ERASE: &str = "rights.erase";

/// Everything that an erasure takes: the account, who they were in which teams, and the teams that go with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets {
    /// The case.
    pub case: Uuid,
    /// What goes.
    pub erased: Vec<Erased>,
}

impl Targets {
    /// As ids, for a job: the case, then pairs. The account stands under the operator's tenant, a team beside the nil id.
    #[must_use]
    pub fn ids(&self) -> Vec<Uuid> {
        let pairs = self.erased.iter().flat_map(|what| match *what {
            Erased::Account(account) => [operator_tenant().uuid(), account.uuid()],
            Erased::Person(tenant, person) => [tenant.uuid(), person.uuid()],
            Erased::Tenant(tenant) => [tenant.uuid(), Uuid::nil()],
        });
        std::iter::once(self.case).chain(pairs).collect()
    }

    /// Read back from a job.
    #[must_use]
    pub fn from_ids(ids: &[Uuid]) -> Option<Self> {
        let (case, pairs) = ids.split_first()?;
        let mut erased = Vec::new();
        for pair in pairs.chunks(2) {
            let [tenant, id] = pair else { return None };
            let tenant = TenantId::from(*tenant);
            erased.push(match *id {
                id if tenant == operator_tenant() => Erased::Account(AccountId::from(id)),
                id if id.is_nil() => Erased::Tenant(tenant),
                id => Erased::Person(tenant, PersonId::from(id)),
            });
        }
        Some(Self { case: *case, erased })
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.erased.iter().find_map(|what| if let Erased::Account(account) = what { Some(*account) } else { None })
    }
}

/// How an erasure came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// The rows are gone, so many of each table.
    Gone(Targets, Counts),
    /// A law forbids it until then; it is tried again at that time.
    Held(Timestamp),
    /// The person must hand over this team first; the clock stands.
    Needs(TenantId),
    /// The case is closed, or being carried out already: there was nothing to do.
    Closed,
}

/// What one erasure works with.
struct Work<'a> {
    scoped: Scoped,
    order: Vec<&'a Table>,
    account: AccountId,
    address: Option<&'a str>,
    gone: Counts,
    erased: Vec<Erased>,
}

/// Erases the rows of a case's account, who was found to be there. Takes the job off in the same transaction.
///
/// # Errors
/// [`StoreError::LostLease`] when another worker has the job by now; nothing has happened then.
pub async fn execute(store: &Store, lease: &Lease, case: Uuid, found: &Footprint) -> Result<Executed, StoreError> {
    let (map, account) = (DataMap::own()?, found.account);
    let mut scoped = store.erasing(Some(account)).await?;
    jobs::take_off(&mut scoped, lease).await?;
    if state(&mut scoped, case).await?.as_deref() != Some("open") {
        scoped.commit().await?;
        return Ok(Executed::Closed);
    }
    let address = found.address.as_deref();
    let mut work = Work { scoped, order: order(&map), account, address, gone: Counts::new(), erased: Vec::new() };
    let tenants = work.tenants(&found.seats).await?;
    let mut until = holds::of_account(&mut work.scoped, account).await?;
    for tenant in &tenants {
        match work.fate(*tenant).await? {
            Team::Needs => return pause(work.scoped, case, account, *tenant).await,
            // What is left there of others goes with it.
            Team::Goes => until = until.max(holds::of_team(&mut work.scoped).await?),
            Team::Stays => {}
        }
    }
    if let Some(until) = until {
        return wait(work.scoped, case, account, until).await;
    }
    work.scoped.move_to(operator_tenant()).await?;
    for other in others(&mut work.scoped, account, case).await? {
        // Whoever is gone waits for no answer, and nobody could give one: whose it is goes with them.
        close(&mut work.scoped, other, State::Withdrawn, "rights.withdraw", None).await?;
    }
    // Before who they are in their teams, with which sessions and memberships would go uncounted.
    rows::of_account(&mut work.scoped, &work.order, account.uuid(), &mut work.gone).await?;
    work.erased.push(Erased::Account(account));
    for tenant in tenants {
        work.team(tenant).await?;
    }
    finish(store, work, case).await
}

impl Work<'_> {
    /// The teams that they are in or were, in the order in which their rows are held. The account's row is held first: nobody
    /// joins a team with it from here on, so that none is missed.
    async fn tenants(&mut self, seats: &[Seat]) -> Result<Vec<TenantId>, StoreError> {
        let scoped = &mut self.scoped;
        sqlx::query("SELECT FROM wordbond.account WHERE account_id = $1 FOR UPDATE")
            .bind(self.account.uuid())
            .execute(scoped.conn())
            .await?;
        let joined: Vec<Uuid> = sqlx::query_scalar("SELECT tenant_id FROM wordbond.membership WHERE account_id = $1")
            .bind(self.account.uuid())
            .fetch_all(scoped.conn())
            .await?;
        let tenants = seats.iter().map(|seat| seat.tenant).chain(joined.into_iter().map(TenantId::from));
        Ok(tenants.collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// What becomes of a team. Its row is held until the commit, as by every change of who is in it.
    async fn fate(&mut self, tenant: TenantId) -> Result<Team, StoreError> {
        self.scoped.move_to(tenant).await?;
        sqlx::query("SELECT FROM wordbond.tenant WHERE tenant_id = $1 FOR UPDATE")
            .bind(tenant.uuid())
            .execute(self.scoped.conn())
            .await?;
        let seats = self.seats().await?;
        let other = seats.iter().find(|seat| seat.team != Team::Stays);
        Ok(other.map_or(Team::Stays, |seat| seat.team))
    }

    /// Who they are in the scope's team.
    async fn seats(&mut self) -> Result<Vec<Seat>, StoreError> {
        // People see their colleagues; nobody in particular is asking.
        self.scoped.own_rows_of(nobody().person()).await?;
        in_team(&mut self.scoped, self.account, self.address).await
    }

    /// Erases what is theirs in a team, and the team with it where they are its last member.
    async fn team(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        self.scoped.move_to(tenant).await?;
        let seats = self.seats().await?;
        let goes = seats.iter().any(|seat| seat.team == Team::Goes);
        let Self { scoped, order, account, gone, erased, .. } = self;
        let people = if goes { everybody(scoped).await? } else { seats.iter().map(|seat| seat.person).collect() };
        for person in people {
            scoped.own_rows_of(Some(person)).await?;
            rows::of_person(scoped, order, person, gone).await?;
            erased.push(Erased::Person(tenant, person));
        }
        scoped.own_rows_of(None).await?;
        if goes {
            end_looks(scoped).await?;
            scoped.account_rows_of(Some(*account)).await?;
            audit::hand_over(scoped).await?;
            rows::of_tenant(scoped, order, gone).await?;
            erased.push(Erased::Tenant(tenant));
        }
        Ok(())
    }
}

/// Does to the rows of what was erased once more what the map says: what was written in the meantime, by a request that had begun
/// before, or by somebody who brings it back. Yields how many there were.
///
/// # Errors
/// When the database refuses.
pub async fn again(store: &Store, targets: &Targets) -> Result<Counts, StoreError> {
    let map = DataMap::own()?;
    let (order, mut gone) = (order(&map), Counts::new());
    let mut scoped = store.erasing(targets.account()).await?;
    for what in &targets.erased {
        match what {
            Erased::Person(tenant, person) => {
                scoped.move_to(*tenant).await?;
                scoped.own_rows_of(Some(*person)).await?;
                rows::of_person(&mut scoped, &order, *person, &mut gone).await?;
            }
            Erased::Tenant(tenant) => {
                scoped.move_to(*tenant).await?;
                rows::of_tenant(&mut scoped, &order, &mut gone).await?;
            }
            Erased::Account(account) => {
                scoped.move_to(operator_tenant()).await?;
                let sql = "DELETE FROM wordbond.job WHERE tenant_id = $1 AND $2 = ANY(ids) AND kind <> $3";
                let jobs = sqlx::query(sql)
                    .bind(operator_tenant().uuid())
                    .bind(account.uuid())
                    .bind(FINISH)
                    .execute(scoped.conn())
                    .await?;
                *gone.entry("wordbond.job".to_owned()).or_default() += jobs.rows_affected();
                rows::of_account_rows(&mut scoped, &order, account.uuid(), &mut gone).await?;
            }
        }
    }
    scoped.move_to(operator_tenant()).await?;
    gone.retain(|_, rows| *rows > 0);
    add(&mut scoped, targets.case, &gone).await?;
    scoped.commit().await?;
    Ok(gone)
}

/// Adds to what a case says has gone: the receipt tells all of it.
async fn add(scoped: &mut Scoped, case: Uuid, gone: &Counts) -> Result<(), StoreError> {
    if gone.is_empty() {
        return Ok(());
    }
    const TOLD: &str = "SELECT receipt FROM wordbond.rights_case WHERE case_id = $1 FOR UPDATE";
    let told: Option<Option<String>> = sqlx::query_scalar(TOLD).bind(case).fetch_optional(scoped.conn()).await?;
    let mut all: Counts = told.flatten().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    for (table, rows) in gone {
        *all.entry(table.clone()).or_default() += rows;
    }
    let text = serde_json::to_string(&all).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    sqlx::query("UPDATE wordbond.rights_case SET receipt = $2 WHERE case_id = $1 AND closed_at IS NULL")
        .bind(case)
        .bind(text)
        .execute(scoped.conn())
        .await?;
    Ok(())
}

/// Everybody whom the scope's tenant has a row of, those who have left it included.
async fn everybody(scoped: &mut Scoped) -> Result<Vec<PersonId>, StoreError> {
    let tenant = scoped.tenant();
    let found: Vec<Uuid> =
        sqlx::query_scalar("SELECT person_id FROM wordbond.person WHERE tenant_id = $1 ORDER BY person_id")
            .bind(tenant.uuid())
            .fetch_all(scoped.conn())
            .await?;
    Ok(found.into_iter().map(PersonId::from).collect())
}

/// Removes what leads to the looks at the scope's tenant: each is its administrator's.
async fn end_looks(scoped: &mut Scoped) -> Result<(), StoreError> {
    let tenant = scoped.tenant();
    let looks =
        sqlx::query("SELECT look_id, admin_id FROM wordbond.admin_look WHERE tenant_id = $1 AND ended_at IS NULL")
            .bind(tenant.uuid())
            .fetch_all(scoped.conn())
            .await?;
    for look in &looks {
        let (id, admin): (Uuid, Uuid) = (look.try_get(0)?, look.try_get(1)?);
        scoped.account_rows_of(Some(AccountId::from(admin))).await?;
        sign_in::remove(scoped, Kind::Look, &[id]).await?;
    }
    Ok(())
}

/// What the account in scope asked for besides, and has no answer to.
async fn others(scoped: &mut Scoped, account: AccountId, case: Uuid) -> Result<Vec<Uuid>, StoreError> {
    const SQL: &str =
        "SELECT c.case_id FROM wordbond.rights_request AS r JOIN wordbond.rights_case AS c USING (case_id)
        WHERE r.account_id = $1 AND c.case_id <> $2 AND c.closed_at IS NULL ORDER BY c.case_id";
    Ok(sqlx::query_scalar(SQL).bind(account.uuid()).bind(case).fetch_all(scoped.conn()).await?)
}

/// The state of a case, whose row is held until the transaction ends.
pub(super) async fn state(scoped: &mut Scoped, case: Uuid) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT state FROM wordbond.rights_case WHERE case_id = $1 FOR UPDATE";
    Ok(sqlx::query_scalar(SQL).bind(case).fetch_optional(scoped.conn()).await?)
}

/// A law forbids it. Whose hold it is need not be theirs: the log says only that this case waits.
async fn wait(mut scoped: Scoped, case: Uuid, account: AccountId, until: Timestamp) -> Result<Executed, StoreError> {
    scoped.move_to(operator_tenant()).await?;
    // A hold on somebody else may be ended any day, which reaches no case but theirs.
    let again = until.min(scoped.now() + LOOKS_AGAIN);
    jobs::enqueue(&mut scoped, ERASE, &[case, account.uuid()], again).await?;
    const SQL: &str = "UPDATE wordbond.rights_case SET held_until = $2
        WHERE case_id = $1 AND held_until IS DISTINCT FROM $2";
    let said = sqlx::query(SQL).bind(case).bind(At(until)).execute(scoped.conn()).await?;
    if said.rows_affected() > 0 {
        audit::note(&mut scoped, "rights.wait", &[format!("case:{case}")], &[("until", &until.to_string())]).await?;
    }
    scoped.commit().await?;
    Ok(Executed::Held(until))
}

/// What the person must do first is not ours to wait for: the clock stands until they ask again. They read what it is.
async fn pause(mut scoped: Scoped, case: Uuid, account: AccountId, tenant: TenantId) -> Result<Executed, StoreError> {
    scoped.move_to(tenant).await?;
    let words = hand_over(&[tenancy::name(&mut scoped).await?]);
    scoped.move_to(operator_tenant()).await?;
    tell(&mut scoped, account, case, &words).await?;
    let now = At(scoped.now());
    sqlx::query("UPDATE wordbond.rights_case SET state = 'paused', paused_at = $2 WHERE case_id = $1")
        .bind(case)
        .bind(now)
        .execute(scoped.conn())
        .await?;
    audit::note(&mut scoped, "rights.pause", &[format!("case:{case}")], &[("why", OWNER)]).await?;
    scoped.commit().await?;
    Ok(Executed::Needs(tenant))
}

/// Writes the tombstones, tells it, and enqueues what is left to do.
async fn finish(store: &Store, work: Work<'_>, case: Uuid) -> Result<Executed, StoreError> {
    let Work { mut scoped, account, gone, erased, .. } = work;
    scoped.move_to(operator_tenant()).await?;
    for what in &erased {
        tombstones::write(&mut scoped, case, *what).await?;
    }
    // What went is known here and never again: the receipt says it once the rest is done.
    let receipt = serde_json::to_string(&gone).map_err(|error| StoreError::Unexpected(error.to_string()))?;
    sqlx::query(
        "UPDATE wordbond.rights_case SET state = 'working', held_until = NULL, receipt = $2 WHERE case_id = $1",
    )
    .bind(case)
    .bind(receipt)
    .execute(scoped.conn())
    .await?;
    let targets = Targets { case, erased };
    let now = scoped.now();
    jobs::enqueue(&mut scoped, FINISH, &targets.ids(), now).await?;
    let rows: u64 = gone.values().sum();
    let mut said = vec![("rows", rows.to_string())];
    said.extend(recipients::begin(&mut scoped, case, account, store.recipients()).await?);
    let said: Vec<(&str, &str)> = said.iter().map(|(key, value)| (*key, value.as_str())).collect();
    audit::note(&mut scoped, "rights.erase", &[format!("case:{case}")], &said).await?;
    // Sessions ended: every instance forgets them.
    revocation::commit(store, scoped).await?;
    Ok(Executed::Gone(targets, gone))
}
