//! What is in a copy of somebody with something in every table, and what is not.

use super::open;
use kernel::{Actor, TeamRole};
use privacy::package::{self, Reach, read_back};
use serde_json::{Value, json};
use store::{
    DataMap, copy,
    drawings::{self, File, Kind},
    notes,
    objectives::{
        self, Direction, Every, Filter, KeyResultFields, Level, NewCheckIn, ObjectiveFields, Status, Unit, Writer,
    },
    team::{self, Membership},
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
    let bearer =
        read_back::Bearer { account, tenant: seat.tenant, person: seat.person, role: seat.role, takes_name: true };
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
    let bearer =
        read_back::Bearer { account, tenant: seat.tenant, person: seat.person, role: seat.role, takes_name: true };
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

/// An objective of one's own with a key result that was checked in to twice, one below it, and one that was put away.
async fn goals(store: &store::Store, seat: &team::Membership) {
    let writer = Writer { person: seat.person, role: seat.role };
    let mut scoped = store.scoped(seat.tenant, &Actor::Person { id: seat.person }).await.unwrap();
    let fields = |title: &str, level| ObjectiveFields {
        title: title.to_owned(),
        description: "=why".to_owned(),
        level,
        status: Status::Active,
        owner: Some(seat.person),
        parent: None,
        starts_on: "2026-10-01".parse().unwrap(),
        ends_on: "2026-12-31".parse().unwrap(),
        weight: 70,
        check_in_every: Every::TwoWeeks,
    };
    let below = objectives::create(&mut scoped, writer, fields("Personal", Level::Personal)).await.unwrap();
    let above = objectives::create(&mut scoped, writer, fields("Team's", Level::Team)).await.unwrap();
    let supports = ObjectiveFields { parent: Some(above), ..fields("Personal", Level::Personal) };
    objectives::edit(&mut scoped, writer, below, 1, supports).await.unwrap();
    let away = objectives::create(&mut scoped, writer, fields("Put away", Level::Team)).await.unwrap();
    let measured = KeyResultFields {
        title: "Users".to_owned(),
        owner: Some(seat.person),
        unit: Unit::Number,
        direction: Direction::Maintain,
        initial: -1.5,
        target: 25.0,
        lower: Some(-3.0),
        weight: 50,
    };
    let users = objectives::add(&mut scoped, writer, below, measured.clone()).await.unwrap();
    let other = objectives::add(
        &mut scoped,
        writer,
        away,
        KeyResultFields { lower: None, direction: Direction::Increase, ..measured },
    )
    .await
    .unwrap();
    for (value, comment) in [(3.0, "first"), (12.25, "newest")] {
        let new = NewCheckIn { value, confidence: 7, comment: comment.to_owned() };
        objectives::check_in(&mut scoped, writer, (below, users), new).await.unwrap();
    }
    objectives::set_key_result_archived(&mut scoped, writer, (away, other), 1, true).await.unwrap();
    objectives::set_archived(&mut scoped, writer, away, 1, true).await.unwrap();
    // Begun anew, in the same words.
    objectives::create(&mut scoped, writer, fields("Put away", Level::Team)).await.unwrap();
    scoped.commit().await.unwrap();
}

/// What a team's objectives say, without ids and people.
async fn said(store: &store::Store, seat: &team::Membership) -> Vec<String> {
    let mut scoped = store.scoped(seat.tenant, &Actor::Person { id: seat.person }).await.unwrap();
    let tree = objectives::tree(&mut scoped, Filter::All).await.unwrap();
    let title = |id| tree.objectives.iter().find(|one| Some(one.id) == id).map(|one| one.fields.title.clone());
    let mut out: Vec<String> = tree
        .objectives
        .iter()
        .map(|one| {
            assert_eq!(one.fields.owner, Some(seat.person));
            let fields = ObjectiveFields { owner: None, parent: None, ..one.fields.clone() };
            format!("{fields:?} {:?} {}", title(one.fields.parent), one.archived_at.is_some())
        })
        .collect();
    out.extend(tree.key_results.iter().map(|one| {
        assert_eq!(one.fields.owner, Some(seat.person));
        let fields = KeyResultFields { owner: None, ..one.fields.clone() };
        let newest = one.latest.as_ref().map(|newest| (newest.value, newest.confidence, newest.comment.clone()));
        format!("{fields:?} {:?} {newest:?} {}", title(Some(one.objective)), one.archived_at.is_some())
    }));
    out.sort();
    out
}

#[tokio::test]
async fn objectives_of_ones_own_come_back_from_the_document_and_from_tables_and_once() {
    let (system, _working) = open().await;
    let store = system.db.store();
    let newcomer = async || {
        let mut visitor = system.visitor();
        let somebody = visitor.sign_up().await.unwrap();
        let account = store::accounts::by_email(store, &somebody.email).await.unwrap().unwrap().id;
        let seat = team::memberships(store, account).await.unwrap().remove(0);
        let Membership { tenant, person, role, .. } = seat;
        (read_back::Bearer { account, tenant, person, role, takes_name: false }, seat)
    };
    let (ada, seat) = newcomer().await;
    goals(store, &seat).await;
    let actor = Actor::Person { id: seat.person };
    let mut scoped = store.scoped(seat.tenant, &actor).await.unwrap();
    notes::create(&mut scoped, "'=Title", "a \"b\",\nc").await.unwrap();
    scoped.commit().await.unwrap();
    for name in ["Gear box", "gear box.png"] {
        let file = File { name, kind: Kind::Png, content: &picture() };
        drawings::upload(store, seat.tenant, &actor, file).await.unwrap();
    }
    let package = package::gather(store, ada.account, Reach::Portability).await.unwrap();
    let text = whole(package::json(store, package.clone())).await;
    let zip = whole(package::zip(store, package)).await;
    let expected = said(store, &seat).await;
    assert_eq!(expected.len(), 6, "{expected:#?}");

    let made = |done: read_back::Done| {
        (done.notes, done.drawings, done.objectives, done.key_results, done.check_ins, done.present, done.refused)
    };
    let (eve, eves) = newcomer().await;
    assert_eq!(made(back(&system, eve, &text).await.unwrap()), (1, 2, 4, 2, 1, 0, 0));
    assert_eq!(said(store, &eves).await, expected);
    assert_eq!(made(back(&system, eve, &text).await.unwrap()), (0, 0, 0, 0, 0, 10, 0), "nothing twice");

    let (kim, kims) = newcomer().await;
    let pieces = || read_back::archive(&zip).unwrap();
    let done = read_back::import_pieces(store, kim, pieces()).await.unwrap();
    assert_eq!(made(done), (1, 2, 4, 2, 1, 0, 0));
    assert_eq!(said(store, &kims).await, expected);
    assert_eq!(made(read_back::import_pieces(store, kim, pieces()).await.unwrap()), (0, 0, 0, 0, 0, 10, 0));
    let notes = copy::own(store, kim.account, kim.tenant, kim.person, "wordbond.note").await.unwrap();
    assert_eq!((notes[0]["title"].as_str(), notes[0]["body"].as_str()), (Some("'=Title"), Some("a \"b\",\nc")));

    // Who may not write objectives brings none, and a key result does not go where its objective is not.
    let (mut lee, lees) = newcomer().await;
    lee.role = TeamRole::Viewer;
    let done = read_back::import_pieces(store, lee, pieces()).await.unwrap();
    assert_eq!((done.objectives, done.key_results, done.check_ins, done.refused), (0, 0, 0, 7));
    assert!(said(store, &lees).await.is_empty());
}
