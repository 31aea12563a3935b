//! Drawings: whose they are, who sees them, and that they come back as they were.

use super::{colleague, scoped, team};
use jiff::SignedDuration;
use kernel::{Actor, Clock as _, FixedClock, PersonId, SystemClock};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};
use std::{fs, path::PathBuf, sync::Arc};
use store::{
    Role, StoreError, audit, blobs,
    drawings::{self, File, Kind, LARGEST, Which},
    jobs, key_census, operator_tenant,
    tenancy::Joined,
};
use testkit::ScratchDb;
use uuid::Uuid;
use vault::Subject;

/// A drawing of more than two parts.
fn bytes() -> Vec<u8> {
    (0..600_000_u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect()
}

async fn drawn(db: &ScratchDb, by: &Joined) -> Uuid {
    upload(db, by, " Gear box ", Kind::Png, &bytes()).await.unwrap()
}

async fn upload(db: &ScratchDb, by: &Joined, name: &str, kind: Kind, content: &[u8]) -> Result<Uuid, StoreError> {
    let actor = Actor::Person { id: by.person };
    drawings::upload(db.store(), by.tenant, &actor, File { name, kind, content }).await
}

async fn content(db: &ScratchDb, by: &Joined, id: Uuid) -> Result<(drawings::Drawing, Vec<u8>), StoreError> {
    let (drawing, content) = drawings::content(db.store(), scoped(db.store(), by).await, id).await?;
    Ok((drawing, content.to_vec()))
}

/// How many objects lie there for somebody.
async fn objects(db: &ScratchDb, of: &Joined) -> usize {
    blobs::objects_of(db.store(), of.tenant, of.person).await.unwrap().len()
}

/// Does every job that is due.
async fn work(db: &ScratchDb) {
    while let Some(lease) = jobs::lease(db.store()).await.unwrap() {
        let (scoped, job) = jobs::begin(db.store(), &lease).await.unwrap();
        assert_eq!(job.kind, blobs::DELETE);
        blobs::delete_job(db.store(), lease.tenant, &job.ids).await.unwrap();
        jobs::finish(scoped, &lease).await.unwrap();
    }
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
        assert!(matches!(content(&db, other, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::grants(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::delete(&mut tx, id).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::share(&mut tx, id, other.person).await, Err(StoreError::NotFound)));
        assert!(matches!(drawings::unshare(&mut tx, id, ada.person).await, Err(StoreError::NotFound)));
    }

    share(&db, &ada, id, grace.person).await;
    share(&db, &ada, id, grace.person).await;
    let mut tx = scoped(store, &grace).await;
    let (drawing, content) = content(&db, &grace, id).await.unwrap();
    assert_eq!((drawing.name.as_str(), drawing.kind, drawing.owner), ("Gear box", Kind::Png, ada.person));
    assert_eq!((drawing.size, &content), (600_000, &bytes()));
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
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.blob")
        .fetch_one(&mut db.superuser().await.unwrap())
        .await
        .unwrap();
    assert_eq!((rows, objects(&db, &ada).await), (0, 1), "the object goes once the deletion is committed");
    work(&db).await;
    assert_eq!(objects(&db, &ada).await, 0);
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
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.blob").fetch_one(tx.conn()).await.unwrap();
    assert_eq!(rows, 0, "whose the bytes are is the uploader's alone");
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
    for (name, bytes) in [("", &b"x"[..]), (&"x".repeat(201), b"x"), ("a", b""), ("a", &vec![0; LARGEST + 1])] {
        assert!(matches!(upload(&db, &ada, name, Kind::Pdf, bytes).await, Err(StoreError::Invalid(_))));
    }
    assert_eq!(objects(&db, &ada).await, 0, "nothing was stored of what is refused");
    let id = upload(&db, &ada, "a", Kind::Dwg, &vec![7; LARGEST]).await.unwrap();
    assert_eq!(content(&db, &ada, id).await.unwrap().1.len(), LARGEST);
    let file = File { name: "a", kind: Kind::Pdf, content: b"x" };
    let operator = drawings::upload(db.store(), ada.tenant, &Actor::Operator, file).await;
    assert!(matches!(operator, Err(StoreError::NoPerson)));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    for n in 0..5 {
        upload(&db, &ada, &format!("d{n}"), Kind::Svg, b"<svg/>").await.unwrap();
    }
    let mut tx = scoped(db.store(), &ada).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = drawings::list(&mut tx, Which::All, before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.into_iter().map(|drawing| drawing.name));
    }
    assert_eq!(seen, ["d4", "d3", "d2", "d1", "d0"]);
}

/// The files of all objects.
fn files(db: &ScratchDb) -> Vec<PathBuf> {
    let folder = db.store().keys().beside("blobs");
    let below = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    below(folder).flat_map(below).flat_map(below).collect()
}

#[tokio::test]
async fn an_object_that_is_altered_exchanged_or_missing_is_noticed_and_named() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let id = drawn(&db, &ada).await;
    let [file] = files(&db).try_into().unwrap();
    let right = fs::read(&file).unwrap();
    let blob = file.file_name().unwrap().to_string_lossy().into_owned();
    let damaged = async |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = content(&db, &ada, id).await.unwrap_err().to_string();
        assert!(error.contains(&blob) || error.contains(&id.to_string()), "{error}");
    };
    for at in [0, 5, 40, 70_000, right.len() - 1] {
        let mut flipped = right.clone();
        flipped[at] ^= 1;
        damaged(&flipped).await;
    }
    let chunk = 65_552;
    let (header, chunks) = (&right[..38], right[38..].chunks(chunk).collect::<Vec<_>>());
    for order in [&[1, 0, 2, 3, 4, 5, 6, 7, 8, 9][..], &[0, 1, 2, 3, 4, 5, 6, 7, 8], &[0], &[]] {
        let made: Vec<u8> = header.iter().copied().chain(order.iter().flat_map(|at| chunks[*at].to_vec())).collect();
        damaged(&made).await;
    }
    // Another of the same person's, in its place.
    let other = upload(&db, &ada, "other", Kind::Png, &bytes()).await.unwrap();
    let theirs = files(&db).into_iter().find(|path| *path != file).unwrap();
    damaged(&fs::read(&theirs).unwrap()).await;
    fs::write(&file, &right).unwrap();
    assert_eq!(content(&db, &ada, id).await.unwrap().1, bytes());
    fs::remove_file(&theirs).unwrap();
    let error = content(&db, &ada, other).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unexpected(why) if why.contains("missing")), "{error}");
}

