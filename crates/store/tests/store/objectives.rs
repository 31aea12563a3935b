//! Objectives: who writes them, and that nothing of them is ever lost.

use super::{colleague, scoped, team};
use jiff::civil::date;
use kernel::{PersonId, TeamRole};
use serde_json::json;
use sqlx::Executor as _;
use store::{
    Scoped, StoreError,
    objectives::{
        self, Deed, Direction, Every, Filter, KeyResultFields, Level, NewCheckIn, ObjectiveFields, Refusal, Status,
        Unit, Writer,
    },
    tenancy::Joined,
    told::lasting,
};
use testkit::ScratchDb;
use uuid::Uuid;

fn fields(title: &str, level: Level, owner: PersonId) -> ObjectiveFields {
    ObjectiveFields {
        title: title.to_owned(),
        description: String::new(),
        level,
        status: Status::Active,
        owner: Some(owner),
        parent: None,
        starts_on: date(2026, 10, 1),
        ends_on: date(2026, 12, 31),
        weight: 100,
        check_in_every: Every::Week,
    }
}

fn measured(title: &str) -> KeyResultFields {
    KeyResultFields {
        title: title.to_owned(),
        owner: None,
        unit: Unit::Number,
        direction: Direction::Increase,
        initial: 10.0,
        target: 25.0,
        lower: None,
        weight: 100,
    }
}

fn owner(joined: &Joined) -> Writer {
    Writer { person: joined.person, role: TeamRole::Owner }
}

fn member(joined: &Joined) -> Writer {
    Writer { person: joined.person, role: TeamRole::Member }
}

fn value(value: f64) -> NewCheckIn {
    NewCheckIn { value, confidence: 7, comment: " going well ".to_owned() }
}

fn is_invalid(result: Result<impl Sized, Refusal>) -> bool {
    matches!(result, Err(Refusal::Store(StoreError::Invalid(_))))
}

async fn written(tx: &mut Scoped, by: Writer, level: Level) -> Uuid {
    objectives::create(tx, by, fields("Grow", level, by.person)).await.unwrap()
}

#[tokio::test]
async fn an_objective_is_written_changed_archived_and_restored_and_tells_of_it() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Company).await;
    let changed = ObjectiveFields { status: Status::OnHold, ..fields("Grow faster", Level::Company, ada.person) };
    assert_eq!(objectives::edit(&mut tx, owner(&ada), id, 1, changed.clone()).await.unwrap(), 2);
    // What changes nothing is no change.
    assert_eq!(objectives::edit(&mut tx, owner(&ada), id, 2, changed.clone()).await.unwrap(), 2);
    assert_eq!(objectives::set_archived(&mut tx, owner(&ada), id, 2, true).await.unwrap(), 3);
    assert!(is_invalid(objectives::edit(&mut tx, owner(&ada), id, 3, changed.clone()).await));
    assert!(objectives::tree(&mut tx, Filter::Current).await.unwrap().objectives.is_empty());
    assert_eq!(objectives::tree(&mut tx, Filter::Archived).await.unwrap().objectives.len(), 1);
    assert_eq!(objectives::set_archived(&mut tx, owner(&ada), id, 3, false).await.unwrap(), 4);

    let told = objectives::revisions(&mut tx, id, None, 50).await.unwrap();
    let deeds: Vec<_> = told.iter().map(|one| (one.deed, one.version)).collect();
    assert_eq!(deeds, [(Deed::Restored, 4), (Deed::Archived, 3), (Deed::Edited, 2), (Deed::Created, 1)]);
    assert!(told.iter().all(|one| one.person == ada.person && one.key_result.is_none()));
    let edited = told.get(2).unwrap();
    let names: Vec<_> = edited.changes.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(names, ["status", "title"]);
    assert_eq!(edited.changes.get(1).unwrap().from, json!("Grow"));
    // A past state is there as a whole.
    let state: ObjectiveFields = serde_json::from_value(edited.state.clone()).unwrap();
    assert_eq!(state, changed);
    let page = objectives::revisions(&mut tx, id, told.get(1).map(|one| one.id), 1).await.unwrap();
    assert_eq!(page.first().map(|one| one.version), Some(2));
}

#[tokio::test]
async fn a_change_from_an_old_version_is_refused() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    let kr = objectives::add(&mut tx, owner(&ada), id, measured("Users")).await.unwrap();
    let change = fields("Other", Level::Team, ada.person);
    objectives::edit(&mut tx, owner(&ada), id, 1, change.clone()).await.unwrap();
    assert!(matches!(objectives::edit(&mut tx, owner(&ada), id, 1, change).await, Err(Refusal::Stale)));
    assert!(matches!(objectives::set_archived(&mut tx, owner(&ada), id, 1, true).await, Err(Refusal::Stale)));
    let changed = objectives::edit_key_result(&mut tx, owner(&ada), (id, kr), 7, measured("x")).await;
    assert!(matches!(changed, Err(Refusal::Stale)));
    let archived = objectives::set_key_result_archived(&mut tx, owner(&ada), (id, kr), 7, true).await;
    assert!(matches!(archived, Err(Refusal::Stale)));
}

