//! What has run out goes by itself.

use super::{account, session};
use jiff::SignedDuration;
use kernel::{Clock, FixedClock, Span, TenantId};
use std::sync::Arc;
use store::{
    Store,
    limits::{self, Quota},
    one_time,
    rights::retention,
    upkeep,
};
use testkit::ScratchDb;

/// Every account's rows, `most` teams at a time. Yields in how many steps.
async fn sweep(store: &Store, most: u32) -> usize {
    let (mut after, mut steps): (Option<TenantId>, usize) = (None, 0);
    while let Some(last) = upkeep::of_accounts(store, after, most).await.unwrap() {
        assert!(after.is_none_or(|before| before < last), "it goes on, and ends");
        (after, steps) = (Some(last), steps + 1);
    }
    steps
}

#[tokio::test]
async fn what_has_run_out_goes_and_what_is_good_stays() {
    let clock = Arc::new(FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let store = db.store();
    let quota = Quota { burst: 10, per: Span::hours(40) };
    for short in [true, false] {
        let span = if short { Span::hours(1) } else { Span::days(30) };
        for email in ["ada@example.org", "grace@example.org", "alan@example.org"] {
            let email = format!("{short}-{email}");
            let signed = account(store, &email).await;
            session(store, signed.account, Some(signed.tenant)).await;
            one_time::issue(store, Some(signed.account), "verify-email", "x", span).await.unwrap();
        }
        for at in 0..130_u32 {
            assert!(
                one_time::first(store, "saml", &[&[u8::from(short)][..], &at.to_be_bytes()].concat(), span)
                    .await
                    .unwrap()
            );
        }
    }
    limits::draw(store, &[1; 32], 1, quota, clock.now()).await.unwrap();
    limits::draw(store, &[2; 32], 10, quota, clock.now()).await.unwrap();
    assert_eq!(upkeep::of_visitors(store).await.unwrap(), 0, "nothing has run out");
    assert_eq!(sweep(store, 4).await, 2, "six teams");
    let left = async |sessions: i64, tokens: i64, lookups: i64, buckets: i64| {
        let mut root = db.superuser().await.unwrap();
        let found: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM wordbond.session), (SELECT count(*) FROM wordbond.one_time),
                (SELECT count(*) FROM wordbond.sign_in WHERE kind IN ('session', 'one-time')),
                (SELECT count(*) FROM wordbond.limit_bucket)",
        )
        .fetch_one(&mut root)
        .await
        .unwrap();
        assert_eq!(found, (sessions, tokens, lookups, buckets));
    };
    left(6, 266, 272, 2).await;
    // A day and two hours later: past the short tokens' end by a day, past every session's, past one bucket's being full.
    clock.advance(SignedDuration::from_hours(26));
    let twice = tokio::join!(upkeep::of_visitors(store), upkeep::of_visitors(store));
    assert_eq!(twice.0.unwrap() + twice.1.unwrap(), 131, "two instances at once do it once");
    left(6, 136, 142, 1).await;
    sweep(store, 1).await;
    left(0, 133, 133, 1).await;
}

#[tokio::test]
async fn what_ran_out_of_an_account_in_no_team_goes_too() {
    let clock = Arc::new(FixedClock::at("2026-01-01T00:00:00Z".parse().unwrap()));
    let db = ScratchDb::with_clock(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let store = db.store();
    let signed = account(store, "ada@example.org").await;
    one_time::issue(store, Some(signed.account), "verify-email", "x", Span::hours(1)).await.unwrap();
    // Their team went whole with somebody else.
    let mut root = db.superuser().await.unwrap();
    sqlx::query("UPDATE wordbond.person SET account_id = NULL").execute(&mut root).await.unwrap();
    clock.advance(SignedDuration::from_hours(26));
    let slack = SignedDuration::from_mins(50);
    assert_eq!(retention::overdue(store, slack).await.unwrap().get("wordbond.one_time"), Some(&1));
    assert_eq!(retention::overdue(store, slack * 2).await.unwrap().get("wordbond.one_time"), Some(&0));
    sweep(store, 4).await;
    assert_eq!(retention::overdue(store, slack).await.unwrap().get("wordbond.one_time"), Some(&0));
}
