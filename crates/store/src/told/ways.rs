//! The ways in, as the logs tell them: whose each session, link and look is, and what leads to it. Events name the row, and a
//! mark of the key that leads there, so that a row which was given to somebody else in the index and in its table alike is
//! missed all the same.

use super::Told;
use crate::{StoreError, sign_in::mark, time::At};
use kernel::Timestamp;
use ledger::audit::Event;
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What all events together say of the ways in.
#[derive(Default)]
pub(super) struct Ways {
    sessions: BTreeMap<Uuid, Way>,
    links: BTreeMap<Uuid, Way>,
    /// By team and look: who looks, until when it was allowed, and whether it was ended.
    looks: BTreeMap<(Uuid, Uuid), (String, String, bool)>,
    /// By account: what was opened when events did not yet name it, and when.
    nameless: BTreeMap<String, Vec<(String, Timestamp)>>,
    /// Whose a token is, what leads to it, and until when it is good.
    tokens: BTreeMap<Uuid, (String, String, String)>,
}

/// A session or link.
#[derive(Default)]
struct Way {
    account: String,
    /// Empty where only events of before marks were told.
    mark: String,
    /// Of a session: how it was proven whose it is, the second factor that is still owed included.
    strength: String,
    pending: bool,
}

impl Way {
    fn leads(&self, account: Uuid, key: &[u8]) -> bool {
        self.account == account.to_string() && (self.mark.is_empty() || self.mark == mark(key))
    }
}

impl Ways {
    pub(super) fn take(&mut self, tenant: Uuid, event: &Event) {
        let target = |kind: &str| event.targets.iter().find_map(|target| target.strip_prefix(kind)?.strip_prefix(':'));
        let id = |kind: &str| target(kind).and_then(|id| Uuid::parse_str(id).ok());
        let context = |key: &str| event.context.get(key).cloned();
        let account = target("account").unwrap_or_default().to_owned();
        if let Some(session) = id("session").filter(|_| event.action.starts_with("session.")) {
            if event.action == "session.revoke" {
                self.sessions.remove(&session);
                return;
            }
            let way =
                self.sessions.entry(session).or_insert_with(|| Way { account: account.clone(), ..Way::default() });
            // A session never changes hands: what another does with it says nothing of whose it is.
            if way.account != account {
                return;
            }
            way.mark = context("mark").unwrap_or_else(|| way.mark.clone());
            way.strength = context("strength").unwrap_or_else(|| way.strength.clone());
            way.pending = match event.action.as_str() {
                "session.open" => context("pending").as_deref() == Some("yes"),
                "session.complete" => false,
                _ => way.pending,
            };
        } else if let Some(token) = id("token").filter(|_| event.context.contains_key("mark")) {
            let owner = match target("person") {
                Some(person) => person.to_owned(),
                None => event.actor.person().map(|person| person.to_string()).unwrap_or_default(),
            };
            let (mark, expires) = (context("mark").unwrap_or_default(), context("expires").unwrap_or_default());
            self.tokens.entry(token).or_insert((owner, mark, expires));
        } else if let Some(link) = id("link") {
            self.links.remove(&link);
            if event.action == "link.add" {
                let way = Way { account, mark: context("mark").unwrap_or_default(), ..Way::default() };
                self.links.insert(link, way);
            }
        } else if let Some(look) = id("look") {
            match event.action.as_str() {
                "look.begin" => {
                    let told = (account, context("until").unwrap_or_default(), false);
                    self.looks.insert((tenant, look), told);
                }
                "look.end" => {
                    if let Some((.., ended)) = self.looks.get_mut(&(tenant, look)) {
                        *ended = true;
                    }
                }
                _ => {}
            }
        } else if matches!(event.action.as_str(), "session.open" | "link.add") {
            self.nameless.entry(account).or_default().push((event.action.clone(), event.at));
        }
    }

    /// Whether nothing that was told of a session speaks against its having given its factor in this very way.
    pub(super) fn gave(&self, session: Uuid, strength: &str) -> bool {
        let way = self.sessions.get(&session);
        way.is_none_or(|way| !way.pending && (way.strength.is_empty() || way.strength == strength))
    }

    /// Whether an event of before names were told fits.
    fn nameless(&self, action: &str, account: Uuid, begun: Timestamp) -> bool {
        let told = self.nameless.get(&account.to_string());
        told.into_iter().flatten().any(|(what, at)| what == action && super::is_near(*at, begun))
    }
}

