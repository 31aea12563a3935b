//! Whoever is not erased is as they were, and it is seen when they are not.

use super::life::World;
use jiff::SignedDuration;
use privacy::case::Kind;
use store::{accounts, rights::bystanders::Bystanders};

#[tokio::test]
async fn whoever_was_not_meant_is_as_before_and_missed_if_not() {
    let world = World::new().await;
    let (ada, eve) = (world.somebody("ada@example.org").await, world.somebody("eve@example.org").await);
    let before = Bystanders::look(world.store()).await.unwrap();
    world.ask(ada, Kind::Erasure).await;
    world.work().await;
    let compared = before.compare(world.store()).await.unwrap();
    assert!(compared.rows > 4 && compared.harmed.is_empty(), "{compared:?}");

    world.pass(SignedDuration::from_mins(1));
    let before = Bystanders::look(world.store()).await.unwrap();
    world.db.as_superuser("UPDATE wordbond.sign_in SET lookup = sha256('x') WHERE kind = 'email'").await;
    world.db.as_superuser("UPDATE wordbond.person SET created_at = created_at - interval '1 day'").await;
    let compared = before.compare(world.store()).await.unwrap();
    let tables: Vec<&str> = compared.harmed.iter().map(|(table, _)| table.as_str()).collect();
    assert_eq!(tables, ["wordbond.person", "wordbond.sign_in"]);

    let before = Bystanders::look(world.store()).await.unwrap();
    accounts::set_email(world.store(), eve.account, "eve@other.example").await.unwrap();
    let compared = before.compare(world.store()).await.unwrap();
    assert!(compared.harmed.is_empty(), "the log tells of it: {compared:?}");
}
