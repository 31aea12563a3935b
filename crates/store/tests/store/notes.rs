//! Notes: whose they are and who sees them.

use super::{colleague, scoped, team};
use kernel::{Actor, PersonId};
use store::{StoreError, notes};
use testkit::ScratchDb;
use uuid::Uuid;

#[tokio::test]
async fn a_note_is_its_writers_until_it_is_shared() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    let eve = team(store, "U").await;
    let mut tx = scoped(store, &ada).await;
    let id = notes::create(&mut tx, "Plan", "first draft").await.unwrap();
    tx.commit().await.unwrap();

    for other in [&grace, &eve] {
        let mut tx = scoped(store, other).await;
        assert!(notes::list(&mut tx).await.unwrap().is_empty());
        assert!(matches!(notes::get(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(notes::edit(&mut tx, id, "x", "x").await, Err(StoreError::NotFound)));
        assert!(matches!(notes::delete(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(notes::unshare(&mut tx, id, ada.person).await, Err(StoreError::NotFound)));
        drop(tx);
        let mut tx = scoped(store, other).await;
        assert!(matches!(notes::share(&mut tx, id, other.person).await, Err(StoreError::NotFound)));
    }

    let mut tx = scoped(store, &ada).await;
    notes::share(&mut tx, id, grace.person).await.unwrap();
    notes::share(&mut tx, id, grace.person).await.unwrap();
    notes::edit(&mut tx, id, "Plan", "second draft").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = scoped(store, &grace).await;
    let seen = notes::get(&mut tx, id).await.unwrap();
    assert_eq!((seen.text.as_str(), seen.version, seen.owner), ("second draft", 2, ada.person));
    assert!(matches!(notes::edit(&mut tx, id, "x", "x").await, Err(StoreError::NotFound)), "a reader writes");
    assert!(matches!(notes::delete(&mut tx, id).await, Err(StoreError::NotFound)), "a reader deletes");
    drop(tx);

    let mut tx = scoped(store, &ada).await;
    notes::unshare(&mut tx, id, grace.person).await.unwrap();
    tx.commit().await.unwrap();
    assert!(notes::list(&mut scoped(store, &grace).await).await.unwrap().is_empty());
    let mut tx = scoped(store, &ada).await;
    notes::delete(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(notes::list(&mut scoped(store, &ada).await).await.unwrap().is_empty());
}

#[tokio::test]
async fn sharing_reaches_people_of_the_team_only() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (team(store, "T").await, team(store, "U").await);
    let mut tx = scoped(store, &ada).await;
    let id = notes::create(&mut tx, "a", "b").await.unwrap();
    tx.commit().await.unwrap();
    for stranger in [eve.person, PersonId::new()] {
        let mut tx = scoped(store, &ada).await;
        assert!(matches!(notes::share(&mut tx, id, stranger).await, Err(StoreError::NotFound)));
    }
    let mut tx = scoped(store, &ada).await;
    assert!(matches!(notes::share(&mut tx, Uuid::now_v7(), ada.person).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn only_people_write_notes_and_only_within_limits() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut operator = db.store().scoped(ada.tenant, &Actor::Operator).await.unwrap();
    assert!(matches!(notes::create(&mut operator, "a", "b").await, Err(StoreError::NoPerson)));
    let mut tx = scoped(db.store(), &ada).await;
    for (title, text) in [("", "b"), ("a", " "), (&*"x".repeat(201), "b"), ("a", &*"x".repeat(100_001))] {
        assert!(matches!(notes::create(&mut tx, title, text).await, Err(StoreError::Invalid(_))));
    }
    // What was refused did not spoil the transaction.
    notes::create(&mut tx, "ä".repeat(200).as_str(), "b").await.unwrap();
}

#[tokio::test]
async fn two_edits_at_once_both_happen() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let mut tx = scoped(store, &ada).await;
    let id = notes::create(&mut tx, "a", "b").await.unwrap();
    tx.commit().await.unwrap();
    let edit = |text: &'static str| async {
        let mut tx = scoped(store, &ada).await;
        notes::edit(&mut tx, id, "a", text).await.unwrap();
        tx.commit().await.unwrap();
    };
    tokio::join!(edit("c"), edit("d"), edit("e"));
    assert_eq!(notes::get(&mut scoped(store, &ada).await, id).await.unwrap().version, 4);
}
