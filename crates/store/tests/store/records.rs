//! Observations, audit events, reports, instances.

use super::{scoped, team};
use jiff::SignedDuration;
use kernel::{Actor, Clock as _, FixedClock, SystemClock, Timestamp};
use promises::{About, Finding, control::Vantage};
use std::sync::Arc;
use store::{audit, instances, notes, observations, reports};
use testkit::ScratchDb;
use uuid::Uuid;

fn about(run: u64) -> About {
    let at: Timestamp = "2026-11-22T04:00:00Z".parse().unwrap();
    About {
        promise: "scope".to_owned(),
        control: "scope-sql".to_owned(),
        run,
        vantage: Vantage::Inside,
        target: "scratch".to_owned(),
        observed_at: at,
        valid_until: at + SignedDuration::from_hours(1),
        took_ms: 3,
        build: "b".to_owned(),
        profile: "p".to_owned(),
    }
}

#[tokio::test]
async fn runs_are_counted_without_a_gap_and_an_unfinished_one_shows() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(observations::begin(store, "scope").await.unwrap());
    }
    assert_eq!(runs, [1, 2, 3]);
    for run in [1, 3] {
        observations::record(store, Finding::held("stood").covered("rows", 1).at(about(run))).await.unwrap();
    }
    let open: Vec<u64> = observations::unfinished(store).await.unwrap().iter().map(|open| open.n).collect();
    assert_eq!(open, [2]);
    // Nothing is shown before it is sealed.
    assert!(observations::load(store, Timestamp::UNIX_EPOCH).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_is_there_exactly_when_its_change_is() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let mut tx = scoped(store, &ada).await;
    notes::create(&mut tx, "given up", "x").await.unwrap();
    drop(tx);
    let mut tx = scoped(store, &ada).await;
    let id = notes::create(&mut tx, "kept", "x").await.unwrap();
    tx.commit().await.unwrap();

    let log = audit::list(&mut scoped(store, &ada).await, 10).await.unwrap();
    let actions: Vec<&str> = log.iter().map(|entry| entry.event.action.as_str()).collect();
    assert_eq!(actions, ["note.create", "person.add", "tenant.create"]);
    assert_eq!(log[0].event.actor, Actor::Person { id: ada.person });
    assert_eq!(log[0].event.targets, [format!("note:{id}")]);
    // The ledger holds the commitment that the opened event recomputes to.
    let mut auditor = store.auditor().await.unwrap();
    for entry in &log {
        let body: Vec<u8> = sqlx::query_scalar("SELECT body FROM ledger.entry WHERE id = $1")
            .bind(entry.entry)
            .fetch_one(auditor.conn())
            .await
            .unwrap();
        let ledger::Leaf::Audit { commitment, .. } = ledger::Leaf::from_bytes(&body).unwrap() else {
            panic!("no audit leaf")
        };
        assert_eq!(commitment, entry.commitment);
    }
}

#[tokio::test]
async fn reports_are_counted_cut_and_bounded() {
    let db = ScratchDb::new().await;
    let store = db.store();
    for _ in 0..3 {
        reports::count(store, "script-src", "inline", "/trust?who=ada").await.unwrap();
    }
    let list = reports::list(store).await.unwrap();
    assert_eq!((list.len(), list[0].count, list[0].path.as_str()), (1, 3, "/trust"));
    let mut tx = store.system().await.unwrap();
    sqlx::query("INSERT INTO wordbond.csp_report SELECT 'd', 'b', n::text, 1, now() - interval '1 day', now() - interval '1 day' FROM generate_series(1, 999) AS n")
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    reports::count(store, "new", "x", "/").await.unwrap();
    let list = reports::list(store).await.unwrap();
    assert_eq!(list.len(), 1_000, "the table is full");
    assert_eq!(list[0].directive, "new", "what was not seen for longest made room");
    assert!(list.iter().any(|report| report.directive == "script-src"));
}

#[tokio::test]
async fn an_instance_is_alive_while_it_says_so() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as _).await;
    let store = db.store();
    let instance = |address: &str| instances::Instance {
        id: Uuid::now_v7(),
        build: "b".into(),
        profile: "p".into(),
        address: address.into(),
    };
    let (old, new) = (instance("a"), instance("b"));
    instances::heartbeat(store, &old).await.unwrap();
    clock.advance(SignedDuration::from_mins(5));
    instances::heartbeat(store, &new).await.unwrap();
    let since = clock.now() - SignedDuration::from_mins(1);
    assert_eq!(instances::alive(store, since).await.unwrap().first(), Some(&new));
    instances::leave(store, new.id).await.unwrap();
    assert!(instances::alive(store, since).await.unwrap().is_empty());
    clock.advance(SignedDuration::from_hours(25));
    instances::heartbeat(store, &new).await.unwrap();
    assert_eq!(instances::alive(store, Timestamp::UNIX_EPOCH).await.unwrap(), [new]);
}
