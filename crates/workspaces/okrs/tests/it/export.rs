//! The export as a whole, and the way back.

use super::{key_result, made, objective, open, system::System};
use crate::system::Person;
use okrs::export::{Canonical, Document};
use serde_json::{Value, json};

/// What somebody changes in a document.
type Change = fn(&mut Value);

/// A workspace with everything in it: levels, owners, figures that need every digit, texts that look like formulas.
async fn filled(system: &System) -> (Person, Person) {
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "Bob", "member").await;
    let above = made(system, &ada, "/api/objectives", objective("Company", "company", &ada)).await;
    let mut below = objective("=1+1", "team", &bob);
    (below["parent"], below["description"]) = (json!(above), json!("line\n\"two\", three"));
    let id = made(system, &bob, "/api/objectives", below).await;
    let path = format!("/api/objectives/{id}/key-results");
    let mut figures = key_result("Figures");
    (figures["initial"], figures["target"], figures["owner"]) =
        (json!(0.1), json!(123_456_789.123_456_7), json!(bob.id));
    let kr = made(system, &bob, &path, figures).await;
    for value in [0.3, 1e-7, -2.5e14, 87_654_321.987_654_32] {
        let body = json!({"value": value, "confidence": 3, "comment": "-1"});
        made(system, &ada, &format!("{path}/{kr}/check-ins"), body).await;
    }
    let gone = made(system, &bob, "/api/objectives", objective("Gone", "team", &bob)).await;
    system.json(&bob, "POST", &format!("/api/objectives/{gone}/archive"), json!({"version": 1})).await;
    (ada, bob)
}

async fn exported(system: &System, who: &Person) -> Document {
    let answer = system.get(who, "/objectives/export.json").await;
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"objectives.json\""));
    answer.json().unwrap()
}

async fn import(system: &System, who: &Person, document: &Value) -> (u16, String) {
    let answer = system.json(who, "POST", "/api/objectives/import", document.clone()).await;
    (answer.status, answer.text())
}

#[tokio::test]
async fn what_is_exported_and_read_back_elsewhere_is_exported_again_as_it_was() {
    let system = open().await;
    let (ada, bob) = filled(&system).await;
    let first = exported(&system, &ada).await;
    assert_eq!(
        (first.objectives.len(), first.key_results.len(), first.check_ins.len(), first.history.len()),
        (3, 1, 4, 5)
    );
    assert!(first.people.iter().any(|one| one.id.to_string() == bob.id && one.name.as_deref() == Some("Bob")));
    let other = system.team("Elsewhere").await;
    system.join(&other, "Bob", "member").await;
    let (status, said) = import(&system, &other, &serde_json::to_value(&first).unwrap()).await;
    assert_eq!(status, 201, "{said}");
    let second = exported(&system, &other).await;
    assert_eq!(Canonical::from(&first).difference(&Canonical::from(&second)), None);
    let ids = |document: &Document| document.objectives.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_ne!(ids(&first), ids(&second));
    assert!(!second.people.iter().any(|one| one.id.to_string() == ada.id), "nobody of elsewhere is anybody here");
    assert!(
        second.check_ins.iter().all(|one| one.person.to_string() != other.id),
        "nor becomes who read it back the author"
    );
    assert!(system.told(&other).await.contains(&"objective.import".to_owned()));
    let page = system.get(&other, "/objectives").await.text();
    assert!(page.contains("Company") && !page.contains("Gone"), "it is there, and what was archived is archived");
    assert_eq!(
        import(&system, &other, &serde_json::to_value(&second).unwrap()).await.0,
        409,
        "it is not empty any more"
    );

    // A third time, from a workspace whose authors are nobody.
    let third = system.team("Third").await;
    system.join(&third, "Bob", "member").await;
    assert_eq!(import(&system, &third, &serde_json::to_value(&second).unwrap()).await.0, 201);
    assert_eq!(Canonical::from(&second).difference(&Canonical::from(&exported(&system, &third).await)), None);
}

