//! A row that was given to somebody else behind the application's back is missed, wherever it was changed alike.

use super::{account, session};
use kernel::Span;
use sqlx::Executor as _;
use store::{
    Store, links, looks,
    sessions::{self, NewSession, Strength},
    told,
};
use testkit::ScratchDb;

/// What one statement does to the sessions, links or looks; each is undone by the one after it.
async fn untold(db: &ScratchDb, make: &str, undo: &str) -> (u64, u64, u64) {
    let mut root = db.superuser().await.unwrap();
    root.execute(sqlx::AssertSqlSafe(make)).await.unwrap();
    let told = told::walk(db.store()).await.unwrap();
    root.execute(sqlx::AssertSqlSafe(undo)).await.unwrap();
    assert!(is_clean(db.store()).await, "after {undo}");
    (told.sessions, told.links, told.looks)
}

async fn is_clean(store: &Store) -> bool {
    let told = told::walk(store).await.unwrap();
    (told.sessions, told.links, told.looks, told.factors) == (0, 0, 0, 0)
}

#[tokio::test]
async fn what_the_application_does_is_told() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let opened = session(store, ada.account, Some(ada.tenant)).await;
    sessions::rotate(store, ada.account, opened.id).await.unwrap();
    sessions::confirm(store, ada.account, opened.id).await.unwrap();
    sessions::strengthen(store, ada.account, opened.id, Strength::Second).await.unwrap();
    sessions::switch(store, ada.account, opened.id, ada.tenant).await.unwrap();
    sessions::age(store, ada.account, opened.id, Span::minutes(5)).await.unwrap();
    let teamless = session(store, ada.account, None).await;
    sessions::revoke(store, ada.account, teamless.id).await.unwrap();
    links::add(store, ada.account, "google", "1").await.unwrap();
    links::remove(store, ada.account, "google").await.unwrap();
    links::add(store, ada.account, "google", "2").await.unwrap();
    assert!(is_clean(store).await);
}

#[tokio::test]
async fn a_session_or_link_of_somebody_else_is_missed() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (account(store, "ada@example.org").await, account(store, "eve@example.org").await);
    let (hers, own) =
        (session(store, ada.account, Some(ada.tenant)).await, session(store, eve.account, Some(eve.tenant)).await);
    let (link, other) = (
        links::add(store, ada.account, "google", "1").await.unwrap(),
        links::add(store, eve.account, "google", "2").await.unwrap(),
    );
    assert!(is_clean(store).await);
    let give = |account, tenant, person| {
        format!(
            "UPDATE wordbond.session SET account_id = '{account}', tenant_id = '{tenant}', person_id = '{person}'
                 WHERE session_id = '{id}';
             UPDATE wordbond.sign_in SET account_id = '{account}', tenant_id = '{tenant}', person_id = '{person}'
                 WHERE row_id = '{id}'",
            id = own.id
        )
    };
    let (make, undo) = (give(ada.account, ada.tenant, ada.person), give(eve.account, eve.tenant, eve.person));
    assert_eq!(untold(&db, &make, &undo).await, (1, 0, 0), "given to somebody else");
    // The key of one session on the other, in both places: whose each session is stays as it was.
    let swap = |table: &str, row: &str, key: &str, kind: &str, one: String, two: String| {
        format!(
            "CREATE TEMP TABLE k AS SELECT {row} AS id, {key} AS key FROM wordbond.{table};
             UPDATE wordbond.{table} SET {key} = (SELECT key FROM k WHERE id = '{two}') WHERE {row} = '{one}';
             UPDATE wordbond.{table} SET {key} = (SELECT key FROM k WHERE id = '{one}') WHERE {row} = '{two}';
             DROP TABLE k;
             UPDATE wordbond.sign_in AS i SET row_id = s.{row}, account_id = s.account_id
                 FROM wordbond.{table} AS s WHERE i.kind = '{kind}' AND i.lookup = s.{key}"
        )
    };
    let keys = swap("session", "session_id", "token_hash", "session", hers.id.to_string(), own.id.to_string());
    assert_eq!(untold(&db, &keys, &keys).await, (2, 0, 0), "keys exchanged");
    let index = |account| format!("UPDATE wordbond.sign_in SET account_id = '{account}' WHERE row_id = '{}'", own.id);
    assert_eq!(untold(&db, &index(ada.account), &index(eve.account)).await, (1, 0, 0), "in the index alone");

    let subjects = swap("provider_link", "link_id", "subject_hash", "link", link.to_string(), other.to_string());
    assert_eq!(untold(&db, &subjects, &subjects).await, (0, 2, 0), "identities exchanged");
    links::remove(store, eve.account, "google").await.unwrap();
    let give = |account| {
        format!(
            "UPDATE wordbond.provider_link SET account_id = '{account}' WHERE link_id = '{link}';
             UPDATE wordbond.sign_in SET account_id = '{account}' WHERE row_id = '{link}'"
        )
    };
    assert_eq!(untold(&db, &give(eve.account), &give(ada.account)).await, (0, 1, 0), "given to somebody else");
    // What its new holder does with it does not make it theirs.
    db.superuser().await.unwrap().execute(sqlx::AssertSqlSafe(make)).await.unwrap();
    sessions::rotate(store, ada.account, own.id).await.unwrap();
    sessions::confirm(store, ada.account, own.id).await.unwrap();
    assert_eq!(told::walk(store).await.unwrap().sessions, 1);
}

