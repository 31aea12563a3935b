//! A bare proxy made of the same libraries as the gate (hyper, rustls) and of nothing else: TLS 1.3 in, kept connections out, no
//! rule about anything. For measurements: it shows what of the gate's cost is the libraries'. Not for service.
//!
//!     bare --upstream 127.0.0.1:3000 --listen 127.0.0.1:8443 --cert cert.pem --key key.pem

#![expect(clippy::disallowed_methods, reason = "it dials by itself, so that nothing of ours is between")]

use http_body_util::{Either, Empty};
use hyper::{
    Request, Response, Uri,
    body::{Body as _, Incoming},
    client::conn::http1::SendRequest,
    header::CONNECTION,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Failed = Box<dyn Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failed>;
type Body = Either<Empty<hyper::body::Bytes>, Incoming>;

/// The connection to the application that belongs to one caller's connection: requests on that come one after another.
#[derive(Clone)]
struct Beyond {
    upstream: Arc<str>,
    kept: Arc<Mutex<Option<SendRequest<Body>>>>,
}

impl Beyond {
    fn kept(&self) -> std::sync::MutexGuard<'_, Option<SendRequest<Body>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn pass(self, request: Request<Incoming>) -> Result<Response<Incoming>> {
        let kept = self.kept().take();
        let mut sender = match kept {
            Some(mut sender) => sender.ready().await.map(|()| sender)?,
            None => {
                let stream = TcpStream::connect(&*self.upstream).await?;
                stream.set_nodelay(true)?;
                let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        let (mut parts, body) = request.into_parts();
        parts.uri = parts.uri.into_parts().path_and_query.map_or_else(|| Uri::from_static("/"), Uri::from);
        parts.headers.remove(CONNECTION);
        let body = if body.is_end_stream() { Body::Left(Empty::new()) } else { Body::Right(body) };
        let answer = sender.send_request(Request::from_parts(parts, body)).await?;
        *self.kept() = Some(sender);
        Ok(answer)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let said: BTreeMap<&str, &str> =
        words.chunks(2).filter_map(|pair| Some((pair.first()?.as_str(), pair.get(1)?.as_str()))).collect();
    let named = |name: &str| said.get(name).copied().ok_or_else(|| format!("{name} is missing"));
    let chain = CertificateDer::pem_file_iter(named("--cert")?)?.collect::<std::result::Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(named("--key")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(named("--listen")?).await?;
    let upstream: Arc<str> = named("--upstream")?.into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (acceptor, beyond) = (acceptor.clone(), Beyond { upstream: Arc::clone(&upstream), kept: Arc::default() });
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request| beyond.clone().pass(request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