/// Sessions whose row, or whose look-up, is another account's or another key's than the log has it.
pub(super) async fn sessions(conn: &mut PgConnection, told: &Told, now: Timestamp) -> Result<u64, StoreError> {
    const SQL: &str =
        "SELECT session_id, account_id, token_hash, created_at FROM wordbond.session WHERE expires_at > $1
        UNION ALL SELECT i.row_id, i.account_id, i.lookup, s.created_at FROM wordbond.sign_in AS i
        JOIN wordbond.session AS s ON s.session_id = i.row_id WHERE i.kind = 'session' AND s.expires_at > $1";
    let rows = sqlx::query(SQL).bind(At(now)).fetch_all(conn).await?;
    strayed(&rows, told, &told.ways.sessions, "session.open")
}

/// The same of links.
pub(super) async fn links(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT link_id, account_id, subject_hash, created_at FROM wordbond.provider_link
        UNION ALL SELECT row_id, account_id, lookup, created_at FROM wordbond.sign_in WHERE kind = 'link'";
    let rows = sqlx::query(SQL).fetch_all(conn).await?;
    strayed(&rows, told, &told.ways.links, "link.add")
}

fn strayed(rows: &[PgRow], told: &Told, ways: &BTreeMap<Uuid, Way>, begin: &str) -> Result<u64, StoreError> {
    let mut strayed = BTreeSet::new();
    // What an event that cannot be read may have told is not judged.
    for row in rows.iter().filter(|_| !told.gaps) {
        let (id, account, key): (Uuid, Option<Uuid>, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let begun = row.try_get::<At, _>(3)?.0;
        let leads = |account| match ways.get(&id) {
            Some(way) => way.leads(account, &key),
            None => told.ways.nameless(begin, account, begun),
        };
        if !account.is_some_and(leads) {
            strayed.insert(id);
        }
    }
    Ok(u64::try_from(strayed.len()).unwrap_or(u64::MAX))
}

/// Looks that nobody told, that may go on for longer than was told, or that another has; and those that are written down as
/// ended, or as running, against what was told. With how many looks there are.
pub(super) async fn looks(conn: &mut PgConnection, told: &Told) -> Result<(u64, u64), StoreError> {
    const SQL: &str = "SELECT tenant_id, look_id, admin_id, expires_at, ended_at IS NOT NULL FROM wordbond.admin_look";
    let (mut untold, rows) = (0, sqlx::query(SQL).fetch_all(conn).await?);
    for row in &rows {
        let (tenant, look, admin): (Uuid, Uuid, Uuid) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let (until, ended): (Timestamp, bool) = (row.try_get::<At, _>(3)?.0, row.try_get(4)?);
        let said = told.ways.looks.get(&(tenant, look));
        let fits = said.is_some_and(|(who, when, over)| {
            let when = when.parse::<Timestamp>().ok();
            *who == admin.to_string() && when.is_some_and(|when| super::is_near(when, until)) && *over == ended
        });
        untold += u64::from(!fits && !told.unreadable.contains(&tenant));
    }
    Ok((untold, u64::try_from(rows.len()).unwrap_or(u64::MAX)))
}

/// API tokens that somebody else has than was told, or for longer. Those of before such events were told are not judged.
pub(super) async fn tokens(conn: &mut PgConnection, told: &Told) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT k.token_id, k.person_id, k.token_hash, k.expires_at, i.person_id, i.lookup
        FROM wordbond.token AS k LEFT JOIN wordbond.sign_in AS i ON i.kind = 'token' AND i.row_id = k.token_id";
    let mut untold = 0;
    for row in &sqlx::query(SQL).fetch_all(conn).await? {
        let (token, expires): (Uuid, Timestamp) = (row.try_get(0)?, row.try_get::<At, _>(3)?.0);
        let Some((owner, told_mark, until)) = told.ways.tokens.get(&token) else { continue };
        let leads = |person: Option<Uuid>, key: Option<Vec<u8>>| {
            person.is_none_or(|person| person.to_string() == *owner) && key.is_none_or(|key| mark(&key) == *told_mark)
        };
        let until = until.parse::<Timestamp>().ok();
        let fits = leads(row.try_get(1)?, row.try_get(2)?)
            && leads(row.try_get(4)?, row.try_get(5)?)
            && until.is_some_and(|until| super::is_near(until, expires));
        untold += u64::from(!fits);
    }
    Ok(untold)
}
