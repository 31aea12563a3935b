//! Objectives through the route table, over a real database.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "tests may fail loudly")]

mod api;
mod export;
mod okr_export;
mod pages;
#[path = "../../../drawings/tests/it/system.rs"]
#[expect(dead_code, reason = "shared with drawings, whose tests use more of it")]
mod system;

use okrs::Okrs;
use serde_json::{Value, json};
use system::{Person, System};

/// The service with this workspace.
async fn open() -> System {
    System::open(|state, chrome| okrs::routes(&Okrs::new(state, chrome))).await
}

/// An objective as the API takes it.
fn objective(title: &str, level: &str, owner: &Person) -> Value {
    json!({
        "title": title, "description": "", "level": level, "status": "active", "owner": owner.id, "parent": null,
        "starts_on": "2026-10-01", "ends_on": "2026-12-31", "weight": 100, "check_in_every": "week",
    })
}

/// A key result as the API takes it.
fn key_result(title: &str) -> Value {
    json!({
        "title": title, "owner": null, "unit": "number", "direction": "increase", "initial": 10.0, "target": 25.0,
        "lower": null, "weight": 100,
    })
}

/// Writes something and yields its id.
async fn made(system: &System, who: &Person, path: &str, body: Value) -> String {
    let answer = system.json(who, "POST", path, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json::<Value>().unwrap()["id"].as_str().unwrap().to_owned()
}
