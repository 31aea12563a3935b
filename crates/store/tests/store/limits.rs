//! Limits hold over all instances.

use jiff::{SignedDuration, Timestamp};
use kernel::Span;
use std::time::Duration;
use store::limits::{self, Limiter, Quota};
use testkit::ScratchDb;

const TEN: Quota = Quota { burst: 10, per: Span::seconds(10) };

#[tokio::test]
async fn a_bucket_empties_and_fills_evenly() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let key = limits::key(store, "test", b"192.0.2.1");
    assert_ne!(key, limits::key(store, "test", b"192.0.2.2"));
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let draw = async |want, millis| {
        let now = start + SignedDuration::from_millis(millis);
        let drawn = limits::draw(store, &key, want, TEN, now).await.unwrap();
        (drawn.granted, drawn.left, drawn.reset_in.as_millis())
    };
    assert_eq!(draw(4, 0).await, (4, 6, 1_000));
    assert_eq!(draw(8, 0).await, (6, 0, 1_000), "no more than there is");
    assert_eq!(draw(1, 999).await, (0, 0, 1));
    assert_eq!(draw(5, 2_500).await, (2, 0, 500));
    assert_eq!(draw(1, 2_400).await, (0, 0, 600), "a clock that steps back opens nothing");
    assert_eq!(draw(20, 60_000).await, (10, 0, 1_000), "never more than the bucket holds");
    assert_eq!(limits::prune(store, start + SignedDuration::from_secs(65)).await.unwrap(), 0);
    assert_eq!(limits::prune(store, start + SignedDuration::from_secs(71)).await.unwrap(), 1);
    let shut = Quota { burst: 0, per: Span::seconds(10) };
    for _ in 0..2 {
        assert_eq!(limits::draw(store, &[1; 32], 1, shut, start).await.unwrap().granted, 0);
    }
}

#[tokio::test]
async fn many_at_once_get_no_more_than_the_quota() {
    let db = ScratchDb::new().await;
    let (here, there) = (db.store().clone(), db.another().await.unwrap());
    let now = here.clock().now();
    let mut tasks = Vec::new();
    for at in 0..40 {
        let store = if at % 2 == 0 { here.clone() } else { there.clone() };
        tasks.push(tokio::spawn(async move { limits::draw(&store, &[7; 32], 1, TEN, now).await.unwrap().granted }));
    }
    let mut granted = 0;
    for task in tasks {
        granted += task.await.unwrap();
    }
    assert_eq!(granted, 10);
    there.close().await;
}

#[tokio::test]
async fn the_limiters_of_two_instances_share_a_quota() {
    let db = ScratchDb::new().await;
    let (here, there) = (db.store().clone(), db.another().await.unwrap());
    let quota = Quota { burst: 40, per: Span::hours(10) };
    let limiters = [Limiter::new(here.clone()), Limiter::new(there.clone())];
    let now = here.clock().now();
    let (mut allowed, mut refused) = (0, 0);
    for at in 0..120 {
        let verdict = limiters[at % 2].take(&[9; 32], quota, now).await.unwrap();
        if verdict.allowed {
            allowed += 1;
        } else {
            refused += 1;
            assert!(verdict.left == 0 && verdict.reset_in > Duration::from_secs(800), "{verdict:?}");
        }
    }
    assert_eq!((allowed, refused), (40, 80));
    // A small quota is counted one by one.
    let three = Quota { burst: 3, per: Span::hours(1) };
    let mut small = 0;
    for at in 0..10 {
        small += u32::from(limiters[at % 2].take(&[8; 32], three, now).await.unwrap().allowed);
    }
    assert_eq!(small, 3);
    there.close().await;
}

#[tokio::test]
async fn a_limiter_without_a_database_says_so() {
    let db = ScratchDb::new().await;
    let store = db.another().await.unwrap();
    let limiter = Limiter::new(store.clone());
    store.close().await;
    assert!(limiter.take(&[3; 32], TEN, store.clock().now()).await.is_err());
}
