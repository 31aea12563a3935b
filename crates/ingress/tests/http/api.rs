//! The public API over a real database.

use crate::system::System;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_note_is_written_shared_read_rewritten_and_deleted() {
    let system = System::open().await;
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "bob@example.com").await;
    let me: Value = system.call("GET", "/api/me", &ada.token, None).await.json().unwrap();
    assert_eq!((me["tenant_name"].as_str(), me["name"].as_str()), (Some("Engines"), Some("Ada")));

    let written = system
        .call("POST", "/api/notes", &ada.token, Some(json!({"title": "Plan", "text": "Secret \u{0}\u{1f600}"})))
        .await;
    assert_eq!(written.status, 201);
    let note = written.json::<Value>().unwrap()["note"].as_str().unwrap().to_owned();
    let path = format!("/api/notes/{note}");
    assert_eq!(system.call("GET", &path, &bob.token, None).await.status, 404);
    let grant = format!("{path}/grants/{}", bob.id);
    assert_eq!(system.call("PUT", &grant, &ada.token, None).await.status, 204);
    let shown: Value = system.call("GET", &path, &bob.token, None).await.json().unwrap();
    assert_eq!(shown["text"], "Secret \u{0}\u{1f600}");

    let rewritten = Some(json!({"title": "Plan", "text": "Better"}));
    assert_eq!(system.call("PUT", &path, &bob.token, rewritten.clone()).await.status, 404, "a reader rewrote the note");
    assert_eq!(system.call("PUT", &path, &ada.token, rewritten).await.status, 204);
    assert_eq!(system.call("DELETE", &grant, &ada.token, None).await.status, 204);
    assert_eq!(system.call("GET", &path, &bob.token, None).await.status, 404);
    let list: Value = system.call("GET", "/api/notes", &ada.token, None).await.json().unwrap();
    assert_eq!(list["notes"].as_array().unwrap().len(), 1);
    assert_eq!(system.call("DELETE", &path, &ada.token, None).await.status, 204);
    assert_eq!(system.call("GET", &path, &ada.token, None).await.status, 404);

    let trail: Value = system.call("GET", "/api/audit", &ada.token, None).await.json().unwrap();
    let actions: Vec<&str> =
        trail["events"].as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect();
    for action in ["tenant.create", "person.add", "note.create", "note.delete"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
}

#[tokio::test]
async fn teams_do_not_see_each_other() {
    let system = System::open().await;
    let (ada, eve) = (system.team("Engines").await, system.team("Others").await);
    let written = system.call("POST", "/api/notes", &ada.token, Some(json!({"title": "a", "text": "b"}))).await;
    let note = written.json::<Value>().unwrap()["note"].as_str().unwrap().to_owned();
    for (method, path) in [("GET", format!("/api/notes/{note}")), ("DELETE", format!("/api/notes/{note}"))] {
        assert_eq!(system.call(method, &path, &eve.token, None).await.status, 404);
    }
    let grant = format!("/api/notes/{note}/grants/{}", eve.id);
    let shared = system.call("PUT", &grant, &ada.token, None).await.status;
    assert!((400..500).contains(&shared), "shared with a stranger: {shared}");
    let trail = system.call("GET", "/api/audit", &eve.token, None).await.text();
    assert!(!trail.contains(&ada.tenant), "{trail}");
}

#[tokio::test]
async fn what_is_malformed_is_refused_in_words() {
    let system = System::open().await;
    let ada = system.team("Engines").await;
    let status = async |path: &str, body: Value| {
        let answer = system.call("POST", path, &ada.token, Some(body)).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
        answer.status
    };
    assert_eq!(status("/api/notes", json!({"title": "a"})).await, 422);
    assert_eq!(status("/api/notes", json!({"title": "a", "text": "b", "more": 1})).await, 422);
    assert_eq!(status("/api/notes", json!({"title": "", "text": "b"})).await, 422);
    assert_eq!(status("/api/notes", json!({"title": "a".repeat(201), "text": "b"})).await, 422);
    assert_eq!(status("/api/notes", json!({"title": 1, "text": "b"})).await, 422);
    assert_eq!(status("/api/notes", json!({"title": "a", "text": "b".repeat(700_000)})).await, 413);
    assert_eq!(status("/api/people", json!({"name": "x", "email": "nowhere"})).await, 422);
    assert_eq!(status("/api/people", json!({"name": "x", "email": "ada@example.com"})).await, 409);
    let raw = async |headers: &[(&str, &str)], body: &str| {
        let bearer = format!("Bearer {}", ada.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        system.house.site.send("POST", "/api/notes", &all, body.as_bytes()).await.unwrap()
    };
    let json_type = [("content-type", "application/json")];
    assert_eq!(raw(&json_type, "{\"title\":").await.status, 400);
    assert_eq!(raw(&json_type, "").await.status, 400);
    assert_eq!(raw(&[("content-type", "text/plain")], "{}").await.status, 415);
    assert_eq!(raw(&[], "{}").await.status, 415);
    let answer = raw(&json_type, "{\"title\": \"a\", \"text\": {\"secret-value\": 1}}").await;
    assert!(!answer.text().contains("secret-value"), "{}", answer.text());
    for path in ["/api/notes/nonsense", "/api/notes/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(system.call("GET", path, &ada.token, None).await.status, 404);
    }
    for token in ["", "wbt_0", &format!("wbt_{}", "0".repeat(64)), crate::system::OPERATOR] {
        assert_eq!(system.call("GET", "/api/me", token, None).await.status, 401);
    }
}

#[tokio::test]
async fn every_route_of_the_api_is_in_the_document_and_nothing_else() {
    let system = System::open().await;
    let document: Value = system.house.site.get("/openapi.json").await.unwrap().json().unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert(format!("{} {path}", method.to_uppercase()));
            assert!(operation["operationId"].is_string() && operation["summary"].is_string(), "{method} {path}");
            assert!(operation["responses"]["500"].is_object(), "{method} {path}");
            let is_open = operation["security"] == json!([]);
            assert_eq!(operation["responses"]["401"].is_null(), is_open, "{method} {path}");
        }
    }
    let state = ingress::State::new(
        system.db.store().clone(),
        outbound::Dialler::new(outbound::Register::only("example.com"), outbound::Trust::none()),
        crate::system::OPERATOR,
    );
    let table = ingress::routes(&state);
    let routed: BTreeSet<String> = table
        .iter()
        .filter(|route| route.path() != "/openapi.json")
        .map(|route| format!("{} {}", route.method(), route.path()))
        .collect();
    assert_eq!(described, routed);
    insta::assert_snapshot!(table);
    insta::assert_snapshot!("document", serde_json::to_string_pretty(&document).unwrap());
}
