//! Second factors.

use super::account;
use store::{StoreError, accounts, factors, team, tenancy};
use testkit::ScratchDb;

#[tokio::test]
async fn a_time_step_is_used_once_and_only_forward() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await.account;
    assert!(factors::totp(store, ada).await.unwrap().is_none());
    let id = factors::add_totp(store, ada, &[0, 255, 7], "phone").await.unwrap();
    let totp = factors::totp(store, ada).await.unwrap().unwrap();
    assert_eq!((totp.id, totp.secret.as_slice(), totp.label.as_str()), (id, &[0, 255, 7][..], "phone"));
    assert!(accounts::by_id(store, ada).await.unwrap().unwrap().has_totp);
    let (a, b) = tokio::join!(factors::use_totp_step(store, ada, id, 100), factors::use_totp_step(store, ada, id, 100));
    assert_ne!(a.unwrap(), b.unwrap(), "once, also at the same time");
    for (step, good) in [(100, false), (99, false), (101, true), (101, false)] {
        assert_eq!(factors::use_totp_step(store, ada, id, step).await.unwrap(), good, "{step}");
    }
    let next = factors::add_totp(store, ada, b"next", "new phone").await.unwrap();
    assert!(!factors::use_totp_step(store, ada, id, 200).await.unwrap(), "replaced");
    assert!(factors::use_totp_step(store, ada, next, 200).await.unwrap());
    let eve = account(store, "eve@example.org").await.account;
    assert!(!factors::use_totp_step(store, eve, next, 300).await.unwrap(), "another's");
    factors::remove_totp(store, ada).await.unwrap();
    assert!(matches!(factors::remove_totp(store, ada).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn a_passkey_leads_to_its_account() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (account(store, "ada@example.org").await.account, account(store, "eve@example.org").await.account);
    let id = factors::add_passkey(store, ada, b"credential", b"public key", "laptop").await.unwrap();
    assert_eq!(factors::account_of_passkey(store, b"credential").await.unwrap(), Some(ada));
    assert_eq!(factors::account_of_passkey(store, b"another").await.unwrap(), None);
    let taken = factors::add_passkey(store, eve, b"credential", b"other key", "mine").await;
    assert!(matches!(taken, Err(StoreError::Taken(_))));

    for (counter, secret, good) in [
        (0, None, true),
        (0, None, true),
        (5, Some(&b"changed"[..]), true),
        (5, None, false),
        (0, None, false),
        (6, None, true),
    ] {
        assert_eq!(factors::used_passkey(store, ada, id, counter, secret).await.unwrap(), good, "{counter}");
    }
    let passkeys = factors::passkeys(store, ada).await.unwrap();
    assert_eq!(passkeys.len(), 1);
    let key = &passkeys[0];
    assert_eq!((key.credential_id.as_slice(), key.secret.as_slice()), (&b"credential"[..], &b"changed"[..]));
    assert_eq!((key.label.as_str(), key.counter, key.used_at.is_some()), ("laptop", 6, true));
    assert!(matches!(factors::remove_passkey(store, eve, id).await, Err(StoreError::NotFound)));
    factors::remove_passkey(store, ada, id).await.unwrap();
    assert_eq!(factors::account_of_passkey(store, b"credential").await.unwrap(), None);
    factors::add_passkey(store, eve, b"credential", b"other key", "mine").await.unwrap();
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let (ada, eve) = (account(store, "ada@example.org").await.account, account(store, "eve@example.org").await.account);
    factors::set_recovery_codes(store, ada, &[[1; 32], [2; 32]]).await.unwrap();
    assert!(!factors::use_recovery_code(store, eve, &[1; 32]).await.unwrap());
    let (a, b) = tokio::join!(
        factors::use_recovery_code(store, ada, &[1; 32]),
        factors::use_recovery_code(store, ada, &[1; 32])
    );
    assert_ne!(a.unwrap(), b.unwrap());
    assert_eq!(factors::recovery_codes_left(store, ada).await.unwrap(), 1);
    factors::set_recovery_codes(store, ada, &[[3; 32]]).await.unwrap();
    assert!(!factors::use_recovery_code(store, ada, &[2; 32]).await.unwrap(), "replaced");
    assert!(factors::use_recovery_code(store, ada, &[3; 32]).await.unwrap());
}

#[tokio::test]
async fn a_team_that_requires_a_factor_is_closed_to_tokens_of_members_without_one() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await;
    let token = accounts::new_token(store, ada.tenant, ada.person, "CI", tenancy::LONGEST_TOKEN).await.unwrap();
    let owes = async || tenancy::authenticate(store, token.expose()).await.unwrap().unwrap().needs_second;
    assert!(!owes().await);
    team::set_settings(store, ada.tenant, ada.person, "Engines", true).await.unwrap();
    assert!(owes().await);
    factors::add_totp(store, ada.account, b"key", "phone").await.unwrap();
    assert!(!owes().await);
    factors::remove_totp(store, ada.account).await.unwrap();
    assert!(owes().await);
}

#[tokio::test]
async fn recovery_codes_end_with_the_last_factor() {
    let db = ScratchDb::new().await;
    let store = db.store();
    let ada = account(store, "ada@example.org").await.account;
    let left = async || factors::recovery_codes_left(store, ada).await.unwrap();
    factors::add_totp(store, ada, b"key", "phone").await.unwrap();
    let key = factors::add_passkey(store, ada, b"credential", b"public key", "laptop").await.unwrap();
    factors::set_recovery_codes(store, ada, &[[1; 32]]).await.unwrap();
    factors::remove_totp(store, ada).await.unwrap();
    assert_eq!(left().await, 1, "the passkey is left");
    factors::remove_passkey(store, ada, key).await.unwrap();
    assert_eq!(left().await, 0);
    factors::add_totp(store, ada, b"key", "phone").await.unwrap();
    factors::set_recovery_codes(store, ada, &[[1; 32]]).await.unwrap();
    factors::remove_totp(store, ada).await.unwrap();
    assert_eq!(left().await, 0);
}
