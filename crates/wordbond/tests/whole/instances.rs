//! Two processes on one database: what one does counts on the other.

use crate::instance::Instance;
use ingress::{
    cookie::SESSION,
    visitor::{Somebody, Visitor},
};
use outbound::Site;
use serde_json::{Value, json};
use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::symlink,
    time::{Duration, Instant},
};
use testkit::Managed;
use tokio::time::sleep;

/// How long word of a change may travel from one process to the other: less than an answer is remembered for.
const WORD: Duration = Duration::from_millis(300);

/// Two systems on one server, with the same keys.
async fn two() -> (Managed, Instance, Instance) {
    let database = Managed::start().await.unwrap();
    let here = Instance::start(Instance::folder(), Some(database.url()), &[]).await;
    let folder = Instance::folder();
    for file in ["root.key", "operator.token"] {
        fs::copy(here.dir().join(file), folder.path().join(file)).unwrap();
    }
    symlink(here.dir().join("keys"), folder.path().join("keys")).unwrap();
    let there = Instance::start(folder, Some(database.url()), &[]).await;
    (database, here, there)
}

/// The same browser at the other instance.
async fn moved(visitor: &Visitor, to: &Site) -> Visitor {
    let mut moved = Visitor::stranger(to).await;
    moved.hold(SESSION, visitor.cookie(SESSION).unwrap());
    moved
}

async fn status(visitor: &mut Visitor, path: &str) -> u16 {
    visitor.get(path).await.unwrap().status
}

async fn me(visitor: &mut Visitor) -> Value {
    visitor.get("/api/me").await.unwrap().json().unwrap()
}

