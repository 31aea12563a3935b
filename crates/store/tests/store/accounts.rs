//! Accounts: how somebody signs in.

use super::{account, as_person, session};
use kernel::{Actor, Span, TeamRole};
use store::{
    StoreError,
    accounts::{self, NewAccount},
    audit, links, one_time, operator_tenant, sessions, team,
    tenancy::{self, LONGEST_TOKEN},
    told,
};
use testkit::ScratchDb;

#[tokio::test]
async fn signing_up_makes_an_account_with_a_team_that_it_owns() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, " Ada@Example.org ").await;
    let found = accounts::by_email(store, "ada@example.ORG").await.unwrap().unwrap();
    assert_eq!((found.id, found.name.as_str(), found.email.as_str()), (ada.account, "Ada", "Ada@Example.org"));
    assert!(found.verified && found.password_hash.unwrap().starts_with("$argon2id$"));
    assert!(!found.has_totp && !found.has_passkeys && found.failures == 0);
    assert!(accounts::by_email(store, "nobody@example.org").await.unwrap().is_none());

    let teams = team::memberships(store, ada.account).await.unwrap();
    assert_eq!(teams.len(), 1);
    assert_eq!((teams[0].tenant, teams[0].person, teams[0].role), (ada.tenant, ada.person, TeamRole::Owner));
    assert_eq!((teams[0].name.as_str(), teams[0].suspended), ("Engines", false));
    let events = audit::list(&mut as_person(store, ada.tenant, ada.person).await, 10).await.unwrap();
    let actions: Vec<&str> = events.iter().map(|entry| entry.event.action.as_str()).collect();
    assert_eq!(actions, ["account.create", "tenant.create"]);
    assert_eq!(events[0].event.actor, Actor::Person { id: ada.person });
}

#[tokio::test]
async fn an_address_has_one_account() {
    let db = ScratchDb::new().await;
    let store = db.store();
    account(store, "ada@example.org").await;
    let again = |email| {
        accounts::sign_up(store, NewAccount { name: "A", email, password_hash: None, team: "T", verified: false })
    };
    assert!(matches!(again("ADA@example.org ").await, Err(StoreError::Taken(_))));
    // Several at once: one wins.
    let (a, b, c) = tokio::join!(again("eve@example.org"), again("eve@example.org"), again("Eve@example.org"));
    let won = [&a, &b, &c].iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1);
    assert!([a, b, c].into_iter().all(|outcome| matches!(outcome, Ok(_) | Err(StoreError::Taken(_)))));
    for email in ["", "x", "a b@c.de", "a@b@c", "a\n@b"] {
        assert!(matches!(again(email).await, Err(StoreError::Invalid(_))), "{email:?}");
    }
}

#[tokio::test]
async fn wrong_passwords_are_counted_until_a_right_one() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    assert_eq!(accounts::failed(store, ada.account).await.unwrap(), 1);
    assert_eq!(accounts::failed(store, ada.account).await.unwrap(), 2);
    let found = accounts::by_id(store, ada.account).await.unwrap().unwrap();
    assert!(found.failures == 2 && found.failed_at.is_some());
    accounts::succeeded(store, ada.account).await.unwrap();
    let found = accounts::by_id(store, ada.account).await.unwrap().unwrap();
    assert!(found.failures == 0 && found.failed_at.is_none());
}

#[tokio::test]
async fn a_new_password_ends_other_sessions_and_voids_links() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let (kept, other) = (session(store, ada.account, Some(ada.tenant)).await, session(store, ada.account, None).await);
    let link = one_time::issue(store, Some(ada.account), "reset", "", Span::hours(1)).await.unwrap();
    let known = one_time::issue(store, Some(ada.account), one_time::KNOWN, "", Span::days(1)).await.unwrap();
    accounts::set_password(store, ada.account, "$argon2id$v=19$m=8,t=1,p=1$YQ$Yg", Some(kept.id)).await.unwrap();
    let now = store.clock().now();
    assert!(sessions::find(store, kept.token.expose(), super::LIVES, now).await.unwrap().is_some());
    assert!(sessions::find(store, other.token.expose(), super::LIVES, now).await.unwrap().is_none());
    assert!(one_time::take(store, link.expose(), "reset").await.unwrap().is_none());
    let still = one_time::peek(store, known.expose(), one_time::KNOWN).await.unwrap();
    assert!(still.is_some(), "the owner's browser is not forgotten");

    account(store, "grace@example.org").await;
    let harder = "$argon2id$v=19$m=9,t=1,p=1$b3RoZXJvdGhlcm90aGVybw$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    accounts::rehash(store, ada.account, harder).await.unwrap();
    let census = accounts::password_census(store).await.unwrap();
    assert_eq!(
        census,
        [("$argon2id$v=19$m=19456,t=2,p=1".to_owned(), 1), ("$argon2id$v=19$m=9,t=1,p=1".to_owned(), 1)]
    );
    accounts::rehash(store, ada.account, "hunter2").await.unwrap();
    let census = accounts::password_census(store).await.unwrap();
    assert!(census.contains(&("unreadable".to_owned(), 1)) && !format!("{census:?}").contains("hunter2"));
}