#[tokio::test]
async fn owners_are_found_by_a_name_that_only_one_has() {
    let system = open().await;
    let (ada, _) = filled(&system).await;
    let first = serde_json::to_value(exported(&system, &ada).await).unwrap();
    let other = system.team("Elsewhere").await;
    import(&system, &other, &first).await;
    let second = exported(&system, &other).await;
    let owner = |title: &str| second.objectives.iter().find(|one| one.title == title).unwrap().owner;
    assert_eq!(owner("Company").map(|id| id.to_string()), Some(other.id.clone()), "both are called Ada");
    assert_eq!(owner("=1+1"), None, "there is no Bob");
}

#[tokio::test]
async fn an_archive_is_read_back_through_the_form() {
    let system = open().await;
    let (ada, _) = filled(&system).await;
    let archive = system.get(&ada, "/objectives/export.zip").await;
    assert_eq!(archive.header("content-type"), Some("application/zip"));
    let other = system.team("Elsewhere").await;
    assert!(system.get(&other, "/objectives/export").await.text().contains("Read an export back"));
    let send = async |file: &[u8]| {
        let head = "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"o.zip\"\r\ncontent-type: application/zip\r\n\r\n";
        let body = [head.as_bytes(), file, b"\r\n--x--\r\n"].concat();
        system.send(&other, "POST", "/objectives/import", "multipart/form-data; boundary=x", &body).await
    };
    for wrong in [&b"PK\x03\x04 and no archive"[..], b"{\"format\":\"other\"}", b""] {
        let answer = send(wrong).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
    }
    let answer = send(&archive.body).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/objectives?done=import")), "{}", answer.text());
    let (one, two) = (exported(&system, &ada).await, exported(&system, &other).await);
    assert_eq!(one.rows(), two.rows());
    assert_eq!(send(&archive.body).await.status, 409);
}

#[tokio::test]
async fn only_an_owner_reads_a_workspace_back() {
    let system = open().await;
    let (ada, _) = filled(&system).await;
    let first = serde_json::to_value(exported(&system, &ada).await).unwrap();
    let other = system.team("Elsewhere").await;
    for role in ["viewer", "member", "admin"] {
        let who = system.join(&other, role, role).await;
        assert_eq!(import(&system, &who, &first).await.0, 403, "{role}");
        assert!(!system.get(&who, "/objectives/export").await.text().contains("Read an export back"));
    }
    assert!(exported(&system, &other).await.objectives.is_empty());
}

#[tokio::test]
async fn what_nobody_could_have_exported_is_refused_and_nothing_of_it_is_kept() {
    let system = open().await;
    let (ada, _) = filled(&system).await;
    let first = serde_json::to_value(exported(&system, &ada).await).unwrap();
    let other = system.team("Elsewhere").await;
    let wrong: [(&str, Change); 14] = [
        ("no export", |d| d["format"] = json!("x")),
        ("another version", |d| d["schema_version"] = json!(2)),
        ("twice", |d| d["objectives"][1] = d["objectives"][0].clone()),
        ("higher level", |d| d["objectives"][0]["parent"] = d["objectives"][1]["id"].clone()),
        ("no objective of the file", |d| d["key_results"][0]["objective"] = d["check_ins"][0]["id"].clone()),
        ("no key result", |d| d["check_ins"][0]["key_result"] = d["objectives"][0]["id"].clone()),
        ("future", |d| d["check_ins"][0]["at"] = json!("2999-01-01T00:00:00Z")),
        ("confidence", |d| d["check_ins"][0]["confidence"] = json!(11)),
        ("digits", |d| d["check_ins"][0]["value"] = json!(1e16)),
        ("title is empty", |d| d["objectives"][0]["title"] = json!(" ")),
        ("lead to", |d| d["objectives"][0]["title"] = json!("Forged")),
        ("gap", |d| d["history"][0]["version"] = json!(2)),
        ("what was changed", |d| d["history"][0]["changes"][0]["to"] = json!("Forged")),
        ("lead to", |d| drop(d["history"].as_array_mut().unwrap().pop())),
    ];
    for (says, change) in wrong {
        let mut document = first.clone();
        change(&mut document);
        let (status, said) = import(&system, &other, &document).await;
        assert!(status == 422 && said.contains(says), "{says}: {status} {said}");
    }
    assert_eq!(exported(&system, &other).await.rows(), 0);
    assert_eq!(import(&system, &other, &first).await.0, 201, "as it was it is accepted");
}
