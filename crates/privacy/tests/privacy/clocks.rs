//! The census of clocks sees what is late, and what is not as the log says.

use super::life::World;
use jiff::SignedDuration;
use kernel::Span;
use privacy::case::{Kind, State};
use store::{
    jobs,
    mails::{self, Fate},
    rights::{
        clocks::{self, Clocks},
        decide::{self, Decision},
    },
};

const WITHIN: Span = Span::days(30);

async fn walk(world: &World, kinds: &[Kind]) -> Clocks {
    clocks::walk(world.store(), kinds, WITHIN).await.unwrap()
}

fn is_fine(found: &Clocks) -> bool {
    let counts = [found.late, found.untold, found.lost, found.stranded, found.undone, found.unheld, found.unsent];
    counts.iter().all(|count| *count == 0)
}

#[tokio::test]
async fn what_is_answered_in_time_is_fine() {
    let world = World::new().await;
    let (ada, eve) = (world.somebody("ada@example.org").await, world.somebody("eve@example.org").await);
    world.ask(ada, Kind::Erasure).await;
    world.ask(eve, Kind::Access).await;
    let before = walk(&world, &[Kind::Erasure]).await;
    assert!(is_fine(&before) && before.open == 1, "{before:?}");
    world.work().await;
    let found = walk(&world, &[Kind::Erasure]).await;
    assert!(is_fine(&found), "{found:?}");
    assert_eq!((found.cases, found.open), (1, 0));
    assert!(found.worst_closed >= SignedDuration::from_secs(5) && found.worst_closed < SignedDuration::from_mins(1));
    assert!(is_fine(&walk(&world, &[Kind::Access, Kind::Portability]).await));
}

#[tokio::test]
async fn what_nobody_does_is_late_after_the_time_promised() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    world.ask(ada, Kind::Erasure).await;
    world.pass(SignedDuration::from_hours(24 * 30));
    assert_eq!(walk(&world, &[Kind::Erasure]).await.late, 0);
    world.pass(SignedDuration::from_secs(1));
    assert_eq!(walk(&world, &[Kind::Erasure]).await.late, 1);
}

#[tokio::test]
async fn what_is_not_as_the_log_says_is_seen() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    world.ask(ada, Kind::Access).await;
    world.work().await;
    let kinds = [Kind::Access];
    for (meddle, mend) in [
        (
            "UPDATE wordbond.rights_case SET opened_at = opened_at + interval '1 hour'",
            "UPDATE wordbond.rights_case SET opened_at = opened_at - interval '1 hour'",
        ),
        (
            "UPDATE wordbond.rights_case SET due_at = due_at + interval '90 days'",
            "UPDATE wordbond.rights_case SET due_at = due_at - interval '90 days'",
        ),
        (
            "UPDATE wordbond.rights_case SET paused_seconds = 864000",
            "UPDATE wordbond.rights_case SET paused_seconds = 0",
        ),
        (
            "UPDATE wordbond.rights_case SET closed_at = closed_at - interval '3 seconds' - interval '9 days'",
            "UPDATE wordbond.rights_case SET closed_at = closed_at + interval '3 seconds' + interval '9 days'",
        ),
    ] {
        world.db.as_superuser(meddle).await;
        assert_eq!(walk(&world, &kinds).await.untold, 1, "{meddle}");
        world.db.as_superuser(mend).await;
        let found = walk(&world, &kinds).await;
        assert!(is_fine(&found), "{mend}: {found:?}");
    }
    world.db.as_superuser("DELETE FROM wordbond.rights_case").await;
    assert_eq!(walk(&world, &kinds).await.lost, 1, "a case that is taken away");
}

#[tokio::test]
async fn a_case_that_nothing_carries_out_is_stranded() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    world.ask(ada, Kind::Erasure).await;
    world.db.as_superuser("DELETE FROM wordbond.ticket").await;
    assert_eq!(walk(&world, &[Kind::Erasure]).await.stranded, 1);
}

