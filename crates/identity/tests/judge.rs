//! The relying party against a provider that nobody here wrote: npm `oidc-provider`, over TLS with an authority made for the
//! test, through the same dialler as in the program.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use identity::{
    Fetch,
    fetch::Question,
    jwt::Refusal,
    oidc::{Callback, Client, Identity, OidcError, Pending, Provider},
};
use kernel::{Clock as _, Span, SystemClock, Timestamp};
use outbound::{Dialler, Register, Trust, http::Request};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

const REDIRECT: &str = "https://app.test/callback";

/// The provider, running.
struct Judge {
    child: Child,
    issuer: String,
    dialler: Dialler,
    _room: tempfile::TempDir,
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Judge {
    fn start() -> Self {
        let room = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let pair = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&pair, &authority).unwrap();
        let (certificate, key) = (room.path().join("certificate.pem"), room.path().join("key.pem"));
        std::fs::write(&certificate, leaf.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../judges/oidc/serve.sh");
        let mut child = Command::new(script)
            .args([&certificate, &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().unwrap();
        let trust = Trust::none().with_pem(&authority.pem()).unwrap();
        let dialler = Dialler::new(Register::only("localhost"), trust);
        Self { child, issuer: format!("https://localhost:{port}"), dialler, _room: room }
    }

    fn client(&self, id: &str) -> Client {
        Client {
            issuer: self.issuer.clone(),
            id: id.to_owned(),
            secret: (id != "public").then(|| "judge: secret & more".to_owned()),
            redirect_uri: REDIRECT.to_owned(),
            scopes: vec!["email".to_owned(), "profile".to_owned()],
        }
    }

    async fn provider(&self, id: &str) -> Provider {
        Provider::discover(self.client(id), Arc::new(self.dialler.clone())).await.unwrap()
    }

    /// What a browser does: follows redirects with its cookies until it is sent back to us, and hands over the query.
    async fn browse(&self, url: &str) -> BTreeMap<String, String> {
        let mut url = url.to_owned();
        let mut cookies = BTreeMap::new();
        for _ in 0..12 {
            if let Some(query) = url.strip_prefix(REDIRECT) {
                return pairs(query.trim_start_matches('?'));
            }
            let cookie = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let request = Request::get(&url).header("cookie", cookie).body(Vec::new()).unwrap();
            let answer = self.dialler.request(request).await.unwrap();
            for set in answer.headers.get_all("set-cookie") {
                let (pair, _) = set.to_str().unwrap().split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = answer.header("location") else {
                panic!("{} from {url}: {}", answer.status, answer.text());
            };
            url = if location.starts_with('/') { format!("{}{location}", self.issuer) } else { location.to_owned() };
        }
        panic!("sent round and round");
    }

    /// A whole sign-in; `change` meddles with what was kept, `more` is added to the address.
    async fn sign_in(
        &self,
        provider: &Provider,
        more: &str,
        now: Timestamp,
        change: impl Fn(&mut serde_json::Value),
    ) -> Result<Identity, OidcError> {
        let (url, pending) = provider.begin(now).unwrap();
        let query = self.browse(&format!("{url}{more}")).await;
        let mut kept = serde_json::to_value(&pending).unwrap();
        change(&mut kept);
        let kept: Pending = serde_json::from_value(kept).unwrap();
        provider.finish(&callback(&query), &kept, now).await
    }
}

fn callback(query: &BTreeMap<String, String>) -> Callback<'_> {
    let get = |name: &str| query.get(name).map(String::as_str);
    Callback { code: get("code"), state: get("state"), iss: get("iss"), error: get("error") }
}

/// The pairs of a query whose values hold no escapes but those of an address.
fn pairs(query: &str) -> BTreeMap<String, String> {
    let plain = |text: &str| text.replace("%3A", ":").replace("%2F", "/").replace('+', " ");
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), plain(value)))
        .collect()
}

fn now() -> Timestamp {
    SystemClock.now()
}

#[tokio::test]
#[ignore = "fetches an outside judge from npm"]
async fn the_judge_signs_people_in_with_every_algorithm_that_is_accepted() {
    let judge = Judge::start();
    for id in ["rs256", "ps256", "es256", "eddsa", "public"] {
        let provider = judge.provider(id).await;
        let found = judge.sign_in(&provider, "", now(), |_| ()).await.unwrap();
        assert_eq!((found.issuer.as_str(), found.subject.as_str()), (judge.issuer.as_str(), "ada"), "{id}");
        assert_eq!((found.email.as_deref(), found.email_verified), (Some("ada@judge.example"), true), "{id}");
        assert_eq!(found.name.as_deref(), Some("Judge of ada"), "{id}");
    }
    let provider = judge.provider("rs256").await;
    let found = judge.sign_in(&provider, "&login_hint=unverified", now(), |_| ()).await.unwrap();
    assert_eq!((found.subject.as_str(), found.email_verified), ("unverified", false));
}

