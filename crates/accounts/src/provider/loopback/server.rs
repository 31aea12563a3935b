//! The issuer while it serves: discovery, keys, and codes against tokens.

use super::{CERTIFICATE, KEY, LoopbackError, Mint, SIGNING, read, registered};
use crate::provider::planting::pairs;
use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    routing::{get, post},
    serve::Listener,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs as provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::TLS13,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long to wait for another probe that has the port: as long as a probe usually takes on a machine that is busy, and short
/// of a probe's own deadline.
const TURN: Duration = Duration::from_secs(60);
/// How long a caller may take for the handshake.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the issuer gives for a code.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The identity token.
    pub token: String,
    /// The challenge that the verifier must meet.
    pub challenge: String,
}

/// How a code was redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// With a verifier that meets the challenge.
    Proven,
    /// Without one, or with another.
    Unproven,
}

#[derive(Default)]
struct Shared {
    grants: BTreeMap<String, Grant>,
    redeemed: BTreeMap<String, Redeemed>,
}

/// A running issuer. It ends when it is dropped.
pub struct LoopbackIssuer {
    /// Signs its tokens.
    pub mint: Mint,
    url: String,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

impl std::fmt::Debug for LoopbackIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopbackIssuer").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Drop for LoopbackIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl LoopbackIssuer {
    /// Serves at the registered address. Another probe that serves there is waited for.
    ///
    /// # Errors
    /// The operator has not registered it, a file cannot be read, or the address stays taken.
    pub async fn open(data_dir: &Path) -> Result<Self, LoopbackError> {
        let url = registered(data_dir)?;
        let mint = Mint::of(&url, &read(data_dir, SIGNING)?)?;
        let tls = tls(&read(data_dir, CERTIFICATE)?, &read(data_dir, KEY)?)?;
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        let door = bind(port.ok_or(LoopbackError::Unregistered)?).await?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let state = Served { url: url.clone(), keys: mint.keys(), shared: Arc::clone(&shared) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/.well-known/jwks.json", get(keys))
            .route("/token", post(token))
            .with_state(state);
        let listener = Secured { door, acceptor: TlsAcceptor::from(Arc::new(tls)) };
        let server = tokio::spawn(async move {
            // It ends when it is aborted; a failure shows as an issuer that does not answer.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { mint, url, shared, server })
    }

    /// Its address, as it stands in `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Has a code stand for a grant, once.
    pub fn grant(&self, code: &str, grant: Grant) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).grants.insert(code.to_owned(), grant);
    }

    /// How the code was redeemed; `None` where it was not.
    #[must_use]
    pub fn redeemed(&self, code: &str) -> Option<Redeemed> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).redeemed.get(code).copied()
    }
}

#[derive(Clone)]
struct Served {
    url: String,
    keys: Value,
    shared: Arc<Mutex<Shared>>,
}

async fn discovery(State(served): State<Served>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", served.url);
    Json(json!({
        "issuer": served.url,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "email", "profile"],
    }))
}

async fn keys(State(served): State<Served>) -> Json<Value> {
    Json(served.keys)
}

async fn token(State(served): State<Served>, form: Bytes) -> (StatusCode, Json<Value>) {
    let form = pairs(&String::from_utf8_lossy(&form));
    let part = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (code, verifier) = (part("code"), part("code_verifier"));
    let mut shared = served.shared.lock().unwrap_or_else(PoisonError::into_inner);
    let refuse = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let Some(grant) = shared.grants.remove(&code) else { return refuse() };
    let met = BASE64.encode(digest(&SHA256, verifier.as_bytes())) == grant.challenge;
    shared.redeemed.insert(code, if met { Redeemed::Proven } else { Redeemed::Unproven });
    if !met {
        return refuse();
    }
    let answer = json!({ "access_token": "none", "token_type": "Bearer", "expires_in": 60, "id_token": grant.token });
    (StatusCode::OK, Json(answer))
}

async fn bind(port: u16) -> Result<TcpListener, LoopbackError> {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(door) => return Ok(door),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && begun.elapsed() < TURN => {
                sleep(Duration::from_millis(100)).await;
            }
            Err(error) => return Err(LoopbackError::Server(error.to_string())),
        }
    }
}

fn tls(certificate: &[u8], key: &[u8]) -> Result<ServerConfig, LoopbackError> {
    let failed = |error: &dyn std::fmt::Display| LoopbackError::Server(error.to_string());
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>().map_err(|e| failed(&e))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| failed(&e))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|e| failed(&e))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The door behind TLS. Callers are few and our own, so one handshake at a time serves.
struct Secured {
    door: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        loop {
            let Ok((stream, from)) = self.door.accept().await else {
                sleep(Duration::from_millis(50)).await;
                continue;
            };
            if let Ok(Ok(stream)) = timeout(PATIENCE, self.acceptor.accept(stream)).await {
                return (stream, from);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.door.local_addr()
    }
}
