//! Somebody is found wherever they are: under an address that others wrote down, under one that they had before, in teams that
//! they have left, and in what is held of others beside them.

use super::life::World;
use jiff::SignedDuration;
use kernel::{Actor, PersonId, Span, TeamRole, TenantId};
use privacy::{
    case::{self, Kind, State},
    erasure,
    package::{self, Reach},
    receipt::Receipt,
};
use store::{
    accounts::{self, SignedUp},
    audit, notes, operator_tenant,
    rights::{
        cases,
        decide::{self, Decision},
        footprint::{self, Team},
        holds, places, restrict, tombstones, verify,
    },
    team,
    tenancy::{self, Joined, NewPerson},
};
use uuid::Uuid;

/// Somebody without an account in somebody's team.
async fn added(world: &World, owner: SignedUp, email: &str) -> Joined {
    let by = Actor::Person { id: owner.person };
    let who = NewPerson { name: "As others call them", email };
    tenancy::add_person(world.store(), owner.tenant, &by, who).await.unwrap()
}

async fn note(world: &World, tenant: TenantId, person: PersonId) -> Uuid {
    let mut scoped = world.scoped(tenant, person).await;
    let note = notes::create(&mut scoped, "title", "body").await.unwrap();
    scoped.commit().await.unwrap();
    note
}

async fn invited(world: &World, by: SignedUp) -> Vec<String> {
    let mut scoped = world.scoped(by.tenant, by.person).await;
    team::invitations(&mut scoped).await.unwrap().into_iter().map(|one| one.email).collect()
}

#[tokio::test]
async fn what_stands_under_a_proven_address_goes_with_its_owner() {
    let world = World::new().await;
    let store = world.store();
    let (ann, mira) = (world.somebody("ann@example.org").await, world.somebody("mira@example.org").await);
    let there = added(&world, ann, "Mira@example.org").await;
    note(&world, ann.tenant, there.person).await;
    let seats = footprint::ever(store, mira.account).await.unwrap().seats;
    assert!(seats.iter().any(|seat| seat.person == there.person && seat.team == Team::Stays), "{seats:?}");
    assert_eq!(places::held(store, mira.account).await.unwrap().get("wordbond.note"), Some(&1));

    let case = world.ask(mira, Kind::Erasure).await;
    world.work().await;
    let closed = world.case(&case).await;
    assert_eq!(closed.state, State::Done);
    assert_eq!(Receipt::of(&closed).unwrap().keys, 4, "account, own person and team, and who they were there");
    assert!(tenancy::authenticate(store, there.token.expose()).await.unwrap().is_none());
    let left = world.naming(&[there.person.uuid(), mira.account.uuid()]).await;
    assert!(left.is_empty(), "{left:?}");
    assert!(verify::address(store, "mira@example.org", &[]).await.unwrap().is_empty());
    let risen = tombstones::risen(store).await.unwrap();
    assert_eq!((risen.tombstones, risen.risen), (4, 0));
}

