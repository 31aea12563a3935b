//! Who is in a team, and as what.

use super::{LIVES, account, as_person, colleague, session, team as team_of};
use kernel::{Actor, PersonId, Span, TeamRole, TenantId};
use store::{
    Store, StoreError,
    accounts::{self, NewAccount, SignedUp},
    audit, looks, notes, saml, sessions,
    team::{self, GRANTS},
    tenancy,
};
use testkit::ScratchDb;

const WEEK: Span = Span::days(7);

/// A member of Ada's team.
async fn joins(store: &Store, ada: SignedUp, email: &str, role: TeamRole) -> (SignedUp, PersonId) {
    let who = account(store, email).await;
    let invited = team::invite(store, ada.tenant, ada.person, email, role, WEEK).await.unwrap();
    (who, team::accept(store, invited.token.expose(), who.account, None).await.unwrap().1)
}

#[tokio::test]
async fn an_invitation_is_for_one_address_and_good_once() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let (grace, eve) = (account(store, "grace@example.org").await, account(store, "eve@example.org").await);
    let invited =
        team::invite(store, ada.tenant, ada.person, "Grace@example.org", TeamRole::Member, WEEK).await.unwrap();
    let open = team::invitation(store, invited.token.expose()).await.unwrap().unwrap();
    assert_eq!((open.tenant, open.role, open.email.as_str()), (ada.tenant, TeamRole::Member, "Grace@example.org"));
    assert_eq!(open.team, "Engines");
    assert_eq!(team::invited(store, ada.tenant, "grace@example.org").await.unwrap(), Some(open.id));
    let other = team::accept(store, invited.token.expose(), eve.account, None).await;
    assert!(matches!(other, Err(StoreError::Invalid(_))), "for another address");

    let (tenant, person) = team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    assert_eq!(tenant, ada.tenant);
    assert!(team::invitation(store, invited.token.expose()).await.unwrap().is_none());
    assert!(matches!(
        team::accept(store, invited.token.expose(), grace.account, None).await,
        Err(StoreError::NotFound)
    ));
    let members = team::members(&mut as_person(store, ada.tenant, person).await).await.unwrap();
    let told: Vec<_> = members.iter().map(|m| (m.person, m.email.as_str(), m.role)).collect();
    assert_eq!(
        told,
        [(ada.person, "ada@example.org", TeamRole::Owner), (person, "grace@example.org", TeamRole::Member)]
    );
    assert_eq!(team::memberships(store, grace.account).await.unwrap().len(), 2);
    let again = team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Viewer, WEEK).await;
    assert!(matches!(again, Err(StoreError::Taken(_))));
}

#[tokio::test]
async fn an_invitation_expires_and_is_taken_back() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let invite = |ttl| team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Viewer, ttl);
    let late = invite(Span::seconds(0)).await.unwrap();
    assert!(team::invitation(store, late.token.expose()).await.unwrap().is_none());
    let first = invite(WEEK).await.unwrap();
    let second = invite(WEEK).await.unwrap();
    assert!(team::invitation(store, first.token.expose()).await.unwrap().is_none(), "the newer one stands");
    team::revoke_invitation(store, ada.tenant, ada.person, second.id).await.unwrap();
    assert!(team::invitation(store, second.token.expose()).await.unwrap().is_none());
    let again = team::revoke_invitation(store, ada.tenant, ada.person, second.id).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    let all = team::invitations(&mut as_person(store, ada.tenant, ada.person).await).await.unwrap();
    assert!(all.len() == 3 && all.iter().all(|invitation| invitation.revoked_at.is_some()));
    let unproven =
        NewAccount { name: "G", email: "grace@example.org", password_hash: None, team: "T", verified: false };
    let grace = accounts::sign_up(store, unproven).await.unwrap();
    let third = invite(WEEK).await.unwrap();
    let refused = team::accept(store, third.token.expose(), grace.account, None).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "the address is not proven");
    accounts::set_verified(store, grace.account).await.unwrap();
    team::accept(store, third.token.expose(), grace.account, None).await.unwrap();
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_a_team_keeps_an_owner() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let (_, admin) = joins(store, ada, "admin@example.org", TeamRole::Admin).await;
    let (_, member) = joins(store, ada, "member@example.org", TeamRole::Member).await;
    let set = |by, whom, role| team::set_role(store, ada.tenant, by, whom, role);
    let is_invalid = |outcome: Result<(), StoreError>| matches!(outcome, Err(StoreError::Invalid(_)));
    assert!(is_invalid(set(admin, member, TeamRole::Owner).await));
    assert!(is_invalid(set(admin, ada.person, TeamRole::Member).await));
    assert!(is_invalid(team::remove_member(store, ada.tenant, admin, ada.person).await));
    assert!(is_invalid(set(ada.person, ada.person, TeamRole::Admin).await), "the last owner");
    assert!(is_invalid(team::remove_member(store, ada.tenant, ada.person, ada.person).await), "the last owner");
    let above = team::invite(store, ada.tenant, admin, "x@example.org", TeamRole::Owner, WEEK).await;
    assert!(matches!(above, Err(StoreError::Invalid(_))));
    set(admin, member, TeamRole::Admin).await.unwrap();
    set(ada.person, member, TeamRole::Owner).await.unwrap();
    // Two owners who take each other's ownership away at the same time: one of them stays.
    let (a, b) = tokio::join!(set(ada.person, member, TeamRole::Member), set(member, ada.person, TeamRole::Member));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    let stranger = account(store, "eve@example.org").await;
    for outcome in [
        set(stranger.person, admin, TeamRole::Viewer).await,
        set(ada.person, stranger.person, TeamRole::Viewer).await,
        team::set_role(store, TenantId::new(), ada.person, admin, TeamRole::Viewer).await,
    ] {
        assert!(matches!(outcome, Err(StoreError::NotFound)), "{outcome:?}");
    }
}

