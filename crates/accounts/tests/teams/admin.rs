use crate::system::{ADMIN, System};
use accounts::provider::planting::{Browser, hidden};
use identity::totp::Secret;
use kernel::{Clock, SystemClock};

/// Sets up an authenticator.
async fn enrol(browser: &mut Browser) {
    browser.get("/account/security").await.unwrap();
    let page = browser.post("/account/totp/start", &[]).await.unwrap().text();
    let typed = page.split("<code").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().replace(' ', "");
    let secret = Secret::from_bytes(&base32(&typed)).unwrap();
    let code = secret.code(SystemClock.now());
    let state = hidden(&page, "state").unwrap();
    let answer = browser.post("/account/totp", &[("state", &state), ("code", &code)]).await.unwrap();
    assert!(matches!(answer.status, 200 | 303), "{}", answer.text());
}

fn base32(text: &str) -> Vec<u8> {
    let bits: String = text
        .bytes()
        .map(|byte| if byte.is_ascii_uppercase() { byte - b'A' } else { byte - b'2' + 26 })
        .map(|value| format!("{value:05b}"))
        .collect();
    (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap()).collect()
}

#[tokio::test]
async fn an_administrator_looks_for_a_reason_and_the_team_is_told() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut team, _) = system.somebody(&issuer, None).await;
    let (mut admin, _) = system.somebody(&issuer, Some(ADMIN)).await;
    assert_eq!(admin.get("/admin").await.unwrap().status, 404, "a second factor is missing");
    enrol(&mut admin).await;
    let area = admin.get("/admin").await.unwrap();
    assert_eq!(area.status, 200, "{}", area.text());
    let me: serde_json::Value = team.get("/api/me").await.unwrap().json().unwrap();
    let id = me["tenant"].as_str().unwrap();
    let name = me["tenant_name"].as_str().unwrap();
    let page = admin.get(&format!("/admin/teams/{id}")).await.unwrap();
    assert_eq!(page.status, 200);
    assert!(!page.text().contains(me["email"].as_str().unwrap()), "no content without a look");
    let look = format!("/admin/teams/{id}/look");
    assert_eq!(admin.post(&look, &[("reason", " ")]).await.unwrap().status, 422);
    let answer = admin.post(&look, &[("reason", "a broken import")]).await.unwrap();
    let place = answer.header("location").unwrap().to_owned();
    let shown = admin.get(&place).await.unwrap().text();
    assert!(shown.contains(name) && shown.contains(me["email"].as_str().unwrap()));
    assert!(team.get("/team/log").await.unwrap().text().contains("a broken import"));
    assert_eq!(team.get(&place).await.unwrap().status, 404);
    assert_eq!(admin.post(&format!("{place}/end"), &[]).await.unwrap().status, 303);
    assert_eq!(admin.get(&place).await.unwrap().status, 404, "it has ended");
    let (suspend, resume) = (format!("/admin/teams/{id}/suspend"), format!("/admin/teams/{id}/resume"));
    assert_eq!(admin.post(&suspend, &[("reason", "unpaid")]).await.unwrap().status, 303);
    assert_eq!(team.get("/api/me").await.unwrap().status, 403);
    assert_eq!(admin.post(&resume, &[("reason", "paid")]).await.unwrap().status, 303);
    assert_eq!(team.get("/api/me").await.unwrap().status, 200);
}

#[tokio::test]
async fn an_administrator_signs_somebody_out_everywhere_and_they_are_told_why() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut victim, _) = system.somebody(&issuer, None).await;
    let (mut admin, _) = system.somebody(&issuer, Some(ADMIN)).await;
    let (mut other, _) = system.somebody(&issuer, None).await;
    let end = "/admin/sessions/end";
    enrol(&mut admin).await;
    let me: serde_json::Value = victim.get("/api/me").await.unwrap().json().unwrap();
    let email = me["email"].as_str().unwrap();
    assert_eq!(admin.get("/admin/sessions").await.unwrap().status, 200);
    let silent = admin.post(end, &[("email", email), ("reason", " ")]).await.unwrap();
    assert!(silent.status == 422 && silent.text().contains(email), "what was typed is kept");
    let unknown = admin.post(end, &[("email", "nobody@example.org"), ("reason", "a stolen laptop")]).await.unwrap();
    assert!(unknown.status == 422 && unknown.text().contains("no account has this address"));
    assert_eq!(victim.get("/api/me").await.unwrap().status, 200);
    let answer = admin.post(end, &[("email", email), ("reason", "a stolen laptop")]).await.unwrap();
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(victim.get("/api/me").await.unwrap().status, 401);
    assert_eq!(other.get("/api/me").await.unwrap().status, 200);
    assert_eq!(admin.get("/admin").await.unwrap().status, 200);
    assert_eq!(other.get("/admin/sessions").await.unwrap().status, 404);
}

/// Who may call what, over the whole table: a change of it is a change of this text.
#[tokio::test]
async fn every_route_names_its_permission() {
    let system = System::open().await;
    let line = |route: &ingress::Route| {
        let auth = route.policy().auth;
        assert!(accounts::team::roles::list::is_known(auth), "{route}");
        format!("{:<6} {:<48} {auth}", route.method().as_str(), route.path())
    };
    let lines: Vec<String> = system.table.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}
