//! Cases and their clocks.

use super::life::World;
use jiff::SignedDuration;
use kernel::TeamRole;
use privacy::case::{self, Kind, State};
use store::{
    StoreError,
    drawings::{self, Which},
    notes,
    rights::{
        cases,
        decide::{self, Decision},
        places, restrict,
    },
    team,
};

#[tokio::test]
async fn a_copy_is_answered_at_once_and_asked_for_once_at_a_time() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    world.lives(ada, ada.tenant, ada.person).await;
    let case = world.ask(ada, Kind::Access).await;
    let twice = case::open(store, &world.calendar, ada.account, Kind::Access).await;
    assert!(matches!(twice, Err(StoreError::Taken(_))));
    world.work().await;
    let done = world.own(ada, &case).await.case;
    assert_eq!(done.state, State::Done);
    assert!(done.closed_at.is_some() && done.entry.is_some());
    let receipt = privacy::receipt::Receipt::of(&done).unwrap();
    assert_eq!(receipt.rows.get("wordbond.note"), Some(&1));
    assert_eq!(receipt.rows.get("wordbond.drawing"), Some(&1));
    let shown = cases::by_receipt(store, done.receipt_id).await.unwrap().unwrap();
    assert_eq!(shown.id, done.id);
    assert_eq!(places::held(store, ada.account).await.unwrap().get("wordbond.rights_request"), Some(&1));
    world.ask(ada, Kind::Access).await;
}

#[tokio::test]
async fn nobody_sees_somebody_elses_case() {
    let world = World::new().await;
    let (ada, eve) = (world.somebody("ada@example.org").await, world.somebody("eve@example.org").await);
    let case = world.ask(ada, Kind::Access).await;
    assert!(cases::one(world.store(), eve.account, case.id).await.unwrap().is_none());
    assert!(matches!(cases::withdraw(world.store(), eve.account, case.id).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn what_is_taken_back_is_not_carried_out() {
    let world = World::new().await;
    let ada = world.somebody("ada@example.org").await;
    let case = world.ask(ada, Kind::Erasure).await;
    cases::withdraw(world.store(), ada.account, case.id).await.unwrap();
    world.work().await;
    assert_eq!(world.own(ada, &case).await.case.state, State::Withdrawn);
    assert!(matches!(cases::withdraw(world.store(), ada.account, case.id).await, Err(StoreError::Invalid(_))));
}

#[tokio::test]
async fn a_clock_is_put_off_once_stands_and_goes_on() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Objection).await;
    world.work().await;
    let decision =
        Decision { case: case.id, admin: admin.account, letter: None, reason: "It takes a look into the archive." };
    let due = |case: &case::Case| case::extended(&world.calendar, case);
    decide::extend(store, decision, due).await.unwrap();
    assert_eq!(world.case(&case).await.due_at.to_string(), "2026-06-03T22:00:00Z");
    assert!(matches!(decide::extend(store, decision, due).await, Err(StoreError::Invalid(_))));
    assert!(matches!(decide::pause(store, Decision { reason: " ", ..decision }).await, Err(StoreError::Invalid(_))));
    decide::pause(store, Decision { reason: "Which of them do you mean?", ..decision }).await.unwrap();
    let own = world.own(ada, &case).await;
    assert_eq!(own.notice.as_deref(), Some("Which of them do you mean?\n\nIt takes a look into the archive."));
    assert_eq!(own.case.state, State::Paused);
    world.pass(SignedDuration::from_hours(48));
    case::answered(store, &world.calendar, ada.account, case.id, "").await.unwrap();
    let on = world.case(&case).await;
    assert_eq!((on.state, on.paused_seconds), (State::Open, 48 * 3_600));
    assert_eq!(on.due_at.to_string(), "2026-06-05T22:00:00Z");
    assert!(restrict::is_on(store, ada.account).await.unwrap(), "an objection is weighed on restricted data");
    decide::refuse(store, Decision { reason: "There are compelling grounds.", ..decision }).await.unwrap();
    assert_eq!(world.case(&case).await.state, State::Refused);
    assert!(!restrict::is_on(store, ada.account).await.unwrap());
}

#[tokio::test]
async fn what_is_restricted_is_seen_by_nobody_else() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    let (_, grace) = world.joins(ada, "grace@example.org", TeamRole::Member).await;
    world.lives(ada, ada.tenant, ada.person).await;
    let mut own = world.scoped(ada.tenant, ada.person).await;
    let drawing = drawings::list(&mut own, Which::Own, None, 10).await.unwrap().remove(0).id;
    drawings::share(&mut own, drawing, grace).await.unwrap();
    own.commit().await.unwrap();
    let seen = async || {
        let mut theirs = world.scoped(ada.tenant, grace).await;
        drawings::list(&mut theirs, Which::All, None, 10).await.unwrap().len()
    };
    assert_eq!(seen().await, 1);
    let case = world.ask(ada, Kind::Restriction).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    assert_eq!(seen().await, 0);
    let mut own = world.scoped(ada.tenant, ada.person).await;
    assert_eq!(drawings::list(&mut own, Which::Own, None, 10).await.unwrap().len(), 1);
    restrict::set(store, ada.account, false, None).await.unwrap();
    assert_eq!(seen().await, 1);
}

