//! Ways in which somebody could keep, or get, what is another's.

use super::{LIVES, account, as_person, colleague, session, team as team_of};
use kernel::{Actor, Span, TeamRole};
use store::{
    StoreError,
    accounts::{self, NewAccount},
    audit, factors, links, notes, one_time, saml, sessions, team, tenancy,
};
use testkit::ScratchDb;

const WEEK: Span = Span::days(7);
const PHC: &str = "$argon2id$v=19$m=8,t=1,p=1$YQ$Yg";

/// Somebody signed up with another's address, and left every way in behind that there is. The owner of the address comes
/// later, and takes the account over by mail.
#[tokio::test]
async fn who_proves_an_address_first_finds_nobody_else_in_the_account() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let new = NewAccount {
        name: "Eve",
        email: "ada@example.org",
        password_hash: Some(PHC),
        team: "Engines",
        verified: false,
    };
    let eve = accounts::sign_up(store, new).await.unwrap();
    factors::add_totp(store, eve.account, &[7; 20], "app").await.unwrap();
    factors::add_passkey(store, eve.account, b"credential", b"secret", "key").await.unwrap();
    factors::set_recovery_codes(store, eve.account, &[[1; 32]]).await.unwrap();
    links::add(store, eve.account, "iss-0", "eve").await.unwrap();
    let token = accounts::new_token(store, eve.tenant, eve.person, "script", tenancy::LONGEST_TOKEN).await.unwrap();
    let inside = session(store, eve.account, Some(eve.tenant)).await;
    let known = one_time::issue(store, Some(eve.account), one_time::KNOWN, "", WEEK).await.unwrap();
    let link =
        one_time::issue(store, Some(eve.account), "change-email", "eve@example.org", Span::hours(1)).await.unwrap();
    let invited = team::invite(store, eve.tenant, eve.person, "eve@example.org", TeamRole::Owner, WEEK).await.unwrap();

    accounts::recover(store, eve.account, "$argon2id$v=19$m=9,t=1,p=1$YQ$Yg").await.unwrap();
    let ada = accounts::by_id(store, eve.account).await.unwrap().unwrap();
    assert!(ada.verified && !ada.has_totp && !ada.has_passkeys);
    assert_eq!(factors::account_of_passkey(store, b"credential").await.unwrap(), None);
    assert!(!factors::use_recovery_code(store, eve.account, &[1; 32]).await.unwrap());
    assert_eq!(links::find(store, "iss-0", "eve").await.unwrap(), None);
    assert_eq!(tenancy::authenticate(store, token.expose()).await.unwrap(), None);
    let now = store.clock().now();
    assert!(sessions::find(store, inside.token.expose(), LIVES, now).await.unwrap().is_none());
    assert!(one_time::take(store, link.expose(), "change-email").await.unwrap().is_none());
    assert!(one_time::peek(store, known.expose(), one_time::KNOWN).await.unwrap().is_none());
    assert!(team::invitation(store, invited.token.expose()).await.unwrap().is_none());
    let events = audit::list(&mut as_person(store, eve.tenant, eve.person).await, 2).await.unwrap();
    let told: Vec<_> = events.iter().map(|entry| entry.event.action.as_str()).collect();
    assert_eq!(told, ["account.recover", "account.verified"]);

    // Who has proven the address before keeps the second factor: a mail does not replace it.
    factors::add_totp(store, eve.account, &[7; 20], "app").await.unwrap();
    links::add(store, eve.account, "iss-0", "ada").await.unwrap();
    accounts::recover(store, eve.account, PHC).await.unwrap();
    assert!(accounts::by_id(store, eve.account).await.unwrap().unwrap().has_totp);
    assert_eq!(links::find(store, "iss-0", "ada").await.unwrap(), Some(eve.account));
}

/// A team's provider vouches for an address to its team, and to nobody else: the owner of the address has proven nothing.
#[tokio::test]
async fn a_teams_provider_proves_no_address() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let eve = account(store, "eve@example.org").await;
    team::invite(store, eve.tenant, eve.person, "root@example.org", TeamRole::Member, WEEK).await.unwrap();
    let root = saml::join(store, eve.tenant, "root@example.org", "Root").await.unwrap();
    assert!(!accounts::by_id(store, root).await.unwrap().unwrap().verified);
    assert_eq!(team::memberships(store, root).await.unwrap().len(), 1);
    let ada = account(store, "ada@example.org").await;
    let other = team::invite(store, ada.tenant, ada.person, "root@example.org", TeamRole::Admin, WEEK).await.unwrap();
    let joined = team::accept(store, other.token.expose(), root, None).await;
    assert!(matches!(joined, Err(StoreError::Invalid(_))), "another team believed it");
}

/// An account without a password may be somebody's all the same: a provider leads to it.
#[tokio::test]
async fn a_teams_provider_does_not_take_a_linked_account_over() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let new =
        NewAccount { name: "Ada", email: "ada@example.org", password_hash: None, team: "Engines", verified: true };
    let ada = accounts::sign_up(store, new).await.unwrap();
    links::add(store, ada.account, "iss-0", "ada").await.unwrap();
    // Without a team left.
    let keeper = account(store, "grace@example.org").await;
    let invited =
        team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Owner, WEEK).await.unwrap();
    let (_, owner) = team::accept(store, invited.token.expose(), keeper.account, None).await.unwrap();
    team::remove_member(store, ada.tenant, owner, ada.person).await.unwrap();
    assert!(team::memberships(store, ada.account).await.unwrap().is_empty());

    let eve = account(store, "eve@example.org").await;
    team::invite(store, eve.tenant, eve.person, "ada@example.org", TeamRole::Member, WEEK).await.unwrap();
    let joined = saml::join(store, eve.tenant, "ada@example.org", "Ada").await;
    assert!(matches!(joined, Err(StoreError::Taken(_))), "the account was taken over");
}

