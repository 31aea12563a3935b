use super::{key::Key, *};
use crate::{
    encode::{base64url, from_base64url},
    testing::{TestKey, at, jwks},
};
use aws_lc_rs::hmac;
use kernel::Span;
use proptest::prelude::*;
use serde_json::{Value, json};

mod rotation;
mod vectors;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "ada", "aud": "us", "iat": NOW - 10, "exp": NOW + 300, "nonce": "n-1", "email": "a@b.example"})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn expect() -> Expect<'static> {
    Expect { issuer: ISSUER, party: Party::Audience("us"), nonce: Some("n-1"), now: at(NOW), leeway: Span::seconds(30) }
}

fn keys(all: &[Value]) -> Keys {
    Keys::parse(&jwks(all)).unwrap()
}

/// What comes of a token with these claims and a good signature.
fn judged(claims: &Value) -> Result<Claims, Refusal> {
    judged_as(claims, &expect())
}

fn judged_as(claims: &Value, expect: &Expect<'_>) -> Result<Claims, Refusal> {
    let key = TestKey::ed();
    keys(&[key.jwk("k")]).verify(&key.token("k", claims), expect)
}

#[test]
fn a_good_token_of_each_algorithm_verifies() {
    for key in [TestKey::rsa(), TestKey::pss(), TestKey::ec(), TestKey::ed()] {
        let found = keys(&[key.jwk("k")]).verify(&key.token("k", &claims()), &expect()).unwrap();
        assert_eq!((found.subject.as_str(), found.text("email")), ("ada", Some("a@b.example")), "{}", key.alg());
        assert_eq!((found.expires_at, found.issued_at), (at(NOW + 300), Some(at(NOW - 10))));
    }
}

#[test]
fn our_own_tokens_verify_with_our_own_keys() {
    let (signer, next) = (Signer::random().unwrap(), Signer::random().unwrap());
    let keys = Keys::parse(next.jwks(&[&signer]).as_bytes()).unwrap();
    for signer in [&signer, &next] {
        let token = signer.sign(&claims()).unwrap();
        assert_eq!(keys.verify(&token, &expect()).unwrap().subject, "ada");
    }
    assert_eq!(
        Keys::parse(next.jwks(&[]).as_bytes()).unwrap().verify(&signer.sign(&claims()).unwrap(), &expect()),
        Err(Refusal::UnknownKey)
    );
    assert_eq!(signer.sign(&"text"), Err(CannotSign));
    let (a, b) = (Signer::from_seed(&[7; 32]).unwrap(), Signer::from_seed(&[7; 32]).unwrap());
    assert_eq!(a.kid(), b.kid());
    assert_ne!(a.kid(), Signer::from_seed(&[8; 32]).unwrap().kid());
    assert!(!format!("{a:?} {}", a.jwks(&[])).contains(&base64url(&[7; 32])));
}

#[test]
fn no_signature_is_no_token() {
    let key = TestKey::rsa();
    let keys = keys(&[key.jwk("k")]);
    let payload = base64url(claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", "nOnE", "", "RS256 ", "rs256", "RS384", "RS1", "ES256K", "dir"] {
        let header = base64url(json!({"alg": alg, "kid": "k"}).to_string().as_bytes());
        for signature in ["", "AA"] {
            let token = format!("{header}.{payload}.{signature}");
            assert_eq!(keys.verify(&token, &expect()), Err(Refusal::Algorithm), "{alg:?}");
        }
    }
    let header = base64url(br#"{"alg":"RS256","kid":"k"}"#);
    assert_eq!(keys.verify(&format!("{header}.{payload}."), &expect()), Err(Refusal::Signature));
    for header in [r#"{"kid":"k"}"#, r#"{"alg":null,"kid":"k"}"#, r#"{"alg":["RS256"],"kid":"k"}"#, "[]", "\"RS256\""] {
        assert_eq!(
            keys.verify(&key.raw(header, &claims().to_string()), &expect()),
            Err(Refusal::Malformed),
            "{header}"
        );
    }
}

/// The public key is known to everybody; it must not serve as a shared secret, in whatever form.
#[test]
fn the_public_key_is_no_shared_secret() {
    let key = TestKey::rsa();
    let jwk = key.jwk("k");
    let keys = keys(std::slice::from_ref(&jwk));
    let modulus = from_base64url(jwk["n"].as_str().unwrap()).unwrap();
    for (alg, hash) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        for secret in [jwk.to_string().as_bytes(), jwk["n"].as_str().unwrap().as_bytes(), &modulus, b""] {
            let header = json!({"alg": alg, "kid": "k"}).to_string();
            let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims().to_string().as_bytes()));
            let tag = hmac::sign(&hmac::Key::new(hash, secret), signed.as_bytes());
            let token = format!("{signed}.{}", base64url(tag.as_ref()));
            assert_eq!(keys.verify(&token, &expect()), Err(Refusal::Algorithm));
        }
    }
    let shared = json!({"kty": "oct", "k": base64url(b"secret"), "kid": "k", "alg": "HS256"});
    assert!(Keys::parse(&jwks(&[shared])).is_none());
}

