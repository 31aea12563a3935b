//! Erasing somebody leaves nothing of theirs, and everything of everybody else's.

use super::life::World;
use jiff::SignedDuration;
use kernel::{Actor, TeamRole};
use privacy::{
    case::{Kind, State},
    erasure,
    receipt::Receipt,
};
use store::{
    Role, StoreError, accounts, audit, blobs, drawings, looks, notes, operator_tenant,
    rights::{cases, decide, decide::Decision, footprint, tombstones, verify},
    team, trail,
};
use vault::Subject;

#[tokio::test]
async fn the_last_member_goes_with_the_team_and_with_everything() {
    let world = World::new().await;
    let store = world.store();
    let (ada, eve) = (world.somebody("ada@example.org").await, world.somebody("eve@example.org").await);
    world.lives(ada, ada.tenant, ada.person).await;
    world.lives(eve, eve.tenant, eve.person).await;
    // Eve's team has invited Ada, and an administrator looks at Ada's.
    team::invite(store, eve.tenant, eve.person, "Ada@example.org", TeamRole::Member, kernel::Span::days(7))
        .await
        .unwrap();
    let until = store.clock().now() + SignedDuration::from_mins(20);
    looks::begin(store, eve.account, ada.tenant, "a question", until).await.unwrap();
    let eves = [eve.account.uuid(), eve.person.uuid(), eve.tenant.uuid()];

    let plan = erasure::plan(store, ada.account).await.unwrap();
    assert!(plan.obstacle.is_none());
    assert!(plan.seats.iter().all(|seat| seat.team == footprint::Team::Goes));
    let case = world.ask(ada, Kind::Erasure).await;
    assert_eq!(case.due_at.to_string(), "2026-04-03T22:00:00Z");
    world.work().await;

    let closed = world.case(&case).await;
    assert_eq!(closed.state, State::Done);
    let receipt = Receipt::of(&closed).unwrap();
    assert_eq!(receipt.keys, 3, "account, person and team: {receipt:?}");
    for place in ["wordbond.account", "wordbond.person", "wordbond.note", "wordbond.drawing", "wordbond.session"] {
        assert!(receipt.rows.get(place).is_some_and(|rows| *rows > 0), "{place}: {receipt:?}");
    }
    let left = world.naming(&[ada.account.uuid(), ada.person.uuid(), ada.tenant.uuid()]).await;
    assert!(left.is_empty(), "{left:?}");
    for (tenant, subject) in [
        (operator_tenant(), Subject::Person(ada.account.uuid().into())),
        (ada.tenant, Subject::Person(ada.person)),
        (ada.tenant, Subject::Tenant),
    ] {
        assert!(!store.keys().has(tenant, subject).unwrap(), "{subject:?}");
    }
    assert!(blobs::objects_of(store, ada.tenant, ada.person).await.unwrap().is_empty());
    assert!(accounts::by_email(store, "ada@example.org").await.unwrap().is_none());
    assert_eq!(team::invited(store, eve.tenant, "ada@example.org").await.unwrap(), None);
    // What was done stays told, and Eve is as she was.
    let trail = trail::walk(store).await.unwrap();
    assert_eq!((trail.unexplained, trail.unanchored, trail.unopened, trail.untold), (0, 0, 0, 0), "{trail:?}");
    assert!(!world.everything_of(&eves).await.is_empty());
    let opened = accounts::by_id(store, eve.account).await.unwrap().unwrap();
    assert_eq!(opened.email, "eve@example.org");
    assert_eq!(notes::list(&mut world.scoped(eve.tenant, eve.person).await).await.unwrap().len(), 1);
    let risen = tombstones::risen(store).await.unwrap();
    assert_eq!((risen.tombstones, risen.risen, risen.keys), (3, 0, 0), "{risen:?}");
    // The address can be used again, by somebody new.
    world.somebody("ada@example.org").await;
}

