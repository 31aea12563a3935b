//! Sessions: they live while they are used, and end at once wherever they end.

use super::{LIVES, account, session};
use jiff::SignedDuration;
use kernel::{Actor, SessionId, Span, TeamRole};
use sqlx::Executor as _;
use std::time::Duration;
use store::{
    StoreError,
    sessions::{self, Cache, Lifetimes, NewSession, Standing, Strength},
    team, tenancy,
};
use testkit::ScratchDb;

#[tokio::test]
async fn a_session_is_found_by_its_token_and_by_nothing_else() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let opened = session(store, ada.account, Some(ada.tenant)).await;
    let now = store.clock().now();
    let live = sessions::find(store, opened.token.expose(), LIVES, now).await.unwrap().unwrap();
    assert_eq!(
        (live.id, live.account, live.tenant, live.person),
        (opened.id, ada.account, Some(ada.tenant), Some(ada.person))
    );
    assert_eq!((live.role, live.strength, live.pending), (Some(TeamRole::Owner), Strength::Password, false));
    assert!(!live.suspended && !live.needs_second && live.csrf != [0; 32]);
    let almost = opened.token.expose().replace('a', "b");
    for wrong in ["", "wbs_", &almost, &format!("wbs_{}", "0".repeat(64)), "wbt_x"] {
        assert!(sessions::find(store, wrong, LIVES, now).await.unwrap().is_none(), "{wrong}");
    }
    let listed = sessions::list(store, ada.account).await.unwrap();
    assert_eq!((listed.len(), listed[0].device.as_str()), (1, "Firefox on Linux"));
    let stranger = account(store, "eve@example.org").await;
    let new = NewSession {
        account: stranger.account,
        tenant: Some(ada.tenant),
        strength: Strength::Password,
        pending: false,
        device: "",
        lifetimes: LIVES,
        proved_at: None,
    };
    assert!(matches!(sessions::open(store, new).await, Err(StoreError::NotFound)), "no member");
}

#[tokio::test]
async fn a_session_expires_unused_and_used() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let opened = session(store, ada.account, Some(ada.tenant)).await;
    let begun = store.clock().now();
    let after = |minutes| begun + SignedDuration::from_mins(minutes);
    let alive =
        async |minutes| sessions::find(store, opened.token.expose(), LIVES, after(minutes)).await.unwrap().is_some();
    assert!(alive(59).await);
    assert!(alive(59 + 59).await, "used an hour ago");
    assert!(!alive(59 + 59 + 60).await, "unused for an hour");
    // Used all the time, it ends all the same.
    let mut at = 118;
    while at < 12 * 60 - 30 {
        assert!(alive(at).await, "{at}");
        at += 30;
    }
    assert!(!alive(12 * 60 + 1).await);
    let shorter = Lifetimes { idle: Span::hours(1), absolute: Span::minutes(30) };
    let found = sessions::find(store, opened.token.expose(), shorter, after(31)).await.unwrap();
    assert!(found.is_none(), "the profile became stricter");
}

#[tokio::test]
async fn ageing_a_session_only_shortens_its_life() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let opened = session(store, ada.account, Some(ada.tenant)).await;
    let now = store.clock().now();
    sessions::age(store, ada.account, opened.id, Span::minutes(30)).await.unwrap();
    let live = sessions::find(store, opened.token.expose(), LIVES, now).await.unwrap().unwrap();
    assert!(live.created_at <= now - SignedDuration::from_mins(29));
    let census = sessions::census(store, LIVES, now).await.unwrap();
    assert_eq!((census.sessions, census.beyond, census.ahead), (1, 0, 0));
    sessions::age(store, ada.account, opened.id, Span::hours(12)).await.unwrap();
    assert!(sessions::find(store, opened.token.expose(), LIVES, now).await.unwrap().is_none());
    assert!(sessions::list(store, ada.account).await.unwrap().is_empty());
    // The next sign-in clears it away.
    session(store, ada.account, None).await;
    let mut root = db.superuser().await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.session").fetch_one(&mut root).await.unwrap();
    assert_eq!(rows, 1);
    let leads: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.sign_in WHERE kind = 'session'")
        .fetch_one(&mut root)
        .await
        .unwrap();
    assert_eq!(leads, 1);
    root.execute("UPDATE wordbond.session SET expires_at = expires_at + interval '1 day'").await.unwrap();
    assert_eq!(sessions::census(store, LIVES, now).await.unwrap().beyond, 1);
}

