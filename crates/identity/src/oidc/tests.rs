use super::*;
use crate::{
    fetch::{Fetched, Question},
    testing::{Scripted, TestKey, at, jwks},
};
use aws_lc_rs::digest::{SHA256, SHA512, digest as hash};
use serde_json::{Value, json};
use std::sync::Mutex;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example";

/// What a provider answers, to be changed by a test.
struct Play {
    key: TestKey,
    document: Value,
    claims: Value,
    /// What stands in the answer beside the identity token.
    tokens: Value,
    token_status: u16,
    /// The identity token, where it is not to be made of the claims.
    id_token: Option<String>,
    userinfo: Value,
}

impl Play {
    fn new() -> Self {
        let access = "access-1";
        Self {
            key: TestKey::ed(),
            document: json!({
                "issuer": ISSUER,
                "authorization_endpoint": "https://id.example/authorize",
                "token_endpoint": "https://id.example/token",
                "userinfo_endpoint": "https://id.example/me",
                "jwks_uri": "https://id.example/jwks",
                "response_types_supported": ["code", "id_token"],
                "id_token_signing_alg_values_supported": ["RS256", "EdDSA"],
                "code_challenge_methods_supported": ["plain", "S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "authorization_response_iss_parameter_supported": true,
            }),
            claims: json!({
                "iss": ISSUER, "aud": "us", "sub": "ada", "iat": NOW, "exp": NOW + 300,
                "email": "ada@b.example", "email_verified": true, "name": "Ada",
                "at_hash": base64url(&hash(&SHA512, access.as_bytes()).as_ref()[..32]),
            }),
            tokens: json!({"access_token": access, "token_type": "Bearer", "expires_in": 60}),
            token_status: 200,
            id_token: None,
            userinfo: json!({"sub": "ada", "email": "ada@userinfo.example", "email_verified": true}),
        }
    }

    /// Plays the whole sign-in. `change` sees what is pending, once it is known.
    async fn run(self, change: impl Fn(&mut Play, &Pending)) -> (Result<Identity, OidcError>, Vec<Question>) {
        self.run_as(client(), change, |pending| Callback {
            code: Some("code-1"),
            state: Some(&pending.state),
            iss: Some(ISSUER),
            error: None,
        })
        .await
    }

    async fn run_as(
        self,
        client: Client,
        change: impl Fn(&mut Play, &Pending),
        callback: impl Fn(&Pending) -> Callback<'_>,
    ) -> (Result<Identity, OidcError>, Vec<Question>) {
        let play = Arc::new(Mutex::new(self));
        let fetch = Scripted::new({
            let play = Arc::clone(&play);
            move |question| Ok(play.lock().unwrap().answer(question))
        });
        let provider = match Provider::discover(client, Arc::new(fetch.clone())).await {
            Ok(provider) => provider,
            Err(error) => return (Err(error), Vec::new()),
        };
        let (_, pending) = provider.begin(at(NOW)).unwrap();
        {
            let mut play = play.lock().unwrap();
            play.claims["nonce"] = json!(pending.nonce);
            change(&mut play, &pending);
        }
        let found = provider.finish(&callback(&pending), &pending, at(NOW + 1)).await;
        let questions = fetch.questions.lock().unwrap().drain(..).collect();
        (found, questions)
    }

    fn answer(&self, question: &Question) -> Fetched {
        let path = question.url.strip_prefix(ISSUER).unwrap_or_default();
        let say = |body: &Value| Fetched { status: 200, body: body.to_string().into_bytes() };
        match path {
            "/.well-known/openid-configuration" => say(&self.document),
            "/jwks" => Fetched { status: 200, body: jwks(&[self.key.jwk("k")]) },
            "/token" => {
                let mut tokens = self.tokens.clone();
                if tokens.is_object() && tokens.get("id_token").is_none() {
                    tokens["id_token"] =
                        json!(self.id_token.clone().unwrap_or_else(|| self.key.token("k", &self.claims)));
                }
                Fetched { status: self.token_status, body: tokens.to_string().into_bytes() }
            }
            "/me" => say(&self.userinfo),
            _ => Fetched { status: 404, body: Vec::new() },
        }
    }
}

fn client() -> Client {
    Client {
        issuer: ISSUER.to_owned(),
        id: "us".to_owned(),
        secret: Some("s3cr:t&".to_owned()),
        redirect_uri: "https://app.example/sign-in/with/id/callback".to_owned(),
        scopes: vec!["email".to_owned(), "profile".to_owned()],
    }
}

async fn provider(document: Value) -> Result<Provider, OidcError> {
    Provider::discover(client(), Arc::new(Scripted::says(document.to_string().into_bytes()))).await
}

#[tokio::test]
async fn the_way_there_carries_state_nonce_and_challenge_and_keeps_the_verifier() {
    let provider = provider(Play::new().document).await.unwrap();
    let (url, pending) = provider.begin(at(NOW)).unwrap();
    let challenge = base64url(hash(&SHA256, pending.verifier.as_bytes()).as_ref());
    assert_eq!(
        url,
        format!(
            "https://id.example/authorize?response_type=code&client_id=us\
             &redirect_uri=https%3A%2F%2Fapp.example%2Fsign-in%2Fwith%2Fid%2Fcallback&scope=openid%20email%20profile\
             &state={}&nonce={}&code_challenge={challenge}&code_challenge_method=S256",
            pending.state, pending.nonce
        )
    );
    assert!(!url.contains(&pending.verifier));
    assert_eq!([pending.state.len(), pending.nonce.len(), pending.verifier.len()], [43; 3]);
    let (_, other) = provider.begin(at(NOW)).unwrap();
    assert!(other.state != pending.state && other.nonce != pending.nonce && other.verifier != pending.verifier);
    let kept: Pending = serde_json::from_str(&serde_json::to_string(&pending).unwrap()).unwrap();
    assert_eq!(kept.verifier, pending.verifier);
    assert!(
        !format!("{pending:?}{:?}", client()).contains(&pending.verifier)
            && !format!("{:?}", client()).contains("s3cr")
    );
}

/// RFC 7636, appendix B.
#[test]
fn the_challenge_is_that_of_rfc_7636() {
    assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[tokio::test]
async fn somebody_signs_in() {
    let (found, questions) = Play::new().run(|_, _| ()).await;
    let found = found.unwrap();
    assert_eq!((found.issuer.as_str(), found.subject.as_str()), (ISSUER, "ada"));
    assert_eq!(
        (found.email.as_deref(), found.email_verified, found.name.as_deref()),
        (Some("ada@b.example"), true, Some("Ada"))
    );
    assert_eq!(format!("{found:?}"), "Identity(at https://id.example)");
    let token = questions.iter().find(|question| question.url.ends_with("/token")).unwrap();
    // Base64 of `us:s3cr%3At%26`.
    assert_eq!(token.authorization.as_deref(), Some("Basic dXM6czNjciUzQXQlMjY="));
    let form = token.form.as_deref().unwrap();
    assert!(
        form.starts_with("grant_type=authorization_code&code=code-1&redirect_uri=https%3A%2F%2Fapp.example"),
        "{form}"
    );
    assert!(form.contains("&code_verifier=") && !form.contains("s3cr"));
    assert!(!questions.iter().any(|question| question.url.ends_with("/me")), "nothing more is asked than needed");
}

#[tokio::test]
async fn a_secret_goes_where_the_provider_takes_it() {
    let mut play = Play::new();
    play.document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
    let (found, questions) = play.run(|_, _| ()).await;
    found.unwrap();
    let token = questions.iter().find(|question| question.url.ends_with("/token")).unwrap();
    assert!(token.authorization.is_none());
    assert!(token.form.as_deref().unwrap().ends_with("&client_id=us&client_secret=s3cr%3At%26"));
    let public = Client { secret: None, ..client() };
    let good = |pending: &Pending| Callback {
        code: Some("c"),
        state: Some(Box::leak(pending.state.clone().into_boxed_str())),
        iss: Some(ISSUER),
        error: None,
    };
    let (found, questions) = Play::new().run_as(public, |_, _| (), |pending| good(pending)).await;
    found.unwrap();
    let token = questions.iter().find(|question| question.url.ends_with("/token")).unwrap();
    assert!(token.authorization.is_none() && token.form.as_deref().unwrap().ends_with("&client_id=us"));
}

#[tokio::test]
async fn documents_that_do_not_fit_are_refused() {
    for (name, value) in [
        ("issuer", json!("https://id.example/")),
        ("issuer", json!("https://evil.example")),
        ("issuer", json!(null)),
        ("authorization_endpoint", json!("http://id.example/authorize")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("https://id.example/a#b")),
        ("authorization_endpoint", json!("https://id.example/a\r\nx: y")),
        ("token_endpoint", json!("https://user:pass@id.example/token")),
        ("token_endpoint", json!(7)),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("userinfo_endpoint", json!("http://id.example/me")),
        ("response_types_supported", json!(["id_token"])),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("id_token_signing_alg_values_supported", json!(["HS256", "none"])),
        ("id_token_signing_alg_values_supported", json!("RS256")),
    ] {
        let mut document = Play::new().document;
        document[name] = value.clone();
        assert!(matches!(provider(document).await, Err(OidcError::Discovery(_))), "{name}: {value}");
    }
    for missing in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        let mut document = Play::new().document;
        document.as_object_mut().unwrap().remove(missing);
        assert!(matches!(provider(document).await, Err(OidcError::Discovery(_))), "{missing}");
    }
    for issuer in
        ["http://id.example", "id.example", "https://id.example/?x", "https://a@id.example", "https://id example"]
    {
        let client = Client { issuer: issuer.to_owned(), ..client() };
        let fetch = Scripted::says(b"{}".to_vec());
        assert!(Provider::discover(client, Arc::new(fetch.clone())).await.is_err());
        assert_eq!(fetch.count(), 0, "{issuer} is not even asked");
    }
}

#[tokio::test]
async fn an_answer_that_belongs_to_nobody_sends_nothing() {
    type Change = fn(Callback<'static>) -> Callback<'static>;
    let cases: [(Change, OidcError); 9] = [
        (|c| Callback { state: None, ..c }, OidcError::State),
        (|c| Callback { state: Some(""), ..c }, OidcError::State),
        (|c| Callback { state: Some("another"), ..c }, OidcError::State),
        (|c| Callback { iss: Some("https://evil.example"), ..c }, OidcError::MixUp),
        (|c| Callback { iss: None, ..c }, OidcError::MixUp),
        (|c| Callback { code: None, ..c }, OidcError::Reported),
        (|c| Callback { code: Some(""), ..c }, OidcError::Reported),
        (|c| Callback { code: None, error: Some("access_denied"), ..c }, OidcError::Cancelled),
        (|c| Callback { error: Some("<script>"), ..c }, OidcError::Reported),
    ];
    for (change, refusal) in cases {
        let callback = |pending: &Pending| {
            let state = Box::leak(pending.state.clone().into_boxed_str());
            change(Callback { code: Some("code-1"), state: Some(state), iss: Some(ISSUER), error: None })
        };
        let (found, questions) = Play::new().run_as(client(), |_, _| (), |pending| callback(pending)).await;
        assert_eq!(found, Err(refusal));
        assert_eq!(questions.len(), 1, "discovery alone");
    }
}

#[tokio::test]
async fn what_was_begun_ends_after_ten_minutes_and_at_its_own_provider() {
    let provider = provider(Play::new().document).await.unwrap();
    let (_, pending) = provider.begin(at(NOW)).unwrap();
    let state = pending.state.clone();
    let callback = Callback { code: Some("c"), state: Some(&state), iss: Some(ISSUER), error: None };
    for later in [601, -601, 1 << 32] {
        assert_eq!(provider.finish(&callback, &pending, at(NOW + later)).await, Err(OidcError::TooLate));
    }
    let elsewhere = Pending { issuer: "https://other.example".to_owned(), ..pending };
    assert_eq!(provider.finish(&callback, &elsewhere, at(NOW)).await, Err(OidcError::MixUp));
}

#[tokio::test]
async fn tokens_that_are_not_for_this_sign_in_are_refused() {
    type Change = fn(&mut Play, &Pending);
    let cases: [(Change, OidcError); 14] = [
        (|p, _| p.claims["nonce"] = json!("another"), OidcError::Token(Refusal::Nonce)),
        (|p, _| p.claims["nonce"] = json!(null), OidcError::Token(Refusal::Nonce)),
        (|p, n| p.claims["nonce"] = json!([n.nonce]), OidcError::Token(Refusal::Nonce)),
        (|p, _| p.claims["aud"] = json!("them"), OidcError::Token(Refusal::Audience)),
        (|p, _| p.claims["aud"] = json!(["us", "them"]), OidcError::Token(Refusal::Audience)),
        (|p, _| p.claims["azp"] = json!("them"), OidcError::Token(Refusal::AuthorizedParty)),
        (|p, _| p.claims["iss"] = json!("https://evil.example"), OidcError::Token(Refusal::Issuer)),
        (|p, _| p.claims["exp"] = json!(NOW - 60), OidcError::Token(Refusal::Expired)),
        (|p, _| p.claims["iat"] = json!(NOW + 3_600), OidcError::Token(Refusal::NotYet)),
        (|p, _| p.claims["sub"] = json!(""), OidcError::Token(Refusal::Claim("sub"))),
        (|p, _| p.id_token = Some(TestKey::ed().token("k", &p.claims)), OidcError::Token(Refusal::Signature)),
        (|p, _| p.id_token = Some(p.key.token("other", &p.claims)), OidcError::Token(Refusal::UnknownKey)),
        (
            |p, _| p.id_token = Some(p.key.raw(r#"{"alg":"none"}"#, &p.claims.to_string())),
            OidcError::Token(Refusal::Algorithm),
        ),
        (
            |p, _| p.id_token = Some(p.key.raw(r#"{"alg":"HS256","kid":"k"}"#, &p.claims.to_string())),
            OidcError::Token(Refusal::Algorithm),
        ),
    ];
    for (change, refusal) in cases {
        let (found, _) = Play::new().run(change).await;
        assert_eq!(found, Err(refusal));
    }
}

#[tokio::test]
async fn answers_for_the_code_must_make_sense() {
    type Change = fn(&mut Play, &Pending);
    let cases: [(Change, OidcError); 9] = [
        (|p, _| p.token_status = 400, OidcError::Code(400)),
        (|p, _| p.token_status = 302, OidcError::Code(302)),
        (|p, _| p.tokens = json!([]), OidcError::Answer("no JSON object for the code")),
        (|p, _| p.tokens["id_token"] = json!(7), OidcError::Answer("no identity token")),
        (|p, _| p.tokens["token_type"] = json!("DPoP"), OidcError::Answer("another type of token")),
        (|p, _| p.tokens["token_type"] = json!(null), OidcError::Answer("another type of token")),
        (
            |p, _| p.tokens["access_token"] = json!("access-2"),
            OidcError::Answer("the access token does not belong to the identity token"),
        ),
        (|p, _| p.tokens["access_token"] = json!(null), OidcError::Answer("no access token for its hash")),
        (|p, _| p.id_token = Some("x".repeat(20_000)), OidcError::Token(Refusal::TooLong)),
    ];
    for (change, refusal) in cases {
        let (found, _) = Play::new().run(change).await;
        assert_eq!(found, Err(refusal));
    }
}

#[tokio::test]
async fn an_address_that_the_token_does_not_tell_is_asked_for() {
    let silent = |play: &mut Play| {
        for name in ["email", "email_verified", "name"] {
            play.claims.as_object_mut().unwrap().remove(name);
        }
    };
    let (found, questions) = Play::new().run(|play, _| silent(play)).await;
    let found = found.unwrap();
    assert_eq!((found.email.as_deref(), found.email_verified), (Some("ada@userinfo.example"), true));
    let asked = questions.iter().find(|question| question.url.ends_with("/me")).unwrap();
    assert_eq!(asked.authorization.as_deref(), Some("Bearer access-1"));
    for other in [json!({"sub": "eve", "email": "eve@b.example"}), json!({"email": "eve@b.example"}), json!([])] {
        let (found, _) = Play::new()
            .run(|play, _| {
                silent(play);
                play.userinfo = other.clone();
            })
            .await;
        assert!(matches!(found, Err(OidcError::Answer(_))), "{other}");
    }
}

#[tokio::test]
async fn an_address_is_verified_only_if_the_provider_says_so_plainly() {
    for (verified, expected) in
        [(json!(true), true), (json!(false), false), (json!("true"), false), (json!(1), false), (json!(null), false)]
    {
        let (found, _) = Play::new().run(|play, _| play.claims["email_verified"] = verified.clone()).await;
        assert_eq!(found.unwrap().email_verified, expected, "{verified}");
    }
    for address in ["", "ada", "@b.example", "ada@", "a@b@c", "ada @b.example", "ada@b.example\nbcc: eve", "\u{0}@b"] {
        let (found, _) = Play::new()
            .run(|play, _| {
                play.claims["email"] = json!(address);
                play.userinfo = json!({"sub": "ada", "email": address, "email_verified": true});
            })
            .await;
        let found = found.unwrap();
        assert_eq!((found.email, found.email_verified), (None, false), "{address:?}");
    }
}

#[tokio::test]
async fn keys_that_were_rotated_are_found() {
    let play = Arc::new(Mutex::new(Play::new()));
    let fetch = Scripted::new({
        let play = Arc::clone(&play);
        move |question| Ok(play.lock().unwrap().answer(question))
    });
    let provider = Provider::discover(client(), Arc::new(fetch)).await.unwrap();
    let first = Signed::at(&provider, &play, NOW).await;
    first.unwrap();
    // The provider changes its key for one of another kind.
    play.lock().unwrap().key = TestKey::rsa();
    let at_hash = base64url(&hash(&SHA256, b"access-1").as_ref()[..16]);
    play.lock().unwrap().claims["at_hash"] = json!(at_hash);
    assert_eq!(Signed::at(&provider, &play, NOW + 40).await.unwrap().subject, "ada");
}

/// One sign-in at a moment.
struct Signed;

impl Signed {
    async fn at(provider: &Provider, play: &Mutex<Play>, now: i64) -> Result<Identity, OidcError> {
        let (_, pending) = provider.begin(at(now)).unwrap();
        play.lock().unwrap().claims["nonce"] = json!(pending.nonce);
        let callback = Callback { code: Some("c"), state: Some(&pending.state), iss: Some(ISSUER), error: None };
        provider.finish(&callback, &pending, at(now)).await
    }
}