#[tokio::test]
async fn whoever_leaves_takes_everything_along() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let (grace, person) = joins(store, ada, "grace@example.org", TeamRole::Admin).await;
    let token = accounts::new_token(store, ada.tenant, person, "script", tenancy::LONGEST_TOKEN).await.unwrap();
    let inside = session(store, grace.account, Some(ada.tenant)).await;
    let invited = team::invite(store, ada.tenant, person, "next@example.org", TeamRole::Viewer, WEEK).await.unwrap();
    let mut scoped = as_person(store, ada.tenant, ada.person).await;
    let shared = notes::create(&mut scoped, "t", "b").await.unwrap();
    notes::share(&mut scoped, shared, person).await.unwrap();
    scoped.commit().await.unwrap();
    let mut scoped = as_person(store, ada.tenant, person).await;
    let own = notes::create(&mut scoped, "t", "b").await.unwrap();
    notes::share(&mut scoped, own, ada.person).await.unwrap();
    scoped.commit().await.unwrap();

    team::remove_member(store, ada.tenant, ada.person, person).await.unwrap();
    assert_eq!(tenancy::authenticate(store, token.expose()).await.unwrap(), None);
    let now = store.clock().now();
    assert!(sessions::find(store, inside.token.expose(), LIVES, now).await.unwrap().is_none());
    assert!(team::invitation(store, invited.token.expose()).await.unwrap().is_none());
    assert!(matches!(
        notes::get(&mut as_person(store, ada.tenant, person).await, shared).await,
        Err(StoreError::NotFound)
    ));
    assert!(matches!(
        notes::get(&mut as_person(store, ada.tenant, ada.person).await, own).await,
        Err(StoreError::NotFound)
    ));
    assert_eq!(team::members(&mut as_person(store, ada.tenant, ada.person).await).await.unwrap().len(), 1);
    assert_eq!(team::memberships(store, grace.account).await.unwrap().len(), 1);
    assert!(team::by_email(store, ada.tenant, "grace@example.org").await.unwrap().is_none());
    let mut root = db.superuser().await.unwrap();
    for table in GRANTS {
        let sql = format!("SELECT count(*) FROM {table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut root).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    // Who comes back is the same person, as what they are invited now.
    let invited =
        team::invite(store, ada.tenant, ada.person, "grace@example.org", TeamRole::Viewer, WEEK).await.unwrap();
    let (_, again) = team::accept(store, invited.token.expose(), grace.account, None).await.unwrap();
    assert_eq!(again, person);
    let roles: Vec<_> = team::memberships(store, grace.account).await.unwrap().iter().map(|m| m.role).collect();
    assert_eq!(roles, [TeamRole::Owner, TeamRole::Viewer]);
    let me = tenancy::me(&mut as_person(store, ada.tenant, person).await).await.unwrap();
    assert_eq!(me.email, "grace@example.org");
}

/// People who came over the API have a token and no account, until they sign up with the address and are invited.
#[tokio::test]
async fn a_person_without_an_account_gets_one() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let founder = team_of(store, "T").await;
    let person = colleague(store, founder.tenant, "grace@example.org").await;
    let roles =
        async |token: &tenancy::Token| tenancy::authenticate(store, token.expose()).await.unwrap().unwrap().role;
    assert_eq!((roles(&founder.token).await, roles(&person.token).await), (TeamRole::Owner, TeamRole::Member));
    let members = team::members(&mut as_person(store, founder.tenant, person.person).await).await.unwrap();
    assert!(members.len() == 2 && members.iter().all(|member| member.account.is_none()));
    team::remove_member(store, founder.tenant, founder.person, person.person).await.unwrap();
    assert_eq!(tenancy::authenticate(store, person.token.expose()).await.unwrap(), None);
}

