//! For tests: a small service that keeps every promise of the edge, and can be made to break one.

use crate::{csp, frame_deny, hsts, nosniff};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use kernel::Span;
use outbound::{Site, Trust};
use promises::{Kind, Promise, profile::Value};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// The operator's token.
pub(crate) const TOKEN: &str = "operator";

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) secure: bool,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) body: String,
}

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn new(status: u16, kind: &str, body: &str) -> Self {
        let headers = if kind.is_empty() { Vec::new() } else { vec![("content-type".to_owned(), kind.to_owned())] };
        Self { status, headers, body: body.to_owned() }
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn drop(&mut self, name: &str) {
        self.headers.retain(|(known, _)| known != name);
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.drop(name);
        self.add(name, value);
    }
}

type Meddle = Arc<dyn Fn(&Asked, &mut Reply) + Send + Sync>;

/// A running service. It ends when it is dropped.
pub(crate) struct Rehearsal {
    pub(crate) site: Site,
    server: JoinHandle<()>,
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// How the certificate is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certificate {
    Good,
    Expired,
    OtherName,
    OtherRoot,
}

impl Rehearsal {
    /// A service that keeps its promises.
    pub(crate) async fn good() -> Self {
        Self::with(|_, _| {}).await
    }

    /// One whose replies are meddled with.
    pub(crate) async fn with(meddle: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static) -> Self {
        Self::presenting(Certificate::Good, meddle).await
    }

    /// One with a certificate of that kind.
    pub(crate) async fn presenting(
        certificate: Certificate,
        meddle: impl Fn(&Asked, &mut Reply) + Send + Sync + 'static,
    ) -> Self {
        let (config, trust) = tls(certificate);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let site = Site::new(&format!("https://localhost:{}", listener.local_addr().unwrap().port()), trust).unwrap();
        let state = Arc::new((Mutex::new(String::new()), Arc::new(meddle) as Meddle));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&state)));
            }
        });
        Self { site, server }
    }

    /// One that does with each connection what `act` does, and nothing else.
    pub(crate) async fn raw<F>(act: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(act(stream));
            }
        });
        Self { site: Site::new(&url, Trust::none()).unwrap(), server }
    }

    /// One that takes connections and never says a word.
    pub(crate) async fn hung() -> Self {
        Self::raw(|mut stream| async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
            std::future::pending::<()>().await;
        })
        .await
    }

    /// One that takes every handshake as TLS 1.2.
    pub(crate) async fn old() -> Self {
        Self::raw(|mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let mut record = vec![22, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3];
            record.extend([7; 32]);
            record.extend([0, 0xc0, 0x2f, 0]);
            let _ = stream.write_all(&record).await;
            let _ = stream.read(&mut [0; 4096]).await;
        })
        .await
    }
}

/// A site where nothing listens.
pub(crate) fn nobody() -> Site {
    Site::new("https://localhost:9", Trust::none()).unwrap()
}

/// A promise of that control with those parameters.
pub(crate) fn promise(control: &str, params: &[(&str, Value)]) -> Promise {
    let params: BTreeMap<String, Value> =
        params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Promise {
        id: control.to_owned(),
        claims: Vec::new(),
        section: String::new(),
        words: String::new(),
        kind: Kind::Enforced,
        control: Some(control.to_owned()),
        params,
        cadence: Span::minutes(5),
        freshness: Span::minutes(30),
        attested: None,
        planned: None,
        waiver: None,
    }
}

fn tls(certificate: Certificate) -> (rustls::ServerConfig, Trust) {
    let authority = || {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (own, other) = (authority(), authority());
    let name = if certificate == Certificate::OtherName { "elsewhere.test" } else { "localhost" };
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    if certificate == Certificate::Expired {
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, if certificate == Certificate::OtherRoot { &other } else { &own }).unwrap();
    let config =
        crate::tls_in::server_config(vec![leaf.der().clone()], key.serialize_der().try_into().unwrap()).unwrap();
    (config, Trust::none().with_pem(&own.pem()).unwrap())
}

type State = Arc<(Mutex<String>, Meddle)>;

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, state: State) {
    let mut first = [0];
    if stream.peek(&mut first).await.is_err() {
        return;
    }
    if first == [22] {
        if let Ok(stream) = acceptor.accept(stream).await {
            speak(stream, true, state).await;
        }
    } else {
        speak(stream, false, state).await;
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, secure: bool, state: State) {
    let service = service_fn(move |request| answer(request, secure, Arc::clone(&state)));
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, secure: bool, state: State) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let asked = Asked {
        secure,
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        host: parts.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let mut reply = route(&asked, parts.headers.contains_key("authorization"), &state.0);
    headers(&asked, &mut reply);
    (state.1)(&asked, &mut reply);
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    let body = if asked.method == "HEAD" { String::new() } else { reply.body };
    Ok(response.body(Full::new(Bytes::from(body))).unwrap())
}

fn headers(asked: &Asked, reply: &mut Reply) {
    if asked.secure {
        reply.add(hsts::HEADER_NAME, hsts::HEADER_VALUE);
    }
    reply.add(csp::HEADER_NAME, csp::HEADER_VALUE);
    reply.add(csp::ENDPOINTS_NAME, csp::ENDPOINTS_VALUE);
    reply.add(frame_deny::HEADER_NAME, frame_deny::HEADER_VALUE);
    reply.add(nosniff::HEADER_NAME, nosniff::HEADER_VALUE);
}

const PAGE: &str = "<!doctype html><html lang=en><link rel=stylesheet href=/assets/page.css><title>t</title>
    <p>words<a href=/trust/changes>changes</a> <a href=\"http://elsewhere.test/\">elsewhere</a></body>";

fn route(asked: &Asked, authorized: bool, reports: &Mutex<String>) -> Reply {
    let bare = asked.path.split('?').next().unwrap_or_default();
    if !asked.secure {
        let mut reply = Reply::new(308, "", "");
        reply.add("location", &format!("https://{}{}", asked.host, asked.path));
        return reply;
    }
    match (asked.method.as_str(), bare) {
        ("GET" | "HEAD", "/") => {
            let mut reply = Reply::new(303, "", "");
            reply.add("location", "/trust");
            reply
        }
        ("GET" | "HEAD", "/trust" | "/trust/changes") => Reply::new(200, "text/html; charset=utf-8", PAGE),
        ("GET", "/assets/page.css") => Reply::new(200, "text/css", "p { color: navy }"),
        ("GET", "/openapi.json") => Reply::new(200, "application/json", r#"{"paths":{"/api/notes/{id}":{}}}"#),
        ("POST", "/reports/csp") => {
            reports.lock().unwrap().push_str(&asked.body);
            Reply::new(204, "", "")
        }
        ("GET", "/operator/csp-reports") if authorized => {
            Reply::new(200, "application/json", &serde_json::json!({"reports": *reports.lock().unwrap()}).to_string())
        }
        _ => Reply::new(404, "application/problem+json", "{}"),
    }
}
