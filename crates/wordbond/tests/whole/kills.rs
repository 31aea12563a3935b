//! `kill -9` of the serving process, and of its database server, while accounts are made, invitations accepted and drawings
//! kept: what was answered is there afterwards, nothing is half there, and the ledger goes on.

use crate::instance::Instance;
use ingress::visitor::{Somebody, Visitor};
use outbound::Site;
use serde_json::Value;
use std::{
    env,
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::superuser;
use tokio::{task::JoinSet, time::sleep};
use uuid::Uuid;

/// What must be none, whenever it is asked.
const NONE: [(&str, &str); 12] = [
    (
        "an account without its address's look-up",
        "SELECT count(*) FROM wordbond.account AS a WHERE NOT EXISTS
        (SELECT FROM wordbond.sign_in AS s WHERE s.kind = 'email' AND s.account_id = a.account_id)",
    ),
    (
        "an account without a team",
        "SELECT count(*) FROM wordbond.account AS a WHERE NOT EXISTS
        (SELECT FROM wordbond.membership AS m WHERE m.account_id = a.account_id)",
    ),
    (
        "a membership whose person is not the account's",
        "SELECT count(*) FROM wordbond.membership AS m
        JOIN wordbond.person AS p USING (tenant_id, person_id) WHERE p.account_id IS DISTINCT FROM m.account_id",
    ),
    (
        "a person without the membership",
        "SELECT count(*) FROM wordbond.person AS p WHERE account_id IS NOT NULL
        AND removed_at IS NULL AND NOT EXISTS (SELECT FROM wordbond.membership AS m WHERE m.account_id = p.account_id
            AND m.tenant_id = p.tenant_id)",
    ),
    (
        "a team without anybody",
        "SELECT count(*) FROM wordbond.tenant AS t WHERE tenant_id IN
        (SELECT tenant_id FROM wordbond.person) IS NOT TRUE AND tenant_id <> '00000000-0000-0000-0000-000000000000'",
    ),
    (
        "a look-up of an account that is not there",
        "SELECT count(*) FROM wordbond.sign_in AS s
        WHERE account_id IS NOT NULL AND account_id <> '00000000-0000-0000-0000-000000000000' AND NOT EXISTS
        (SELECT FROM wordbond.account AS a WHERE a.account_id = s.account_id)",
    ),
    (
        "a look-up of a session that is not there",
        "SELECT count(*) FROM wordbond.sign_in AS s WHERE kind = 'session' AND
        NOT EXISTS (SELECT FROM wordbond.session AS r WHERE r.session_id = s.row_id)",
    ),
    (
        "a session without its look-up",
        "SELECT count(*) FROM wordbond.session AS r WHERE NOT EXISTS
        (SELECT FROM wordbond.sign_in AS s WHERE s.kind = 'session' AND s.row_id = r.session_id)",
    ),
    (
        "an open one-time token without its look-up, or the other way round",
        "SELECT count(*) FROM (SELECT one_time_id FROM wordbond.one_time WHERE used_at IS NULL) AS o
        FULL JOIN (SELECT row_id FROM wordbond.sign_in WHERE kind = 'one-time') AS s ON s.row_id = o.one_time_id
        WHERE o.one_time_id IS NULL OR s.row_id IS NULL",
    ),
    (
        "an invitation's look-up without an open invitation",
        "SELECT count(*) FROM wordbond.sign_in AS s
        WHERE kind = 'invitation' AND NOT EXISTS (SELECT FROM wordbond.invitation AS i WHERE i.invitation_id = s.row_id
            AND accepted_at IS NULL AND revoked_at IS NULL)",
    ),
    (
        "a stored object that no drawing consists of",
        "SELECT count(*) FROM wordbond.blob AS b WHERE NOT EXISTS (SELECT FROM wordbond.drawing AS d
            WHERE d.tenant_id = b.tenant_id AND d.blob_id = b.blob_id)",
    ),
    (
        "an audit event without its entry in the ledger",
        "SELECT count(*) FROM wordbond.audit_event AS e
        WHERE entry_id IS NULL",
    ),
];

