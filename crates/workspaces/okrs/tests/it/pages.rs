//! The pages.

use super::{made, objective, open, system::System};
use crate::system::Person;
use outbound::Answer;

const NEW: [(&str, &str); 9] = [
    ("title", "Grow <fast>"),
    ("description", "First line\r\nSecond line"),
    ("level", "team"),
    ("status", "active"),
    ("parent", ""),
    ("starts_on", "2026-10-01"),
    ("ends_on", "2026-12-31"),
    ("weight", "100"),
    ("check_in_every", "week"),
];

fn led(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").unwrap().to_owned()
}

fn without_query(address: &str) -> String {
    address.split('?').next().unwrap().to_owned()
}

async fn post(system: &System, who: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    system.form(who, path, fields).await
}

/// The key result's page, from the objective's.
fn key_result_of(page: &str, at: &str) -> String {
    let marker = format!("href=\"{at}/key-results/");
    let mut links = page.split(&marker).skip(1).map(|rest| rest.split('"').next().unwrap());
    let id = links.find(|id| !id.contains("new")).unwrap();
    format!("{at}/key-results/{id}")
}

#[tokio::test]
async fn a_person_writes_measures_changes_and_archives() {
    let system = open().await;
    let ada = system.team("Engines").await;
    assert!(system.get(&ada, "/objectives").await.text().contains("There are no objectives yet."));
    assert!(system.get(&ada, "/objectives/new").await.text().contains("name=\"starts_on\""));
    let fields: Vec<_> = NEW.into_iter().chain([("owner", ada.id.as_str())]).collect();
    let to = led(&post(&system, &ada, "/objectives", &fields).await);
    let at = without_query(&to);
    let shown = system.get(&ada, &to).await.text();
    assert!(
        shown.contains("Created.") && shown.contains("Grow &#60;fast&#62;") && shown.contains("<p>Second line</p>")
    );
    assert!(shown.contains("There are no key results yet"));

    let measured = [
        ("title", "Users"),
        ("owner", ""),
        ("unit", "number"),
        ("direction", "increase"),
        ("initial", "10"),
        ("target", "25"),
        ("lower", ""),
        ("weight", "60"),
    ];
    assert!(system.get(&ada, &format!("{at}/key-results/new")).await.text().contains("value=\"100\""));
    led(&post(&system, &ada, &format!("{at}/key-results"), &measured).await);
    let shown = system.get(&ada, &at).await.text();
    assert!(shown.contains("do not make 100") && shown.contains("10 → 25"), "{shown}");
    let key_result = key_result_of(&shown, &at);
    let check_in = [("value", "15"), ("confidence", "3"), ("comment", "slow <start>")];
    let to = led(&post(&system, &ada, &format!("{key_result}/check-ins"), &check_in).await);
    let page = system.get(&ada, &to).await.text();
    assert!(page.contains("Checked in.") && page.contains("At risk") && page.contains("slow &lt;start&gt;"));
    assert!(page.contains("33 %") && page.contains("on the way"), "a third is yellow by the rule: {page}");
    let wrong =
        post(&system, &ada, &format!("{key_result}/check-ins"), &[("value", "many"), ("confidence", "5")]).await;
    assert!(wrong.status == 422 && wrong.text().contains("This is no number."));

    assert!(system.get(&ada, &format!("{at}/archive")).await.text().contains("Archive this?"));
    assert_eq!(
        led(&post(&system, &ada, &format!("{at}/archive"), &[("version", "1")]).await),
        "/objectives?done=archive"
    );
    assert!(!system.get(&ada, "/objectives").await.text().contains(&at));
    assert!(system.get(&ada, "/objectives?archived=yes").await.text().contains(&at));
    let stale = led(&post(&system, &ada, &format!("{at}/restore"), &[("version", "1")]).await);
    assert!(system.get(&ada, &stale).await.text().contains("Somebody changed this in the meantime"));
    led(&post(&system, &ada, &format!("{at}/restore"), &[("version", "2")]).await);
    let history = system.get(&ada, &format!("{at}/history")).await.text();
    for words in ["Restored", "Archived", "Created", "Key result: Users", "Ada &lt;Lovelace&gt;"] {
        assert!(history.contains(words), "{words}: {history}");
    }
    assert!(system.get(&ada, "/objectives/export").await.text().contains("/objectives/export/history.csv"));
    assert_eq!(system.get(&ada, "/objectives/export/history.csv").await.status, 200);
}