#[tokio::test]
async fn a_restricted_note_is_seen_by_nobody_else_also_in_a_team_that_is_joined_later() {
    let world = World::new().await;
    let store = world.store();
    let (ada, kim) = (world.somebody("ada@example.org").await, world.somebody("kim@example.org").await);
    let case = world.ask(kim, Kind::Restriction).await;
    world.work().await;
    assert_eq!(world.case(&case).await.state, State::Done);
    // Once as somebody new, and once come back after it was lifted and put on again elsewhere.
    let mut there = None;
    for _ in 0..2 {
        let week = kernel::Span::days(7);
        let invited =
            team::invite(store, ada.tenant, ada.person, "kim@example.org", TeamRole::Member, week).await.unwrap();
        let (tenant, person) = team::accept(store, invited.token.expose(), kim.account, None).await.unwrap();
        assert!(there.is_none_or(|before| before == person));
        let mut own = world.scoped(tenant, person).await;
        let note = notes::create(&mut own, "title", "body").await.unwrap();
        notes::share(&mut own, note, ada.person).await.unwrap();
        own.commit().await.unwrap();
        let seen = async || notes::get(&mut world.scoped(tenant, ada.person).await, note).await.is_ok();
        assert!(!seen().await, "restricted");
        restrict::set(store, kim.account, false, None).await.unwrap();
        assert!(seen().await, "lifted");
        team::remove_member(store, tenant, ada.person, person).await.unwrap();
        restrict::set(store, kim.account, true, None).await.unwrap();
        there = Some(person);
    }
}

#[tokio::test]
async fn an_objection_takes_back_no_more_than_it_put_on() {
    let world = World::new().await;
    let store = world.store();
    let admin = world.somebody("admin@example.org").await;
    for (n, (before, asked, ends_on)) in
        [(true, false, true), (false, true, true), (false, false, false)].into_iter().enumerate()
    {
        for refused in [true, false] {
            let who = world.somebody(&format!("ada-{n}-{refused}@example.org")).await;
            if before {
                world.ask(who, Kind::Restriction).await;
                world.work().await;
            }
            let case = world.ask(who, Kind::Objection).await;
            world.work().await;
            if asked {
                world.ask(who, Kind::Restriction).await;
                world.work().await;
            }
            assert!(restrict::is_on(store, who.account).await.unwrap());
            if refused {
                let reason = "There are compelling grounds.";
                decide::refuse(store, Decision { case: case.id, admin: admin.account, letter: None, reason })
                    .await
                    .unwrap();
            } else {
                cases::withdraw(store, who.account, case.id).await.unwrap();
            }
            let on = restrict::is_on(store, who.account).await.unwrap();
            assert_eq!(on, ends_on, "before: {before}, besides: {asked}, refused: {refused}");
        }
    }
}

#[tokio::test]
async fn short_questions_cost_the_person_nothing_and_no_decision_is_lost() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let case = world.ask(ada, Kind::Objection).await;
    world.work().await;
    let decision = Decision { case: case.id, admin: admin.account, letter: None, reason: "Which of them do you mean?" };
    for _ in 0..4 {
        decide::pause(store, decision).await.unwrap();
        world.pass(SignedDuration::from_secs(1));
        case::answered(store, &world.calendar, ada.account, case.id, "").await.unwrap();
    }
    let on = world.case(&case).await;
    assert_eq!((on.due_at, on.paused_seconds), (case.due_at, 4));
    // More time taken while the clock stands is still there when it goes on.
    decide::pause(store, decision).await.unwrap();
    decide::extend(store, decision, |case| case::extended(&world.calendar, case)).await.unwrap();
    decide::resume(store, decision, |case, now| case::resumed(&world.calendar, case, now)).await.unwrap();
    assert_eq!(world.case(&case).await.due_at.to_string(), "2026-06-03T22:00:00Z");
}

#[tokio::test]
async fn more_time_can_be_taken_while_the_clock_stands_if_there_was_time_left_when_it_stopped() {
    let world = World::new().await;
    let store = world.store();
    let (ada, admin) = (world.somebody("ada@example.org").await, world.somebody("admin@example.org").await);
    let decision = |case: &case::Case| Decision {
        case: case.id,
        admin: admin.account,
        letter: None,
        reason: "Which do you mean?",
    };
    let case = world.ask(ada, Kind::Objection).await;
    world.work().await;
    world.pass(SignedDuration::from_hours(24 * 20));
    decide::pause(store, decision(&case)).await.unwrap();
    world.pass(SignedDuration::from_hours(24 * 40));
    decide::extend(store, decision(&case), |case| case::extended(&world.calendar, case)).await.unwrap();
    decide::resume(store, decision(&case), |case, now| case::resumed(&world.calendar, case, now)).await.unwrap();
    // Three months, to 3 June, and forty days: Monday 13 July.
    assert_eq!(world.case(&case).await.due_at.to_string(), "2026-07-13T22:00:00Z");
    // Where the month was over before the clock was stopped, nothing is left to extend.
    let late = world.ask(world.somebody("late@example.org").await, Kind::Objection).await;
    world.work().await;
    world.pass(SignedDuration::from_hours(24 * 60));
    decide::pause(store, decision(&late)).await.unwrap();
    let refused = decide::extend(store, decision(&late), |case| case::extended(&world.calendar, case)).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
}