async fn newcomer(site: &Site) -> (Visitor, Somebody) {
    let mut visitor = Visitor::stranger(site).await;
    let somebody = visitor.sign_up().await.unwrap();
    (visitor, somebody)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_systems_on_one_database_act_as_one() {
    let (database, mut here, there) = two().await;
    let (left, right) = (here.site(), there.site());
    a_sign_in_holds_on_both_and_its_end_too(&left, &right).await;
    a_member_changes_on_both(&database, &left, &right).await;
    a_quota_is_one_for_both(&left, &right).await;
    nothing_is_remembered_unheard(&database, &left, &right).await;
    one_seals_for_both(&database, &mut here, &there).await;
}

/// Only one of them seals. When it is killed, the other goes on with the same history.
async fn one_seals_for_both(database: &Managed, here: &mut Instance, there: &Instance) {
    const SEALERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND (classid::bigint << 32 | objid::bigint) = x'776f7264626f6e64'::bigint";
    assert_eq!(database.count(SEALERS).await.unwrap(), 1);
    for instance in [&*here, there] {
        let honest = instance.verify().await;
        assert!(honest.status.success(), "{}", String::from_utf8_lossy(&honest.stdout));
    }
    here.kill(false);
    newcomer(&there.site()).await;
    let unsealed = "SELECT count(*) FROM ledger.entry WHERE idx IS NULL";
    let end = Instant::now() + Duration::from_secs(30);
    while database.count(unsealed).await.unwrap() > 0 {
        assert!(Instant::now() < end, "nobody seals");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(database.count(SEALERS).await.unwrap(), 1);
    let honest = there.verify().await;
    assert!(honest.status.success(), "{}", String::from_utf8_lossy(&honest.stdout));
}

async fn a_sign_in_holds_on_both_and_its_end_too(left: &Site, right: &Site) {
    let (mut first, somebody) = newcomer(left).await;
    let mut second = Visitor::stranger(left).await;
    second.sign_in(&somebody.email, &somebody.password).await.unwrap();
    let mut second_there = moved(&second, right).await;
    assert_eq!(status(&mut second_there, "/account").await, 200, "a sign-in on one is one on the other");
    let name = [("name", "Countess")];
    assert_eq!(second_there.post_form("/account/profile", &name).await.unwrap().status, 303, "and acts there");
    for _ in 0..3 {
        assert_eq!(status(&mut second_there, "/account").await, 200);
    }
    assert_eq!(first.post_form("/account/sessions/revoke-others", &[]).await.unwrap().status, 303);
    assert_eq!(status(&mut second, "/account").await, 303, "dead where it was revoked");
    sleep(WORD).await;
    assert_eq!(status(&mut second_there, "/account").await, 303, "and on the other");
    let mut first_there = moved(&first, right).await;
    assert_eq!(status(&mut first_there, "/account").await, 200, "the one that revoked lives");
    assert_eq!(first_there.post_form("/sign-out", &[]).await.unwrap().status, 303);
    sleep(WORD).await;
    assert_eq!(status(&mut first, "/account").await, 303, "signed out there is signed out here");
}

async fn a_member_changes_on_both(database: &Managed, left: &Site, right: &Site) {
    let (mut owner, _) = newcomer(left).await;
    let (mut member, somebody) = newcomer(right).await;
    database.run("UPDATE wordbond.account SET email_verified_at = now()").await.unwrap();
    let invited =
        owner.post_form("/team/invitations", &[("email", &somebody.email), ("role", "member")]).await.unwrap();
    let token = token(&invited.text(), "wbi_");
    // Taken on the other instance than the one that gave it.
    assert_eq!(member.post_form(&format!("/invitations/{token}"), &[]).await.unwrap().status, 303);
    let (team, person) = (me(&mut owner).await["tenant"].clone(), me(&mut member).await);
    assert_eq!(person["tenant"], team, "the member is in the owner's team");
    let person = person["person"].as_str().unwrap().to_owned();
    let note = json!({"title": "a", "text": "b"});
    let mut there = moved(&member, right).await;
    assert_eq!(there.post_json("/api/notes", &note).await.unwrap().status, 201);

    let changed = owner.post_form(&format!("/team/members/{person}/role"), &[("role", "viewer")]).await.unwrap();
    assert_eq!(changed.status, 303, "{}", changed.text());
    sleep(WORD).await;
    let refused = there.post_json("/api/notes", &note).await.unwrap();
    assert!(matches!(refused.status, 303 | 401 | 403), "a viewer writes: {}", refused.status);
    let removed = owner.post_form(&format!("/team/members/{person}/remove"), &[]).await.unwrap();
    assert_eq!(removed.status, 303, "{}", removed.text());
    sleep(WORD).await;
    let answer = there.get("/api/notes").await.unwrap();
    assert!(matches!(answer.status, 303 | 401 | 403), "who was removed reads on: {}", answer.status);
    let mut anew = Visitor::stranger(right).await;
    anew.sign_in(&somebody.email, &somebody.password).await.unwrap();
    assert_ne!(me(&mut anew).await["tenant"], team, "a new sign-in leads to their own team");
}

/// The first word of the page that begins so.
fn token(page: &str, prefix: &str) -> String {
    let from = page.find(prefix).unwrap_or_else(|| panic!("no {prefix} on the page: {page}"));
    page[from..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

async fn a_quota_is_one_for_both(left: &Site, right: &Site) {
    // Nobody else calls from there. Each try counts, whatever comes of it.
    let address = IpAddr::V4(Ipv4Addr::new(127, 77, 1, 2));
    let sites = [left.from_address(address), right.from_address(address)];
    let (begun, mut granted) = (Instant::now(), 0);
    for at in 0..90 {
        let answer = sites[at % 2].send("POST", "/sign-in", &[], &[]).await.unwrap();
        if answer.status == 429 {
            assert!(answer.header("retry-after").is_some());
        } else {
            granted += 1;
        }
    }
    // Thirty at once, and one more every two seconds.
    let most = 30 + begun.elapsed().as_secs() / 2 + 1;
    assert!((20..=most).contains(&granted), "{granted} granted, {most} at most");
}

async fn nothing_is_remembered_unheard(database: &Managed, left: &Site, right: &Site) {
    let (user, _) = newcomer(left).await;
    let mut there = moved(&user, right).await;
    // The listeners are cut, and none comes back.
    database.run("ALTER ROLE wordbond_app CONNECTION LIMIT 0").await.unwrap();
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query ILIKE 'LISTEN %'";
    assert!(database.count(cut).await.unwrap() >= 2, "each instance listens");
    sleep(WORD).await;
    for _ in 0..3 {
        assert_eq!(status(&mut there, "/account").await, 200, "it serves on, by asking each time");
    }
    // Gone without a word to anybody.
    database.run("DELETE FROM wordbond.session").await.unwrap();
    assert_eq!(status(&mut there, "/account").await, 303, "an instance that hears nothing remembers nothing");
    database.run("ALTER ROLE wordbond_app CONNECTION LIMIT -1").await.unwrap();
    let mut again = newcomer(right).await.0;
    assert_eq!(status(&mut again, "/account").await, 200);
}
