//! Reports of violations, from the door to the operator's list.

use crate::system::{OPERATOR, System};
use serde_json::{Value, json};

async fn post(system: &System, kind: &str, body: &str) -> u16 {
    system.house.site.send("POST", "/reports/csp", &[("content-type", kind)], body.as_bytes()).await.unwrap().status
}

fn report(blocked: &str) -> Value {
    json!({"type": "csp-violation", "age": 0, "url": "https://localhost/", "user_agent": "x", "body": {
        "documentURL": "https://localhost/trust?token=secret", "effectiveDirective": "img-src", "blockedURL": blocked,
        "disposition": "enforce", "sample": "secret"
    }})
}

async fn listed(system: &System) -> Vec<Value> {
    let answer = system.call("GET", "/operator/csp-reports", OPERATOR, None).await;
    answer.json::<Value>().unwrap()["reports"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_report_is_counted_without_anything_about_a_person() {
    let system = System::open().await;
    let one = json!([report("https://evil.example/pixel?who=ada")]).to_string();
    assert_eq!(post(&system, "application/reports+json", &one).await, 204);
    assert_eq!(post(&system, "application/reports+json; charset=utf-8", &one).await, 204);
    let old = json!({"csp-report": {"document-uri": "https://localhost/trust", "violated-directive": "img-src 'self'",
                                    "blocked-uri": "https://evil.example"}});
    assert_eq!(post(&system, "application/csp-report", &old.to_string()).await, 204);
    let reports = listed(&system).await;
    assert_eq!(reports.len(), 1, "{reports:?}");
    let [report] = reports.as_slice() else { unreachable!() };
    assert_eq!((&report["directive"], &report["blocked"]), (&json!("img-src"), &json!("https://evil.example")));
    assert_eq!((&report["path"], &report["count"]), (&json!("/trust"), &json!(3)));
    assert!(!report.to_string().contains("secret") && !report.to_string().contains("ada"));
}

#[tokio::test]
async fn what_is_no_report_changes_nothing() {
    let system = System::open().await;
    let bad = json!([report("https://good.example/"), {"type": "csp-violation", "body": {}}]).to_string();
    for (kind, body, status) in [
        ("application/reports+json", "nonsense", 400),
        ("application/reports+json", bad.as_str(), 400),
        ("application/csp-report", "[]", 400),
        ("application/json", "[]", 415),
        ("application/reports+json", &"x".repeat(70_000), 413),
    ] {
        assert_eq!(post(&system, kind, body).await, status, "{kind} {body:.60}");
    }
    assert_eq!(listed(&system).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_flood_is_let_go() {
    let system = System::open().await;
    // A large batch is counted in part.
    let many: Vec<Value> = (0..100).map(|number| report(&format!("https://host{number}.example/"))).collect();
    assert_eq!(post(&system, "application/reports+json", &Value::from(many).to_string()).await, 204);
    assert_eq!(listed(&system).await.len(), 20);
    let mut statuses = Vec::new();
    for _ in 0..80 {
        statuses.push(post(&system, "application/reports+json", "[]").await);
    }
    assert!(statuses.contains(&429) && statuses.starts_with(&[204; 10]), "{statuses:?}");
    let headers = [("content-type", "application/reports+json")];
    let answer = system.house.site.send("POST", "/reports/csp", &headers, b"[]").await.unwrap();
    assert!(answer.status != 429 || answer.header("retry-after").is_some());
}