/// Whoever added a person over the API holds that person's token. Once an account stands behind the person, it is theirs.
#[tokio::test]
async fn a_token_that_somebody_else_was_given_ends_when_an_account_comes() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let founder = team_of(store, "T").await;
    let added = colleague(store, founder.tenant, "grace@example.org").await;
    let grace = account(store, "grace@example.org").await;
    // The address is in the team, so that an invitation is made while it is not.
    let mut root = db.superuser().await.unwrap();
    sqlx::query("UPDATE wordbond.person SET removed_at = now() WHERE person_id = $1")
        .bind(added.person.uuid())
        .execute(&mut root)
        .await
        .unwrap();
    let invited =
        team::invite(store, founder.tenant, founder.person, "grace@example.org", TeamRole::Member, WEEK).await.unwrap();
    sqlx::query("UPDATE wordbond.person SET removed_at = NULL WHERE person_id = $1")
        .bind(added.person.uuid())
        .execute(&mut root)
        .await
        .unwrap();
    let (_, person) = team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    assert_eq!(person, added.person);
    assert_eq!(tenancy::authenticate(store, added.token.expose()).await.unwrap(), None);
}

/// A session that another team's provider opened must not reach the team that is joined now.
#[tokio::test]
async fn joining_a_team_ends_the_other_sessions() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, grace) = (account(store, "ada@example.org").await, account(store, "grace@example.org").await);
    let (own, other) =
        (session(store, grace.account, None).await, session(store, grace.account, Some(grace.tenant)).await);
    let invited =
        team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Member, WEEK).await.unwrap();
    team::accept(store, invited.token.expose(), grace.account, Some(own.id)).await.unwrap();
    let now = store.clock().now();
    assert!(sessions::find(store, own.token.expose(), LIVES, now).await.unwrap().is_some());
    assert!(sessions::find(store, other.token.expose(), LIVES, now).await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_is_shared_with_who_has_left() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team_of(store, "T").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    team::remove_member(store, ada.tenant, ada.person, grace.person).await.unwrap();
    let mut scoped = as_person(store, ada.tenant, ada.person).await;
    let note = notes::create(&mut scoped, "t", "b").await.unwrap();
    assert!(matches!(notes::share(&mut scoped, note, grace.person).await, Err(StoreError::NotFound)));
}

/// A share that is under way when its receiver is removed is refused, or ended with the rest.
#[tokio::test]
async fn a_share_at_the_instant_of_leaving_leaves_nothing() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team_of(store, "T").await;
    for round in 0..6 {
        let grace = colleague(store, ada.tenant, &format!("grace{round}@example.org")).await;
        let mut scoped = as_person(store, ada.tenant, ada.person).await;
        let note = notes::create(&mut scoped, "t", "b").await.unwrap();
        scoped.commit().await.unwrap();
        let share = async {
            let mut scoped = as_person(store, ada.tenant, ada.person).await;
            let shared = notes::share(&mut scoped, note, grace.person).await;
            // Held open while the other begins.
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            if shared.is_ok() {
                scoped.commit().await.unwrap();
            }
        };
        let remove = async {
            tokio::time::sleep(std::time::Duration::from_millis(10 * round)).await;
            team::remove_member(store, ada.tenant, ada.person, grace.person).await.unwrap();
        };
        tokio::join!(share, remove);
        let mut root = db.superuser().await.unwrap();
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM wordbond.note_grant WHERE person_id = $1")
            .bind(grace.person.uuid())
            .fetch_one(&mut root)
            .await
            .unwrap();
        assert_eq!(left, 0, "round {round}");
    }
}

#[tokio::test]
async fn a_suspension_names_the_administrator() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, admin) = (account(store, "ada@example.org").await, account(store, "admin@example.org").await);
    tenancy::suspend_by(store, ada.tenant, admin.account, "unpaid").await.unwrap();
    tenancy::resume_by(store, ada.tenant, admin.account, "paid").await.unwrap();
    let mut told = as_person(store, ada.tenant, ada.person).await;
    let mut own = store.scoped(store::operator_tenant(), &Actor::Operator).await.unwrap();
    for log in [&mut told, &mut own] {
        for entry in audit::list(log, 2).await.unwrap() {
            let named = entry.event.targets.iter().any(|target| *target == format!("account:{}", admin.account));
            assert!(named, "{:?}", entry.event.targets);
        }
    }
}

/// Whoever guesses passwords must not fill the ledger.
#[tokio::test]
async fn a_flood_of_wrong_passwords_is_told_in_few_events() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    for _ in 0..40 {
        accounts::failed(store, ada.account).await.unwrap();
    }
    assert_eq!(accounts::by_id(store, ada.account).await.unwrap().unwrap().failures, 40);
    let events = audit::list(&mut as_person(store, ada.tenant, ada.person).await, 100).await.unwrap();
    let told: Vec<_> = events.iter().filter(|entry| entry.event.action == "account.sign-in-failed").collect();
    assert_eq!(told.len(), 6, "1, 2, 4, 8, 16, 32");
    assert_eq!(told[0].event.context["failures"], "32");
}
