//! Mail while the mail server is away: it waits, sealed, and comes when the server does.

use crate::system::{System, to, token};
use ingress::visitor::Somebody;
use std::time::Duration;
use store::{jobs, mails};
use tokio::time::sleep;

/// How many rows stand in a table.
async fn rows(system: &System, table: &str) -> i64 {
    let mut root = system.db.superuser().await.unwrap();
    let sql = format!("SELECT count(*) FROM wordbond.{table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut root).await.unwrap()
}

/// Waits until every mail that waits has been tried and given back.
async fn tried(system: &System) {
    let mut root = system.db.superuser().await.unwrap();
    for _ in 0..200 {
        const SQL: &str = "SELECT NOT EXISTS (SELECT FROM wordbond.ticket WHERE leased_until IS NOT NULL)
            AND EXISTS (SELECT FROM wordbond.ticket WHERE attempts > 0)";
        if sqlx::query_scalar(SQL).fetch_one(&mut root).await.unwrap() {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail was tried");
}

/// Does what waits, as the worker would once it is due. Yields how much that was.
async fn work(system: &System) -> usize {
    let mut root = system.db.superuser().await.unwrap();
    sqlx::query("UPDATE wordbond.ticket SET due_at = now() - interval '1 minute'").execute(&mut root).await.unwrap();
    let (store, mut done) = (system.db.store(), 0);
    while let Some(lease) = jobs::lease(store).await.unwrap() {
        let (scoped, job) = jobs::begin(store, &lease).await.unwrap();
        drop(scoped);
        assert_eq!(job.kind, mails::KIND);
        let turn = system.accounts.turn().await.unwrap();
        system.accounts.deliver(&lease, &job, turn).await;
        done += 1;
    }
    done
}

#[tokio::test]
async fn a_mail_waits_for_its_server_and_comes_once() {
    let system = System::open().await;
    system.mail_is_away(true);
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    tried(&system).await;
    assert_eq!((rows(&system, "mail").await, rows(&system, "job").await), (1, 1));
    assert_eq!(work(&system).await, 1, "it fails again, and pauses");
    assert_eq!((rows(&system, "mail").await, system.subjects(&somebody.email).len()), (1, 0));
    let mut root = system.db.superuser().await.unwrap();
    const PAUSES: &str = "SELECT due_at > now() + interval '7 seconds' AND attempts = 2 FROM wordbond.ticket";
    let longer: bool = sqlx::query_scalar(PAUSES).fetch_one(&mut root).await.unwrap();
    assert!(longer, "the second pause is longer than the first");
    system.mail_is_away(false);
    assert_eq!(work(&system).await, 1);
    let link = system.link(&somebody.email, "Confirm your address").await;
    ada.form_token("/account").await.unwrap();
    assert_eq!(ada.post_form("/verify-email", &[("token", token(&link))]).await.unwrap().status, 200);
    assert_eq!((rows(&system, "mail").await, rows(&system, "job").await, work(&system).await), (0, 0, 0));
    assert_eq!(system.subjects(&somebody.email).len(), 1);
}

#[tokio::test]
async fn nobody_sees_whether_the_server_is_away() {
    let system = System::open().await;
    system.mail_is_away(true);
    let mut visitor = system.visitor();
    let known = visitor.sign_up().await.unwrap();
    let mut stranger = system.visitor();
    let mut ask = async |email: &str| {
        stranger.form_token("/forgot").await.unwrap();
        let answer = stranger.post_form("/forgot", &[("email", email)]).await.unwrap();
        (answer.status, answer.text())
    };
    let answers = (ask(&known.email).await, ask(&Somebody::new().email).await);
    assert_eq!(answers.0, answers.1);
    assert_eq!(answers.0.0, 200);
    tried(&system).await;
    system.mail_is_away(false);
    work(&system).await;
    system.mail(&known.email, "Choose a new password").await;
    assert_eq!(
        (rows(&system, "mail").await, rows(&system, "job").await),
        (0, 0),
        "an unknown address is nothing to wait for"
    );
}

/// A mail that waits makes its link when it is sent: it must not bring one that a new password would have ended.
#[tokio::test]
async fn a_new_password_takes_back_what_waits() {
    let system = System::open().await;
    let mut ada = system.visitor();
    let somebody = ada.sign_up().await.unwrap();
    system.mail(&somebody.email, "Confirm your address").await;
    let mut visitor = system.visitor();
    visitor.form_token("/forgot").await.unwrap();
    visitor.post_form("/forgot", &[("email", &somebody.email)]).await.unwrap();
    let link = system.link(&somebody.email, "Choose a new password").await;
    system.mail_is_away(true);
    let elsewhere = Somebody::new().email;
    assert_eq!(to(&ada.post_form("/account/email", &[("email", &elsewhere)]).await.unwrap()), "/account?done=email");
    tried(&system).await;
    visitor.get(&link).await.unwrap();
    let form = [("token", token(&link)), ("password", &Somebody::new().password)];
    assert_eq!(to(&visitor.post_form("/reset", &form).await.unwrap()), "/sign-in?done=reset");
    system.mail_is_away(false);
    work(&system).await;
    system.mail(&somebody.email, "was changed").await;
    assert!(system.subjects(&elsewhere).is_empty(), "{:?}", system.subjects(&elsewhere));
    assert_eq!(rows(&system, "mail").await, 0);
}
