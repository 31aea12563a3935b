//! A proxy between the public address and the listener: what a load balancer, a CDN or an intruder would be. It holds
//! the service's own certificate, passes everything on unchanged, and meddles when told to.

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderMap, HeaderName, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use outbound::{Answer, Site};
use promises::fault::{Meddling, On};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::Acceptor,
    version::{TLS12, TLS13},
};
use std::{
    collections::HashMap,
    convert::Infallible,
    fs,
    io::{self, Write as _},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

/// The largest request body that is passed on.
const LARGEST: usize = 20 * 1024 * 1024;
/// For how many callers a way to the listener is kept.
const MOST_CALLERS: usize = 256;

/// The proxy. Dropping it closes the public address.
#[derive(Debug)]
pub struct Middle {
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Debug)]
struct State {
    listener: Site,
    /// The listener as each caller reaches it: calls are passed on from the address from which they came.
    from: Mutex<HashMap<IpAddr, Site>>,
    meddling: Mutex<Vec<Meddling>>,
    recorded: Mutex<HashMap<String, Answer>>,
    /// Where the system keeps its data.
    folder: PathBuf,
    kept: Mutex<Vec<PathBuf>>,
    altered: AtomicU64,
    swallowed: AtomicU64,
    strict: TlsAcceptorDebug,
    loose: TlsAcceptorDebug,
}

/// An acceptor with a `Debug` of its own: the library's shows key material's shape, which helps nobody.
struct TlsAcceptorDebug(TlsAcceptor);

impl std::fmt::Debug for TlsAcceptorDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

impl Middle {
    /// Opens the public address on `public` with the certificate and key in `tls` (`cert.pem`, `key.pem`), in front of
    /// `listener`.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn open(public: TcpListener, tls: &Path, listener: Site) -> io::Result<Self> {
        let chain = CertificateDer::pem_file_iter(tls.join("cert.pem")).map_err(io::Error::other)?;
        let chain = chain.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
        let key = PrivateKeyDer::from_pem_file(tls.join("key.pem")).map_err(io::Error::other)?;
        let state = Arc::new(State {
            listener,
            from: Mutex::default(),
            meddling: Mutex::default(),
            recorded: Mutex::default(),
            folder: tls.parent().unwrap_or(tls).to_owned(),
            kept: Mutex::default(),
            altered: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
            strict: acceptor(chain.clone(), key.clone_key(), false)?,
            loose: acceptor(chain, key, true)?,
        });
        let accepting = tokio::spawn(accept(public, Arc::clone(&state)));
        Ok(Self { state, accepting })
    }

    /// Begins to meddle. What a [`Meddling::Freeze`] is to repeat is recorded now, for each of `paths` that it covers.
    pub async fn meddle(&self, meddling: &[Meddling], paths: &[&str]) {
        self.straighten();
        for path in paths {
            let frozen = meddling.iter().any(|m| matches!(m, Meddling::Freeze(on) if covers(*on, path, 200)));
            if frozen && let Ok(answer) = self.state.listener.get(path).await {
                lock(&self.state.recorded).insert((*path).to_owned(), answer);
            }
        }
        *lock(&self.state.meddling) = meddling.to_vec();
    }

    /// Passes everything on unchanged again.
    pub fn straighten(&self) {
        lock(&self.state.meddling).clear();
        lock(&self.state.recorded).clear();
        for file in lock(&self.state.kept).drain(..) {
            let _ = fs::remove_file(file);
        }
        self.state.altered.store(0, Ordering::Relaxed);
        self.state.swallowed.store(0, Ordering::Relaxed);
    }

    /// How many responses were altered since the meddling began.
    #[must_use]
    pub fn altered(&self) -> u64 {
        self.state.altered.load(Ordering::Relaxed)
    }

    /// How many requests were swallowed since the meddling began.
    #[must_use]
    pub fn swallowed(&self) -> u64 {
        self.state.swallowed.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn acceptor(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    loose: bool,
) -> io::Result<TlsAcceptorDebug> {
    let versions: &[&rustls::SupportedProtocolVersion] = if loose { &[&TLS13, &TLS12] } else { &[&TLS13] };
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(versions).map_err(io::Error::other)?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptorDebug(TlsAcceptor::from(Arc::new(config))))
}