#[tokio::test]
async fn an_address_that_nobody_proved_takes_nothing_of_anybody() {
    let world = World::new().await;
    let store = world.store();
    let ann = world.somebody("ann@example.org").await;
    let there = added(&world, ann, "mira@example.org").await;
    let new = accounts::NewAccount {
        name: "Eve",
        email: "mira@example.org",
        password_hash: None,
        team: "Hers",
        verified: false,
    };
    let eve = accounts::sign_up(store, new).await.unwrap();
    let case = world.ask(eve, Kind::Erasure).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    assert!(tenancy::authenticate(store, there.token.expose()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_former_address_is_found_nowhere() {
    let world = World::new().await;
    let store = world.store();
    let ann = world.somebody("ann@example.org").await;
    // Once invited and never come; once come, and gone again.
    let (kim, there) = world.joins(ann, "kim.old@example.org", TeamRole::Member).await;
    team::remove_member(store, ann.tenant, ann.person, there).await.unwrap();
    team::invite(store, ann.tenant, ann.person, "kim.old@example.org", TeamRole::Viewer, Span::days(7)).await.unwrap();
    team::invite(store, ann.tenant, ann.person, "bob@example.org", TeamRole::Viewer, Span::days(7)).await.unwrap();
    assert_eq!(invited(&world, ann).await.len(), 3);

    accounts::set_email(store, kim.account, "kim.new@example.org").await.unwrap();
    assert_eq!(invited(&world, ann).await, ["bob@example.org"]);
    let package = package::gather(store, kim.account, Reach::Access).await.unwrap();
    let text = serde_json::to_string(&package.sections).unwrap();
    assert!(!text.contains("kim.old@") && text.contains("kim.new@"), "also in the team that was left");
    // Whoever has left is found by no address, and by the new one when they are back.
    assert!(team::by_email(store, ann.tenant, "kim.new@example.org").await.unwrap().is_none());
    let again =
        team::invite(store, ann.tenant, ann.person, "kim.new@example.org", TeamRole::Member, Span::days(7)).await;
    team::accept(store, again.unwrap().token.expose(), kim.account, None).await.unwrap();
    let found = team::by_email(store, ann.tenant, "kim.new@example.org").await.unwrap();
    assert_eq!(found, Some((there, Some(kim.account))));

    let case = world.ask(kim, Kind::Erasure).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    for address in ["kim.old@example.org", "kim.new@example.org"] {
        assert!(verify::address(store, address, &[]).await.unwrap().is_empty(), "{address}");
    }
    assert_eq!(invited(&world, ann).await, ["bob@example.org"]);
}

#[tokio::test]
async fn a_team_is_not_handed_over_to_a_program() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let robot = added(&world, ada, "robot@example.org").await.person;
    team::set_role(store, ada.tenant, ada.person, robot, TeamRole::Owner).await.unwrap();
    let plan = erasure::plan(store, ada.account).await.unwrap();
    assert!(plan.obstacle.unwrap().contains("or remove them"));
    team::remove_member(store, ada.tenant, ada.person, robot).await.unwrap();
    assert_eq!(erasure::plan(store, ada.account).await.unwrap().obstacle, None);
}

#[tokio::test]
async fn a_suspended_team_keeps_nobody() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    world.joins(ada, "grace@example.org", TeamRole::Member).await;
    assert!(erasure::obstacle(store, ada.account).await.unwrap().is_some());
    tenancy::suspend(store, ada.tenant, &Actor::Operator, "unpaid").await.unwrap();
    assert_eq!(erasure::obstacle(store, ada.account).await.unwrap(), None);
    let case = world.ask(ada, Kind::Erasure).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
}

#[tokio::test]
async fn of_two_owners_who_both_go_the_second_reads_what_to_do() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let (grace, there) = world.joins(ada, "grace@example.org", TeamRole::Member).await;
    world.joins(ada, "bob@example.org", TeamRole::Member).await;
    team::set_role(store, ada.tenant, ada.person, there, TeamRole::Owner).await.unwrap();
    let first = world.ask(ada, Kind::Erasure).await;
    let second = world.ask(grace, Kind::Erasure).await;
    assert_eq!((first.state, second.state), (State::Open, State::Open));
    world.work().await;
    assert_eq!(world.case(&first).await.state, State::Done);
    let waits = world.own(grace, &second).await;
    assert_eq!(waits.case.state, State::Paused);
    assert!(waits.notice.unwrap().contains("«Engines»"));
}

#[tokio::test]
async fn a_hold_keeps_what_would_go_with_somebody_elses_team() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let (mira, there) = world.joins(ada, "mira@example.org", TeamRole::Member).await;
    team::remove_member(store, ada.tenant, ada.person, there).await.unwrap();
    let theirs = world.ask(mira, Kind::Objection).await;
    world.work().await;
    let decision = Decision { case: theirs.id, admin: admin.account, letter: None, reason: "a court asked for it" };
    let until = store.clock().now() + SignedDuration::from_hours(480);
    decide::hold(store, decision, until).await.unwrap();
    assert_eq!(world.case(&theirs).await.held_until, None, "nothing but an erasure is held");

    let seats = footprint::ever(store, ada.account).await.unwrap().seats;
    assert_eq!(holds::until(store, ada.account, &seats).await.unwrap(), Some(until));
    let case = world.ask(ada, Kind::Erasure).await;
    world.work().await;
    let held = world.case(&case).await;
    assert_eq!((held.state, held.held_until), (State::Open, Some(until)));
    assert!(!world.naming(&[there.uuid()]).await.is_empty());
    // Once it is ended, which is another case's, the next look a day later finds nothing that forbids it.
    decide::release(store, Decision { reason: "the court is done", ..decision }).await.unwrap();
    world.pass(SignedDuration::from_hours(25));
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
}