#[tokio::test]
async fn name_and_address_change_in_every_copy() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, grace) = (account(store, "ada@example.org").await, account(store, "grace@example.org").await);
    let invited = team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Member, Span::days(1))
        .await
        .unwrap();
    let (_, there) = team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    let reset = one_time::issue(store, Some(grace.account), "reset", "", Span::hours(1)).await.unwrap();

    accounts::set_name(store, grace.account, "Grace Hopper").await.unwrap();
    accounts::set_email(store, grace.account, "Hopper@example.org").await.unwrap();
    for (tenant, person) in [(grace.tenant, grace.person), (ada.tenant, there)] {
        let me = tenancy::me(&mut as_person(store, tenant, person).await).await.unwrap();
        assert_eq!((me.name.as_str(), me.email.as_str()), ("Grace Hopper", "Hopper@example.org"));
        let events = audit::list(&mut as_person(store, tenant, person).await, 2).await.unwrap();
        let told = |action: &str| action.starts_with("account.") || action == "invitation.erase";
        assert!(events.iter().all(|entry| told(&entry.event.action)), "{events:?}");
    }
    let invitations = team::invitations(&mut as_person(store, ada.tenant, there).await).await.unwrap();
    assert!(invitations.is_empty(), "the one that was accepted was to the old address");
    assert_eq!(team::by_email(store, ada.tenant, "hopper@example.org").await.unwrap().unwrap().0, there);
    assert!(team::by_email(store, ada.tenant, "grace@example.org").await.unwrap().is_none());
    assert!(accounts::by_email(store, "grace@example.org").await.unwrap().is_none());
    assert_eq!(accounts::by_email(store, "hopper@example.org").await.unwrap().unwrap().id, grace.account);
    assert!(one_time::take(store, reset.expose(), "reset").await.unwrap().is_none(), "sent to the old address");

    // An address that somebody has is refused, and nothing has changed then.
    let taken = accounts::set_email(store, grace.account, "ada@example.org").await;
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    let found = accounts::by_id(store, grace.account).await.unwrap().unwrap();
    assert_eq!(found.email, "Hopper@example.org");
    account(store, "grace@example.org").await;
}

#[tokio::test]
async fn what_is_good_once_is_good_once() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let token = one_time::issue(store, Some(ada.account), "verify", "payload", Span::hours(1)).await.unwrap();
    assert!(one_time::take(store, token.expose(), "reset").await.unwrap().is_none(), "for another purpose");
    assert_eq!(one_time::peek(store, token.expose(), "verify").await.unwrap().unwrap().payload, "payload");
    let (a, b) =
        tokio::join!(one_time::take(store, token.expose(), "verify"), one_time::take(store, token.expose(), "verify"));
    let taken: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
    assert_eq!(taken.len(), 1, "once, also at the same time");
    assert_eq!((taken[0].account, taken[0].payload.as_str()), (Some(ada.account), "payload"));

    let late = one_time::issue(store, Some(ada.account), "verify", "", Span::seconds(0)).await.unwrap();
    assert!(one_time::take(store, late.expose(), "verify").await.unwrap().is_none(), "expired");
    let open = one_time::issue(store, Some(ada.account), "verify", "", Span::hours(1)).await.unwrap();
    one_time::void(store, ada.account, "verify").await.unwrap();
    assert!(one_time::take(store, open.expose(), "verify").await.unwrap().is_none(), "void");

    let visitors = one_time::issue(store, None, "oidc", "{\"state\":1}", Span::hours(1)).await.unwrap();
    let state = one_time::take(store, visitors.expose(), "oidc").await.unwrap().unwrap();
    assert_eq!((state.account, state.payload.as_str()), (None, "{\"state\":1}"));
    assert!(one_time::first(store, "saml", b"id-1", Span::hours(1)).await.unwrap());
    assert!(!one_time::first(store, "saml", b"id-1", Span::hours(1)).await.unwrap());
    assert!(one_time::first(store, "jwt", b"id-1", Span::hours(1)).await.unwrap());
}