#[tokio::test]
async fn a_team_goes_on_without_a_member_and_others_stay_byte_for_byte() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    let (grace, there) = world.joins(ada, "grace@example.org", TeamRole::Member).await;
    world.lives(ada, ada.tenant, ada.person).await;
    world.lives(grace, ada.tenant, there).await;
    // Grace's own team, and what she shares with Ada.
    world.lives(grace, grace.tenant, grace.person).await;
    let mine = [ada.account.uuid(), ada.person.uuid()];
    let before = world.everything_of(&mine).await;

    let case = world.ask(grace, Kind::Erasure).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    let left = world.naming(&[grace.account.uuid(), there.uuid(), grace.person.uuid(), grace.tenant.uuid()]).await;
    assert!(left.is_empty(), "{left:?}");
    // Only her invitation, whose maker Ada is, is gone from what names Ada.
    let after = world.everything_of(&mine).await;
    let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
    assert!(gone.iter().all(|row| row.starts_with("invitation ")), "{gone:?}");
    assert_eq!(gone.len(), 1);
    assert!(after.iter().all(|row| before.contains(row)));
    assert_eq!(team::members(&mut world.scoped(ada.tenant, ada.person).await).await.unwrap().len(), 1);
    // The team's log still opens, and tells of Grace by an id that leads nowhere.
    let log = audit::list(&mut world.scoped(ada.tenant, ada.person).await, 100).await.unwrap();
    assert!(log.iter().any(|entry| entry.event.targets.iter().any(|target| target.contains(&there.to_string()))));
}

#[tokio::test]
async fn the_last_owner_hands_the_team_over_first() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let (_, grace) = world.joins(ada, "grace@example.org", TeamRole::Member).await;
    // The request is taken, and its clock stands until they have done it.
    let case = world.ask(ada, Kind::Erasure).await;
    let asked = world.own(ada, &case).await;
    assert_eq!(asked.case.state, State::Paused);
    assert!(asked.notice.unwrap().contains("«Engines»"));
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Paused);
    team::set_role(store, ada.tenant, ada.person, grace, TeamRole::Owner).await.unwrap();
    privacy::case::answered(store, &world.calendar, ada.account, case.id, "").await.unwrap();
    // Handed back before it begins: then the clock stands again, and they read why.
    team::set_role(store, ada.tenant, grace, grace, TeamRole::Member).await.unwrap();
    world.work().await;
    let paused = world.own(ada, &case).await;
    assert_eq!(paused.case.state, State::Paused);
    assert_eq!(paused.notice.unwrap().matches("«Engines»").count(), 2, "what they were told before stays");
    assert!(accounts::by_id(store, ada.account).await.unwrap().is_some());
    team::set_role(store, ada.tenant, ada.person, grace, TeamRole::Owner).await.unwrap();
    privacy::case::answered(store, &world.calendar, ada.account, case.id, "").await.unwrap();
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    assert!(accounts::by_id(store, ada.account).await.unwrap().is_none());
}

#[tokio::test]
async fn a_hold_stops_an_erasure_until_it_ends() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Erasure).await;
    let decision = Decision { case: case.id, admin: admin.account, letter: None, reason: "a court asked for it" };
    let until = store.clock().now() + SignedDuration::from_hours(48);
    decide::hold(store, decision, until).await.unwrap();
    world.work().await;
    let held = world.own(ada, &case).await.case;
    assert_eq!((held.state, held.held_until), (State::Open, Some(until)));
    assert!(accounts::by_id(store, ada.account).await.unwrap().is_some());
    world.pass(SignedDuration::from_hours(49));
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
}

#[tokio::test]
async fn a_hold_that_is_ended_lets_it_go_on() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Erasure).await;
    let decision = Decision { case: case.id, admin: admin.account, letter: None, reason: "a court asked for it" };
    decide::hold(store, decision, store.clock().now() + SignedDuration::from_hours(480)).await.unwrap();
    world.work().await;
    decide::release(store, Decision { reason: "the court is done", ..decision }).await.unwrap();
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    let log = audit::list(&mut store.scoped(operator_tenant(), &Actor::Operator).await.unwrap(), 100).await.unwrap();
    let told: Vec<&str> = log.iter().rev().map(|entry| entry.event.action.as_str()).collect();
    for action in ["rights.open", "rights.hold", "rights.release", "rights.erase", "rights.close"] {
        assert!(told.contains(&action), "{action}: {told:?}");
    }
}

