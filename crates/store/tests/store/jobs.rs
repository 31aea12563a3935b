//! Jobs: each is done, none twice, and a worker that comes back late finishes nothing.

use super::{scoped, team};
use jiff::SignedDuration;
use kernel::{Clock as _, FixedClock, SystemClock};
use std::{collections::BTreeSet, sync::Arc};
use store::{Store, StoreError, jobs};
use testkit::ScratchDb;
use uuid::Uuid;

async fn enqueue(store: &Store, count: usize) -> BTreeSet<Uuid> {
    let ada = team(store, "T").await;
    let mut out = BTreeSet::new();
    let mut tx = scoped(store, &ada).await;
    for _ in 0..count {
        let due = tx.now();
        out.insert(jobs::enqueue(&mut tx, "test.work", &[ada.person.uuid()], due).await.unwrap());
    }
    tx.commit().await.unwrap();
    out
}

#[tokio::test]
async fn two_instances_share_the_work_without_doing_any_twice() {
    let db = ScratchDb::new().await;
    let wanted = enqueue(db.store(), 40).await;
    let other = db.another().await.unwrap();
    let work = |store: Store| async move {
        let mut done = Vec::new();
        while let Some(lease) = jobs::lease(&store).await.unwrap() {
            let (scoped, job) = jobs::begin(&store, &lease).await.unwrap();
            assert_eq!(job.kind, "test.work");
            jobs::finish(scoped, &lease).await.unwrap();
            done.push(lease.job);
        }
        done
    };
    let store = db.store();
    let results = tokio::join!(work(store.clone()), work(other.clone()), work(store.clone()), work(other.clone()));
    let done = [results.0, results.1, results.2, results.3].concat();
    assert_eq!(done.len(), 40);
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), wanted);
}

/// A planner that believes in one ticket may look for what is due once for each that there is.
#[tokio::test]
async fn whatever_the_plan_one_job_is_leased_at_a_time() {
    let db = ScratchDb::new().await;
    enqueue(db.store(), 1).await;
    db.as_superuser(
        "ANALYZE wordbond.ticket;
         DO $$ BEGIN
             EXECUTE format('ALTER DATABASE %I SET enable_hashjoin = off', current_database());
             EXECUTE format('ALTER DATABASE %I SET enable_mergejoin = off', current_database());
             EXECUTE format('ALTER DATABASE %I SET enable_indexscan = off', current_database());
             EXECUTE format('ALTER DATABASE %I SET enable_bitmapscan = off', current_database());
         END $$",
    )
    .await;
    enqueue(db.store(), 3).await;
    let store = db.another().await.unwrap();
    let mut leased = BTreeSet::new();
    while let Some(lease) = jobs::lease(&store).await.unwrap() {
        leased.insert(lease.job);
        let mut root = db.superuser().await.unwrap();
        let held = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM wordbond.ticket WHERE leased_until IS NOT NULL");
        assert_eq!(
            held.fetch_one(&mut root).await.unwrap(),
            leased.len() as i64,
            "a job was leased that nobody knows of"
        );
    }
    assert_eq!(leased.len(), 4);
}

#[tokio::test]
async fn a_late_worker_is_fenced_off() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as _).await;
    let store = db.store();
    enqueue(store, 1).await;
    let slow = jobs::lease(store).await.unwrap().unwrap();
    let (slow_work, _) = jobs::begin(store, &slow).await.unwrap();
    assert_eq!(jobs::lease(store).await.unwrap(), None, "it is leased");
    clock.advance(SignedDuration::from_mins(6));
    let fresh = jobs::lease(store).await.unwrap().unwrap();
    assert_eq!((fresh.job, fresh.attempts), (slow.job, 2));
    assert!(fresh.fence > slow.fence);
    assert!(matches!(jobs::finish(slow_work, &slow).await, Err(StoreError::LostLease)));
    assert!(matches!(jobs::retry(store, &slow).await, Err(StoreError::LostLease)));
    let (work, _) = jobs::begin(store, &fresh).await.unwrap();
    jobs::finish(work, &fresh).await.unwrap();
    assert!(matches!(jobs::begin(store, &fresh).await, Err(StoreError::LostLease)));
}

#[tokio::test]
async fn whoever_works_for_longer_keeps_the_job() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as _).await;
    let store = db.store();
    enqueue(store, 1).await;
    let lease = jobs::lease(store).await.unwrap().unwrap();
    for _ in 0..3 {
        clock.advance(SignedDuration::from_mins(4));
        jobs::renew(store, &lease).await.unwrap();
        assert_eq!(jobs::lease(store).await.unwrap(), None, "it is still being done");
    }
    let (work, _) = jobs::begin(store, &lease).await.unwrap();
    jobs::finish(work, &lease).await.unwrap();
    // What is another's by now stays theirs.
    enqueue(store, 1).await;
    let slow = jobs::lease(store).await.unwrap().unwrap();
    clock.advance(SignedDuration::from_mins(6));
    let fresh = jobs::lease(store).await.unwrap().unwrap();
    clock.advance(SignedDuration::from_mins(4));
    jobs::renew(store, &slow).await.unwrap();
    clock.advance(SignedDuration::from_mins(2));
    assert!(jobs::lease(store).await.unwrap().is_some_and(|third| third.fence > fresh.fence));
}

#[tokio::test]
async fn a_failed_job_waits_and_comes_back() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as _).await;
    let store = db.store();
    enqueue(store, 1).await;
    for attempt in 1..=3 {
        let lease = jobs::lease(store).await.unwrap().unwrap();
        assert_eq!(lease.attempts, attempt);
        let due = jobs::retry(store, &lease).await.unwrap();
        assert_eq!(jobs::lease(store).await.unwrap(), None);
        clock.advance(due.duration_since(clock.now()));
    }
}

#[tokio::test]
async fn a_job_that_was_rolled_back_was_never_there() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let mut tx = scoped(store, &ada).await;
    let due = tx.now();
    jobs::enqueue(&mut tx, "test.work", &[], due).await.unwrap();
    assert!(jobs::enqueue(&mut tx, "Not A Word; DROP", &[], due).await.is_err());
    drop(tx);
    assert_eq!(jobs::lease(store).await.unwrap(), None);
}
