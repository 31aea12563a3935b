//! Who is who.

use super::{colleague, scoped, team};
use kernel::{Actor, TenantId};
use store::{
    StoreError, audit, operator_tenant,
    tenancy::{self, NewPerson},
};
use testkit::ScratchDb;

#[tokio::test]
async fn a_token_stands_for_one_person() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "Analytical Engines").await;
    let grace = colleague(store, ada.tenant, "grace@example.org").await;
    for joined in [&ada, &grace] {
        let session = tenancy::authenticate(store, joined.token.expose()).await.unwrap().unwrap();
        assert_eq!((session.tenant, session.person, session.suspended), (joined.tenant, joined.person, false));
    }
    let me = tenancy::me(&mut scoped(store, &ada).await).await.unwrap();
    assert_eq!((me.name.as_str(), me.email.as_str()), ("Ada", "ada@example.org"));
    assert_eq!(tenancy::name(&mut scoped(store, &grace).await).await.unwrap(), "Analytical Engines");

    let almost = ada.token.expose().replace('a', "b");
    for wrong in ["", "wbt_", &almost, &format!("wbt_{}", "0".repeat(64)), "' OR true --", "wbt_\0"] {
        assert_eq!(tenancy::authenticate(store, wrong).await.unwrap(), None, "{wrong}");
    }
}

#[tokio::test]
async fn suspending_is_told_to_the_tenant_and_to_the_operator() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    tenancy::suspend(store, ada.tenant, &Actor::Operator, "unpaid").await.unwrap();
    assert!(tenancy::authenticate(store, ada.token.expose()).await.unwrap().unwrap().suspended);
    tenancy::resume(store, ada.tenant, &Actor::Operator, "paid").await.unwrap();
    assert!(!tenancy::authenticate(store, ada.token.expose()).await.unwrap().unwrap().suspended);

    let told = audit::list(&mut scoped(store, &ada).await, 2).await.unwrap();
    let mut operator = store.scoped(operator_tenant(), &Actor::Operator).await.unwrap();
    let own = audit::list(&mut operator, 2).await.unwrap();
    for log in [&told, &own] {
        let actions: Vec<&str> = log.iter().map(|entry| entry.event.action.as_str()).collect();
        assert_eq!(actions, ["tenant.resume", "tenant.suspend"]);
        assert_eq!(log[1].event.context["reason"], "unpaid");
    }
    let nobody = tenancy::suspend(store, TenantId::new(), &Actor::Operator, "x").await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn bad_input_is_refused_and_changes_nothing() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "T").await;
    let long = "x".repeat(300);
    for (name, email) in
        [("", "a@b.c"), ("A", ""), ("A", "ab.c"), ("A", "@b"), ("A", "a@b@c"), (long.as_str(), "a@b.c")]
    {
        let refused = tenancy::add_person(store, ada.tenant, &Actor::Operator, NewPerson { name, email }).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{name} {email}");
    }
    let again = NewPerson { name: "Ada", email: " ADA@example.org " };
    let taken = tenancy::add_person(store, ada.tenant, &Actor::Operator, again).await;
    assert!(matches!(taken, Err(StoreError::Taken(_))));
    let stranger =
        tenancy::add_person(store, TenantId::new(), &Actor::Operator, NewPerson { name: "A", email: "a@b.c" }).await;
    assert!(stranger.is_err());
    assert_eq!(audit::list(&mut scoped(store, &ada).await, 10).await.unwrap().len(), 2);
    // The same address in another tenant is another person.
    team(store, "U").await;
}

#[tokio::test]
async fn nothing_personal_is_in_the_clear() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = team(store, "Canary Works").await;
    store::notes::create(&mut { scoped(store, &ada).await }, "canary title", "canary body").await.unwrap();
    let opened = super::session(store, super::account(store, "canary@example.org").await.account, None).await;
    let mut root = db.superuser().await.unwrap();
    for table in ["tenant", "person", "token", "note", "audit_event", "sign_in", "account", "session", "membership"] {
        let sql = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM wordbond.{table} AS t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut root).await.unwrap();
        for secret in
            ["Canary", "canary", "Ada", "ada@example.org", "Firefox", ada.token.expose(), opened.token.expose()]
        {
            assert!(!text.contains(secret), "{table} shows {secret}");
            let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
            assert!(!text.contains(&hex), "{table} shows {secret} in hexadecimal");
        }
    }
}