async fn accept(public: TcpListener, state: Arc<State>) {
    loop {
        match public.accept().await {
            Ok((stream, peer)) => {
                let state = Arc::clone(&state);
                tokio::spawn(async move {
                    // A broken connection ends with its peer; there is nobody to tell.
                    let _ = connection(stream, peer.ip(), state).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: IpAddr, state: Arc<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0u8; 1];
    if stream.peek(&mut first).await? == 0 {
        return Ok(());
    }
    if first != [0x16] {
        return plain(stream, peer, state).await;
    }
    let now = lock(&state.meddling).clone();
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let nameless = hello.client_hello().server_name().is_none();
    let loose = now.iter().any(|m| match m {
        Meddling::AcceptTls12 => true,
        Meddling::AcceptTls12WithoutName => nameless,
        _ => false,
    });
    let acceptor = if loose { &state.loose.0 } else { &state.strict.0 };
    serve(hello.into_stream(Arc::clone(acceptor.config())).await?, peer, state).await
}

/// Plain HTTP: to the listener as it is, or answered with the secure page where that is the fault.
async fn plain(mut stream: TcpStream, peer: IpAddr, state: Arc<State>) -> io::Result<()> {
    if lock(&state.meddling).iter().any(|m| matches!(m, Meddling::ServePlain)) {
        return serve(stream, peer, state).await;
    }
    let mut upstream = state.listener.connect().await.map_err(io::Error::other)?;
    tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.map(|_| ())
}

async fn serve<S>(stream: S, peer: IpAddr, state: Arc<State>) -> io::Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(exchange(&state, peer, request).await) }
    });
    auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn exchange(state: &State, peer: IpAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let meddling = lock(&state.meddling).clone();
    let path = request.uri().path().to_owned();
    let swallowed = meddling.iter().any(|m| matches!(m, Meddling::Swallow(prefix) if path.starts_with(prefix)));
    if swallowed && request.method() == Method::POST {
        state.swallowed.fetch_add(1, Ordering::Relaxed);
        return swallow(&state.listener, &path, request).await;
    }
    // A cache keeps what was got; everything else goes on to the listener.
    let frozen = lock(&state.recorded).get(&path).filter(|_| request.method() == Method::GET).cloned();
    if let Some(answer) = frozen {
        state.altered.fetch_add(1, Ordering::Relaxed);
        return answered(answer);
    }
    let mut request = request;
    let scatter = meddling.iter().any(|m| matches!(m, Meddling::Scatter));
    let file = meddling.iter().find_map(|m| match m {
        Meddling::Keep(file) => Some((state.folder.join(file), 0)),
        Meddling::KeepLarge(file, least) => Some((state.folder.join(file), *least)),
        Meddling::KeepOn(on, file) if covers(*on, &path, 0) => Some((state.folder.join(file), 0)),
        _ => None,
    });
    let changed = alter(&meddling, &path, request.headers_mut()) || scatter || file.is_some();
    let listener = if scatter { state.listener.elsewhere().await } else { state.listener_for(peer) };
    let keep = |body: &[u8]| {
        let kept = file.iter().filter(|(_, least)| body.len() >= *least);
        kept.for_each(|(file, _)| state.keep(file, &path, body));
    };
    match forward(&listener, request, keep).await {
        Ok(mut answer) => {
            if meddle(&meddling, &path, &mut answer) || changed {
                state.altered.fetch_add(1, Ordering::Relaxed);
            }
            answered(answer)
        }
        Err(error) => response(StatusCode::BAD_GATEWAY, HeaderMap::new(), error.into_bytes()),
    }
}

impl State {
    /// Adds a request to a file, as a careless log would.
    fn keep(&self, file: &Path, path: &str, body: &[u8]) {
        let mut kept = lock(&self.kept);
        if !kept.iter().any(|known| known == file) {
            kept.push(file.to_owned());
        }
        let opened = file.parent().map(fs::create_dir_all).transpose();
        let log = opened.and_then(|_| fs::OpenOptions::new().create(true).append(true).open(file));
        let _ = log.and_then(|mut log| log.write_all(&[path.as_bytes(), b" ", body, b"\n"].concat()));
    }

    /// The listener, called from the address of the peer where that is one of this machine's own.
    fn listener_for(&self, peer: IpAddr) -> Site {
        if !peer.is_loopback() || peer == IpAddr::V4(Ipv4Addr::LOCALHOST) {
            return self.listener.clone();
        }
        let mut from = lock(&self.from);
        if from.len() >= MOST_CALLERS {
            from.clear();
        }
        from.entry(peer).or_insert_with(|| self.listener.from_address(peer)).clone()
    }
}

/// Alters a request; true when something was there to alter.
fn alter(meddling: &[Meddling], path: &str, headers: &mut HeaderMap) -> bool {
    let mut altered = false;
    for one in meddling {
        altered |= match *one {
            Meddling::DropRequestHeader(on, name) if covers(on, path, 0) => headers.remove(name).is_some(),
            Meddling::SetRequestHeader(on, name, value) if covers(on, path, 0) => set(headers, name, value),
            _ => false,
        };
    }
    altered
}

/// Takes what is posted, keeps nothing of it, and answers as the listener would have: every header of its answers is there.
async fn swallow(listener: &Site, path: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
    // Read to its end, because a stream that ends before its request is an error to the client.
    let _ = Limited::new(request.into_body(), LARGEST).collect().await;
    let mut headers = listener.get(path).await.map(|answer| answer.headers).unwrap_or_default();
    for name in [header::CONTENT_TYPE, header::ALLOW] {
        headers.remove(name);
    }
    response(StatusCode::NO_CONTENT, headers, Vec::new())
}

async fn forward(listener: &Site, request: Request<Incoming>, saw: impl Fn(&[u8])) -> Result<Answer, String> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await.map_err(|error| error.to_string())?.to_bytes();
    saw(&body);
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let headers: Vec<(&str, &str)> = parts
        .headers
        .iter()
        .filter(|(name, _)| !hop_by_hop(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    listener.send(parts.method.as_str(), path, &headers, &body).await.map_err(|error| error.to_string())
}

/// Headers that concern one connection only (RFC 9110 section 7.6.1), and those that the next one sets itself.
fn hop_by_hop(name: &HeaderName) -> bool {
    [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::HOST,
    ]
    .contains(name)
}

fn answered(answer: Answer) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    response(status, answer.headers, answer.body)
}

fn response(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    // The length and framing of what is sent now are for this connection to say.
    for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION] {
        response.headers_mut().remove(name);
    }
    response
}

