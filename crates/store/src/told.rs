//! What the logs tell, beside what the tables say: roles, shares, second factors, proven addresses, identity providers,
//! sessions, links and looks are changed by acts, and every act has its event. Whoever changes a row behind the application's
//! back tells nothing, and a change of somebody else's row is found here as well as one of a planted row.

pub mod lasting;
mod ways;

use crate::{Role, Store, StoreError, audit, time::At};
use kernel::{TenantId, Timestamp};
use ledger::audit::Event;
use sqlx::{Connection as _, PgConnection, Row as _};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// How far the time of an event may lie behind that of its row, in microseconds: both are read within one transaction.
const APART: i64 = 5_000_000;
/// How far before, as rows and events keep fractions of a second of their own.
const ROUNDED: i64 = -1_000;

/// What the tables say that no log tells. Only counts: whose it is stands in no public place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// How many events were read.
    pub events: u64,
    /// Members whose role is another than they were given.
    pub roles: u64,
    /// Drawings that are shared with somebody, and nobody shared them.
    pub shares: u64,
    /// Live sessions that count as given a second factor, and gave none.
    pub factors: u64,
    /// Accounts whose address counts as proven, and nobody proved it.
    pub addresses: u64,
    /// Identity providers of teams that are on or off, and were not switched so.
    pub providers: u64,
    /// Live sessions that belong to another account than opened them, or open to another token than they were given.
    pub sessions: u64,
    /// Identities at providers that lead into another account than the one whose owner linked them.
    pub links: u64,
    /// Looks of the operator's people that are on record otherwise than they were told.
    pub looks: u64,
    /// How many looks are on record.
    pub on_record: u64,
    /// API tokens that are another's than the one they were made for, open to another key, or are good for longer.
    pub tokens: u64,
}

/// Compares the tables with every log, as the backup reads them at one instant. What no readable event is about is not
/// judged: whether every event can be read is for the audit log's own attack to say.
///
/// # Errors
/// When the database cannot be asked.
pub async fn walk(store: &Store) -> Result<Untold, StoreError> {
    let mut connection = store.connect_as(Role::Backup).await?;
    let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let told = Told::read(&mut tx, store).await?;
    let now = store.clock().now();
    let (looks, on_record) = ways::looks(&mut tx, &told).await?;
    let untold = Untold {
        events: told.events,
        roles: roles(&mut tx, &told).await?,
        shares: shares(&mut tx, &told).await?,
        factors: factors(&mut tx, &told, now).await?,
        addresses: addresses(&mut tx, &told).await?,
        providers: providers(&mut tx, &told).await?,
        sessions: ways::sessions(&mut tx, &told, now).await?,
        links: ways::links(&mut tx, &told).await?,
        looks,
        on_record,
        tokens: ways::tokens(&mut tx, &told).await?,
    };
    drop(tx);
    connection.close().await?;
    Ok(untold)
}

/// What all events together say.
#[derive(Default)]
struct Told {
    events: u64,
    /// Whether some could not be read.
    gaps: bool,
    /// Teams whose making was told, and whether somebody was in them already.
    founded: BTreeMap<Uuid, bool>,
    roles: BTreeMap<(Uuid, String), String>,
    shared: BTreeSet<(Uuid, String, String)>,
    /// Teams with an event that could not be read.
    unreadable: BTreeSet<Uuid>,
    /// Acts of accounts that prove something, by account: when, what, and how.
    acts: BTreeMap<String, Vec<(Timestamp, String, String)>>,
    providers: BTreeMap<Uuid, String>,
    ways: ways::Ways,
}

impl Told {
    async fn read(conn: &mut PgConnection, store: &Store) -> Result<Self, StoreError> {
        const SQL: &str = "SELECT tenant_id, event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
            ORDER BY entry_id";
        let mut told = Self::default();
        for row in &sqlx::query(SQL).fetch_all(conn).await? {
            let tenant: Uuid = row.try_get("tenant_id")?;
            match audit::read(store.keys(), TenantId::from(tenant), row) {
                Ok(entry) => told.take(tenant, &entry.event),
                Err(_) => {
                    told.gaps = true;
                    told.unreadable.insert(tenant);
                }
            }
        }
        Ok(told)
    }