#[tokio::test]
async fn a_range_opens_without_the_rest() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let id = drawn(&db, &ada).await;
    let [file] = files(&db).try_into().unwrap();
    // The third chunk is damaged: whoever does not need it does not meet it.
    let mut bytes_there = fs::read(&file).unwrap();
    bytes_there[38 + 2 * 65_552 + 9] ^= 1;
    fs::write(&file, bytes_there).unwrap();
    let (_, reader) = drawings::reader(db.store(), scoped(db.store(), &ada).await, id).await.unwrap();
    let whole = bytes();
    for range in [0..1, 65_535..65_537, 100..131_072, 196_608..600_000, 599_999..700_000, 600_000..600_001] {
        let expected = whole.get(range.start..range.end.min(600_000)).unwrap();
        assert_eq!(*reader.range(range.start as u64..range.end as u64).await.unwrap(), expected, "{range:?}");
    }
    assert!(reader.range(0..600_000).await.is_err());
    assert!(reader.range(131_072..131_073).await.is_err());
}

#[tokio::test]
async fn what_a_crash_leaves_goes_with_a_later_sweep() {
    let clock = Arc::new(FixedClock::at(SystemClock.now()));
    let db = ScratchDb::with_clock(clock).await;
    let ada = team(db.store(), "T").await;
    let kept = drawn(&db, &ada).await;
    // Stored, and the process ended before its transaction; and one that was being written.
    let lost = blobs::put(db.store(), ada.tenant, ada.person, b"lost").await.unwrap();
    fs::write(files(&db)[0].with_file_name(format!("{}#1", Uuid::now_v7())), b"half").unwrap();
    let now = SystemClock.now();
    let early = blobs::sweep(db.store(), now).await.unwrap();
    assert_eq!((early.orphans, early.unfinished, early.seen), (0, 0, 2));
    let due = blobs::due(db.store(), now + SignedDuration::from_hours(2)).await.unwrap();
    assert_eq!((due.orphans, due.unfinished, files(&db).len()), (1, 1, 3), "it only counts");
    let late = blobs::sweep(db.store(), now + SignedDuration::from_hours(2)).await.unwrap();
    assert_eq!(late, due);
    assert_eq!(files(&db).len(), 1);
    let mut operators = db.store().scoped(operator_tenant(), &Actor::Operator).await.unwrap();
    let told = audit::list(&mut operators, 10).await.unwrap();
    let told: Vec<_> = told.iter().filter(|entry| entry.event.action == "retention.sweep").collect();
    assert_eq!(told.len(), 1, "the sweep that took something");
    assert_eq!(
        serde_json::to_value(&told[0].event.context).unwrap(),
        json!({ "objects": "1", "unfinished files": "1" })
    );
    assert_eq!(content(&db, &ada, kept).await.unwrap().1, bytes());
    let mut tx = scoped(db.store(), &ada).await;
    let late = drawings::create(&mut tx, "late", Kind::Png, &lost).await.unwrap();
    tx.commit().await.unwrap();
    assert!(content(&db, &ada, late).await.unwrap_err().to_string().contains("missing"), "it says what was lost");
}