#[tokio::test]
async fn every_change_of_rights_gives_a_new_token() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let owed = NewSession {
        account: ada.account,
        tenant: None,
        strength: Strength::Password,
        pending: true,
        device: "x",
        lifetimes: LIVES,
        proved_at: None,
    };
    let opened = sessions::open(store, owed).await.unwrap();
    let now = store.clock().now();
    let find = async |token: &tenancy::Token| sessions::find(store, token.expose(), LIVES, now).await.unwrap();
    let first = find(&opened.token).await.unwrap();
    assert!(first.pending && first.confirmed_at.is_none() && first.tenant.is_none());

    let done = sessions::complete(store, ada.account, opened.id, Strength::Second).await.unwrap();
    let second = find(&done).await.unwrap();
    assert!(!second.pending && second.confirmed_at.is_some() && second.strength == Strength::Second);
    assert!(find(&opened.token).await.is_none() && first.csrf != second.csrf);
    let again = sessions::complete(store, ada.account, opened.id, Strength::Passkey).await;
    assert!(matches!(again, Err(StoreError::NotFound)), "nothing is owed");

    let inside = sessions::switch(store, ada.account, opened.id, ada.tenant).await.unwrap();
    assert_eq!(find(&inside).await.unwrap().person, Some(ada.person));
    let confirmed = sessions::confirm(store, ada.account, opened.id).await.unwrap();
    let rotated = sessions::rotate(store, ada.account, opened.id).await.unwrap();
    for dead in [done, inside, confirmed] {
        assert!(find(&dead).await.is_none());
    }
    assert!(find(&rotated).await.is_some());
    let eve = account(store, "eve@example.org").await;
    for nothing in [
        sessions::switch(store, ada.account, opened.id, eve.tenant).await,
        sessions::rotate(store, eve.account, opened.id).await,
        sessions::rotate(store, ada.account, SessionId::new()).await,
    ] {
        assert!(matches!(nothing, Err(StoreError::NotFound)));
    }
    assert!(matches!(sessions::revoke(store, eve.account, opened.id).await, Err(StoreError::NotFound)));
    sessions::revoke(store, ada.account, opened.id).await.unwrap();
    assert!(find(&rotated).await.is_none());
}

#[tokio::test]
async fn an_account_ends_all_its_other_sessions() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let eve = account(store, "eve@example.org").await;
    let theirs = session(store, eve.account, Some(eve.tenant)).await;
    let (one, two) = (session(store, ada.account, None).await, session(store, ada.account, Some(ada.tenant)).await);
    assert_eq!(sessions::revoke_all(store, ada.account, Some(two.id)).await.unwrap(), 1);
    let now = store.clock().now();
    for (token, lives) in [(&one.token, false), (&two.token, true), (&theirs.token, true)] {
        assert_eq!(sessions::find(store, token.expose(), LIVES, now).await.unwrap().is_some(), lives);
    }
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what} did not come");
}

#[tokio::test]
async fn a_revocation_is_heard_by_every_instance() {
    let db = ScratchDb::new().await;
    let (here, there) = (db.store().clone(), db.another().await.unwrap());
    let ada = account(&here, "ada@example.org").await;
    let (near, far) = (Cache::new(here.clone()), Cache::new(there.clone()));
    until("listening", || near.connected() && far.connected()).await;
    let now = here.clock().now();
    for round in 0..5 {
        let opened = session(&here, ada.account, Some(ada.tenant)).await;
        for cache in [&near, &far] {
            assert!(cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_some(), "{round}");
            assert!(cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_some(), "{round}");
        }
        sessions::revoke(&here, ada.account, opened.id).await.unwrap();
        assert!(near.find(opened.token.expose(), LIVES, now).await.unwrap().is_none(), "at once where it was ended");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(far.find(opened.token.expose(), LIVES, now).await.unwrap().is_none(), "well within the second");
    }
    there.close().await;
}

