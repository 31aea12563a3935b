//! The API.

use super::{
    open, png,
    system::{Person, System},
};
use serde_json::Value;

async fn upload(system: &System, who: &Person, content: &[u8]) -> String {
    let headers =
        [("content-type", "image/png"), ("content-disposition", "attachment; filename*=UTF-8''Getriebe%20%C3%BC.png")];
    let answer = system.send_with(who, "POST", "/api/drawings", &headers, content).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json::<Value>().unwrap()["drawing"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_drawing_is_uploaded_shared_seen_and_deleted() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "Bob", "viewer").await;
    let id = upload(&system, &ada, &png()).await;
    let path = format!("/api/drawings/{id}");
    let shown: Value = system.get(&ada, &path).await.json().unwrap();
    assert_eq!((shown["name"].as_str(), shown["kind"].as_str()), (Some("Getriebe ü.png"), Some("png")));
    assert_eq!(shown["size"], png().len());

    let grant = format!("{path}/grants/{}", bob.id);
    assert_eq!(system.get(&bob, &path).await.status, 404);
    assert_eq!(system.send(&ada, "PUT", &grant, "", b"").await.status, 204);
    let original = system.get(&bob, &format!("{path}/original")).await;
    assert_eq!(original.body, png());
    assert_eq!(original.header("content-type"), Some("image/png"));
    assert_eq!(original.header("x-content-type-options"), Some("nosniff"));
    let disposition = original.header("content-disposition").unwrap();
    assert!(disposition.starts_with("attachment;") && disposition.ends_with("UTF-8''Getriebe%20%C3%BC.png"));
    assert_eq!(system.send(&bob, "DELETE", &path, "", b"").await.status, 403, "a viewer deletes");
    let shared: Value = system.get(&bob, "/api/drawings?which=shared").await.json().unwrap();
    assert_eq!(shared["drawings"].as_array().unwrap().len(), 1);
    let grants: Value = system.get(&ada, &format!("{path}/grants")).await.json().unwrap();
    assert_eq!(grants["grants"][0]["person"], bob.id.as_str());
    assert_eq!(system.get(&bob, &format!("{path}/grants")).await.status, 404);

    assert_eq!(system.send(&ada, "DELETE", &grant, "", b"").await.status, 204);
    assert_eq!(system.get(&bob, &path).await.status, 404);
    assert_eq!(system.send(&ada, "DELETE", &path, "", b"").await.status, 204);
    assert_eq!(system.get(&ada, &path).await.status, 404);
    let told = system.told(&ada).await;
    for action in ["drawing.create", "drawing.share", "drawing.unshare", "drawing.delete"] {
        assert!(told.iter().any(|one| one == action), "{told:?}");
    }
}

#[tokio::test]
async fn what_leaves_the_team_sees_nothing_more() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let bob = system.join(&ada, "Bob", "member").await;
    let id = upload(&system, &ada, &png()).await;
    let grant = format!("/api/drawings/{id}/grants/{}", bob.id);
    assert_eq!(system.send(&ada, "PUT", &grant, "", b"").await.status, 204);
    assert_eq!(system.send(&ada, "DELETE", &format!("/api/people/{}", bob.id), "", b"").await.status, 204);
    assert_eq!(system.get(&bob, &format!("/api/drawings/{id}")).await.status, 401);
    let grants: Value = system.get(&ada, &format!("/api/drawings/{id}/grants")).await.json().unwrap();
    assert!(grants["grants"].as_array().unwrap().is_empty(), "{grants}");
    assert_eq!(system.send(&ada, "PUT", &grant, "", b"").await.status, 404, "shared with somebody who has left");
}

#[tokio::test]
async fn what_is_no_drawing_is_refused_in_words() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let status = async |kind: &str, content: &[u8]| {
        let answer = system.send(&ada, "POST", "/api/drawings", kind, content).await;
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
        answer.status
    };
    assert_eq!(status("image/png", b"<html>").await, 422);
    assert_eq!(status("image/png", b"%PDF-1.7").await, 422, "what it is called and what it is differ");
    assert_eq!(status("text/html", b"%PDF-1.7").await, 415);
    assert_eq!(status("", b"%PDF-1.7").await, 415);
    assert_eq!(status("image/png", b"").await, 422);
    assert_eq!(status("application/pdf", &vec![b'x'; 16 * 1024 * 1024 + 1]).await, 413);
    let any = system.send(&ada, "POST", "/api/drawings", "application/octet-stream", b"%PDF-1.7").await;
    assert_eq!(any.status, 201);
    for query in ["which=mine", "limit=0", "limit=201", "before=x", "more=1"] {
        assert_eq!(system.get(&ada, &format!("/api/drawings?{query}")).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn lists_have_pages() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(upload(&system, &ada, b"\x89PNG\r\n\x1a\n").await);
    }
    let (mut seen, mut before) = (Vec::new(), String::new());
    loop {
        let page: Value = system.get(&ada, &format!("/api/drawings?limit=2{before}")).await.json().unwrap();
        let ids = page["drawings"].as_array().unwrap().iter().filter_map(|one| one["drawing"].as_str());
        seen.extend(ids.map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        before = format!("&before={next}");
    }
    made.reverse();
    assert_eq!(seen, made);
}