#[tokio::test]
async fn settings_and_the_identity_provider_are_the_teams() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (account(store, "ada@example.org").await, account(store, "eve@example.org").await);
    team::set_settings(store, ada.tenant, ada.person, "New name", true).await.unwrap();
    let settings = team::settings(&mut as_person(store, ada.tenant, ada.person).await).await.unwrap();
    assert_eq!((settings.name.as_str(), settings.require_second_factor), ("New name", true));
    let refused = team::set_settings(store, ada.tenant, eve.person, "Mine", false).await;
    assert!(matches!(refused, Err(StoreError::NotFound)));
    for (metadata, enabled) in [("<a/>", false), ("<b/>", true)] {
        saml::set(store, ada.tenant, ada.person, metadata, enabled).await.unwrap();
        let mut visitor = store.scoped(ada.tenant, &Actor::Visitor).await.unwrap();
        let idp = saml::get(&mut visitor).await.unwrap().unwrap();
        assert_eq!((idp.metadata.as_str(), idp.enabled), (metadata, enabled));
    }
    assert!(saml::get(&mut as_person(store, eve.tenant, eve.person).await).await.unwrap().is_none());
    saml::remove(store, ada.tenant, ada.person).await.unwrap();
    assert!(matches!(saml::remove(store, ada.tenant, ada.person).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn a_look_stands_in_both_logs_and_ends() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, admin) = (account(store, "ada@example.org").await, account(store, "admin@example.org").await);
    let now = store.clock().now();
    let until = now.checked_add(Span::minutes(30).signed()).unwrap();
    for (reason, until) in [("", until), ("x", now)] {
        let refused = looks::begin(store, admin.account, ada.tenant, reason, until).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))));
    }
    let nowhere = looks::begin(store, admin.account, TenantId::new(), "x", until).await;
    assert!(nowhere.is_err());
    let id = looks::begin(store, admin.account, ada.tenant, "a ticket", until).await.unwrap();
    assert_eq!(looks::current(store, admin.account).await.unwrap().len(), 1);
    let look = looks::get(store, admin.account, id).await.unwrap().unwrap();
    assert_eq!((look.tenant, look.reason.as_str(), look.expires_at), (ada.tenant, "a ticket", look.expires_at));
    assert!(looks::get(store, ada.account, id).await.unwrap().is_none(), "another's");
    assert!(matches!(looks::end(store, ada.account, id).await, Err(StoreError::NotFound)));
    looks::end(store, admin.account, id).await.unwrap();
    assert!(looks::get(store, admin.account, id).await.unwrap().is_none());

    let mut scoped = as_person(store, ada.tenant, ada.person).await;
    let told = looks::of_tenant(&mut scoped).await.unwrap();
    assert!(told.len() == 1 && told[0].ended_at.is_some() && told[0].reason == "a ticket");
    let mut operator = store.scoped(store::operator_tenant(), &Actor::Operator).await.unwrap();
    for log in [&mut scoped, &mut operator] {
        let events = audit::list(log, 2).await.unwrap();
        let actions: Vec<&str> = events.iter().map(|entry| entry.event.action.as_str()).collect();
        assert_eq!(actions, ["look.end", "look.begin"]);
        assert_eq!(events[1].event.context["reason"], "a ticket");
    }
    let teams = looks::teams(store, 10).await.unwrap();
    assert_eq!(teams.len(), 2);
    let (row, members) = looks::team(store, ada.tenant).await.unwrap().unwrap();
    assert!(teams.contains(&row) && members == 1);
    assert!(looks::team(store, TenantId::new()).await.unwrap().is_none());
}
