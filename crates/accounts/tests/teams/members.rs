use crate::system::System;
use accounts::provider::{
    gate,
    loopback::LoopbackIssuer,
    planting::{self, Browser, Vouched},
};
use kernel::{Clock as _, SystemClock};
use serde_json::Value;

/// Who a browser acts as: team and membership.
async fn me(browser: &mut Browser) -> (String, String) {
    let me: Value = browser.get("/api/me").await.unwrap().json().unwrap();
    (me["tenant"].as_str().unwrap().to_owned(), me["person"].as_str().unwrap().to_owned())
}

/// Invites an address, and yields the path of the link.
async fn invite(owner: &mut Browser, email: &str, role: &str) -> String {
    owner.get("/team").await.unwrap();
    let answer = owner.post("/team/invitations", &[("email", email), ("role", role)]).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.text();
    let token = page.split("/invitations/").nth(1).unwrap().split(['<', '"', '\n']).next().unwrap();
    format!("/invitations/{token}")
}

async fn accept(browser: &mut Browser, path: &str) -> u16 {
    browser.get(path).await.unwrap();
    browser.post(path, &[]).await.unwrap().status
}

async fn joined(system: &System, issuer: &LoopbackIssuer, owner: &mut Browser, role: &str) -> (Browser, Vouched) {
    let (mut guest, who) = system.somebody(issuer, None).await;
    let path = invite(owner, &who.email, role).await;
    assert_eq!(accept(&mut guest, &path).await, 303);
    (guest, who)
}

#[tokio::test]
async fn an_invitation_is_for_one_proven_address_and_for_once() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut owner, _) = system.somebody(&issuer, None).await;
    let (mut guest, who) = system.somebody(&issuer, None).await;
    let (mut other, _) = system.somebody(&issuer, None).await;
    let path = invite(&mut owner, &who.email, "member").await;
    // Opening it changes nothing, and those who are not meant get no further.
    assert_eq!(Browser::new(&system.site).get(&path).await.unwrap().status, 200);
    assert_eq!(accept(&mut other, &path).await, 403);
    assert_eq!(accept(&mut guest, &path).await, 303);
    assert_eq!(me(&mut guest).await.0, me(&mut owner).await.0);
    assert_eq!(guest.get(&path).await.unwrap().status, 404, "it is used");
    let taken_back = invite(&mut owner, "somebody@elsewhere.example", "viewer").await;
    let page = owner.get("/team").await.unwrap().text();
    let id = page.split("/team/invitations/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    assert_eq!(owner.post(&format!("/team/invitations/{id}/revoke"), &[]).await.unwrap().status, 303);
    assert_eq!(guest.get(&taken_back).await.unwrap().status, 404);
    let wrong = owner.post("/team/invitations", &[("email", "no address"), ("role", "viewer")]).await.unwrap();
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("no address"), "the form is shown again as it was typed");
}

#[tokio::test]
async fn roles_are_given_within_reach_and_a_team_keeps_an_owner() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut owner, _) = system.somebody(&issuer, None).await;
    let (mut admin, _) = joined(&system, &issuer, &mut owner, "admin").await;
    let (mut viewer, _) = joined(&system, &issuer, &mut owner, "viewer").await;
    let (_, owner_id) = me(&mut owner).await;
    let (_, viewer_id) = me(&mut viewer).await;
    let role = |id: &str| format!("/team/members/{id}/role");
    admin.get("/team").await.unwrap();
    assert_eq!(admin.post(&role(&viewer_id), &[("role", "member")]).await.unwrap().status, 303);
    assert_eq!(admin.post(&role(&viewer_id), &[("role", "owner")]).await.unwrap().status, 422);
    assert_eq!(admin.post(&role(&owner_id), &[("role", "viewer")]).await.unwrap().status, 422);
    owner.get("/team").await.unwrap();
    assert_eq!(
        owner.post(&role(&owner_id), &[("role", "member")]).await.unwrap().status,
        422,
        "the last owner stays one"
    );
    assert_eq!(owner.post("/team/leave", &[("sure", "yes")]).await.unwrap().status, 422);
    assert_eq!(viewer.get("/team/log").await.unwrap().status, 403);
    assert_eq!(owner.post(&format!("/team/members/{viewer_id}/remove"), &[]).await.unwrap().status, 303);
    assert_ne!(viewer.get("/api/me").await.unwrap().status, 200, "a removed member is out at once");
    let log = owner.get("/team/log").await.unwrap().text();
    for told in ["invitation.create", "invitation.accept", "member.role"] {
        assert!(log.contains(told), "{told}");
    }
}