/// The owner of a team, who keeps drawings in it.
struct Owner {
    browser: Visitor,
    kept: Vec<u8>,
    /// What the service said it keeps.
    answered: Answered,
}

type Answered = Arc<Mutex<Vec<String>>>;

/// Somebody who is invited to the owner's team.
struct Guest {
    browser: Visitor,
    invitation: String,
}

fn rounds() -> usize {
    env::var("WORDBOND_SOAK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// Up to so many milliseconds, by chance.
fn chance(most: u64) -> Duration {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    Duration::from_millis((high >> 20) % most)
}

async fn invite(instance: &Instance, owner: &mut Owner) -> Guest {
    let mut browser = Visitor::stranger(&instance.site()).await;
    let somebody = browser.sign_up().await.unwrap();
    superuser::run(instance.dir(), "UPDATE wordbond.account SET email_verified_at = now()").await.unwrap();
    let fields = [("email", somebody.email.as_str()), ("role", "member")];
    let page = owner.browser.post_form("/team/invitations", &fields).await.unwrap().text();
    let from = page.find("/invitations/wbi_").unwrap();
    let invitation = page[from..].chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/')).collect();
    browser.form_token("/account").await.unwrap();
    Guest { browser, invitation }
}

/// Starts everything at once, and yields who tried to sign up, and to whom of them it was said that they have.
fn begin(site: &Site, owner: &Owner, guest: &Guest) -> (JoinSet<()>, Vec<Somebody>, Answered) {
    let (mut tasks, signed_up) = (JoinSet::new(), Answered::default());
    let newcomers = vec![Somebody::new(), Somebody::new()];
    for somebody in newcomers.clone() {
        let (site, signed_up) = (site.clone(), Arc::clone(&signed_up));
        tasks.spawn(async move {
            let mut browser = Visitor::stranger(&site).await;
            let Somebody { name, email, password, team } = &somebody;
            let form = [("name", name.as_str()), ("email", email), ("password", password), ("team", team)];
            if browser.post_form("/sign-up", &form).await.is_ok_and(|answer| answer.status < 400) {
                signed_up.lock().unwrap().push(email.clone());
            }
        });
    }
    let (mut browser, invitation) = (guest.browser.clone(), guest.invitation.clone());
    tasks.spawn(async move {
        sleep(chance(300)).await;
        let _ = browser.post_form(&invitation, &[]).await;
    });
    let (mut browser, kept, answered) = (owner.browser.clone(), owner.kept.clone(), Arc::clone(&owner.answered));
    tasks.spawn(async move {
        let Ok(token) = browser.form_token("/account").await else { return };
        let origin = browser.site().url().to_owned();
        let headers = [("content-type", "image/png"), ("x-csrf-token", token.as_str()), ("origin", origin.as_str())];
        while let Ok(answer) = browser.send("POST", "/api/drawings", &headers, &kept).await {
            assert_eq!(answer.status, 201, "{}", answer.text());
            let drawing: Value = answer.json().unwrap();
            answered.lock().unwrap().push(drawing["drawing"].as_str().unwrap().to_owned());
        }
    });
    (tasks, newcomers, signed_up)
}

/// How many of these can sign in: all to whom it was said. Nobody may be anything between.
async fn entering(site: &Site, newcomers: &[Somebody], said: &[String]) -> i64 {
    let mut count = 0;
    for somebody in newcomers {
        let mut browser = Visitor::stranger(site).await;
        browser.form_token("/sign-in").await.unwrap();
        let fields = [("email", somebody.email.as_str()), ("password", somebody.password.as_str())];
        let answer = browser.post_form("/sign-in", &fields).await.unwrap();
        match answer.status {
            303 => {
                assert_eq!(browser.get("/team").await.unwrap().status, 200, "an account has its team");
                count += 1;
            }
            status => {
                assert_eq!(status, 422, "{}", answer.text());
                assert!(!said.contains(&somebody.email), "somebody who was told that they signed up is not there");
            }
        }
    }
    count
}

/// Every drawing that is listed is whole, and every one that was said to be kept is there. All but the newest are deleted
/// then: however many rounds there are, the owner has room for more. Yields how many those were.
async fn whole(owner: &mut Owner) -> usize {
    let listed: Value = owner.browser.get("/api/drawings?limit=200").await.unwrap().json().unwrap();
    let listed = listed["drawings"].as_array().unwrap();
    let answered: Vec<String> = owner.answered.lock().unwrap().drain(..).collect();
    for id in answered {
        let path = format!("/api/drawings/{id}");
        assert_eq!(owner.browser.get(&path).await.unwrap().status, 200, "{path} was said to be kept");
    }
    // The newest are those that a kill can have touched.
    for drawing in listed.iter().take(3) {
        let path = format!("/api/drawings/{}/original", drawing["drawing"].as_str().unwrap());
        let original = owner.browser.get(&path).await.unwrap();
        assert!(original.status == 200 && original.body == owner.kept, "{path}: {}", original.status);
    }
    for drawing in listed.iter().skip(3) {
        let path = format!("/api/drawings/{}", drawing["drawing"].as_str().unwrap());
        let gone = owner.browser.send_json("DELETE", &path, None).await.unwrap();
        assert_eq!(gone.status, 204, "{path}: {}", gone.text());
    }
    listed.len().saturating_sub(3)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_leaves_nothing_half_done() {
    let mut instance = Instance::start(Instance::folder(), None, &[]).await;
    let site = instance.site();
    let mut browser = Visitor::stranger(&site).await;
    browser.sign_up().await.unwrap();
    let kept: Vec<u8> = b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..1_500_000_u32).map(|at| at as u8)).collect();
    let mut owner = Owner { browser, kept, answered: Answered::default() };
    let accounts = "SELECT count(*) FROM wordbond.account";
    let accepted = "SELECT count(*) FROM wordbond.invitation WHERE accepted_at IS NOT NULL";
    let (mut made, mut joined, mut drawings) = (0, 0, 0);
    // Long since full: the schedule must find it.
    let old = "INSERT INTO wordbond.limit_bucket VALUES (decode(repeat('00', 32), 'hex'), 1, 1)";
    let mut guest = invite(&instance, &mut owner).await;
    for round in 0..rounds() {
        let before = superuser::count(instance.dir(), accounts).await.unwrap();
        let joined_before = superuser::count(instance.dir(), accepted).await.unwrap();
        let (mut tasks, newcomers, signed_up) = begin(&site, &owner, &guest);
        sleep(chance(900)).await;
        // Each other time the database server goes too.
        instance.kill(round % 2 == 1);
        // Nobody answers any more; what came before is still read.
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        instance.begin_again().await;
        let honest = instance.verify().await;
        assert!(honest.status.success(), "round {round}: {}", String::from_utf8_lossy(&honest.stdout));
        for (what, question) in NONE {
            assert_eq!(superuser::count(instance.dir(), question).await.unwrap(), 0, "{what}, in round {round}");
        }
        let grown = superuser::count(instance.dir(), accounts).await.unwrap() - before;
        let said = signed_up.lock().unwrap().clone();
        assert_eq!(
            entering(&site, &newcomers, &said).await,
            grown,
            "each account signs in, and nobody else: round {round}"
        );
        made += grown;
        drawings += whole(&mut owner).await;
        let grown = superuser::count(instance.dir(), accepted).await.unwrap() - joined_before;
        let again = guest.browser.post_form(&guest.invitation, &[]).await.unwrap().status;
        let taken = superuser::count(instance.dir(), accepted).await.unwrap() - joined_before;
        // Taken for good, it is gone for a session that lives, and the session may have been replaced with the answer lost.
        assert!(again == 303 || grown == 1 && again == 404, "an invitation is not lost: {again}, round {round}");
        assert_eq!(taken, 1, "an invitation is taken once: round {round}");
        joined += grown;
        guest = invite(&instance, &mut owner).await;
    }
    println!("{} kills: {made} accounts, {joined} members, {drawings} drawings", rounds());
    superuser::run(instance.dir(), old).await.unwrap();
    instance.kill(true);
    instance.begin_again().await;
    let full = "SELECT count(*) FROM wordbond.limit_bucket WHERE full_at < 1000";
    for _ in 0..600 {
        if superuser::count(instance.dir(), full).await.unwrap() == 0 {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("what has run out is not cleared away");
}