    fn take(&mut self, tenant: Uuid, event: &Event) {
        self.events += 1;
        let target = |kind: &str| event.targets.iter().find_map(|target| target.strip_prefix(kind)?.strip_prefix(':'));
        let context = |key: &str| event.context.get(key).map(String::as_str).unwrap_or_default();
        let (person, account) = (target("person").unwrap_or_default(), target("account").unwrap_or_default());
        let key = (tenant, person.to_owned());
        self.ways.take(tenant, event);
        match event.action.as_str() {
            "tenant.create" => drop(self.founded.insert(tenant, false)),
            "account.create" | "person.add" if !person.is_empty() => {
                // Who comes first founds the team; of a team whose beginning is not told, nothing is known.
                if let Some(begun) = self.founded.get_mut(&tenant) {
                    self.roles.insert(key, if *begun { "member" } else { "owner" }.to_owned());
                    *begun = true;
                }
            }
            "member.role" => drop(self.roles.insert(key, context("to").to_owned())),
            "member.leave" | "member.remove" => drop(self.roles.remove(&key)),
            "invitation.accept" => {
                let said = context("role");
                let higher = self.roles.get(&key).filter(|before| rank(before) > rank(said)).cloned();
                self.roles.insert(key, higher.unwrap_or_else(|| said.to_owned()));
            }
            "drawing.share" | "drawing.unshare" => {
                let share = (tenant, target("drawing").unwrap_or_default().to_owned(), person.to_owned());
                if event.action == "drawing.share" {
                    self.shared.insert(share);
                } else {
                    self.shared.remove(&share);
                }
            }
            "saml.set" => drop(self.providers.insert(tenant, context("state").to_owned())),
            _ => {}
        }
        if !account.is_empty() {
            let act = (event.at, event.action.clone(), context("strength").to_owned());
            self.acts.entry(account.to_owned()).or_default().push(act);
        }
    }

    /// Whether the account did something about then that `fits`.
    fn did(&self, account: Uuid, about: Timestamp, fits: impl Fn(&str, &str) -> bool) -> bool {
        let acts = self.acts.get(&account.to_string());
        acts.into_iter().flatten().any(|(at, action, how)| is_near(*at, about) && fits(action, how))
    }
}

/// Whether an event may be of the transaction that wrote a time into a row.
fn is_near(at: Timestamp, row: Timestamp) -> bool {
    (ROUNDED..=APART).contains(&(at.as_microsecond() - row.as_microsecond()))
}

fn rank(role: &str) -> usize {
    ["viewer", "member", "admin", "owner"].iter().position(|known| *known == role).unwrap_or_default()
}

async fn roles(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT tenant_id, person_id, role FROM wordbond.person WHERE removed_at IS NULL";
    let mut untold = 0;
    for row in &sqlx::query(SQL).fetch_all(conn).await? {
        let (tenant, person, role): (Uuid, Uuid, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let said = told.roles.get(&(tenant, person.to_string())).filter(|_| !told.unreadable.contains(&tenant));
        untold += u64::from(said.is_some_and(|said| *said != role));
    }
    Ok(untold)
}

async fn shares(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT tenant_id, drawing_id, person_id FROM wordbond.drawing_grant";
    let mut untold = 0;
    for row in &sqlx::query(SQL).fetch_all(conn).await? {
        let (tenant, drawing, person): (Uuid, Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let share = (tenant, drawing.to_string(), person.to_string());
        untold += u64::from(!told.shared.contains(&share) && !told.unreadable.contains(&tenant));
    }
    Ok(untold)
}

/// Only sessions of those who have a second factor are looked at; a team's own log may be unreadable, and then none are.
async fn factors(conn: &mut PgConnection, told: &Told, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT s.account_id, s.session_id, s.strength, s.confirmed_at FROM wordbond.session AS s
        WHERE s.expires_at > $1 AND NOT s.pending AND s.strength IN ('second', 'passkey')
          AND EXISTS (SELECT FROM wordbond.factor AS f WHERE f.account_id = s.account_id)";
    let mut untold = 0;
    for row in &sqlx::query(SQL).bind(At(now)).fetch_all(conn).await? {
        let (account, session, strength): (Uuid, Uuid, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let confirmed = row.try_get::<Option<At>, _>(3)?.map(|at| at.0);
        let gave = |action: &str, how: &str| match action {
            "session.complete" | "session.strengthen" | "session.confirm" => true,
            "session.open" => how == strength,
            _ => false,
        };
        let proved = confirmed.is_some_and(|at| told.did(account, at, gave));
        untold += u64::from(!(told.gaps || proved && told.ways.gave(session, &strength)));
    }
    Ok(untold)
}

/// An account may be made with an address that its provider vouches for: then both happened at once.
async fn addresses(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT account_id, email_verified_at FROM wordbond.account
        WHERE email_verified_at IS NOT NULL AND email_verified_at <> created_at";
    let mut untold = 0;
    for row in &sqlx::query(SQL).fetch_all(conn).await? {
        let (account, at): (Uuid, At) = (row.try_get(0)?, row.try_get(1)?);
        let proved = |action: &str, _: &str| action.starts_with("account.") && action != "account.create";
        untold += u64::from(!told.gaps && !told.did(account, at.0, proved));
    }
    Ok(untold)
}

async fn providers(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    let rows = sqlx::query("SELECT tenant_id, enabled FROM wordbond.saml_idp").fetch_all(conn).await?;
    let mut untold = 0;
    for row in &rows {
        let (tenant, enabled): (Uuid, bool) = (row.try_get(0)?, row.try_get(1)?);
        let state = if enabled { "enabled" } else { "disabled" };
        let said = told.providers.get(&tenant).filter(|_| !told.unreadable.contains(&tenant));
        untold += u64::from(said.is_some_and(|said| said != state));
    }
    Ok(untold)
}