#[test]
fn a_key_serves_its_own_algorithm_only() {
    let (rsa, ec) = (TestKey::rsa(), TestKey::ec());
    let keys_of_both = keys(&[rsa.jwk("r"), ec.jwk("e")]);
    for (key, kid) in [(&rsa, "e"), (&ec, "r"), (&rsa, "x")] {
        assert_eq!(keys_of_both.verify(&key.token(kid, &claims()), &expect()), Err(Refusal::UnknownKey));
    }
    // A key declared for one padding does not serve the other.
    let mut jwk = rsa.jwk("r");
    jwk["alg"] = json!("PS256");
    assert_eq!(keys(&[jwk]).verify(&rsa.token("r", &claims()), &expect()), Err(Refusal::UnknownKey));
    for (name, value) in [
        ("use", json!("enc")),
        ("use", json!(1)),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!("verify")),
        ("alg", json!("RSA-OAEP")),
        ("alg", json!("HS256")),
        ("kid", json!(7)),
        ("n", json!("AQAB")),
        ("e", json!("")),
    ] {
        let mut jwk = rsa.jwk("r");
        jwk[name] = value.clone();
        assert!(Keys::parse(&jwks(&[jwk])).is_none(), "{name}: {value}");
    }
}

#[test]
fn a_name_of_a_key_is_a_name_and_nothing_more() {
    let (key, other) = (TestKey::ed(), TestKey::ed());
    let both = keys(&[key.jwk("k"), other.jwk("l")]);
    let header = |kid: Value| json!({"alg": "EdDSA", "kid": kid}).to_string();
    for kid in ["../../k", "k\0", "K", "k'--", "", "l", "http://evil.example/k"] {
        let refused = both.verify(&key.raw(&header(json!(kid)), &claims().to_string()), &expect());
        assert!(matches!(refused, Err(Refusal::UnknownKey | Refusal::Signature)), "{kid}: {refused:?}");
    }
    for kid in [json!(1), json!(null), json!(["k"]), json!({"k": 1}), json!("k".repeat(257))] {
        assert_eq!(both.verify(&key.raw(&header(kid), &claims().to_string()), &expect()), Err(Refusal::Header));
    }
    // Without a name, there must be one key only that fits; with a name that stands twice, none does.
    let unnamed = key.raw(r#"{"alg":"EdDSA"}"#, &claims().to_string());
    assert_eq!(both.verify(&unnamed, &expect()), Err(Refusal::UnknownKey));
    assert!(keys(&[key.jwk("k"), TestKey::ec().jwk("k")]).verify(&unnamed, &expect()).is_ok());
    assert_eq!(
        keys(&[other.jwk("k"), key.jwk("k")]).verify(&key.token("k", &claims()), &expect()),
        Err(Refusal::UnknownKey)
    );
}

#[test]
fn what_a_header_brings_along_is_refused() {
    let key = TestKey::ed();
    let keys = keys(&[key.jwk("k")]);
    let evil = TestKey::ed();
    for (name, value) in [
        ("jwk", evil.jwk("k")),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("typ", json!("logout+jwt")),
        ("typ", json!("at+jwt")),
        ("typ", json!(1)),
    ] {
        for signer in [&key, &evil] {
            let mut header = json!({"alg": "EdDSA", "kid": "k"});
            header[name] = value.clone();
            let token = signer.raw(&header.to_string(), &claims().to_string());
            assert_eq!(keys.verify(&token, &expect()), Err(Refusal::Header), "{name}");
        }
    }
    for typ in ["JWT", "jwt"] {
        let header = json!({"alg": "EdDSA", "kid": "k", "typ": typ, "cat": "cl_x"}).to_string();
        assert!(keys.verify(&key.raw(&header, &claims().to_string()), &expect()).is_ok());
    }
}

#[test]
fn names_that_stand_twice_are_refused() {
    let key = TestKey::ed();
    let keys = keys(&[key.jwk("k")]);
    let good = claims().to_string();
    for header in [r#"{"alg":"EdDSA","kid":"k","kid":"k"}"#, r#"{"alg":"none","alg":"EdDSA","kid":"k"}"#] {
        assert_eq!(keys.verify(&key.raw(header, &good), &expect()), Err(Refusal::Malformed));
    }
    for twice in ["\"sub\":\"eve\",", "\"s\\u0075b\":\"eve\",", "\"x\":{\"a\":1,\"a\":2},"] {
        let payload = good.replacen('{', &format!("{{{twice}"), 1);
        assert_eq!(keys.verify(&key.raw(r#"{"alg":"EdDSA","kid":"k"}"#, &payload), &expect()), Err(Refusal::Malformed));
    }
}

#[test]
fn who_issued_it_and_for_whom() {
    for (claims, refusal) in [
        (with("iss", json!("https://id.example/")), Refusal::Issuer),
        (with("iss", json!("https://ID.example")), Refusal::Issuer),
        (with("iss", json!([ISSUER])), Refusal::Claim("iss")),
        (without("iss"), Refusal::Claim("iss")),
        (with("aud", json!("them")), Refusal::Audience),
        (with("aud", json!("us ")), Refusal::Audience),
        (with("aud", json!([])), Refusal::Audience),
        (with("aud", json!(["us", "them"])), Refusal::Audience),
        (with("aud", json!(["us", 1])), Refusal::Audience),
        (with("aud", json!({"us": true})), Refusal::Claim("aud")),
        (without("aud"), Refusal::Claim("aud")),
        (with("azp", json!("them")), Refusal::AuthorizedParty),
        (with("azp", json!(1)), Refusal::AuthorizedParty),
        (with("nonce", json!("n-2")), Refusal::Nonce),
        (with("nonce", json!("")), Refusal::Nonce),
        (with("nonce", json!(["n-1"])), Refusal::Nonce),
        (without("nonce"), Refusal::Nonce),
        (with("sub", json!("")), Refusal::Claim("sub")),
        (with("sub", json!(1)), Refusal::Claim("sub")),
        (with("sub", json!("x".repeat(256))), Refusal::Claim("sub")),
        (without("sub"), Refusal::Claim("sub")),
        (with("sts", json!("pending")), Refusal::Inactive),
    ] {
        assert_eq!(judged(&claims), Err(refusal), "{claims}");
    }
    for claims in [with("aud", json!(["us"])), with("azp", json!("us")), with("sts", json!("active"))] {
        assert!(judged(&claims).is_ok(), "{claims}");
    }
}

/// A session token as Clerk makes it: no audience, but the origin that asked for it.
#[test]
fn a_session_token_is_for_our_origins() {
    let expect =
        Expect { party: Party::Origins(&["https://app.example", "https://www.example"]), nonce: None, ..expect() };
    let session = |azp: Value| json!({"iss": ISSUER, "sub": "user_1", "sid": "sess_1", "azp": azp, "iat": NOW, "nbf": NOW - 10, "exp": NOW + 60});
    assert_eq!(judged_as(&session(json!("https://www.example")), &expect).unwrap().text("sid"), Some("sess_1"));
    for azp in [
        json!("https://evil.example"),
        json!("https://app.example.evil.example"),
        json!("https://app.example/"),
        json!(""),
    ] {
        assert_eq!(judged_as(&session(azp), &expect), Err(Refusal::AuthorizedParty));
    }
    for azp in [json!(null), json!(["https://app.example"])] {
        assert_eq!(judged_as(&session(azp), &expect), Err(Refusal::Claim("azp")));
    }
    let nobody = Expect { party: Party::Origins(&[]), ..expect };
    assert_eq!(judged_as(&session(json!("https://app.example")), &nobody), Err(Refusal::AuthorizedParty));
}

#[test]
fn times_are_kept_to() {
    for (claims, refusal) in [
        (with("exp", json!(NOW - 30)), Refusal::Expired),
        (with("exp", json!(0)), Refusal::Expired),
        (with("exp", json!(-1)), Refusal::Expired),
        (without("exp"), Refusal::Claim("exp")),
        (with("exp", json!("1900000000")), Refusal::Claim("exp")),
        (with("exp", json!(1e300)), Refusal::Claim("exp")),
        (with("exp", json!(u64::MAX)), Refusal::Claim("exp")),
        (with("exp", json!(null)), Refusal::Claim("exp")),
        (with("nbf", json!(NOW + 31)), Refusal::NotYet),
        (with("nbf", json!("soon")), Refusal::Claim("nbf")),
        (with("iat", json!(NOW + 31)), Refusal::NotYet),
        (with("iat", json!(true)), Refusal::Claim("iat")),
    ] {
        assert_eq!(judged(&claims), Err(refusal), "{claims}");
    }
    for claims in [
        with("exp", json!(NOW - 29)),
        with("exp", json!(1_800_000_100.7)),
        with("nbf", json!(NOW + 30)),
        with("iat", json!(NOW + 30)),
        without("iat"),
    ] {
        assert!(judged(&claims).is_ok(), "{claims}");
    }
    let lenient = Expect { leeway: Span::days(365), ..expect() };
    assert_eq!(judged_as(&with("exp", json!(NOW - 300)), &lenient), Err(Refusal::Expired), "leeway has an end");
}

#[test]
fn a_token_is_three_parts_and_of_a_sensible_size() {
    let key = TestKey::ed();
    let keys = keys(&[key.jwk("k")]);
    let good = key.token("k", &claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        "..".into(),
        ".".repeat(10_000),
        signed.into(),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}="),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        good.replace('.', ".."),
        format!("{signed}.{signature}.{signature}"),
    ] {
        let refused = keys.verify(&bad, &expect());
        assert!(matches!(refused, Err(Refusal::Malformed)), "{bad}: {refused:?}");
    }
    let huge = key.token("k", &with("x", json!("x".repeat(20_000))));
    assert_eq!(keys.verify(&huge, &expect()), Err(Refusal::TooLong));
    assert_eq!(keys.verify(&"A".repeat(100 << 20), &expect()), Err(Refusal::TooLong));
    let deep = format!("{{\"iss\":{}1{}}}", "[".repeat(4_000), "]".repeat(4_000));
    assert_eq!(keys.verify(&key.raw(r#"{"alg":"EdDSA","kid":"k"}"#, &deep), &expect()), Err(Refusal::Malformed));
}

#[test]
fn key_sets_of_any_shape_are_read_or_refused() {
    for bad in
        ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[1,null,"x",{}]}"#, r#"{"keys":[],"keys":[]}"#]
    {
        assert!(Keys::parse(bad.as_bytes()).is_none(), "{bad}");
    }
    let key = TestKey::ed();
    // A set may hold what we cannot use; beyond 64 keys it is not read.
    let mut many: Vec<Value> = vec![json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}); 63];
    many.push(key.jwk("k"));
    assert!(keys(&many).verify(&key.token("k", &claims()), &expect()).is_ok());
    many.insert(0, json!({}));
    assert!(Keys::parse(&jwks(&many)).is_none());
    // A point that is not on the curve.
    let off = json!({"kty": "EC", "crv": "P-256", "x": base64url(&[1; 32]), "y": base64url(&[1; 32])});
    assert!(Keys::parse(&jwks(&[off])).is_none());
}

proptest! {
    #[test]
    fn any_text_is_refused(text in any::<String>()) {
        prop_assert!(keys(&[TestKey::ed().jwk("k")]).verify(&text, &expect()).is_err());
    }

    #[test]
    fn any_three_parts_are_refused(header: Vec<u8>, payload: Vec<u8>, signature: Vec<u8>) {
        let token = format!("{}.{}.{}", base64url(&header), base64url(&payload), base64url(&signature));
        prop_assert!(keys(&[TestKey::ed().jwk("k")]).verify(&token, &expect()).is_err());
    }

    #[test]
    fn one_changed_character_is_enough(place: prop::sample::Index, letter in "[A-Za-z0-9_.-]") {
        let key = TestKey::ed();
        let keys = keys(&[key.jwk("k")]);
        let good = key.token("k", &claims());
        let place = place.index(good.len());
        let mut changed = good.clone();
        changed.replace_range(place..=place, &letter);
        prop_assert_eq!(keys.verify(&changed, &expect()).is_ok(), changed == good);
    }

    #[test]
    fn any_key_set_is_read_or_refused(bytes: Vec<u8>, text in r#"\{"keys":\[(\{"kty":"(RSA|EC|OKP|oct)","(n|x|k)":"[A-Za-z0-9_-]{0,90}"\},?){0,3}\]\}"#) {
        let _ = Keys::parse(&bytes);
        let _ = Keys::parse(text.as_bytes());
    }
}

/// What stands in the vectors has no audience, so only signatures are compared.
fn signature_of(jwk: &Value, token: &str) -> Result<(), Refusal> {
    let parts = parts::Parts::of(token)?;
    let keys = Key::of_jwk(jwk.as_object().unwrap());
    let key = keys.iter().find(|key| key.algorithm == parts.algorithm).ok_or(Refusal::UnknownKey)?;
    key.verify(parts.signed, &parts.signature)
}
