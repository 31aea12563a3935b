//! What we say: metadata and requests.

use crate::{Scene, now};
use saml::{RequestSecret, xml};

#[test]
fn our_metadata_says_where_and_who() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.sp.metadata());
    assert_eq!(xml::parse(&scene.sp.metadata()).unwrap().root.attribute("entityID"), Some(scene.sp.entity_id.as_str()));
}

#[test]
fn a_request_names_the_hash_of_what_the_browser_keeps() {
    let scene = Scene::new();
    let secret = RequestSecret::fresh().unwrap();
    let url = scene.sp.authn_request(&scene.metadata, &secret, now());
    let request = inflated(url.strip_prefix("https://idp.example/sso?SAMLRequest=").unwrap());
    let root = xml::parse(&request).unwrap().root;
    assert_eq!(root.attribute("ID"), Some(secret.request_id(&scene.sp).as_str()));
    assert_eq!(root.attribute("AssertionConsumerServiceURL"), Some(scene.sp.acs_url.as_str()));
    assert_eq!(root.attribute("Destination"), Some("https://idp.example/sso"));
    assert_eq!(saml::idp::request_id(&url), Some(secret.request_id(&scene.sp)));
    assert_eq!(root.attribute("IssueInstant"), Some("2026-11-22T08:00:00Z"));
    assert!(!url.contains(secret.cookie()) && !request.contains(secret.cookie()));
}

#[test]
fn a_secret_comes_back_from_its_cookie_and_nothing_else_does() {
    let scene = Scene::new();
    let (one, other) = (RequestSecret::fresh().unwrap(), RequestSecret::fresh().unwrap());
    let back = RequestSecret::from_cookie(one.cookie()).unwrap();
    assert_eq!(back.request_id(&scene.sp), one.request_id(&scene.sp));
    assert_ne!(other.request_id(&scene.sp), one.request_id(&scene.sp));
    let elsewhere = saml::Sp { acs_url: "https://sp.example/other".to_owned(), ..scene.sp.clone() };
    assert_ne!(one.request_id(&elsewhere), one.request_id(&scene.sp), "a secret is good for one service only");
    assert!(RequestSecret::from_cookie("").is_none());
    assert!(RequestSecret::from_cookie("AAAA").is_none());
}

#[test]
fn a_place_with_a_question_keeps_it() {
    let mut scene = Scene::new();
    scene.metadata.sso_url = "https://idp.example/sso?tenant=7".to_owned();
    let url = scene.sp.authn_request(&scene.metadata, &RequestSecret::fresh().unwrap(), now());
    assert!(url.starts_with("https://idp.example/sso?tenant=7&SAMLRequest="), "{url}");
}

/// Undoes what the binding does, with the decoder of another author.
fn inflated(value: &str) -> String {
    use std::io::Write as _;
    let script = "import sys,zlib,base64,urllib.parse;sys.stdout.write(zlib.decompress(base64.b64decode(urllib.parse.unquote(sys.stdin.read())),-15).decode())";
    let mut child = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    String::from_utf8(out.stdout).unwrap()
}
