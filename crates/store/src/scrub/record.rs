//! When the files were scrubbed: each scrub is told in the operator's log, so that one that never comes is missed.

use super::{Scrubbed, newest};
use crate::{Address, Role, Store, StoreError, address::connect, audit, operator_tenant, time::At};
use jiff::SignedDuration;
use kernel::{Actor, Timestamp};
use ledger::audit::Event;
use sqlx::{Connection as _, PgConnection};

/// What a scrub is called in the log.
const RUN: &str = "scrub.run";

/// Under what the log says whether it reached everything.
const WHOLE: &str = "whole";

/// How long ago the newest scrub may be: a night, and one that failed.
const MOST: SignedDuration = SignedDuration::from_hours(48);

/// For how long no scrub may have reached everything.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a system has served that must have caught up with the nights in which it was off.
const CAUGHT_UP: SignedDuration = SignedDuration::from_hours(2);

/// How long ago an instance may have shown itself that serves.
const ALIVE: SignedDuration = SignedDuration::from_mins(1);

/// How the nights went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nights {
    /// The newest scrub of the last two days.
    pub last: Option<Night>,
    /// Whether there is none although there has been a database, and whoever could scrub it, for long enough.
    pub missed: bool,
    /// Whether they came for a week, and none of them reached everything.
    pub partial: bool,
    /// How many have the server keep what was deleted, whoever scrubs: replication slots, which hold the write-ahead log, and
    /// prepared transactions, which hold rows. The server is this system's own, and has neither.
    pub kept: i64,
}

/// One scrub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    /// When it was told.
    pub at: Timestamp,
    /// Whether it reached every table, and nobody could still see what was deleted.
    pub whole: bool,
}

/// How the nights went. `None` at a managed server, which nobody here scrubs.
///
/// # Errors
/// When the database cannot be asked.
pub async fn nights(store: &Store) -> Result<Option<Nights>, StoreError> {
    if matches!(store.address(), Address::Url { .. }) {
        return Ok(None);
    }
    let now = store.clock().now();
    let ago = |span| now.checked_sub(span).unwrap_or(Timestamp::MIN);
    let nights = since(store, ago(WEEK)).await?;
    let last = nights.first().copied().filter(|night| night.at >= ago(MOST));
    let missed = last.is_none()
        && made(store).await?.is_some_and(|made| made < ago(MOST))
        && serves_since(store, ago(ALIVE)).await?.is_none_or(|begun| begun < ago(CAUGHT_UP));
    let mut superuser = connect(&store.address().bootstrap()).await?;
    let kept = keepers(&mut superuser).await?;
    superuser.close().await?;
    Ok(Some(Nights { last, missed, partial: is_partial(&nights, ago(WEEK)), kept }))
}

/// Whether nobody has scrubbed since it was last time to, in a database that was there by then.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_due(store: &Store) -> Result<bool, StoreError> {
    if matches!(store.address(), Address::Url { .. }) {
        return Ok(false);
    }
    let newest = newest(store.clock().now());
    Ok(made(store).await?.is_some_and(|made| made < newest) && since(store, newest).await?.is_empty())
}

/// Tells of a scrub.
pub(super) async fn tell(store: &Store, done: &Scrubbed) -> Result<(), StoreError> {
    let actor = Actor::Job { name: "scrub".to_owned() };
    let mut scoped = store.scoped(operator_tenant(), &actor).await?;
    let counts = [done.tables.len(), done.busy.len()].map(|count| count.to_string());
    let [tables, busy] = counts.each_ref().map(String::as_str);
    let whole = if done.watched || done.kept || !done.busy.is_empty() { "no" } else { "yes" };
    audit::note(&mut scoped, RUN, &[], &[("tables", tables), ("busy", busy), (WHOLE, whole)]).await?;
    scoped.commit().await
}

/// Whether these nights, the newest first, go back to a day after `then`, and none of them reached everything.
fn is_partial(nights: &[Night], then: Timestamp) -> bool {
    let first = nights.last().map(|night| night.at.duration_since(then));
    first.is_some_and(|after| after < SignedDuration::from_hours(25)) && !nights.iter().any(|night| night.whole)
}

/// How many have the server keep what was deleted.
pub(super) async fn keepers(superuser: &mut PgConnection) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT (SELECT count(*) FROM pg_replication_slots) + (SELECT count(*) FROM pg_prepared_xacts)";
    Ok(sqlx::query_scalar(SQL).fetch_one(superuser).await?)
}

/// The scrubs that were told of since then, the newest first. What cannot be read is the audit log's own attack to find.
async fn since(store: &Store, then: Timestamp) -> Result<Vec<Night>, StoreError> {
    const SQL: &str = "SELECT event_id, entry_id, body, NULL::bigint AS idx FROM wordbond.audit_event
        WHERE tenant_id = $1 AND at >= $2 ORDER BY event_id DESC";
    let operator = operator_tenant();
    let mut backup = store.connect_as(Role::Backup).await?;
    let rows = sqlx::query(SQL).bind(operator.uuid()).bind(At(then)).fetch_all(&mut backup).await?;
    backup.close().await?;
    let events = rows.iter().filter_map(|row| Some(audit::read(store.keys(), operator, row).ok()?.event));
    let scrubs = events.filter(|event| event.action == RUN && event.at >= then);
    let is_whole = |event: &Event| event.context.get(WHOLE).is_some_and(|whole| whole == "yes");
    Ok(scrubs.map(|event| Night { at: event.at, whole: is_whole(&event) }).collect())
}

/// When the database was made: its first migration, which only the server's own role reads.
async fn made(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let superuser = connect(&store.address().bootstrap()).await?;
    one(superuser, "SELECT min(installed_on) FROM wordbond.migration WHERE installed_on >= $1", Timestamp::UNIX_EPOCH)
        .await
}

/// Since when an instance serves that has shown itself since `then`.
async fn serves_since(store: &Store, then: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let backup = store.connect_as(Role::Backup).await?;
    one(backup, "SELECT min(started_at) FROM wordbond.instance WHERE heartbeat_at >= $1", then).await
}

async fn one(mut conn: PgConnection, sql: &'static str, then: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<At> = sqlx::query_scalar(sql).bind(At(then)).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(at.map(|at| at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_nights_that_left_something_is_seen() {
        let then = Timestamp::UNIX_EPOCH;
        let night = |day: i64, whole| Night { at: then + SignedDuration::from_hours(24 * day + 3), whole };
        assert!(!is_partial(&[], then));
        assert!(!is_partial(&[night(6, false), night(5, false)], then), "it has not been a week");
        assert!(is_partial(&[night(6, false), night(3, false), night(0, false)], then));
        assert!(!is_partial(&[night(6, false), night(3, true), night(0, false)], then));
    }
}
