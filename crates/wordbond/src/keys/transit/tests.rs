//! The keeper against a server that follows Vault's documented requests and answers, over TLS on this machine.

use super::*;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use ingress::{Caller, Doors, Failure, Gate, Policy, Route, RouteTable, Settings, Tls, gate::Later, serve};
use kernel::{Clock as _, SystemClock};
use outbound::{Register, Trust};
use std::{
    fs,
    sync::{Arc, Mutex, Once},
};
use tokio::{net::TcpListener, sync::oneshot};
use vault::{KeyRing, Place, RootSource, Sealed, Subject};

const TOKEN: &str = "hvs.a-token";

/// The versions of one key, newest last, and the oldest that may still open.
#[derive(Debug, Default)]
struct Engine {
    versions: Vec<[u8; 32]>,
    oldest: usize,
    calls: usize,
    sealed: bool,
    /// How many encryptions it takes until it rotates the key by itself, once.
    patience: Option<usize>,
}

type Shared = Arc<Mutex<Engine>>;

fn refuse(status: StatusCode, text: &str) -> Response {
    (status, axum::Json(json!({ "errors": [text] }))).into_response()
}

fn admit(engine: &Shared, headers: &HeaderMap) -> Option<Response> {
    let mut engine = engine.lock().unwrap();
    engine.calls += 1;
    if engine.sealed {
        return Some(refuse(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed"));
    }
    let sent = headers.get("x-vault-token").and_then(|value| value.to_str().ok());
    (sent != Some(TOKEN)).then(|| refuse(StatusCode::FORBIDDEN, "permission denied"))
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap())
}

async fn encrypt(State(engine): State<Shared>, headers: HeaderMap, axum::Json(body): axum::Json<Value>) -> Response {
    if let Some(refusal) = admit(&engine, &headers) {
        return refusal;
    }
    let mut engine = engine.lock().unwrap();
    if engine.patience == Some(0) {
        engine.versions.push([9; 32]);
    }
    engine.patience = engine.patience.and_then(|left| left.checked_sub(1));
    let mut nonce = [0; 12];
    aws_lc_rs::rand::fill(&mut nonce).unwrap();
    let mut text = STANDARD.decode(body["plaintext"].as_str().unwrap()).unwrap();
    let bound = STANDARD.decode(body["associated_data"].as_str().unwrap()).unwrap();
    let newest = cipher(engine.versions.last().unwrap());
    newest.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound), &mut text).unwrap();
    let text = STANDARD.encode([nonce.to_vec(), text].concat());
    let version = engine.versions.len();
    axum::Json(json!({ "data": { "ciphertext": format!("vault:v{version}:{text}"), "key_version": version } }))
        .into_response()
}

async fn decrypt(State(engine): State<Shared>, headers: HeaderMap, axum::Json(body): axum::Json<Value>) -> Response {
    if let Some(refusal) = admit(&engine, &headers) {
        return refusal;
    }
    let engine = engine.lock().unwrap();
    let text = body["ciphertext"].as_str().unwrap();
    let (version, text) = text.strip_prefix("vault:v").unwrap().split_once(':').unwrap();
    let version: usize = version.parse().unwrap();
    if version < engine.oldest {
        return refuse(StatusCode::BAD_REQUEST, "ciphertext or signature version is disallowed by policy (too old)");
    }
    let bytes = STANDARD.decode(text).unwrap();
    let (nonce, text) = bytes.split_at(12);
    let bound = STANDARD.decode(body["associated_data"].as_str().unwrap()).unwrap();
    let mut text = text.to_vec();
    let key = cipher(&engine.versions[version - 1]);
    match key.open_in_place(Nonce::try_assume_unique_for_key(nonce).unwrap(), Aad::from(bound), &mut text) {
        Ok(plain) => axum::Json(json!({ "data": { "plaintext": STANDARD.encode(plain) } })).into_response(),
        Err(_) => refuse(StatusCode::BAD_REQUEST, "cipher: message authentication failed"),
    }
}