#[tokio::test]
async fn somebody_in_two_teams_switches_and_a_stranger_cannot() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut owner, _) = system.somebody(&issuer, None).await;
    let (mut guest, _) = system.somebody(&issuer, None).await;
    let (first, _) = me(&mut guest).await;
    let path = {
        let email: Value = guest.get("/api/me").await.unwrap().json().unwrap();
        invite(&mut owner, email["email"].as_str().unwrap(), "member").await
    };
    assert_eq!(accept(&mut guest, &path).await, 303);
    assert_ne!(me(&mut guest).await.0, first);
    guest.get("/team").await.unwrap();
    assert_eq!(guest.post("/team/switch", &[("tenant", &first)]).await.unwrap().status, 303);
    assert_eq!(me(&mut guest).await.0, first);
    owner.get("/team").await.unwrap();
    assert_eq!(owner.post("/team/switch", &[("tenant", &first)]).await.unwrap().status, 404);
}

#[tokio::test]
async fn a_session_token_of_a_provider_is_short_and_ends_at_sign_out() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (_, who) = system.somebody(&issuer, None).await;
    let good = issuer.mint.session(&who.subject, SystemClock.now());
    let mut long = good.clone();
    long.set("exp", SystemClock.now().as_second() + 86_400 + 60);
    let mut browser = Browser::new(&system.site);
    browser.set_cookie(gate::COOKIE, &issuer.mint.sign(&long));
    assert_eq!(browser.get("/api/me").await.unwrap().status, 401, "a token for more than a day");
    let token = issuer.mint.sign(&good);
    browser.set_cookie(gate::COOKIE, &token);
    assert_eq!(browser.get("/account").await.unwrap().status, 200);
    assert_eq!(browser.post("/sign-out", &[]).await.unwrap().status, 303);
    assert!(!browser.cookies().contains(&token), "the cookie is taken away");
    browser.set_cookie(gate::COOKIE, &token);
    assert_eq!(browser.get("/api/me").await.unwrap().status, 401, "the token goes on after signing out");
    let again = issuer.mint.sign(&issuer.mint.session(&who.subject, SystemClock.now()));
    browser.set_cookie(gate::COOKIE, &again);
    assert_eq!(browser.get("/api/me").await.unwrap().status, 401, "nor does another of the same session");
}

#[tokio::test]
async fn a_provider_is_linked_with_consent_and_unlinked_again() {
    let system = System::open().await;
    let issuer = system.issuer().await;
    let (mut owner, who) = system.somebody(&issuer, None).await;
    // The only way in stays.
    owner.get("/account").await.unwrap();
    assert_eq!(owner.post("/account/links/loopback/remove", &[]).await.unwrap().status, 409);
    // A second subject of the same address gets no further than a page.
    let stranger = Vouched { email: who.email.clone(), ..Vouched::stranger() };
    let mut browser = Browser::new(&system.site);
    let trip = planting::set_out(&mut browser, false).await.unwrap();
    let token = issuer.mint.sign(&stranger.draft(&issuer.mint, &trip.nonce));
    let (answer, _) = planting::come_back(&mut browser, &issuer, &trip, token).await.unwrap();
    assert_eq!(answer.status, 409);
    assert_eq!(browser.get("/api/me").await.unwrap().status, 401);
    // One that is nobody's yet cannot be linked beside the one that is.
    let trip = planting::set_out(&mut owner, true).await.unwrap();
    let token = issuer.mint.sign(&stranger.draft(&issuer.mint, &trip.nonce));
    let (answer, _) = planting::come_back(&mut owner, &issuer, &trip, token).await.unwrap();
    assert_eq!(answer.status, 200, "consent is asked for");
    let grant = planting::hidden(&answer.text(), "grant").unwrap();
    let mut thief = system.somebody(&issuer, None).await.0;
    thief.get("/account").await.unwrap();
    assert_eq!(
        thief.post("/account/links", &[("grant", &grant)]).await.unwrap().status,
        400,
        "another's consent is none"
    );
}