#[tokio::test]
async fn nobody_keeps_the_bytes_of_somebody_else() {
    let db = ScratchDb::new().await;
    let (ada, eve) = (team(db.store(), "T").await, team(db.store(), "U").await);
    let grace = colleague(db.store(), ada.tenant, "grace@example.org").await;
    let staged = blobs::put(db.store(), ada.tenant, ada.person, b"hers").await.unwrap();
    for other in [&eve, &grace] {
        let mut tx = scoped(db.store(), other).await;
        let taken = drawings::create(&mut tx, "mine", Kind::Png, &staged).await;
        assert!(matches!(taken, Err(StoreError::NotFound)));
    }
}

#[tokio::test]
async fn without_its_key_a_drawing_is_noise_at_once_and_everywhere() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let id = drawn(&db, &ada).await;
    let other = db.another().await.unwrap();
    let mut tx = scoped(&other, &ada).await;
    assert_eq!(drawings::get(&mut tx, id).await.unwrap().name, "Gear box");
    db.store().keys().destroy(ada.tenant, Subject::Person(ada.person)).unwrap();
    assert!(
        matches!(drawings::get(&mut tx, id).await, Err(StoreError::Vault(_))),
        "another instance remembers the key"
    );
    assert!(matches!(blobs::put(&other, ada.tenant, ada.person, b"x").await, Err(StoreError::Gone)));
    assert_eq!(blobs::erase(db.store(), ada.tenant, ada.person).await.unwrap(), 1);
    assert_eq!(objects(&db, &ada).await, 0);
}

#[tokio::test]
async fn no_byte_of_a_drawing_or_its_name_lies_open() {
    let db = ScratchDb::new().await;
    let ada = team(db.store(), "T").await;
    let canary = "CANARY-5f3a-drawing";
    upload(&db, &ada, canary, Kind::Pdf, canary.as_bytes()).await.unwrap();
    let mut backup = db.store().connect_as(Role::Backup).await.unwrap();
    let label: Vec<u8> =
        sqlx::query_scalar("SELECT label::bytea FROM wordbond.drawing").fetch_one(&mut backup).await.unwrap();
    let [file] = files(&db).try_into().unwrap();
    for bytes in [label, fs::read(file).unwrap()] {
        assert!(!bytes.windows(8).any(|window| canary.as_bytes().windows(8).any(|other| other == window)));
    }
}

#[tokio::test]
async fn a_key_without_its_owner_and_an_owner_without_a_key_are_found() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    let later = SystemClock.now() + SignedDuration::from_hours(2);
    let clean = key_census::census(store, later).await.unwrap();
    assert!(clean.keys >= 4 && clean.without_owner.is_empty() && clean.without_key.is_empty(), "{clean:?}");
    // A crash between the key and the row; and a key that was destroyed while its owner stayed.
    let nobody = PersonId::new();
    store.keys().create(ada.tenant, Subject::Person(nobody)).unwrap();
    store.keys().destroy(grace.tenant, Subject::Person(grace.person)).unwrap();
    let early = key_census::census(store, SystemClock.now()).await.unwrap();
    assert!(early.without_owner.is_empty(), "its row may still be on its way");
    let found = key_census::census(store, later).await.unwrap();
    assert_eq!(found.without_owner, [format!("{}/{nobody}", ada.tenant)]);
    assert_eq!(found.without_key, [format!("{}/{}", grace.tenant, grace.person)]);
}
