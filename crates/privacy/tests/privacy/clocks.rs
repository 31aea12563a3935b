//! The census of clocks sees what is late, and what is not as the log says.

use super::life::World;
use jiff::SignedDuration;
use kernel::Span;
use privacy::case::Kind;
use store::rights::clocks::{self, Clocks};

const WITHIN: Span = Span::days(30);

async fn walk(world: &World, kinds: &[Kind]) -> Clocks {
    clocks::walk(world.store(), kinds, WITHIN).await.unwrap()
}

fn is_fine(found: &Clocks) -> bool {
    [found.late, found.untold, found.lost, found.stranded, found.undone].iter().all(|count| *count == 0)
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
