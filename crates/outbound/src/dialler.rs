//! The gate that every outgoing call passes.

use crate::{
    Answer, OutboundError, Register, Trust,
    dial::{dial, dial_at},
    traffic::{Metered, Traffic},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Uri,
    body::{Bytes, Incoming},
    client::conn::{http1, http2},
    http::request::Parts,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// The largest body that is read.
const LARGEST: usize = 64 * 1024 * 1024;

type Body = Full<Bytes>;

/// Connects to registered hosts only, over verified TLS 1.3 only. Clones share connections and meters.
#[derive(Clone)]
pub struct Dialler(Arc<Inner>);

struct Inner {
    register: Register,
    trust: Trust,
    traffic: Traffic,
    /// From which address of this machine it calls, where that is chosen.
    source: Option<IpAddr>,
    /// Open HTTP/2 connections by authority.
    open: Mutex<BTreeMap<String, http2::SendRequest<Body>>>,
}

/// What came of a trial call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// How far it got.
    pub outcome: AttemptOutcome,
    /// One sentence.
    pub detail: String,
    /// The status code of the answer, where there was one.
    pub status: Option<u16>,
}

/// How far a trial call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Refused before anything was sent: no https address, or a host outside the register.
    Refused,
    /// No connection.
    Unreachable,
    /// The TLS handshake failed.
    TlsFailed,
    /// The peer spoke no HTTP, too much of it, or too slowly.
    NoAnswer,
    /// An answer came.
    Answered,
}

impl Dialler {
    /// A dialler for the hosts of `register`, believing the roots of `trust`.
    #[must_use]
    pub fn new(register: Register, trust: Trust) -> Self {
        Self::calling_from(register, trust, None)
    }

    /// The same, calling from an address of this machine.
    #[must_use]
    pub(crate) fn calling_from(register: Register, trust: Trust, source: Option<IpAddr>) -> Self {
        Self(Arc::new(Inner { register, trust, traffic: Traffic::default(), source, open: Mutex::default() }))
    }

    /// The hosts that may be dialled.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.0.register
    }

    /// Bytes per host so far.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// Sends a request to the https address in its URI and reads the answer to its end.
    ///
    /// # Errors
    /// No answer came, or nothing was sent; the text says which.
    pub async fn request(&self, request: Request<Vec<u8>>) -> Result<Answer, OutboundError> {
        let address = Address::of(request.uri())?;
        self.admit(&address)?;
        timeout(ANSWER, self.exchange(&address, request))
            .await
            .unwrap_or_else(|_| Err(OutboundError::Deadline { host: address.host, seconds: ANSWER.as_secs() }))
    }

    /// A trial call for diagnosis: GET of the address, over a fresh connection, to `connect_to` instead of where the name
    /// points (as `curl --resolve` does). The register and the certificate are checked as for every call.
    pub async fn attempt(&self, url: &str, connect_to: Option<SocketAddr>) -> Attempt {
        let failed = |error: &OutboundError| Attempt {
            outcome: match error {
                OutboundError::Address(_) | OutboundError::Unregistered(_) | OutboundError::Root(_) => {
                    AttemptOutcome::Refused
                }
                OutboundError::Unreachable { .. } => AttemptOutcome::Unreachable,
                OutboundError::Tls { .. } => AttemptOutcome::TlsFailed,
                OutboundError::Protocol { .. } | OutboundError::TooLarge { .. } | OutboundError::Deadline { .. } => {
                    AttemptOutcome::NoAnswer
                }
            },
            detail: error.to_string(),
            status: None,
        };
        match self.try_once(url, connect_to).await {
            Ok(answer) => Attempt {
                outcome: AttemptOutcome::Answered,
                detail: format!("{} bytes over TLS 1.3", answer.body.len()),
                status: Some(answer.status),
            },
            Err(error) => failed(&error),
        }
    }

    async fn try_once(&self, url: &str, connect_to: Option<SocketAddr>) -> Result<Answer, OutboundError> {
        let uri: Uri = url.parse().map_err(|_| OutboundError::Address(url.to_owned()))?;
        let address = Address::of(&uri)?;
        self.admit(&address)?;
        let request = Request::get(uri).body(Vec::new()).map_err(|_| OutboundError::Address(url.to_owned()))?;
        let call = async {
            let connection = self.connect(&address, connect_to).await?;
            self.over(connection, &address, request).await
        };
        let host = address.host.clone();
        timeout(CONNECT * 2, call)
            .await
            .unwrap_or(Err(OutboundError::Deadline { host, seconds: CONNECT.as_secs() * 2 }))
    }

    /// A connection for another protocol than HTTP, as mail: to a registered host only, over verified TLS from its first byte.
    ///
    /// # Errors
    /// The host is not registered, or no connection came about.
    pub async fn stream(
        &self,
        host: &str,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Send + Sync + Unpin + use<>, OutboundError> {
        let address = Address { host: host.to_owned(), port, authority: format!("{host}:{port}") };
        self.admit(&address)?;
        self.connect(&address, None).await
    }

    pub(crate) fn admit(&self, address: &Address) -> Result<(), OutboundError> {
        if self.0.register.allows(&address.host) {
            return Ok(());
        }
        tracing::info!(host = address.host, "a call to a host outside the register was refused");
        Err(OutboundError::Unregistered(address.host.clone()))
    }

    async fn exchange(&self, address: &Address, request: Request<Vec<u8>>) -> Result<Answer, OutboundError> {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner).get(&address.authority).cloned();
        if let Some(sender) = open.filter(|sender| !sender.is_closed()) {
            let again = is_safe(request.method()).then(|| request.clone());
            match send_h2(sender, address, request).await {
                // A kept connection may have been closed since: that is no answer of the peer's. Safe methods try anew.
                Err(OutboundError::Protocol { .. }) if again.is_some() => {
                    self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&address.authority);
                    let Some(request) = again else { return Err(OutboundError::Address(address.authority.clone())) };
                    let connection = self.connect(address, None).await?;
                    return self.over(connection, address, request).await;
                }
                result => return result,
            }
        }
        let connection = self.connect(address, None).await?;
        self.over(connection, address, request).await
    }

    async fn connect(&self, address: &Address, to: Option<SocketAddr>) -> Result<Connection, OutboundError> {
        let host = &address.host;
        let unreachable = |reason: String| OutboundError::Unreachable { host: host.clone(), reason };
        let dial = async {
            match to {
                Some(to) => dial_at(to, self.0.source).await,
                None => dial(host, address.port, self.0.source).await,
            }
        };
        let tcp = timeout(CONNECT, dial)
            .await
            .map_err(|_| unreachable(format!("nothing within {} s", CONNECT.as_secs())))?
            .map_err(|error| unreachable(error.to_string()))?;
        // Without this a small request may wait for the peer's delayed acknowledgement.
        let _ = tcp.set_nodelay(true);
        let metered = Metered::new(tcp, self.0.traffic.meter(host));
        let tls = |reason: String| OutboundError::Tls { host: host.clone(), reason };
        let name = ServerName::try_from(host.clone()).map_err(|error| tls(error.to_string()))?;
        timeout(CONNECT, TlsConnector::from(self.0.trust.config()).connect(name, metered))
            .await
            .map_err(|_| tls(format!("nothing within {} s", CONNECT.as_secs())))?
            .map_err(|error| tls(error.to_string()))
    }

    async fn over(
        &self,
        connection: Connection,
        address: &Address,
        request: Request<Vec<u8>>,
    ) -> Result<Answer, OutboundError> {
        if connection.get_ref().1.alpn_protocol() != Some(b"h2") {
            return send_h1(connection, address, request).await;
        }
        let handshake = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(1 << 24)
            .handshake(TokioIo::new(connection));
        let (sender, driver) = handshake.await.map_err(|error| address.broke(&error))?;
        tokio::spawn(driver);
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).insert(address.authority.clone(), sender.clone());
        send_h2(sender, address, request).await
    }
}