#[tokio::test]
async fn whoever_asks_again_is_held_too() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let asked = world.ask(ada, Kind::Access).await;
    world.work().await;
    let decision = Decision { case: asked.id, admin: admin.account, letter: None, reason: "a court asked for it" };
    decide::hold(store, decision, store.clock().now() + SignedDuration::from_hours(48)).await.unwrap();
    let case = world.ask(ada, Kind::Erasure).await;
    world.work().await;
    assert!(world.case(&case).await.held_until.is_some());
    let found = store::rights::clocks::walk(store, &[Kind::Erasure], Span::days(1)).await.unwrap();
    assert_eq!((found.untold, found.waiting, found.late), (0, 1, 0), "{found:?}");
    world.pass(SignedDuration::from_hours(30));
    let found = store::rights::clocks::walk(store, &[Kind::Erasure], Span::days(1)).await.unwrap();
    assert_eq!((found.late, found.held), (0, 1), "late because a law holds it: {found:?}");
}

#[tokio::test]
async fn a_hold_excuses_nothing_that_was_late_before() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Erasure).await;
    world.pass(SignedDuration::from_hours(24 * 40));
    let decision = Decision { case: case.id, admin: admin.account, letter: None, reason: "a court asked for it" };
    decide::hold(store, decision, store.clock().now() + SignedDuration::from_hours(48)).await.unwrap();
    let found = store::rights::clocks::walk(store, &[Kind::Erasure], Span::days(30)).await.unwrap();
    assert_eq!((found.late, found.held, found.waiting), (1, 0, 1), "{found:?}");
}

#[tokio::test]
async fn a_receipt_of_a_copy_counts_what_is_in_it() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let (_, grace) = world.joins(ada, "grace@example.org", TeamRole::Member).await;
    world.lives(ada, ada.tenant, ada.person).await;
    // Also of a team that they have left.
    team::set_role(store, ada.tenant, ada.person, grace, TeamRole::Owner).await.unwrap();
    team::remove_member(store, ada.tenant, grace, ada.person).await.unwrap();
    for (kind, reach) in [(Kind::Access, Reach::Access), (Kind::Portability, Reach::Portability)] {
        let case = world.ask(ada, kind).await;
        world.work().await;
        let receipt = Receipt::of(&world.case(&case).await).unwrap();
        let package = package::gather(store, ada.account, reach).await.unwrap();
        for (section, rows) in package.counts() {
            // Its own closing is told behind it, and its job is done.
            if rows > 0 && !["audit_event", "job"].contains(&section) {
                assert_eq!(receipt.rows.get(&format!("wordbond.{section}")), Some(&(rows as u64)), "{section}");
            }
        }
        let given = |section: &str| receipt.rows.contains_key(&format!("wordbond.{section}"));
        assert!(given("note") && given("drawing") && given("person"), "{receipt:?}");
        assert_eq!(given("audit_event") && given("tenant"), kind == Kind::Access, "{receipt:?}");
        assert!(kind == Kind::Access || !given("session") && !given("token") && !given("sign_in"), "{receipt:?}");
    }
    let held = places::held(store, ada.account).await.unwrap();
    assert_eq!(held.get("wordbond.note"), Some(&1), "in the team that was left: {held:?}");
}

#[tokio::test]
async fn a_copy_tells_of_ones_own_cases_and_not_of_those_that_one_decided() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Objection).await;
    world.work().await;
    let decision =
        Decision { case: case.id, admin: admin.account, letter: None, reason: "Bob, her neighbour, must be asked." };
    decide::pause(store, decision).await.unwrap();
    case::answered(store, &world.calendar, ada.account, case.id, "").await.unwrap();
    decide::hold(store, decision, store.clock().now() + SignedDuration::from_hours(48)).await.unwrap();
    decide::release(store, decision).await.unwrap();
    decide::refuse(store, Decision { reason: "There are compelling grounds.", ..decision }).await.unwrap();

    let text = |package: &package::Package| serde_json::to_string(&package.sections).unwrap();
    let own = package::gather(store, ada.account, Reach::Access).await.unwrap();
    let told: Vec<&str> = own
        .section("audit_event")
        .unwrap()
        .rows
        .iter()
        .filter_map(|row| row.get("action")?.as_str().filter(|action| action.starts_with("rights.")))
        .collect();
    for action in ["rights.open", "rights.pause", "rights.resume", "rights.hold", "rights.release", "rights.refuse"] {
        assert!(told.contains(&action), "{action}: {told:?}");
    }
    let given = text(&own);
    assert!(given.contains("must be asked.") && given.contains("compelling grounds."), "every word to them is kept");
    assert!(!given.contains(&admin.account.to_string()));
    let theirs = text(&package::gather(store, admin.account, Reach::Access).await.unwrap());
    for of_others in ["neighbour", "compelling", &case.id.to_string(), "\"until\":\"20"] {
        assert!(!theirs.contains(of_others), "{of_others}: {theirs}");
    }
    // Nor does the log know, whoever opens it.
    let log = audit::list(&mut store.scoped(operator_tenant(), &Actor::Operator).await.unwrap(), 100).await.unwrap();
    assert!(log.iter().all(|entry| entry.event.context.values().all(|text| !text.contains("neighbour"))));
}