#[tokio::test]
async fn two_edits_of_the_same_version_are_one() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let mut tx = scoped(store, &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    tx.commit().await.unwrap();
    let edit = |title: &'static str| {
        let ada = &ada;
        async move {
            let mut tx = scoped(store, ada).await;
            let done = objectives::edit(&mut tx, owner(ada), id, 1, fields(title, Level::Team, ada.person)).await;
            tx.commit().await.unwrap();
            done.is_ok()
        }
    };
    let (one, other) = tokio::join!(edit("b"), edit("c"));
    assert!(one != other, "{one} {other}");
}

#[tokio::test]
async fn a_value_changes_by_a_check_in_and_each_is_kept() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    let kr = objectives::add(&mut tx, owner(&ada), id, measured("Users")).await.unwrap();
    let (_, key_results) = objectives::get(&mut tx, id).await.unwrap();
    assert!((key_results.first().unwrap().current() - 10.0).abs() < f64::EPSILON);
    for next in [12.0, 15.0] {
        objectives::check_in(&mut tx, owner(&ada), (id, kr), value(next)).await.unwrap();
    }
    let (_, key_results) = objectives::get(&mut tx, id).await.unwrap();
    let latest = key_results.first().unwrap().latest.clone().unwrap();
    assert_eq!((latest.value.to_string().as_str(), latest.comment.as_str()), ("15", "going well"));
    let all = objectives::check_ins(&mut tx, kr, None, 50).await.unwrap();
    assert_eq!(all.iter().map(|one| one.value.to_string()).collect::<Vec<_>>(), ["15", "12"]);
    assert_eq!(objectives::check_ins(&mut tx, kr, Some(all.first().unwrap().id), 50).await.unwrap().len(), 1);

    for wrong in
        [value(f64::NAN), NewCheckIn { confidence: 0, ..value(1.0) }, NewCheckIn { confidence: 11, ..value(1.0) }]
    {
        assert!(is_invalid(objectives::check_in(&mut tx, owner(&ada), (id, kr), wrong).await));
    }
    let other_unit = KeyResultFields { unit: Unit::Currency, ..measured("Users") };
    assert!(is_invalid(objectives::edit_key_result(&mut tx, owner(&ada), (id, kr), 1, other_unit).await));
    objectives::set_key_result_archived(&mut tx, owner(&ada), (id, kr), 1, true).await.unwrap();
    assert!(is_invalid(objectives::check_in(&mut tx, owner(&ada), (id, kr), value(1.0)).await));
    assert!(objectives::tree(&mut tx, Filter::Current).await.unwrap().key_results.is_empty());
    let everything = {
        tx.commit().await.unwrap();
        objectives::everything(&mut scoped(db.store(), &ada).await).await.unwrap()
    };
    assert_eq!((everything.tree.objectives.len(), everything.tree.key_results.len()), (1, 1));
    assert_eq!((everything.check_ins.len(), everything.revisions.len()), (2, 3));
}

#[tokio::test]
async fn a_member_writes_what_is_theirs() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    let mut tx = scoped(store, &ada).await;
    let (company, personal) =
        (written(&mut tx, owner(&ada), Level::Company).await, written(&mut tx, owner(&ada), Level::Personal).await);
    let hers = KeyResultFields { owner: Some(grace.person), ..measured("Hers") };
    let kr = objectives::add(&mut tx, owner(&ada), company, hers).await.unwrap();
    let other = objectives::add(&mut tx, owner(&ada), company, measured("Other")).await.unwrap();
    tx.commit().await.unwrap();

    let by = member(&grace);
    let mut tx = scoped(store, &grace).await;
    for (id, level) in [(company, Level::Company), (personal, Level::Personal)] {
        assert!(objectives::get(&mut tx, id).await.is_ok(), "everybody sees it");
        let edit = objectives::edit(&mut tx, by, id, 1, fields("Mine", level, grace.person)).await;
        assert!(matches!(edit, Err(Refusal::NotTheirs(_))));
        assert!(matches!(objectives::set_archived(&mut tx, by, id, 1, true).await, Err(Refusal::NotTheirs(_))));
        assert!(matches!(objectives::add(&mut tx, by, id, measured("x")).await, Err(Refusal::NotTheirs(_))));
    }
    let created = objectives::create(&mut tx, by, fields("x", Level::Company, grace.person)).await;
    assert!(matches!(created, Err(Refusal::NotTheirs(_))));
    let for_other = objectives::create(&mut tx, by, fields("x", Level::Personal, ada.person)).await;
    assert!(matches!(for_other, Err(Refusal::NotTheirs(_))));
    assert!(objectives::check_in(&mut tx, by, (company, kr), value(11.0)).await.is_ok(), "the key result is hers");
    let not_hers = objectives::check_in(&mut tx, by, (company, other), value(11.0)).await;
    assert!(matches!(not_hers, Err(Refusal::NotTheirs(_))));
    written(&mut tx, by, Level::Personal).await;
    written(&mut tx, by, Level::Team).await;
}