type Connection = tokio_rustls::client::TlsStream<Metered<TcpStream>>;

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

async fn send_h2(
    mut sender: http2::SendRequest<Body>,
    address: &Address,
    request: Request<Vec<u8>>,
) -> Result<Answer, OutboundError> {
    let (mut parts, body) = request.into_parts();
    parts.uri = address.absolute(&parts)?;
    parts.headers.remove(hyper::header::HOST);
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    sender.ready().await.map_err(|error| address.broke(&error))?;
    let response = sender.send_request(request).await.map_err(|error| address.broke(&error))?;
    read(response, address).await
}

/// One HTTP/1.1 exchange over a stream that is used for nothing else.
pub(crate) async fn send_h1<S>(stream: S, address: &Address, request: Request<Vec<u8>>) -> Result<Answer, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| address.broke(&error))?;
    let driver = tokio::spawn(driver);
    let (mut parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    parts.uri = target.parse().map_err(|_| OutboundError::Address(target))?;
    if !parts.headers.contains_key(hyper::header::HOST) {
        let host = address.authority.parse().map_err(|_| OutboundError::Address(address.authority.clone()))?;
        parts.headers.insert(hyper::header::HOST, host);
    }
    let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
    let response = sender.send_request(request).await.map_err(|error| address.broke(&error))?;
    let answer = read(response, address).await;
    driver.abort();
    answer
}

async fn read(response: hyper::Response<Incoming>, address: &Address) -> Result<Answer, OutboundError> {
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            OutboundError::TooLarge { host: address.host.clone(), limit: LARGEST }
        } else {
            address.broke(&*error)
        }
    })?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes().to_vec() })
}

/// Where to connect: the host as a name for the certificate, the port, and both as they stand in `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) authority: String,
}

impl Address {
    pub(crate) fn of(uri: &Uri) -> Result<Self, OutboundError> {
        let refuse = || OutboundError::Address(uri.to_string());
        let authority = uri.authority().ok_or_else(refuse)?;
        let host = uri.host().ok_or_else(refuse)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let userinfo = authority.as_str().contains('@');
        if uri.scheme_str() != Some("https") || userinfo || host.is_empty() {
            return Err(refuse());
        }
        Ok(Self { host, port: uri.port_u16().unwrap_or(443), authority: authority.to_string() })
    }

    fn absolute(&self, parts: &Parts) -> Result<Uri, OutboundError> {
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let built = Uri::builder().scheme("https").authority(self.authority.as_str()).path_and_query(path).build();
        built.map_err(|_| OutboundError::Address(path.to_owned()))
    }

    fn broke(&self, error: &(dyn std::error::Error + 'static)) -> OutboundError {
        let mut reason = error.to_string();
        if let Some(cause) = error.source() {
            reason = format!("{reason}: {cause}");
        }
        OutboundError::Protocol { host: self.host.clone(), reason }
    }
}