#[tokio::test]
async fn two_people_who_edit_at_once_are_told_and_lose_nothing() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let fields: Vec<_> = NEW.into_iter().chain([("owner", "")]).collect();
    let at = without_query(&led(&post(&system, &ada, "/objectives", &fields).await));
    let edit = |title: &'static str, version: &'static str| -> Vec<(&'static str, &'static str)> {
        let rest = NEW.into_iter().filter(|(name, _)| *name != "title");
        rest.chain([("title", title), ("owner", ""), ("version", version)]).collect()
    };
    led(&post(&system, &ada, &at, &edit("First", "1")).await);
    let second = post(&system, &ada, &at, &edit("Second", "1")).await;
    assert_eq!(second.status, 409);
    let page = second.text();
    assert!(page.contains("Somebody changed this in the meantime") && page.contains("value=\"Second\""), "{page}");
    assert!(page.contains("name=\"version\" value=\"2\""), "whoever saves again has been told");
    led(&post(&system, &ada, &at, &edit("Second", "2")).await);
    let history = system.get(&ada, &format!("{at}/history")).await.text();
    assert!(history.contains("Title: Second (before: First)"), "{history}");
    let wrong = post(&system, &ada, &at, &edit(" ", "3")).await;
    assert!(wrong.status == 422 && wrong.text().contains("title is empty"));
    assert_eq!(post(&system, &ada, &at, &edit("x", "")).await.status, 422);
}

#[tokio::test]
async fn a_member_is_offered_what_they_may_do() {
    let system = open().await;
    let ada = system.team("Engines").await;
    let (bob, eve) = (system.join(&ada, "Bob", "member").await, system.join(&ada, "Eve", "viewer").await);
    let id = made(&system, &ada, "/api/objectives", objective("Company", "company", &ada)).await;
    let at = format!("/objectives/{id}");
    assert!(system.get(&ada, &at).await.text().contains(&format!("{at}/edit")));
    for who in [&bob, &eve] {
        let page = system.get(who, &at).await.text();
        assert!(
            page.contains("Company")
                && !page.contains(&format!("{at}/edit"))
                && !page.contains(&format!("{at}/archive"))
        );
    }
    assert!(!system.get(&bob, "/objectives/new").await.text().contains("value=\"company\""));
    assert_eq!(system.get(&eve, "/objectives/new").await.status, 403);
    let fields: Vec<_> =
        NEW.into_iter().filter(|(name, _)| *name != "level").chain([("level", "company"), ("owner", "")]).collect();
    assert_eq!(post(&system, &bob, "/objectives", &fields).await.status, 403);
    assert_eq!(post(&system, &eve, &format!("{at}/archive"), &[("version", "1")]).await.status, 403);
}

#[tokio::test]
async fn lists_have_pages() {
    let system = open().await;
    let ada = system.team("Engines").await;
    for n in 0..51 {
        made(&system, &ada, "/api/objectives", objective(&format!("Goal-{n:02}"), "team", &ada)).await;
    }
    let first = system.get(&ada, "/objectives").await.text();
    assert!(first.contains("Goal-49") && !first.contains("Goal-50") && first.contains("/objectives?page=2"));
    let second = system.get(&ada, "/objectives?page=2").await.text();
    assert!(second.contains("Goal-50") && second.contains("Previous page") && !second.contains("Next page"));
    assert!(system.get(&ada, "/objectives?mine=yes&page=2").await.text().contains("Goal-50"));
}