#[tokio::test]
async fn a_session_that_is_raised_right_after_a_genuine_act_is_missed() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    store::factors::add_totp(store, ada.account, b"secret", "a phone").await.unwrap();
    let new = NewSession {
        account: ada.account,
        tenant: Some(ada.tenant),
        strength: Strength::Password,
        pending: true,
        device: "",
        lifetimes: super::LIVES,
        proved_at: None,
    };
    let owing = sessions::open(store, new).await.unwrap();
    // Of the same account, and within the same second.
    let given = sessions::open(store, new).await.unwrap();
    sessions::complete(store, ada.account, given.id, Strength::Second).await.unwrap();
    assert!(is_clean(store).await);
    let raise = format!(
        "UPDATE wordbond.session SET pending = false, strength = 'second', confirmed_at = (SELECT max(confirmed_at)
             FROM wordbond.session) WHERE session_id = '{}'",
        owing.id
    );
    db.superuser().await.unwrap().execute(sqlx::AssertSqlSafe(raise)).await.unwrap();
    assert_eq!(told::walk(store).await.unwrap().factors, 1);
}

#[tokio::test]
async fn a_look_that_goes_on_for_longer_is_missed() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, admin) = (account(store, "ada@example.org").await, account(store, "admin@example.org").await);
    let until = store.clock().now().checked_add(Span::minutes(30).signed()).unwrap();
    let id = looks::begin(store, admin.account, ada.tenant, "a ticket", until).await.unwrap();
    let other = looks::begin(store, admin.account, ada.tenant, "another", until).await.unwrap();
    looks::end(store, admin.account, other).await.unwrap();
    assert!(is_clean(store).await);
    assert_eq!(told::walk(store).await.unwrap().on_record, 2);
    let longer = |sign| format!("UPDATE wordbond.admin_look SET expires_at = expires_at {sign} interval '1 day'");
    assert_eq!(untold(&db, &longer('+'), &longer('-')).await, (0, 0, 2));
    let set = |ended| format!("UPDATE wordbond.admin_look SET ended_at = {ended} WHERE look_id = '{other}'");
    assert_eq!(untold(&db, &set("NULL"), &set("now()")).await, (0, 0, 1), "ended, and running all the same");
    let own = |admin| format!("UPDATE wordbond.admin_look SET admin_id = '{admin}' WHERE look_id = '{id}'");
    assert_eq!(untold(&db, &own(ada.account), &own(admin.account)).await, (0, 0, 1), "another's");
    // As after a restore: written again, in a transaction of its own.
    let same = "UPDATE wordbond.admin_look SET expires_at = expires_at";
    assert_eq!(untold(&db, same, same).await, (0, 0, 0));
}