#[tokio::test]
async fn an_identity_is_one_accounts() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, grace) = (account(store, "ada@example.org").await, account(store, "grace@example.org").await);
    links::add(store, ada.account, "google", "123").await.unwrap();
    assert_eq!(links::find(store, "google", "123").await.unwrap(), Some(ada.account));
    assert_eq!(links::find(store, "clerk", "123").await.unwrap(), None);
    for (who, subject) in [(grace.account, "123"), (ada.account, "456")] {
        assert!(matches!(links::add(store, who, "google", subject).await, Err(StoreError::Taken(_))));
    }
    assert_eq!(links::list(store, ada.account).await.unwrap().len(), 1);
    links::remove(store, ada.account, "google").await.unwrap();
    assert_eq!(links::find(store, "google", "123").await.unwrap(), None);
    links::add(store, grace.account, "google", "123").await.unwrap();
}

#[tokio::test]
async fn api_tokens_are_made_listed_and_taken_back() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let token = accounts::new_token(store, ada.tenant, ada.person, "laptop", LONGEST_TOKEN).await.unwrap();
    let who = tenancy::authenticate(store, token.expose()).await.unwrap().unwrap();
    assert!(!who.needs_second);
    assert_eq!((who.person, who.account, who.role), (ada.person, Some(ada.account), TeamRole::Owner));
    let listed = accounts::tokens(store, ada.tenant, ada.person).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].label.as_deref(), Some("laptop"));
    accounts::revoke_token(store, ada.tenant, ada.person, listed[0].id).await.unwrap();
    assert_eq!(tenancy::authenticate(store, token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn an_api_token_ends_by_itself_and_its_end_is_told() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let new = async |lives| accounts::new_token(store, ada.tenant, ada.person, "laptop", lives).await;
    assert!(matches!(new(Span::days(366)).await, Err(StoreError::Invalid(_))));
    let (short, long) = (new(Span::hours(1)).await.unwrap(), new(LONGEST_TOKEN).await.unwrap());
    let listed = accounts::tokens(store, ada.tenant, ada.person).await.unwrap();
    let lives: Vec<_> = listed.iter().map(|one| one.expires_at.duration_since(one.created_at).as_hours()).collect();
    assert_eq!(lives, [1, 365 * 24]);
    let events = audit::list(&mut as_person(store, ada.tenant, ada.person).await, 2).await.unwrap();
    assert!(events.iter().all(|entry| entry.event.context.contains_key("expires")), "{events:?}");
    let joined = super::team(store, "Three").await;
    assert_eq!(told::walk(store).await.unwrap().tokens, 0);
    db.as_superuser("UPDATE wordbond.token SET expires_at = expires_at - interval '1 hour'").await;
    assert_eq!(tenancy::authenticate(store, short.expose()).await.unwrap(), None, "it is over");
    for other in [&long, &joined.token] {
        assert!(tenancy::authenticate(store, other.expose()).await.unwrap().is_some());
    }
    assert_eq!(told::walk(store).await.unwrap().tokens, 3, "another end than was told");
    db.as_superuser("UPDATE wordbond.token SET expires_at = expires_at + interval '1 hour'").await;
    assert_eq!(told::walk(store).await.unwrap().tokens, 0);
}

/// What belongs to no team is told in the operator's log, without a name.
#[tokio::test]
async fn an_account_without_a_team_is_told_under_the_operator() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, grace) = (account(store, "ada@example.org").await, account(store, "grace@example.org").await);
    let invited =
        team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Owner, Span::days(1)).await.unwrap();
    team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    team::remove_member(store, ada.tenant, ada.person, ada.person).await.unwrap();
    accounts::set_name(store, ada.account, "Ada L").await.unwrap();
    let mut operator = store.scoped(operator_tenant(), &Actor::Operator).await.unwrap();
    let events = audit::list(&mut operator, 1).await.unwrap();
    assert_eq!(events[0].event.action, "account.name");
    assert_eq!(events[0].event.targets, [format!("account:{}", ada.account)]);
}
