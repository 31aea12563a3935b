//! The API.

use super::{key_result, made, objective, open};
use okrs::csv;
use serde_json::{Value, json};

#[tokio::test]
async fn an_objective_is_written_measured_and_tells_how_it_came_about() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let above = made(&system, &ada, "/api/objectives", objective("Company", "company", &ada)).await;
    let mut below = objective("Team", "team", &ada);
    below["parent"] = json!(above);
    let id = made(&system, &ada, "/api/objectives", below.clone()).await;
    let path = format!("/api/objectives/{id}");
    let kr = made(&system, &ada, &format!("{path}/key-results"), key_result("Users")).await;
    let check_ins = format!("{path}/key-results/{kr}/check-ins");
    made(&system, &ada, &check_ins, json!({"value": 15.0, "confidence": 8, "comment": "well"})).await;

    let shown: Value = system.get(&ada, &path).await.json().unwrap();
    let progress = |value: &Value| (value["progress"].as_f64().unwrap() * 1_000.0).round();
    assert!((progress(&shown) - 333.0).abs() < 0.1, "{shown}");
    assert_eq!(
        (&shown["key_results"][0]["current"], &shown["key_results"][0]["confidence"]),
        (&json!(15.0), &json!(8))
    );
    let company: Value = system.get(&ada, &format!("/api/objectives/{above}")).await.json().unwrap();
    assert!((progress(&company) - 333.0).abs() < 0.1, "progress climbs: {company}");

    below["title"] = json!("Team, renamed");
    assert_eq!(system.json(&ada, "PUT", &path, below.clone()).await.status, 422, "a change without its version");
    below["version"] = json!(1);
    let saved: Value = system.json(&ada, "PUT", &path, below.clone()).await.json().unwrap();
    assert_eq!(saved["version"], 2);
    let stale = system.json(&ada, "PUT", &path, below).await;
    assert_eq!(stale.status, 409, "{}", stale.text());
    assert!(stale.text().contains("Somebody changed this in the meantime"));
    let archived = system.json(&ada, "POST", &format!("{path}/archive"), json!({"version": 2})).await;
    assert_eq!(archived.status, 200);
    let current: Value = system.get(&ada, "/api/objectives").await.json().unwrap();
    assert_eq!(current["objectives"].as_array().unwrap().len(), 1);
    assert_eq!(system.json(&ada, "POST", &format!("{path}/restore"), json!({"version": 3})).await.status, 200);

    let history: Value = system.get(&ada, &format!("{path}/history?limit=2")).await.json().unwrap();
    assert_eq!(history["revisions"][0]["deed"], "restored");
    let next = history["next"].as_str().unwrap();
    let older: Value = system.get(&ada, &format!("{path}/history?before={next}")).await.json().unwrap();
    let older = older["revisions"].as_array().unwrap();
    assert_eq!(older.len(), 3, "renamed, key result added, written");
    let change = &older[0]["changes"][0];
    assert_eq!(
        (&change["field"], &change["from"], &change["to"]),
        (&json!("title"), &json!("Team"), &json!("Team, renamed"))
    );
    assert_eq!(older[0]["state"]["title"], "Team, renamed");
    let told = system.told(&ada).await;
    for action in
        ["objective.create", "objective.edit", "objective.archive", "objective.restore", "key-result.check-in"]
    {
        assert!(told.iter().any(|one| one == action), "{told:?}");
    }
}

