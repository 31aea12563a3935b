//! The operator's door over a real database.

use crate::system::{OPERATOR, System};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn a_suspended_team_can_do_nothing_until_it_is_resumed() {
    let system = System::open().await;
    let ada = system.team("Engines").await;
    let act = async |verb: &str| {
        let path = format!("/operator/tenants/{}/{verb}", ada.tenant);
        system.operator.post(&system.house.site, &path, &json!({"reason": "unpaid"})).await.unwrap().status
    };
    assert_eq!(act("suspend").await, 204);
    assert_eq!(system.call("GET", "/api/me", &ada.token, None).await.status, 403);
    assert_eq!(
        system.call("POST", "/api/notes", &ada.token, Some(json!({"title": "a", "text": "b"}))).await.status,
        403
    );
    assert_eq!(act("resume").await, 204);
    assert_eq!(system.call("GET", "/api/me", &ada.token, None).await.status, 200);
    let trail: Value = system.call("GET", "/operator/audit", OPERATOR, None).await.json().unwrap();
    let events = trail["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["action"], "tenant.resume");
    assert_eq!(events[1]["context"]["reason"], "unpaid");
    assert_eq!(events[1]["actor"]["kind"], "operator");
}

#[tokio::test]
async fn the_door_opens_to_the_operator_only_and_to_sense_only() {
    let system = System::open().await;
    let ada = system.team("Engines").await;
    let path = format!("/operator/tenants/{}/suspend", ada.tenant);
    let why = Some(json!({"reason": "x"}));
    for token in ["", "wbo_", &ada.token, &OPERATOR[1..]] {
        assert_eq!(system.call("POST", &path, token, why.clone()).await.status, 401);
        assert_eq!(system.call("GET", "/operator/audit", token, None).await.status, 401);
    }
    for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(501)})] {
        assert_eq!(system.call("POST", &path, OPERATOR, Some(body)).await.status, 422);
    }
    let nobody = format!("/operator/tenants/{}/suspend", Uuid::now_v7());
    assert_eq!(system.call("POST", &nobody, OPERATOR, why.clone()).await.status, 404);
    assert_eq!(system.call("POST", "/operator/tenants/nobody/suspend", OPERATOR, why).await.status, 404);
    let trail: Value = system.call("GET", "/operator/audit", OPERATOR, None).await.json().unwrap();
    assert_eq!(trail["events"], json!([]));
}

#[tokio::test]
async fn outgoing_calls_are_tried_through_the_gate() {
    let system = System::open().await;
    let attempt = async |body: Value| system.call("POST", "/operator/egress/attempt", OPERATOR, Some(body)).await;
    let outcome =
        async |body: Value| attempt(body).await.json::<Value>().unwrap()["outcome"].as_str().map(str::to_owned);
    let here = system.house.at.to_string();
    assert_eq!(outcome(json!({"url": "https://elsewhere.example/"})).await.as_deref(), Some("refused"));
    assert_eq!(outcome(json!({"url": "http://example.com/"})).await.as_deref(), Some("refused"));
    // The name is registered, but whoever answers here has no certificate for it that anybody trusts.
    assert_eq!(
        outcome(json!({"url": "https://example.com/", "connect_to": here})).await.as_deref(),
        Some("tls_failed")
    );
    for connect_to in ["192.0.2.1:443", "10.0.0.1:80", "localhost", "[::]:1"] {
        assert_eq!(
            attempt(json!({"url": "https://example.com/", "connect_to": connect_to})).await.status,
            422,
            "{connect_to}"
        );
    }
    assert_eq!(attempt(json!({"url": "https://example.com/".repeat(200)})).await.status, 422);
}
