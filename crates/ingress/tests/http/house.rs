//! A small service behind a real edge, and a client that speaks to it byte by byte.

use axum::{body::Bytes, http::Method};
use ingress::{
    Caller, Doors, Ended, Failure, Gate, Policy, Route, RouteTable, Settings, Tls, edge::EdgeError, gate::Later, serve,
};
use kernel::{Permission, PersonId, TeamRole, TenantId, Timestamp};
use outbound::{Site, Trust};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{
    net::SocketAddr,
    sync::{Arc, Once},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Knows one person and one operator.
#[derive(Default)]
pub(crate) struct TwoTokens;

impl Gate for TwoTokens {
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        let caller = Caller::by_token(TenantId::new(), PersonId::new(), TeamRole::Member, None);
        Box::pin(async move { Ok((token == "person").then_some(caller)) })
    }

    fn operator(&self, token: &str) -> bool {
        token == "operator"
    }
}

/// A running service.
pub(crate) struct House {
    pub(crate) at: SocketAddr,
    pub(crate) plain: SocketAddr,
    pub(crate) site: Site,
    roots: Arc<rustls::ClientConfig>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Result<Ended, EdgeError>>>,
    folder: tempfile::TempDir,
}

fn routes() -> RouteTable {
    async fn page() -> ([(&'static str, &'static str); 1], &'static str) {
        ([("content-type", "text/html; charset=utf-8")], "<!doctype html><title>a page</title>")
    }
    RouteTable::new([
        Route::get("/", Policy::PAGE, page),
        Route::get("/style.css", Policy::ASSET, async || ([("content-type", "text/css")], "body{}")),
        Route::new(Method::POST, "/echo", Policy::open(1_000), async |body: Bytes| body),
        Route::get("/me", Policy::read(Permission::OwnAccount), async |caller: Caller| caller.person.to_string()),
        Route::get("/operator", Policy::operator(0), async || "operator"),
        Route::get("/panic", Policy::PAGE, panics),
        Route::get("/broken", Policy::PAGE, async || Err::<(), _>(ingress::problem::internal("the cause"))),
        Route::get("/weak", Policy::PAGE, async || [("x-frame-options", "ALLOWALL"), ("x-request-id", "mine")]),
        Route::get("/slow", Policy::PAGE, async || {
            sleep(Duration::from_millis(600)).await;
            "slow"
        }),
    ])
}

/// What the panicking handler says; kept out of the tests' output.
const BUG: &str = "a handler's bug";

async fn panics() {
    std::panic::panic_any(BUG);
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::serving(routes(), Arc::new(TwoTokens), change).await
    }

    pub(crate) async fn serving(table: RouteTable, gate: Arc<dyn Gate>, change: impl FnOnce(&mut Settings)) -> Self {
        static QUIET: Once = Once::new();
        QUIET.call_once(|| {
            let loud = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if info.payload().downcast_ref::<&str>() != Some(&BUG) {
                    loud(info);
                }
            }));
        });
        let folder = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(folder.path(), &[], Timestamp::now()).unwrap();
        let pem = std::fs::read_to_string(tls.ca().unwrap()).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (at, plain_at) = (main.local_addr().unwrap(), plain.local_addr().unwrap());
        let url = format!("https://localhost:{}", at.port());
        let mut settings = Settings::new(&url).unwrap();
        change(&mut settings);
        let router = table.router(&gate).unwrap();
        let (stop, stopped) = oneshot::channel();
        let doors = Doors { main, plain: Some(plain) };
        let running = tokio::spawn(serve(doors, router, tls, settings, async {
            let _ = stopped.await;
        }));
        let site = Site::new(&url, Trust::none().with_pem(&pem).unwrap()).unwrap();
        let roots = roots(&pem);
        Self { at, plain: plain_at, site, roots, stop: Some(stop), running: Some(running), folder }
    }

    /// Where the certificate and its key are.
    pub(crate) fn tls_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("tls")
    }

    /// A TLS connection that offers these application protocols.
    pub(crate) async fn dial(&self, protocols: &[&str]) -> TlsStream<TcpStream> {
        let mut config = (*self.roots).clone();
        config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(self.at).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// Sends bytes over TLS and reads all that comes back.
    pub(crate) async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.dial(&["http/1.1"]).await;
        let _ = stream.write_all(bytes).await;
        read_all(&mut stream).await
    }

    /// Tells the edge to stop.
    pub(crate) fn stop(&mut self) -> JoinHandle<Result<Ended, EdgeError>> {
        let _ = self.stop.take().unwrap().send(());
        self.running.take().unwrap()
    }
}

fn roots(pem: &str) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

/// All that comes until the peer ends, or until nothing has come for long.
pub(crate) async fn read_all(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let mut space = [0; 4096];
    while let Ok(Ok(count @ 1..)) = timeout(Duration::from_secs(15), stream.read(&mut space)).await {
        all.extend_from_slice(space.get(..count).unwrap());
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Headers that every response over TLS carries.
pub(crate) const EVERYWHERE: [&str; 10] = [
    "strict-transport-security",
    "content-security-policy",
    "reporting-endpoints",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "x-request-id",
];

/// The headers of the list that a response written out as text lacks.
pub(crate) fn missing(response: &str) -> Vec<&'static str> {
    let head = response.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
    EVERYWHERE.into_iter().filter(|name| !head.contains(&format!("\r\n{name}: "))).collect()
}