#[tokio::test]
async fn roles_and_teams_are_kept_apart() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let (bob, eve) = (system.join(&ada, "Bob", "member").await, system.join(&ada, "Eve", "viewer").await);
    let other = system.team("Others").await;
    let id = made(&system, &ada, "/api/objectives", objective("Company", "company", &ada)).await;
    let path = format!("/api/objectives/{id}");
    let mut change = objective("Mine", "company", &ada);
    change["version"] = json!(1);
    for (who, read, write) in [(&bob, 200, 403), (&eve, 200, 403), (&other, 404, 404)] {
        assert_eq!(system.get(who, &path).await.status, read);
        assert_eq!(system.json(who, "PUT", &path, change.clone()).await.status, write);
        assert_eq!(system.json(who, "POST", &format!("{path}/archive"), json!({"version": 1})).await.status, write);
        assert_eq!(system.json(who, "POST", &format!("{path}/key-results"), key_result("x")).await.status, write);
    }
    assert_eq!(system.json(&bob, "POST", "/api/objectives", objective("x", "company", &bob)).await.status, 403);
    made(&system, &bob, "/api/objectives", objective("x", "team", &bob)).await;
    assert_eq!(system.json(&eve, "POST", "/api/objectives", objective("x", "team", &eve)).await.status, 403);
    assert_eq!(system.json(&ada, "POST", "/api/objectives", objective("x", "team", &other)).await.status, 422);
    let seen: Value = system.get(&other, "/api/objectives").await.json().unwrap();
    assert!(seen["objectives"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_words() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let refused = async |body: Value| {
        let answer = system.json(&ada, "POST", "/api/objectives", body).await;
        assert_eq!((answer.status, answer.header("content-type")), (422, Some("application/problem+json")));
        answer.text()
    };
    let with = |field: &str, value: Value| {
        let mut body = objective("x", "team", &ada);
        body[field] = value;
        body
    };
    assert!(refused(with("title", json!(" "))).await.contains("title is empty"));
    assert!(refused(with("ends_on", json!("2026-01-01"))).await.contains("the last day is before the first"));
    for (field, value) in
        [("level", json!("boss")), ("starts_on", json!("31.12.")), ("weight", json!(300)), ("more", json!(1))]
    {
        refused(with(field, value)).await;
    }
    let id = made(&system, &ada, "/api/objectives", objective("x", "team", &ada)).await;
    let mut wrong = key_result("x");
    wrong["target"] = json!(1.0);
    let path = format!("/api/objectives/{id}/key-results");
    assert_eq!(system.json(&ada, "POST", &path, wrong).await.status, 422);
    let kr = made(&system, &ada, &path, key_result("x")).await;
    for (value, confidence) in [(json!(1.0), json!(11)), (json!("1"), json!(1)), (json!(1e300), json!(1))] {
        let body = json!({"value": value, "confidence": confidence});
        assert_eq!(system.json(&ada, "POST", &format!("{path}/{kr}/check-ins"), body).await.status, 422);
    }
    for query in ["which=all", "limit=0", "page=x"] {
        assert_eq!(system.get(&ada, &format!("/api/objectives?{query}")).await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn the_export_is_complete_and_runs_no_formula() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let title = "=HYPERLINK(\"https://evil.example\"), or more\r\nlines";
    let id = made(&system, &ada, "/api/objectives", objective(title, "team", &ada)).await;
    let gone = made(&system, &ada, "/api/objectives", objective("Old", "team", &ada)).await;
    system.json(&ada, "POST", &format!("/api/objectives/{gone}/archive"), json!({"version": 1})).await;
    let path = format!("/api/objectives/{id}/key-results");
    let kr = made(&system, &ada, &path, key_result("-1")).await;
    for value in [12.5, -3.0] {
        let body = json!({"value": value, "confidence": 5, "comment": "@SUM(A1)"});
        made(&system, &ada, &format!("{path}/{kr}/check-ins"), body).await;
    }
    let mut tables = Vec::new();
    for (file, rows) in [("objectives", 2), ("key-results", 1), ("check-ins", 2), ("history", 4)] {
        let answer = system.get(&ada, &format!("/api/objectives/export/{file}.csv")).await;
        assert!(answer.header("content-type").unwrap().starts_with("text/csv"));
        let named = format!("attachment; filename=\"{file}.csv\"");
        assert_eq!(answer.header("content-disposition"), Some(named.as_str()));
        let records = csv::parse(&answer.text()).unwrap();
        assert!(records.iter().all(|record| record.len() == records[0].len()), "{file}");
        let ids: std::collections::BTreeSet<_> = records.iter().skip(1).map(|record| record[0].clone()).collect();
        assert_eq!(ids.len(), rows, "{file}");
        tables.push(records);
    }
    let row = tables[0].iter().find(|record| record[0] == id).unwrap();
    assert!(row[1].starts_with("'=") && csv::text(&row[1]) == title);
    assert!(tables[0].iter().any(|record| record[0] == gone), "what is archived is there");
    assert_eq!((csv::text(&tables[1][1][2]), tables[1][1][10].as_str()), ("-1", "-3"));
    assert_eq!((tables[2][1][5].as_str(), csv::text(&tables[2][1][7])), ("12.5", "@SUM(A1)"));
    assert_eq!(system.get(&ada, "/api/objectives/export/passwords.csv").await.status, 404);
}