#[tokio::test]
async fn a_law_that_holds_for_longer_than_the_time_promised_makes_nothing_late() {
    let world = World::new().await;
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Erasure).await;
    let decision = Decision { case: case.id, admin: admin.account, reason: "a court asked for it", letter: None };
    let until = world.store().clock().now() + SignedDuration::from_hours(24 * 200);
    decide::hold(world.store(), decision, until).await.unwrap();
    world.work().await;
    // Longer than the log of closed cases is looked at.
    world.pass(SignedDuration::from_hours(24 * 190));
    let found = walk(&world, &[Kind::Erasure]).await;
    assert!(is_fine(&found) && (found.waiting, found.held) == (1, 1), "{found:?}");
    decide::release(world.store(), Decision { reason: "the court is done", ..decision }).await.unwrap();
    let found = walk(&world, &[Kind::Erasure]).await;
    assert!(is_fine(&found) && found.open == 1, "between the end of the hold and the job: {found:?}");
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    let found = walk(&world, &[Kind::Erasure]).await;
    assert!(is_fine(&found) && found.worst_closed < SignedDuration::from_hours(1), "{found:?}");
    assert!(found.worst_stood > SignedDuration::from_hours(24 * 189), "{found:?}");
}

#[tokio::test]
async fn a_case_that_stood_once_counts_its_time_by_the_log() {
    let world = World::new().await;
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Erasure).await;
    let decision = Decision { case: case.id, admin: admin.account, reason: "who are you?", letter: None };
    decide::pause(world.store(), decision).await.unwrap();
    world.pass(SignedDuration::from_hours(24 * 3));
    decide::resume(world.store(), decision, |case, _| case.due_at).await.unwrap();
    let kinds = [Kind::Erasure];
    let found = walk(&world, &kinds).await;
    assert!(is_fine(&found) && found.worst_open < SignedDuration::from_hours(1), "{found:?}");
    for (meddle, mend) in [
        (
            "UPDATE wordbond.rights_case SET paused_seconds = paused_seconds + 31536000",
            "UPDATE wordbond.rights_case SET paused_seconds = paused_seconds - 31536000",
        ),
        (
            "UPDATE wordbond.rights_case SET state = 'paused', paused_at = '2026-03-06T09:00:00Z'",
            "UPDATE wordbond.rights_case SET state = 'open', paused_at = NULL",
        ),
        (
            "UPDATE wordbond.rights_case SET held_until = '9999-01-01'",
            "UPDATE wordbond.rights_case SET held_until = NULL",
        ),
    ] {
        world.db.as_superuser(meddle).await;
        assert_eq!(walk(&world, &kinds).await.untold, 1, "{meddle}");
        world.db.as_superuser(mend).await;
        let found = walk(&world, &kinds).await;
        assert!(is_fine(&found), "{mend}: {found:?}");
    }
    // Whatever the row says, it is late when it has run for longer than it may.
    world.pass(SignedDuration::from_hours(24 * 31));
    world.db.as_superuser("UPDATE wordbond.rights_case SET paused_seconds = paused_seconds + 31536000").await;
    assert_eq!(walk(&world, &kinds).await.late, 1);
}

#[tokio::test]
async fn a_case_is_not_moved_out_of_sight() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    world.ask(ada, Kind::Erasure).await;
    world.pass(SignedDuration::from_hours(24 * 26));
    world
        .db
        .as_superuser(
            "UPDATE wordbond.rights_case SET state = 'refused', opened_at = opened_at - interval '1 year',
                closed_at = opened_at + interval '26 days', paused_seconds = 366 * 86400",
        )
        .await;
    let found = walk(&world, &[Kind::Erasure]).await;
    assert_eq!(found.untold, 1, "{found:?}");
}