#[tokio::test]
async fn what_comes_back_is_found() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let case = world.ask(ada, Kind::Erasure).await;
    // A thief of rows: whatever is deleted from the accounts comes back.
    world
        .db
        .as_superuser(
            "CREATE FUNCTION wordbond.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
             CREATE TRIGGER keep BEFORE DELETE ON wordbond.account FOR EACH ROW EXECUTE FUNCTION wordbond.keep()",
        )
        .await;
    world.pass(cases::BEGINS);
    let stuck = privacy::work::drain(store).await;
    assert!(matches!(&stuck, Err(StoreError::Unexpected(why)) if why.contains("wordbond.account")), "{stuck:?}");
    assert_eq!(world.case(&case).await.state, State::Working, "not done while something is left");
    assert_eq!(tombstones::risen(store).await.unwrap().risen, 1);
    world.db.as_superuser("DROP TRIGGER keep ON wordbond.account; DROP FUNCTION wordbond.keep()").await;
    world.pass(SignedDuration::from_mins(10));
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    let targets = store::rights::erase::Targets {
        case: case.id,
        erased: vec![tombstones::Erased::Account(ada.account), tombstones::Erased::Person(ada.tenant, ada.person)],
    };
    assert!(verify::verify(store, &targets, None).await.unwrap().is_clean());
    // A copy of a destroyed key comes back: it is no key any more, and it lies there.
    let keys = store.keys().folders().next().unwrap();
    let copy = keys.join(format!("tenant/{}/{}", ada.tenant, ada.person));
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::write(&copy, "a wrapped key").unwrap();
    assert!(!store.keys().has(ada.tenant, Subject::Person(ada.person)).unwrap());
    let found = verify::verify(store, &targets, None).await.unwrap();
    assert_eq!(found.left.get("keys/"), Some(&1), "{found:?}");
}

#[tokio::test]
async fn the_role_that_erases_reaches_one_person_at_a_time() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    world.lives(ada, ada.tenant, ada.person).await;
    let mut eraser = world.store().connect_as(Role::Eraser).await.unwrap();
    for table in ["account", "person", "note", "drawing", "tenant", "audit_event", "session", "sign_in"] {
        let sql = format!("SELECT count(*) FROM wordbond.{table}");
        let seen: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut eraser).await.unwrap();
        assert_eq!(seen, 0, "{table}");
    }
}

#[tokio::test]
async fn an_upload_that_is_on_its_way_ends_with_whom_it_was_of() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let staged = blobs::put(store, ada.tenant, ada.person, &[7; 4_096]).await.unwrap();
    world.ask(ada, Kind::Erasure).await;
    world.work().await;
    let mut late = world.scoped(ada.tenant, ada.person).await;
    let kept = drawings::create(&mut late, "gear", drawings::Kind::Png, &staged).await;
    assert!(matches!(kept, Err(StoreError::Gone)), "{kept:?}");
    assert!(matches!(blobs::put(store, ada.tenant, ada.person, &[7]).await, Err(StoreError::Gone)));
}

#[tokio::test]
async fn a_receipt_counts_what_was_done() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let case = world.ask(ada, Kind::Erasure).await;
    // What somebody brings back while it is under way is deleted once more, and counted.
    world
        .db
        .as_superuser(
            "CREATE FUNCTION wordbond.once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 IF (SELECT state FROM wordbond.rights_case WHERE kind = 'erasure') = 'working' THEN RETURN OLD; END IF;
                 RETURN NULL;
             END $$;
             CREATE TRIGGER once BEFORE DELETE ON wordbond.account FOR EACH ROW EXECUTE FUNCTION wordbond.once();
             GRANT EXECUTE ON FUNCTION wordbond.once() TO wordbond_eraser",
        )
        .await;
    // One of the keys is gone before the work is begun again: it was destroyed all the same.
    world.pass(cases::BEGINS);
    let lease = store::jobs::lease(store).await.unwrap().unwrap();
    privacy::work::run(store, &lease).await.unwrap();
    store.keys().destroy(ada.tenant, Subject::Person(ada.person)).unwrap();
    world.work().await;
    let receipt = Receipt::of(&world.case(&case).await).unwrap();
    assert_eq!(receipt.keys, 3);
    assert_eq!(receipt.rows.get("wordbond.account"), Some(&1), "{receipt:?}");
}
