//! What is in a copy of somebody with something in every table, and what is not.

use super::open;
use kernel::Actor;
use privacy::package::{self, Reach, read_back};
use serde_json::{Value, json};
use store::{
    DataMap, copy,
    drawings::{self, File, Kind},
    notes, team,
};
use tokio::sync::mpsc;

/// A picture of more than one chunk whose length is no multiple of three.
fn picture() -> Vec<u8> {
    b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..200_003_u32).map(|n| (n % 251) as u8)).collect()
}

async fn whole(mut pieces: package::Pieces) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(piece) = pieces.recv().await {
        out.extend(piece.unwrap());
    }
    out
}

async fn back(system: &super::System, bearer: read_back::Bearer, body: &[u8]) -> Result<read_back::Done, String> {
    let (to, from) = mpsc::channel(4);
    let body = body.to_vec();
    tokio::spawn(async move {
        for piece in body.chunks(1000) {
            if to.send(piece.to_vec()).await.is_err() {
                break;
            }
        }
    });
    read_back::import(system.db.store(), bearer, from).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_copy_holds_what_is_ones_own_in_every_form_and_comes_back_once() {
    let (system, _working) = open().await;
    let store = system.db.store();
    let mut visitor = system.visitor();
    let ada = visitor.sign_up().await.unwrap();
    let account = store::accounts::by_email(store, &ada.email).await.unwrap().unwrap().id;
    let seat = team::memberships(store, account).await.unwrap()[0].clone();
    let bearer = read_back::Bearer { account, tenant: seat.tenant, person: seat.person, takes_name: true };
    let actor = Actor::Person { id: seat.person };
    let bob = visitor
        .post_json("/api/people", &json!({"name": "Bob Unmentioned", "email": "bob@example.org"}))
        .await
        .unwrap();
    let bob: Value = bob.json().unwrap();
    let mut scoped = store.scoped(seat.tenant, &actor).await.unwrap();
    let note = notes::create(&mut scoped, "=Title", "Text \u{fc} \"quoted\"\nline").await.unwrap();
    notes::share(&mut scoped, note, bob["person"].as_str().unwrap().parse::<uuid::Uuid>().unwrap().into())
        .await
        .unwrap();
    scoped.commit().await.unwrap();
    for name in ["Gear box", "gear box.png"] {
        drawings::upload(store, seat.tenant, &actor, File { name, kind: Kind::Png, content: &picture() })
            .await
            .unwrap();
    }

    let package = package::gather(store, account, Reach::Access).await.unwrap();
    let rows = |name: &str| package.section(name).unwrap().rows.clone();
    assert_eq!(
        (rows("account")[0]["email"].as_str(), rows("note")[0]["title"].as_str()),
        (Some(ada.email.as_str()), Some("=Title"))
    );
    assert_eq!((rows("note_grant").len(), rows("drawing").len(), rows("membership").len()), (1, 2, 1));
    assert_eq!(rows("note_grant")[0]["person_id"], package::SOMEBODY);
    assert!(rows("audit_event").iter().any(|row| row["action"] == "note.create"));
    let sections: Vec<&str> = package.sections.iter().map(|one| one.section.as_str()).collect();
    for table in &DataMap::own().unwrap().tables {
        assert_eq!(sections.contains(&package::section_of(&table.name)), copy::is_somebodys(table), "{}", table.name);
    }

    let text = whole(package::json(store, package.clone())).await;
    let archive = package::unzip(&whole(package::zip(store, package.clone())).await, 10_000_000).unwrap();
    assert_eq!(archive["drawings/Gear box.png"], picture());
    assert_eq!(archive["drawings/gear box (2).png"], picture());
    assert_eq!(archive["package.json"], text);
    let table = String::from_utf8(archive["tables/note.csv"].clone()).unwrap();
    assert!(table.contains("'=Title"), "no cell is a formula: {table}");
    for (name, bytes) in &archive {
        let text = String::from_utf8_lossy(bytes);
        for other in ["Bob Unmentioned", "bob@example.org", bob["person"].as_str().unwrap()] {
            assert!(!text.contains(other), "{name} names somebody else");
        }
    }

    let done = back(&system, bearer, &text).await.unwrap();
    assert_eq!(
        (done.notes, done.drawings, done.present, done.refused, done.name),
        (0, 0, 3, 0, false),
        "it is all there"
    );
    let mut other = system.visitor();
    let eve = other.sign_up().await.unwrap();
    let account = store::accounts::by_email(store, &eve.email).await.unwrap().unwrap().id;
    let seat = team::memberships(store, account).await.unwrap()[0].clone();
    let bearer = read_back::Bearer { account, tenant: seat.tenant, person: seat.person, takes_name: true };
    let half = back(&system, bearer, text.get(..text.len() * 2 / 3).unwrap()).await;
    assert!(half.unwrap_err().contains("no package"), "one that is cut off says so");
    let done = back(&system, bearer, &text).await.unwrap();
    assert_eq!((done.notes + done.drawings + done.present, done.refused), (3, 0), "and may be sent again");
    let again = package::gather(store, account, Reach::Portability).await.unwrap();
    assert_eq!(again.section("account").unwrap().rows[0]["name"], json!(ada.name));
    assert_eq!(
        again.section("account").unwrap().rows[0]["email"],
        json!(eve.email),
        "an address is proven, not read back"
    );
    assert!(again.section("session").is_none(), "what was not provided is not taken along");
    assert_eq!((again.files.len(), again.section("note").unwrap().rows.len()), (2, 1));
}

#[tokio::test]
async fn a_copy_reaches_teams_that_were_left_and_invitations_to_ones_address() {
    let (system, _working) = open().await;
    let store = system.db.store();
    let (mut first, mut second) = (system.visitor(), system.visitor());
    let (ada, bob) = (first.sign_up().await.unwrap(), second.sign_up().await.unwrap());
    let account = store::accounts::by_email(store, &ada.email).await.unwrap().unwrap().id;
    let other = store::accounts::by_email(store, &bob.email).await.unwrap().unwrap().id;
    let seat = team::memberships(store, other).await.unwrap()[0].clone();
    store::accounts::set_verified(store, account).await.unwrap();
    let invited =
        team::invite(store, seat.tenant, seat.person, &ada.email, kernel::TeamRole::Member, kernel::Span::hours(1))
            .await
            .unwrap();
    let package = package::gather(store, account, Reach::Access).await.unwrap();
    let invitations = &package.section("invitation").unwrap().rows;
    assert_eq!((invitations.len(), invitations[0]["email"].as_str()), (1, Some(ada.email.as_str())));
    assert_eq!(invitations[0]["invited_by"], package::SOMEBODY);
    drop(invited);
    let theirs = package::gather(store, other, Reach::Access).await.unwrap();
    assert_eq!(
        theirs.section("invitation").unwrap().rows[0]["email"],
        package::SOMEBODY,
        "whom they invited is not theirs"
    );
}