#[tokio::test]
async fn an_objective_supports_one_of_a_higher_level_of_the_same_team() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (team(store, "T").await, team(store, "U").await);
    let mut tx = scoped(store, &eve).await;
    let foreign = written(&mut tx, owner(&eve), Level::Company).await;
    tx.commit().await.unwrap();
    let by = owner(&ada);
    let mut tx = scoped(store, &ada).await;
    let (company, team) = (written(&mut tx, by, Level::Company).await, written(&mut tx, by, Level::Team).await);
    let supports = |level, parent| ObjectiveFields { parent: Some(parent), ..fields("x", level, ada.person) };
    assert!(objectives::create(&mut tx, by, supports(Level::Team, company)).await.is_ok());
    assert!(objectives::create(&mut tx, by, supports(Level::Personal, team)).await.is_ok());
    for (level, parent) in
        [(Level::Team, team), (Level::Company, team), (Level::Team, foreign), (Level::Team, Uuid::now_v7())]
    {
        assert!(is_invalid(objectives::create(&mut tx, by, supports(level, parent)).await));
    }
    assert!(is_invalid(objectives::edit(&mut tx, by, team, 1, fields("x", Level::Company, ada.person)).await));
    let stranger = fields("x", Level::Team, eve.person);
    assert!(is_invalid(objectives::create(&mut tx, by, stranger).await), "the owner is of another team");
    objectives::set_archived(&mut tx, by, company, 1, true).await.unwrap();
    assert!(is_invalid(objectives::create(&mut tx, by, supports(Level::Team, company)).await));
    assert!(matches!(objectives::get(&mut tx, foreign).await, Err(StoreError::NotFound)));
    let edit = objectives::edit(&mut tx, by, foreign, 1, fields("x", Level::Company, ada.person)).await;
    assert!(matches!(edit, Err(Refusal::Store(StoreError::NotFound))));
}

#[tokio::test]
async fn history_cannot_be_rewritten_by_the_application() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    let kr = objectives::add(&mut tx, owner(&ada), id, measured("Users")).await.unwrap();
    objectives::check_in(&mut tx, owner(&ada), (id, kr), value(11.0)).await.unwrap();
    tx.commit().await.unwrap();
    for statement in [
        "DELETE FROM wordbond.objective_revision",
        "UPDATE wordbond.objective_revision SET version = 9",
        "DELETE FROM wordbond.check_in",
        "UPDATE wordbond.check_in SET created_at = now()",
        "DELETE FROM wordbond.key_result",
        "DELETE FROM wordbond.objective",
    ] {
        let mut tx = scoped(db.store(), &ada).await;
        let refused = tx.conn().execute(statement).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn an_objective_holds_a_limited_number_of_key_results() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    let mut last = None;
    for n in 0..objectives::MOST_KEY_RESULTS {
        last = Some(objectives::add(&mut tx, owner(&ada), id, measured(&n.to_string())).await.unwrap());
    }
    assert!(is_invalid(objectives::add(&mut tx, owner(&ada), id, measured("one more")).await));
    objectives::set_key_result_archived(&mut tx, owner(&ada), (id, last.unwrap()), 1, true).await.unwrap();
    let one = objectives::add(&mut tx, owner(&ada), id, measured("one more")).await.unwrap();
    let restored = objectives::set_key_result_archived(&mut tx, owner(&ada), (id, last.unwrap()), 2, false).await;
    assert!(is_invalid(restored) && one != id);
}

#[tokio::test]
async fn a_check_in_that_went_behind_the_back_of_everybody_is_missed() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let id = written(&mut tx, owner(&ada), Level::Team).await;
    let kr = objectives::add(&mut tx, owner(&ada), id, measured("Customers")).await.unwrap();
    for next in [11.0, 12.0] {
        objectives::check_in(&mut tx, owner(&ada), (id, kr), value(next)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let whole = lasting::walk(db.store()).await.unwrap();
    assert_eq!((whole.written, whole.gone), (4, 0));
    let mut root = db.superuser().await.unwrap();
    root.execute("DELETE FROM wordbond.check_in WHERE check_in_id = (SELECT min(check_in_id::text)::uuid FROM wordbond.check_in)")
        .await
        .unwrap();
    assert_eq!(lasting::walk(db.store()).await.unwrap().gone, 1);
    root.execute(
        "DELETE FROM wordbond.check_in; DELETE FROM wordbond.objective_revision; DELETE FROM wordbond.key_result",
    )
    .await
    .unwrap();
    assert_eq!(lasting::walk(db.store()).await.unwrap().gone, 3);
}