#[tokio::test]
async fn an_erasure_leaves_no_case_open_behind_it() {
    let world = World::new().await;
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let objection = world.ask(ada, Kind::Objection).await;
    world.work().await;
    let copy = world.ask(ada, Kind::Access).await;
    let decision = Decision { case: copy.id, admin: admin.account, reason: "which team do you mean?", letter: None };
    decide::pause(world.store(), decision).await.unwrap();
    let erasure = world.ask(ada, Kind::Erasure).await;
    world.work().await;
    assert_eq!(world.case(&erasure).await.state, State::Done);
    for case in [&objection, &copy] {
        let left = world.case(case).await;
        assert!(left.state == State::Withdrawn && left.closed_at.is_some(), "{left:?}");
    }
    for kind in Kind::ALL {
        let found = store::rights::clocks::walk(world.store(), &[kind], Span::days(1)).await.unwrap();
        assert_eq!((found.untold, found.stranded, found.late), (0, 0, 0), "{found:?}");
    }
}

#[tokio::test]
async fn what_was_taken_back_meanwhile_restricts_nobody() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let case = world.ask(ada, Kind::Objection).await;
    // The job has read the case; then it is taken back.
    cases::withdraw(store, ada.account, case.id).await.unwrap();
    restrict::set(store, ada.account, true, Some(case.id)).await.unwrap();
    assert!(!restrict::is_on(store, ada.account).await.unwrap());
}

#[tokio::test]
async fn an_erasure_waits_for_its_own_warning_but_not_for_long() {
    let world = World::new().await;
    let store = world.store();
    for served in [true, false] {
        let ada = world.somebody(&format!("ada-{served}@example.org")).await;
        let case = world.ask(ada, Kind::Erasure).await;
        store::mails::put(store, Some(ada.account), "you asked for it", Span::hours(72), false, false).await.unwrap();
        world.work().await;
        assert_eq!(world.case(&case).await.state, State::Open, "the mail server is away");
        if served {
            world.db.as_superuser("DELETE FROM wordbond.mail").await;
            world.pass(SignedDuration::from_secs(10));
        } else {
            world.pass(SignedDuration::from_hours(1));
        }
        world.work().await;
        assert_eq!(world.case(&case).await.state, State::Done, "{served}");
    }
}

/// The keys that were destroyed, and whether anything is left of somebody without an account who was written down.
async fn erased_with(world: &World, who: SignedUp, there: &[&Joined]) -> usize {
    let case = world.ask(who, Kind::Erasure).await;
    world.work().await;
    let closed = world.case(&case).await;
    assert_eq!(closed.state, State::Done);
    for one in there {
        let left = world.naming(&[one.person.uuid()]).await;
        // The log of a team that stays names an id that leads nowhere any more; it is sealed.
        assert!(left.is_empty(), "{left:?}");
        assert!(tenancy::authenticate(world.store(), one.token.expose()).await.unwrap().is_none());
    }
    Receipt::of(&closed).unwrap().keys
}