#[tokio::test]
#[ignore = "fetches an outside judge from npm"]
async fn the_judge_and_we_refuse_what_does_not_belong_together() {
    let judge = Judge::start();
    let provider = judge.provider("rs256").await;
    let set = |name: &'static str, value: &'static str| move |kept: &mut serde_json::Value| kept[name] = value.into();
    let other = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    // The judge refuses another verifier; we refuse another nonce, state, issuer and time.
    assert_eq!(judge.sign_in(&provider, "", now(), set("verifier", other)).await, Err(OidcError::Code(400)));
    assert_eq!(judge.sign_in(&provider, "", now(), set("nonce", other)).await, Err(OidcError::Token(Refusal::Nonce)));
    assert_eq!(judge.sign_in(&provider, "", now(), set("state", other)).await, Err(OidcError::State));
    assert_eq!(judge.sign_in(&provider, "", now(), set("issuer", "https://evil.test")).await, Err(OidcError::MixUp));
    assert_eq!(
        judge.sign_in(&provider, "", now(), set("begun_at", "2020-01-01T00:00:00Z")).await,
        Err(OidcError::TooLate)
    );
    assert_eq!(judge.sign_in(&provider, "&login_hint=refuses", now(), |_| ()).await, Err(OidcError::Cancelled));
    // A token that is signed with the secret we share.
    let shared = judge.provider("hs256").await;
    assert_eq!(judge.sign_in(&shared, "", now(), |_| ()).await, Err(OidcError::Token(Refusal::Algorithm)));
    // A code twice, and a code of another client.
    let (url, pending) = provider.begin(now()).unwrap();
    let query = judge.browse(&url).await;
    assert_eq!(shared.finish(&callback(&query), &pending, now()).await, Err(OidcError::Code(400)));
    let (url, pending) = provider.begin(now()).unwrap();
    let query = judge.browse(&url).await;
    assert!(provider.finish(&callback(&query), &pending, now()).await.is_ok());
    assert_eq!(provider.finish(&callback(&query), &pending, now()).await, Err(OidcError::Code(400)));
    // A moment at which the token is over.
    let late = now().checked_add(Span::hours(2).signed()).unwrap();
    assert_eq!(judge.sign_in(&provider, "", late, |_| ()).await, Err(OidcError::Token(Refusal::Expired)));
    let early = now().checked_add(Span::hours(2).signed().checked_neg().unwrap()).unwrap();
    let refused = judge.sign_in(&judge.provider("rs256").await, "", early, |_| ()).await;
    assert_eq!(refused, Err(OidcError::Token(Refusal::NotYet)));
}

#[tokio::test]
#[ignore = "fetches an outside judge from npm"]
async fn the_judge_rotates_its_keys() {
    let judge = Judge::start();
    let provider = judge.provider("es256").await;
    assert!(judge.sign_in(&provider, "", now(), |_| ()).await.is_ok());
    let rotate = Request::post(format!("{}/judge/rotate", judge.issuer)).body(Vec::new()).unwrap();
    assert_eq!(judge.dialler.request(rotate).await.unwrap().status, 200);
    // Within half a minute of the last fetch nothing is fetched again, whatever a token asks for.
    assert_eq!(judge.sign_in(&provider, "", now(), |_| ()).await, Err(OidcError::Token(Refusal::UnknownKey)));
    let later = now().checked_add(Span::seconds(31).signed()).unwrap();
    assert!(judge.sign_in(&provider, "", later, |_| ()).await.is_ok());
}

#[tokio::test]
#[ignore = "fetches an outside judge from npm"]
async fn the_judge_is_not_called_outside_the_register_or_without_its_authority() {
    let judge = Judge::start();
    for dialler in [
        Dialler::new(Register::only("id.example"), Trust::none()),
        Dialler::new(Register::only("localhost"), Trust::public()),
    ] {
        let fetch: Arc<dyn Fetch> = Arc::new(dialler);
        let refused = Provider::discover(judge.client("rs256"), fetch).await;
        assert!(matches!(refused, Err(OidcError::Fetch(_))), "{refused:?}");
    }
    let huge = judge.dialler.fetch(Question::get(&format!("{}/judge/huge", judge.issuer))).await;
    assert!(huge.is_err_and(|error| error.to_string().contains("larger than")));
}
