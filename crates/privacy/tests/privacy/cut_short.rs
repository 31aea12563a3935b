//! An erasure that is cut short at any moment is finished by whoever comes next: once, with nothing lost and nothing left.

use super::life::World;
use jiff::SignedDuration;
use kernel::Actor;
use privacy::{
    case::{Case, Kind, State},
    work,
};
use std::time::Duration;
use store::{
    audit, blobs, jobs, operator_tenant,
    rights::{cases, tombstones},
    trail,
};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// How often somebody is erased, and how often each time the work is cut short at most.
const PEOPLE: usize = 4;
const CUTS: usize = 4;

/// Works for a moment of random length and is gone then: the connection closes in the middle of whatever it was at. Yields
/// whether anything was due.
async fn for_a_moment(world: &World) -> bool {
    let moment = Duration::from_micros(u64::from(Uuid::new_v4().as_u128() as u16));
    let Some(lease) = jobs::lease(world.store()).await.unwrap() else { return false };
    let _ = timeout(moment, work::run(world.store(), &lease)).await;
    // Whoever held the job is taken for dead after a while.
    world.pass(SignedDuration::from_mins(6));
    true
}

/// The case once the jobs are done. A connection that was cut off holds its rows until the server has noticed: what is held
/// is passed over meanwhile.
async fn at_last(world: &World, case: &Case) -> Case {
    for _ in 0..200 {
        world.work().await;
        let found = world.case(case).await;
        if found.state.is_closed() {
            return found;
        }
        sleep(Duration::from_millis(50)).await;
    }
    world.case(case).await
}

#[tokio::test]
async fn an_erasure_that_is_cut_short_is_finished_once() {
    let world = World::new().await;
    let store = world.store();
    for n in 0..PEOPLE {
        let who = world.somebody(&format!("ada-{n}@example.org")).await;
        world.lives(who, who.tenant, who.person).await;
        let case = world.ask(who, Kind::Erasure).await;
        world.pass(cases::BEGINS);
        for _ in 0..CUTS {
            for_a_moment(&world).await;
        }
        let closed = at_last(&world, &case).await;
        assert_eq!(closed.state, State::Done);
        let receipt = privacy::receipt::Receipt::of(&closed).unwrap();
        assert_eq!(receipt.rows.get("wordbond.account"), Some(&1), "what went is known although it was cut short");
        let left = world.naming(&[who.account.uuid(), who.person.uuid(), who.tenant.uuid()]).await;
        assert!(left.is_empty(), "{left:?}");
        assert!(blobs::objects_of(store, who.tenant, who.person).await.unwrap().is_empty());
        let log =
            audit::list(&mut store.scoped(operator_tenant(), &Actor::Operator).await.unwrap(), 500).await.unwrap();
        let target = format!("case:{}", case.id);
        for action in ["rights.open", "rights.erase", "rights.close"] {
            let times =
                log.iter().filter(|one| one.event.action == action && one.event.targets.contains(&target)).count();
            assert_eq!(times, 1, "{action}");
        }
    }
    let risen = tombstones::risen(store).await.unwrap();
    assert_eq!((risen.tombstones, risen.risen, risen.keys), (PEOPLE as u64 * 3, 0, 0));
    let trail = trail::walk(store).await.unwrap();
    assert_eq!((trail.unanchored, trail.unopened, trail.untold), (0, 0, 0), "{trail:?}");
}