/// The row is changed behind the cache's back, so that what it holds shows.
#[tokio::test]
async fn what_is_remembered_is_used_for_a_second_and_only_while_listening() {
    let db = ScratchDb::new().await;
    let store = db.store().clone();
    let ada = account(&store, "ada@example.org").await;
    let cache = Cache::new(store.clone());
    until("listening", || cache.connected()).await;
    let mut root = db.superuser().await.unwrap();
    let now = store.clock().now();
    let opened = session(&store, ada.account, Some(ada.tenant)).await;
    let found = async || cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_some();
    assert!(found().await);
    root.execute("UPDATE wordbond.session SET pending = true, token_hash = sha256('x')").await.unwrap();
    assert!(found().await, "remembered");
    let late = now + SignedDuration::from_hours(13);
    assert!(cache.find(opened.token.expose(), LIVES, late).await.unwrap().is_none(), "and still judged by the clock");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert!(!found().await, "for a second");

    let opened = session(&store, ada.account, Some(ada.tenant)).await;
    assert!(cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_some());
    const DEAF: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN %'";
    let ended: i64 = sqlx::query_scalar(DEAF).fetch_one(&mut root).await.unwrap();
    assert_eq!(ended, 1);
    until("deafness", || !cache.connected()).await;
    assert!(cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_some());
    root.execute("UPDATE wordbond.session SET token_hash = sha256('y')").await.unwrap();
    // Nothing is kept while it is deaf; and when it hears again, nothing from before.
    assert!(cache.find(opened.token.expose(), LIVES, now).await.unwrap().is_none());
    until("hearing again", || cache.connected()).await;
}

#[tokio::test]
async fn suspending_removing_and_changing_a_role_show_at_once() {
    let db = ScratchDb::new().await;
    let store = db.store().clone();
    let (ada, grace) = (account(&store, "ada@example.org").await, account(&store, "grace@example.org").await);
    let invited = team::invite(&store, ada.tenant, ada.person, "grace@example.org", TeamRole::Member, Span::days(1))
        .await
        .unwrap();
    let (_, person) = team::accept(&store, invited.token.expose(), grace.account, None).await.unwrap();
    let opened = session(&store, grace.account, Some(ada.tenant)).await;
    let own = session(&store, grace.account, Some(grace.tenant)).await;
    let cache = Cache::new(store.clone());
    until("listening", || cache.connected()).await;
    let now = store.clock().now();
    let find = async || cache.find(opened.token.expose(), LIVES, now).await.unwrap();
    assert_eq!(find().await.unwrap().role, Some(TeamRole::Member));
    team::set_role(&store, ada.tenant, ada.person, person, TeamRole::Viewer).await.unwrap();
    assert_eq!(find().await.unwrap().role, Some(TeamRole::Viewer));
    team::set_settings(&store, ada.tenant, ada.person, "Engines", true).await.unwrap();
    assert!(find().await.unwrap().needs_second);
    tenancy::suspend(&store, ada.tenant, &Actor::Operator, "unpaid").await.unwrap();
    assert!(find().await.unwrap().suspended);
    team::remove_member(&store, ada.tenant, ada.person, person).await.unwrap();
    assert!(find().await.is_none());
    assert!(cache.find(own.token.expose(), LIVES, now).await.unwrap().is_some(), "elsewhere nothing has changed");
}

#[tokio::test]
async fn somebody_who_was_let_in_may_stay_until_something_ends() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let opened = session(store, ada.account, Some(ada.tenant)).await;
    let by_token = Standing { tenant: ada.tenant, person: ada.person, role: TeamRole::Owner, session: None };
    let by_session = Standing { session: Some((ada.account, opened.id)), ..by_token };
    let now = store.clock().now();
    let still = async |standing| sessions::still(store, standing, LIVES, now).await.unwrap();
    assert!(still(by_token).await && still(by_session).await);
    sessions::rotate(store, ada.account, opened.id).await.unwrap();
    assert!(still(by_session).await, "a new token is no end");
    assert!(!still(Standing { role: TeamRole::Member, ..by_session }).await, "another role");
    let eve = account(store, "eve@example.org").await;
    for wrong in [
        Standing { session: Some((eve.account, opened.id)), ..by_session },
        Standing { session: Some((ada.account, SessionId::new())), ..by_session },
        Standing { tenant: eve.tenant, ..by_session },
        Standing { person: eve.person, ..by_token },
    ] {
        assert!(!still(wrong).await, "{wrong:?}");
    }
    let later = now + SignedDuration::from_mins(61);
    assert!(!sessions::still(store, by_session, LIVES, later).await.unwrap(), "unused for an hour");
    sessions::revoke(store, ada.account, opened.id).await.unwrap();
    assert!(!still(by_session).await && still(by_token).await);
    tenancy::suspend(store, ada.tenant, &Actor::Operator, "unpaid").await.unwrap();
    assert!(!still(by_token).await);
}
