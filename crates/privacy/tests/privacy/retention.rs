//! What has run out goes, and nothing else.

use super::life::World;
use jiff::SignedDuration;
use kernel::{Actor, Span, TeamRole};
use privacy::{
    case::Kind,
    retention::{due, rules, sweep},
};
use store::{DataMap, audit, one_time, operator_tenant, rights::restrict, team, upkeep};

const DAY: i64 = 24;

#[tokio::test]
async fn what_has_run_out_goes_and_what_has_not_stays() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    world.lives(ada, ada.tenant, ada.person).await;
    let before = world.everything_of(&[ada.person.uuid()]).await;
    assert!(sweep(store).await.unwrap().is_empty(), "nothing has run out");
    assert_eq!(world.everything_of(&[ada.person.uuid()]).await, before);

    // An invitation expires after a week and goes ninety days later.
    world.pass(SignedDuration::from_hours(DAY * 96));
    team::invite(store, ada.tenant, ada.person, "new@example.org", TeamRole::Viewer, Span::days(7)).await.unwrap();
    assert_eq!(due(store).await.unwrap().get("wordbond.invitation"), Some(&0));
    world.pass(SignedDuration::from_hours(DAY * 2));
    assert_eq!(due(store).await.unwrap().get("wordbond.invitation"), Some(&1));
    let gone = sweep(store).await.unwrap();
    assert_eq!(gone.into_iter().collect::<Vec<_>>(), [("wordbond.invitation".to_owned(), 1)]);
    let left = team::invitations(&mut world.scoped(ada.tenant, ada.person).await).await.unwrap();
    assert_eq!(left.iter().map(|one| one.email.as_str()).collect::<Vec<_>>(), ["new@example.org"]);
    assert!(sweep(store).await.unwrap().is_empty());
    // Each transaction told what it took, in the operator's log.
    let log = audit::list(&mut store.scoped(operator_tenant(), &Actor::Operator).await.unwrap(), 100).await.unwrap();
    let told: Vec<_> = log.iter().filter(|entry| entry.event.action == "retention.sweep").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].event.targets, [format!("tenant:{}", ada.tenant)]);
    assert_eq!(told[0].event.context.get("wordbond.invitation").map(String::as_str), Some("1"));
}

#[tokio::test]
async fn nothing_of_whoever_asked_to_be_left_alone_runs_out() {
    let world = World::new().await;
    let store = world.store();
    let ada = world.somebody("ada@example.org").await;
    one_time::issue(store, Some(ada.account), "reset", "payload", Span::hours(1)).await.unwrap();
    team::invite(store, ada.tenant, ada.person, "bob@example.org", TeamRole::Viewer, Span::days(7)).await.unwrap();
    world.ask(ada, Kind::Restriction).await;
    world.work().await;
    world.pass(SignedDuration::from_hours(DAY * 100));
    assert_eq!(due(store).await.unwrap().get("wordbond.one_time"), Some(&0));
    assert_eq!(due(store).await.unwrap().get("wordbond.invitation"), Some(&0));
    assert!(sweep(store).await.unwrap().is_empty());
    upkeep::of_accounts(store, None, 100).await.unwrap();
    assert_eq!(world.naming(&[ada.account.uuid()]).await.get("one_time"), Some(&1));
    restrict::set(store, ada.account, false, None).await.unwrap();
    assert_eq!(due(store).await.unwrap().get("wordbond.one_time"), Some(&1));
    upkeep::of_accounts(store, None, 100).await.unwrap();
    assert_eq!(world.naming(&[ada.account.uuid()]).await.get("one_time"), None);
    assert_eq!(sweep(store).await.unwrap().into_keys().collect::<Vec<_>>(), ["wordbond.invitation"]);
}

#[tokio::test]
async fn every_rule_names_a_column_of_its_table() {
    let world = World::new().await;
    let map = DataMap::own().unwrap();
    let rules = rules(&map, world.store().clock().now());
    assert!(rules.len() >= 5, "{rules:?}");
    for rule in rules {
        assert!(map.table(&rule.table).unwrap().columns.contains_key(&rule.age), "{rule:?}");
    }
}