#[tokio::test]
async fn no_law_holds_that_nobody_decided_or_that_was_ended() {
    let world = World::new().await;
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let asked = world.ask(ada, Kind::Access).await;
    world.work().await;
    let decision = Decision { case: asked.id, admin: admin.account, reason: "a court asked for it", letter: None };
    decide::hold(world.store(), decision, world.store().clock().now() + SignedDuration::from_hours(480)).await.unwrap();
    let kinds = [Kind::Erasure];
    assert!(is_fine(&walk(&world, &kinds).await));
    for (meddle, mend) in [
        (
            "UPDATE wordbond.legal_hold SET until = until + interval '900 years'",
            "UPDATE wordbond.legal_hold SET until = until - interval '900 years'",
        ),
        (
            "UPDATE wordbond.legal_hold SET case_id = hold_id",
            "UPDATE wordbond.legal_hold SET case_id = (SELECT case_id FROM wordbond.rights_case)",
        ),
    ] {
        world.db.as_superuser(meddle).await;
        assert_eq!(walk(&world, &kinds).await.unheld, 1, "{meddle}");
        world.db.as_superuser(mend).await;
        assert!(is_fine(&walk(&world, &kinds).await), "{mend}");
    }
    world.pass(SignedDuration::from_secs(60));
    decide::release(world.store(), Decision { reason: "the court is done", ..decision }).await.unwrap();
    assert!(is_fine(&walk(&world, &kinds).await));
    world.db.as_superuser("UPDATE wordbond.legal_hold SET released_at = NULL, released_why = NULL").await;
    assert_eq!(walk(&world, &kinds).await.unheld, 1, "what was ended is on again");
}

/// Does the one job that is due, which is that of a mail.
async fn send(world: &World, fate: Fate) {
    let lease = jobs::lease(world.store()).await.unwrap().unwrap();
    let (scoped, job) = jobs::begin(world.store(), &lease).await.unwrap();
    drop(scoped);
    assert_eq!(job.kind, mails::KIND);
    mails::done(world.store(), &lease, &job, fate).await.unwrap();
}

#[tokio::test]
async fn a_letter_that_tells_a_decision_is_handed_over_or_waits_or_is_missed() {
    let world = World::new().await;
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let asked = world.ask(ada, Kind::Access).await;
    world.work().await;
    let letter = |_: &privacy::case::Case| Some("what was decided".to_owned());
    let decision = Decision { case: asked.id, admin: admin.account, reason: "a court", letter: Some(&letter) };
    let kinds = [Kind::Access];
    let until = world.store().clock().now() + SignedDuration::from_hours(480);
    decide::hold(world.store(), decision, until).await.unwrap();
    let found = walk(&world, &kinds).await;
    assert!(is_fine(&found), "it waits: {found:?}");
    send(&world, Fate::HandedOver).await;
    let found = walk(&world, &kinds).await;
    assert!(is_fine(&found) && found.undelivered == 0, "{found:?}");

    decide::hold(world.store(), decision, until).await.unwrap();
    send(&world, Fate::GivenUp).await;
    let found = walk(&world, &kinds).await;
    assert!(is_fine(&found) && found.undelivered == 1, "{found:?}");

    decide::hold(world.store(), decision, until).await.unwrap();
    world.db.as_superuser("UPDATE wordbond.job SET ids = ids[:1] WHERE kind = 'mail.send'").await;
    assert_eq!(walk(&world, &kinds).await.unsent, 1, "no job has it in hand");
    world.db.as_superuser("DELETE FROM wordbond.mail").await;
    assert_eq!(walk(&world, &kinds).await.unsent, 1, "it is nowhere");
    assert_eq!(walk(&world, &[Kind::Erasure]).await.unsent, 0, "it is of no erasure");

    decide::release(world.store(), Decision { letter: None, ..decision }).await.unwrap();
    world.ask(ada, Kind::Erasure).await;
    world.work().await;
    assert_eq!(walk(&world, &kinds).await.unsent, 0, "whoever it was for is gone");
}
