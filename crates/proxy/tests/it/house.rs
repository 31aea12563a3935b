//! A real edge with the proxy behind it, and callers who write their requests by hand.

use crate::application::Application;
use axum::http::HeaderMap;
use ingress::{Caller, Doors, Failure, Gate, Tls, gate::Later};
use kernel::{Clock, PersonId, SystemClock, TenantId, access::TeamRole};
use outbound::upstream::{Limits, Upstream};
use proxy::{Claims, Proxy, Settings, Signer, Watch};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The bearer token of a member.
pub(crate) const MEMBER: &str = "wbt_member";

pub(crate) struct House {
    pub(crate) port: u16,
    pub(crate) application: Application,
    pub(crate) ca: String,
    _data: tempfile::TempDir,
    serving: JoinHandle<()>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Knows one member.
struct OneMember(Caller);

impl Gate for OneMember {
    fn bearer<'a>(&'a self, token: &'a str) -> Later<'a, Result<Option<Caller>, Failure>> {
        Box::pin(async move { Ok((token == MEMBER).then_some(self.0)) })
    }

    fn session<'a>(&'a self, _: &'a HeaderMap) -> Later<'a, Result<Option<ingress::LiveSession>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn operator(&self, _: &str) -> bool {
        false
    }
}

/// Signs nothing, but shows what would be signed.
struct Shown;

impl Signer for Shown {
    fn sign(&self, claims: &Claims) -> Result<String, String> {
        serde_json::to_string(claims).map_err(|error| error.to_string())
    }

    fn keys(&self) -> String {
        r#"{"keys":[]}"#.to_owned()
    }
}

impl House {
    pub(crate) async fn of(application: Application) -> Self {
        Self::with(application, Limits::default()).await
    }

    pub(crate) async fn with(application: Application, limits: Limits) -> Self {
        Self::build(application, limits, "/open/", None).await
    }

    pub(crate) async fn build(
        application: Application,
        limits: Limits,
        open: &str,
        watch: Option<Arc<dyn Watch>>,
    ) -> Self {
        let data = tempfile::tempdir().unwrap();
        let (tls, _) = Tls::development(data.path(), &[], SystemClock.now()).unwrap();
        let ca = std::fs::read_to_string(data.path().join("tls/ca.pem")).unwrap();
        let main = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = main.local_addr().unwrap().port();
        let url = format!("https://localhost:{port}");
        let settings = Settings::new(&url, Arc::new(SystemClock)).unwrap().open([open.parse().unwrap()]);
        let settings = settings.tunnels(Duration::from_secs(60), Duration::from_secs(4));
        let upstream = Upstream::new(application.url.parse().unwrap(), limits);
        let proxy = Proxy::new(upstream, Arc::new(Shown), settings, watch);
        let caller = Caller::by_token(TenantId::new(), PersonId::new(), TeamRole::Member, None);
        let gate: Arc<dyn Gate> = Arc::new(OneMember(caller));
        let router = proxy.table().router(&gate).unwrap();
        let settings = ingress::Settings::new(&url).unwrap();
        let serving = tokio::spawn(async move {
            let _ = ingress::serve(Doors { main, plain: None }, router, tls, settings, std::future::pending()).await;
        });
        Self { port, application, ca, _data: data, serving }
    }

    /// A connection that speaks `alpn`.
    pub(crate) async fn connect(&self, alpn: &str) -> TlsStream<TcpStream> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await.unwrap()
    }

    /// Sends these bytes with the member's token where they say `{member}`, and the right host where they say `{host}`.
    /// Returns everything that comes until the connection ends, and whether it ended as it should.
    pub(crate) async fn say(&self, request: &str) -> Said {
        let mut stream = self.connect("http/1.1").await;
        stream.write_all(self.fill(request).as_bytes()).await.unwrap();
        rest(&mut stream).await
    }

    pub(crate) fn fill(&self, request: &str) -> String {
        let host = format!("localhost:{}", self.port);
        request.replace("{host}", &host).replace("{member}", &format!("authorization: Bearer {MEMBER}"))
    }

    /// A GET as the member, with further header lines.
    pub(crate) async fn get(&self, path: &str, lines: &str) -> Said {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: {{host}}\r\n{{member}}\r\nconnection: close\r\n{lines}\r\n"))
            .await
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// Whether TLS was closed properly; otherwise whoever reads to the end knows that something is missing.
    pub(crate) clean: bool,
}

impl Said {
    pub(crate) fn status(&self) -> u16 {
        self.text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no answer: {self:?}"))
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        crate::application::field(&self.text, name)
    }

    pub(crate) fn content(&self) -> &str {
        self.text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {self:?}")).1
    }
}

/// Everything until the end of the connection.
pub(crate) async fn rest(stream: &mut TlsStream<TcpStream>) -> Said {
    let mut bytes = Vec::new();
    let clean = timeout(Duration::from_secs(20), stream.read_to_end(&mut bytes))
        .await
        .expect("the connection stays open")
        .is_ok();
    Said { text: String::from_utf8_lossy(&bytes).into_owned(), clean }
}

/// Bytes until `until` has come.
pub(crate) async fn until(stream: &mut TlsStream<TcpStream>, until: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).contains(until) {
            let mut space = [0; 1024];
            let count = stream.read(&mut space).await.unwrap();
            assert!(count > 0, "ended before {until:?}: {}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&space[..count]);
        }
    };
    let ended = timeout(Duration::from_secs(10), reading).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(ended.is_ok(), "{until:?} did not come: {text}");
    text
}