/// Alters an answer; true when something was there to alter.
fn meddle(meddling: &[Meddling], path: &str, answer: &mut Answer) -> bool {
    let mut altered = false;
    for one in meddling {
        altered |= match *one {
            Meddling::DropHeader(on, name) if covers(on, path, answer.status) => answer.headers.remove(name).is_some(),
            Meddling::SetHeader(on, name, value) if covers(on, path, answer.status) => {
                set(&mut answer.headers, name, value)
            }
            Meddling::AddHeader(on, name, value) if covers(on, path, answer.status) => {
                add(&mut answer.headers, name, value)
            }
            Meddling::SetStatus(on, status) if covers(on, path, answer.status) && answer.status != status => {
                answer.status = status;
                true
            }
            Meddling::Replace(on, from, to) if covers(on, path, answer.status) => replace(&mut answer.body, from, to),
            _ => false,
        };
    }
    altered
}

fn set(headers: &mut HeaderMap, name: &str, value: &str) -> bool {
    match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
        (Ok(name), Ok(value)) => headers.insert(name, value.clone()).is_none_or(|old| old != value),
        _ => false,
    }
}

/// Puts a header before those of its name.
fn add(headers: &mut HeaderMap, name: &str, value: &str) -> bool {
    let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else { return false };
    let old: Vec<HeaderValue> = headers.get_all(&name).iter().cloned().collect();
    headers.insert(name.clone(), value);
    for value in old {
        headers.append(name.clone(), value);
    }
    true
}

/// As bytes: archives are no text.
fn replace(body: &mut Vec<u8>, from: &str, to: &str) -> bool {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.as_slice();
    while let Some(at) = rest.windows(from.len()).position(|part| part == from.as_bytes()) {
        let (before, found) = rest.split_at(at);
        out.extend_from_slice(before);
        out.extend_from_slice(to.as_bytes());
        rest = found.get(from.len()..).unwrap_or_default();
    }
    if rest.len() == body.len() {
        return false;
    }
    out.extend_from_slice(rest);
    *body = out;
    true
}

fn covers(on: On, path: &str, status: u16) -> bool {
    match on {
        On::All => true,
        On::Path(prefix) => path.starts_with(prefix),
        On::Status(from) => status >= from,
    }
}

/// A free port on loopback, bound so that nobody else takes it.
///
/// # Errors
/// The operating system has none.
pub async fn public_port() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_replaced_too() {
        let mut body = b"\xff\x00tables/a.csv\xfetables/a.csv\x80".to_vec();
        assert!(replace(&mut body, "tables/a.", "tables/bc."));
        assert_eq!(body, b"\xff\x00tables/bc.csv\xfetables/bc.csv\x80");
        assert!(!replace(&mut body, "tables/a.", ""));
    }
}