#[tokio::test]
async fn what_stands_under_a_former_address_goes_with_who_had_proven_it() {
    let world = World::new().await;
    let store = world.store();
    let (ann, bob) = (world.somebody("ann@example.org").await, world.somebody("bob@example.org").await);
    let kim = world.somebody("kim.old@example.org").await;
    let there = added(&world, ann, "kim.old@example.org").await;
    note(&world, ann.tenant, there.person).await;
    accounts::set_email(store, kim.account, "kim.new@example.org").await.unwrap();
    // Whoever has the address afterwards is somebody else, and what is written down from then on is about them.
    let later = world.somebody("kim.old@example.org").await;
    let theirs = added(&world, bob, "kim.old@example.org").await;
    let of = async |who: SignedUp| {
        let seats = footprint::ever(store, who.account).await.unwrap().seats;
        seats.into_iter().map(|seat| seat.person).filter(|person| *person != who.person).collect::<Vec<_>>()
    };
    assert_eq!((of(kim).await, of(later).await), (vec![there.person], vec![theirs.person]));
    assert_eq!(places::held(store, kim.account).await.unwrap().get("wordbond.note"), Some(&1));
    assert_eq!(erased_with(&world, kim, &[&there]).await, 4);
    assert!(tenancy::authenticate(store, theirs.token.expose()).await.unwrap().is_some());
}

#[tokio::test]
async fn who_was_removed_without_an_account_is_found_by_their_address() {
    let world = World::new().await;
    let store = world.store();
    let (ann, mira) = (world.somebody("ann@example.org").await, world.somebody("mira@example.org").await);
    let [there, before] = [added(&world, ann, "mira@example.org").await, added(&world, mira, "ann@example.org").await];
    note(&world, ann.tenant, there.person).await;
    for (owner, who) in [(ann, &there), (mira, &before)] {
        team::remove_member(store, owner.tenant, owner.person, who.person).await.unwrap();
    }
    // One who was removed by a build that did not keep by which address.
    let mut root = world.db.superuser().await.unwrap();
    sqlx::query("UPDATE wordbond.person SET former_index = NULL WHERE person_id = $1")
        .bind(before.person.uuid())
        .execute(&mut root)
        .await
        .unwrap();
    for (who, person) in [(mira, there.person), (ann, before.person)] {
        let seats = footprint::ever(store, who.account).await.unwrap().seats;
        assert!(seats.iter().any(|seat| seat.person == person && seat.left), "{seats:?}");
    }
    // They may be written down again, as somebody new.
    let again = added(&world, ann, "mira@example.org").await;
    let package = package::gather(store, mira.account, Reach::Access).await.unwrap();
    assert_eq!(package.section("note").unwrap().rows.len(), 1);
    assert_eq!(
        erased_with(&world, mira, &[&there, &again]).await,
        6,
        "two more, and whoever was in the team that went"
    );
    assert!(verify::address(store, "mira@example.org", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_people_with_an_account_are_owners_who_remain() {
    let world = World::new().await;
    let store = world.store();
    let ann = world.somebody("ann@example.org").await;
    let there = added(&world, ann, "bot@example.org").await;
    team::set_role(store, ann.tenant, ann.person, there.person, TeamRole::Owner).await.unwrap();
    let left = team::remove_member(store, ann.tenant, ann.person, ann.person).await;
    assert!(matches!(left, Err(store::StoreError::Invalid(_))), "{left:?}");
    let lowered = team::set_role(store, ann.tenant, ann.person, ann.person, TeamRole::Member).await;
    assert!(matches!(lowered, Err(store::StoreError::Invalid(_))), "{lowered:?}");
    let (_, grace) = world.joins(ann, "grace@example.org", TeamRole::Owner).await;
    team::remove_member(store, ann.tenant, ann.person, ann.person).await.unwrap();
    let _ = grace;
}

#[tokio::test]
async fn whoever_was_put_down_beside_a_member_is_nobody_else() {
    let world = World::new().await;
    let store = world.store();
    let (ann, kim) = (world.somebody("ann@example.org").await, world.somebody("kim.old@example.org").await);
    let there = added(&world, ann, "kim.old@example.org").await;
    let robot = added(&world, ann, "robot@example.org").await;
    accounts::set_email(store, kim.account, "kim.new@example.org").await.unwrap();
    let invited = team::invite(store, ann.tenant, ann.person, "kim.new@example.org", TeamRole::Member, Span::days(7));
    team::accept(store, invited.await.unwrap().token.expose(), kim.account, None).await.unwrap();
    let package = package::gather(store, kim.account, Reach::Access).await.unwrap();
    assert!(serde_json::to_string(&package.sections).unwrap().contains(&there.person.to_string()));
    let others = store::copy::walk::expected(store, kim.account).await.unwrap().others;
    assert!(!others.contains(&there.person.uuid()), "it is in the copy, for it is about the same person");
    assert!(others.contains(&ann.person.uuid()) && others.contains(&robot.person.uuid()));
}
