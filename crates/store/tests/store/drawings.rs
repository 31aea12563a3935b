//! Drawings: whose they are, who sees them, and that they come back as they were.

use super::{colleague, scoped, team};
use kernel::{Actor, PersonId};
use sqlx::{AssertSqlSafe, Executor as _, Row as _};
use store::{
    Role, StoreError,
    drawings::{self, Kind, LARGEST, Which},
    tenancy::Joined,
};
use testkit::ScratchDb;
use uuid::Uuid;

/// A drawing of more than two parts.
fn bytes() -> Vec<u8> {
    (0..600_000_u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect()
}

async fn drawn(db: &ScratchDb, by: &Joined) -> Uuid {
    let mut tx = scoped(db.store(), by).await;
    let id = drawings::create(&mut tx, " Gear box ", Kind::Png, &bytes()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn share(db: &ScratchDb, by: &Joined, id: Uuid, with: PersonId) {
    let mut tx = scoped(db.store(), by).await;
    drawings::share(&mut tx, id, with).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_drawing_is_its_uploaders_until_it_is_shared() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    let eve = team(store, "U").await;
    let id = drawn(&db, &ada).await;

    for other in [&grace, &eve] {
        let mut tx = scoped(store, other).await;
        assert!(drawings::list(&mut tx, Which::All, None, 50).await.unwrap().is_empty());
        assert!(matches!(drawings::get(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::content(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::grants(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::delete(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::share(&mut tx, id, other.person).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::unshare(&mut tx, id, ada.person).await, Err(StoreError::NotFound)));
    }

    share(&db, &ada, id, grace.person).await;
    share(&db, &ada, id, grace.person).await;
    let mut tx = scoped(store, &grace).await;
    let (drawing, content) = drawings::content(&mut tx, id).await.unwrap();
    assert_eq!((drawing.name.as_str(), drawing.kind, drawing.owner), ("Gear box", Kind::Png, ada.person));
    assert_eq!((drawing.size, &*content), (600_000, &bytes()));
    assert_eq!(drawings::list(&mut tx, Which::Shared, None, 50).await.unwrap().len(), 1);
    assert!(drawings::list(&mut tx, Which::Own, None, 50).await.unwrap().is_empty());
    assert!(matches!(drawings::delete(&mut tx, id).await, Err(StoreError::NotFound)), "a reader deletes");
    assert!(
        matches!(drawings::grants(&mut tx, id).await, Err(StoreError::NotFound)),
        "a reader sees the other readers"
    );
    drop(tx);

    let mut tx = scoped(store, &ada).await;
    assert_eq!(drawings::grants(&mut tx, id).await.unwrap().len(), 1);
    drawings::unshare(&mut tx, id, grace.person).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(drawings::get(&mut scoped(store, &grace).await, id).await, Err(StoreError::NotFound)));
    let mut tx = scoped(store, &ada).await;
    drawings::delete(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    let parts: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.drawing_part")
        .fetch_one(&mut db.superuser().await.unwrap())
        .await
        .unwrap();
    assert_eq!(parts, 0);
}

#[tokio::test]
async fn a_grant_opens_nothing_to_whoever_has_left() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    let id = drawn(&db, &ada).await;
    share(&db, &ada, id, grace.person).await;
    let mut root = db.superuser().await.unwrap();
    let left = format!("UPDATE wordbond.person SET removed_at = now() WHERE person_id = '{}'", grace.person);
    root.execute(AssertSqlSafe(left)).await.unwrap();
    let mut tx = scoped(store, &grace).await;
    assert!(matches!(drawings::get(&mut tx, id).await, Err(StoreError::NotFound)));
    let parts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM wordbond.drawing_part").fetch_one(tx.conn()).await.unwrap();
    assert_eq!(parts, 0);
    drop(tx);
    let other = drawn(&db, &ada).await;
    let mut tx = scoped(store, &ada).await;
    assert!(matches!(drawings::share(&mut tx, other, grace.person).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn sharing_reaches_people_of_the_team_only() {
    let db = ScratchDb::new().await;
    let (ada, eve) = (team(db.store(), "T").await, team(db.store(), "U").await);
    let id = drawn(&db, &ada).await;
    let mut tx = scoped(db.store(), &ada).await;
    for stranger in [eve.person, PersonId::new()] {
        assert!(matches!(drawings::share(&mut tx, id, stranger).await, Err(StoreError::NotFound)));
    }
    assert!(matches!(drawings::share(&mut tx, id, ada.person).await, Err(StoreError::Invalid(_))));
    assert!(matches!(drawings::share(&mut tx, Uuid::now_v7(), ada.person).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn what_is_no_drawing_is_refused() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    for (name, content) in [("", &b"x"[..]), (&"x".repeat(201), b"x"), ("a", b""), ("a", &vec![0; LARGEST + 1])] {
        assert!(matches!(drawings::create(&mut tx, name, Kind::Pdf, content).await, Err(StoreError::Invalid(_))));
    }
    let id = drawings::create(&mut tx, "a", Kind::Dwg, &vec![7; LARGEST]).await.unwrap();
    assert_eq!(drawings::content(&mut tx, id).await.unwrap().1.len(), LARGEST);
    let mut operator = db.store().scoped(ada.tenant, &Actor::Operator).await.unwrap();
    assert!(matches!(drawings::create(&mut operator, "a", Kind::Pdf, b"x").await, Err(StoreError::NoPerson)));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    for n in 0..5 {
        drawings::create(&mut tx, &format!("d{n}"), Kind::Svg, b"<svg/>").await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = drawings::list(&mut tx, Which::All, before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.into_iter().map(|drawing| drawing.name));
    }
    assert_eq!(seen, ["d4", "d3", "d2", "d1", "d0"]);
}

#[tokio::test]
async fn parts_that_are_missing_or_exchanged_are_noticed() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let id = drawn(&db, &ada).await;
    let mut root = db.superuser().await.unwrap();
    let row = sqlx::query("SELECT count(*), min(octet_length(content)) FROM wordbond.drawing_part")
        .fetch_one(&mut root)
        .await
        .unwrap();
    assert_eq!(row.get::<i64, _>(0), 3);
    let mut read = scoped(db.store(), &ada).await;
    assert!(drawings::content(&mut read, id).await.is_ok());
    drop(read);
    root.execute("UPDATE wordbond.drawing_part SET number = 9 WHERE number = 1").await.unwrap();
    root.execute("UPDATE wordbond.drawing_part SET number = 1 WHERE number = 2").await.unwrap();
    let mut tx = scoped(db.store(), &ada).await;
    assert!(matches!(drawings::content(&mut tx, id).await, Err(StoreError::Vault(_))), "a part in another's place");
    drop(tx);
    root.execute("DELETE FROM wordbond.drawing_part WHERE number IN (1, 9)").await.unwrap();
    let mut tx = scoped(db.store(), &ada).await;
    assert!(matches!(drawings::content(&mut tx, id).await, Err(StoreError::Unexpected(_))), "parts are missing");
}

#[tokio::test]
async fn no_byte_of_a_drawing_or_its_name_lies_open() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let mut tx = scoped(db.store(), &ada).await;
    let canary = "CANARY-5f3a-drawing";
    drawings::create(&mut tx, canary, Kind::Pdf, canary.as_bytes()).await.unwrap();
    tx.commit().await.unwrap();
    let mut backup = db.store().connect_as(Role::Backup).await.unwrap();
    let row =
        sqlx::query("SELECT label::bytea, (SELECT content::bytea FROM wordbond.drawing_part) FROM wordbond.drawing")
            .fetch_one(&mut backup)
            .await
            .unwrap();
    for bytes in [row.get::<Vec<u8>, _>(0), row.get(1)] {
        assert!(!bytes.windows(8).any(|window| canary.as_bytes().windows(8).any(|other| other == window)));
    }
}