async fn rotate(State(engine): State<Shared>, headers: HeaderMap, Path(what): Path<String>, body: String) -> Response {
    if let Some(refusal) = admit(&engine, &headers) {
        return refusal;
    }
    let mut engine = engine.lock().unwrap();
    match what.as_str() {
        "rotate" => {
            let mut fresh = [0; 32];
            aws_lc_rs::rand::fill(&mut fresh).unwrap();
            engine.versions.push(fresh);
        }
        "config" => {
            let body: Value = serde_json::from_str(&body).unwrap();
            engine.oldest = usize::try_from(body["min_decryption_version"].as_u64().unwrap()).unwrap();
        }
        _ => return refuse(StatusCode::NOT_FOUND, ""),
    }
    StatusCode::NO_CONTENT.into_response()
}

/// Knows nobody: who may do what, the engine says.
struct Nobody;

impl Gate for Nobody {
    fn bearer<'a>(&'a self, _: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn operator(&self, _: &str) -> bool {
        false
    }
}

struct Server {
    engine: Shared,
    url: String,
    trust: Trust,
    _stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

impl Server {
    async fn start() -> Self {
        static ONE: Once = Once::new();
        ONE.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let engine = Shared::default();
        engine.lock().unwrap().versions.push([7; 32]);
        let folder = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], SystemClock.now()).unwrap();
        let pem = fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", main.local_addr().unwrap().port());
        let open = Policy::open(4_096);
        let table = RouteTable::new([
            Route::post_with("/v1/transit/encrypt/wordbond", open, encrypt, &engine),
            Route::post_with("/v1/transit/decrypt/wordbond", open, decrypt, &engine),
            Route::post_with("/v1/transit/keys/wordbond/{what}", open, rotate, &engine),
        ]);
        let gate: Arc<dyn Gate> = Arc::new(Nobody);
        let served = table.router(&gate).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let settings = Settings::new(&url).unwrap();
        let until = async { drop(stopped.await) };
        tokio::spawn(serve(Doors { main, plain: None }, served, tls, settings, until));
        let trust = Trust::none().with_pem(&pem).unwrap();
        Self { engine, url: format!("{url}/v1/transit/keys/wordbond"), trust, _stop: stop, _folder: folder }
    }

    fn keeper(&self, token: &str) -> Transit {
        Transit::new(&self.url, token, |host| Dialler::new(Register::only(host), self.trust.clone())).unwrap()
    }

    fn open(&self, dir: &std::path::Path) -> Result<KeyRing, VaultError> {
        KeyRing::open_with(dir, None, RootSource::Keeper(Arc::new(self.keeper(TOKEN))))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_root_key_never_leaves_its_keeper_and_is_exchanged_there() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    let keys = server.open(dir.path()).unwrap();
    assert!(!dir.path().join("root.key").exists());
    let tenant = kernel::TenantId::new();
    keys.create(tenant, Subject::Tenant).unwrap();
    let place = Place { tenant, subject: Subject::Tenant, table: "t", column: "c", row: uuid::Uuid::nil(), version: 1 };
    let sealed = Sealed::seal(&keys, &place, &"word".to_owned()).unwrap();
    let calls = server.engine.lock().unwrap().calls;
    for _ in 0..10 {
        assert_eq!(sealed.open(&keys, &place).unwrap(), "word");
    }
    assert_eq!(server.engine.lock().unwrap().calls, calls, "the keeper is not asked for each value");
    keys.rotate_root().unwrap();
    keys.rotate().unwrap();
    assert_eq!(server.engine.lock().unwrap().oldest, 2, "what was wrapped before opens no more");
    for name in ["check", "epoch/2"] {
        let wrapped = fs::read_to_string(dir.path().join("keys").join(name)).unwrap();
        assert!(wrapped.starts_with("vault:v2:"), "{wrapped}");
    }
    let again = server.open(dir.path()).unwrap();
    assert_eq!(sealed.open(&again, &place).unwrap(), "word");
    assert!(again.damaged().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_rotated_by_somebody_else_meanwhile_shuts_nobody_out() {
    // Between the first and the second thing that is wrapped anew, and after the last.
    for (patience, oldest) in [(Some(1), 2), (None, 2)] {
        let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
        let keys = server.open(dir.path()).unwrap();
        server.engine.lock().unwrap().patience = patience;
        let after = Arc::new(Late { keeper: server.keeper(TOKEN), engine: Arc::clone(&server.engine) });
        let keys = match patience {
            Some(_) => keys,
            None => KeyRing::open_with(dir.path(), None, RootSource::Keeper(after)).unwrap(),
        };
        keys.rotate_root().unwrap();
        let (least, versions) = {
            let engine = server.engine.lock().unwrap();
            (engine.oldest, engine.versions.len())
        };
        assert_eq!((least, versions), (oldest, 3));
        let again = server.open(dir.path()).unwrap();
        assert!(again.damaged().unwrap().is_empty());
        again.rotate_root().unwrap();
        assert_eq!(server.engine.lock().unwrap().oldest, 4);
        server.open(dir.path()).unwrap();
    }
}

/// A keeper whose key is rotated by somebody else right before the old ones are to go.
#[derive(Debug)]
struct Late {
    keeper: Transit,
    engine: Shared,
}

impl RootKeeper for Late {
    fn name(&self) -> String {
        self.keeper.name()
    }

    fn wrap(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.keeper.wrap(name, key)
    }

    fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.keeper.unwrap(name, wrapped)
    }

    fn advance(&self) -> Result<(), VaultError> {
        self.keeper.advance()
    }

    fn retire(&self, kept: &[Vec<u8>]) -> Result<(), VaultError> {
        self.engine.lock().unwrap().versions.push([9; 32]);
        self.keeper.retire(kept)
    }

    fn is_advancing(&self) -> bool {
        self.keeper.is_advancing()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keeper_that_does_not_help_is_one_clear_error_and_touches_nothing() {
    let (server, dir) = (Server::start().await, tempfile::tempdir().unwrap());
    drop(server.open(dir.path()).unwrap());
    let before = fs::read(dir.path().join("keys/epoch/1")).unwrap();
    server.engine.lock().unwrap().sealed = true;
    let error = server.open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("Vault is sealed") && error.contains("503"), "{error}");
    server.engine.lock().unwrap().sealed = false;
    let stranger = RootSource::Keeper(Arc::new(server.keeper("hvs.other")));
    let error = KeyRing::open_with(dir.path(), None, stranger).unwrap_err().to_string();
    assert!(error.contains("permission denied") && !error.contains("hvs"), "{error}");
    // Another key under the same name.
    server.engine.lock().unwrap().versions = vec![[8; 32]];
    assert!(matches!(server.open(dir.path()), Err(VaultError::WrongRootKey(_))));
    assert_eq!(fs::read(dir.path().join("keys/epoch/1")).unwrap(), before);
}

#[test]
fn only_addresses_of_keys_are_taken() {
    let new = |url: &str| Transit::new(url, "t", |host| Dialler::new(Register::only(host), Trust::none())).map(drop);
    assert!(new("https://vault.example:8200/v1/transit/keys/wordbond").is_ok());
    assert!(new("https://vault.example/v1/team/transit/keys/wordbond").is_ok());
    for wrong in [
        "http://vault.example/v1/transit/keys/w",
        "https://vault.example/transit/keys/w",
        "https://vault.example/v1/transit/keys/",
        "https://vault.example/v1/transit/keys/a?b",
        "https://user@vault.example/v1/transit/keys/w",
        "https://vault.example/v1/../transit/keys/w",
    ] {
        assert!(new(wrong).is_err(), "{wrong}");
    }
    let tokenless = Transit::new("https://v.example/v1/transit/keys/w", "", |host| {
        Dialler::new(Register::only(host), Trust::none())
    });
    assert!(tokenless.is_err());
}
