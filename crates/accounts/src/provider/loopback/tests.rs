use super::*;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use outbound::{Dialler, Register, Trust, http::Request};

fn decoded(token: &str, part: usize) -> Vec<u8> {
    BASE64.decode(token.split('.').nth(part).unwrap()).unwrap()
}

#[test]
fn the_files_are_made_once_and_the_operator_may_take_it_out() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path()).unwrap();
    let before = fs::read(folder.path().join(PROVIDER)).unwrap();
    prepare(folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join(PROVIDER)).unwrap(), before);
    assert!(registered(folder.path()).unwrap().starts_with("https://localhost:"));
    fs::remove_file(folder.path().join(PROVIDER)).unwrap();
    prepare(folder.path()).unwrap();
    assert!(matches!(registered(folder.path()), Err(LoopbackError::Unregistered)), "it is not put back");
}

#[tokio::test]
async fn it_is_reached_by_the_dialler_and_by_its_own_name_only() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path()).unwrap();
    let issuer = LoopbackIssuer::open(folder.path()).await.unwrap();
    let trust = Trust::none().with_folder(&folder.path().join("trust")).unwrap();
    let dialler = Dialler::new(Register::only("localhost"), trust);
    let ask = |path: &str| {
        let request = Request::get(format!("{}{path}", issuer.url())).body(Vec::new()).unwrap();
        let dialler = dialler.clone();
        async move { dialler.request(request).await.unwrap() }
    };
    let found: serde_json::Value = ask("/.well-known/openid-configuration").await.json().unwrap();
    assert_eq!(found["issuer"], issuer.url());
    let keys: serde_json::Value = ask("/keys").await.json().unwrap();
    assert_eq!(keys, issuer.mint.keys());

    let redeem = |code: &str, verifier: &str| {
        let body = format!("grant_type=authorization_code&code={code}&code_verifier={verifier}");
        let request = Request::post(format!("{}/token", issuer.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .unwrap();
        let dialler = dialler.clone();
        async move { dialler.request(request).await.unwrap().status }
    };
    let challenge = BASE64.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"verifier"));
    let grant = Grant { token: "t".to_owned(), challenge };
    for code in ["one", "two"] {
        issuer.grant(code, grant.clone());
    }
    assert_eq!(redeem("one", "verifier").await, 200);
    assert_eq!(redeem("one", "verifier").await, 400, "a code counts once");
    assert_eq!(redeem("two", "other").await, 400);
    assert_eq!(issuer.redeemed("one"), Some(server::Redeemed::Proven));
    assert_eq!(issuer.redeemed("two"), Some(server::Redeemed::Unproven));
    assert_eq!(issuer.redeemed("three"), None);
}

#[test]
fn a_token_verifies_under_the_published_key_and_a_forged_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path()).unwrap();
    let mint = Mint::of("https://localhost:1", &read(folder.path(), SIGNING).unwrap()).unwrap();
    let keys = mint.keys();
    let point = |name: &str| BASE64.decode(keys["keys"][0][name].as_str().unwrap()).unwrap();
    let key = [vec![4], point("x"), point("y")].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    let verifies = |token: &str| {
        let (signed, _) = token.rsplit_once('.').unwrap();
        key.verify(signed.as_bytes(), &decoded(token, 2)).is_ok()
    };
    let now = kernel::Timestamp::UNIX_EPOCH;
    let draft = mint.identity("s", "a@b.example", "n", now);
    let mut other = draft.clone();
    other.set("sub", "t");
    assert!(verifies(&mint.sign(&draft)));
    for forged in
        [mint.sign_foreign(&draft), mint.sign_confused(&draft), mint.unsigned(&draft), mint.swapped(&draft, &other)]
    {
        assert!(!verifies(&forged));
    }
    let claims: serde_json::Value = serde_json::from_slice(&decoded(&mint.sign(&draft), 1)).unwrap();
    assert_eq!((claims["aud"].as_str(), claims["exp"].as_i64()), (Some(CLIENT), Some(300)));
}
