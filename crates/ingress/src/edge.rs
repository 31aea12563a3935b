//! The listener: TLS and HTTP/2 or HTTP/1.1 for those who speak it, a redirect for those who speak plain HTTP, deadlines
//! for everybody, and an orderly end.

use crate::{
    activity::{Activity, Advice, Tracked},
    forwarded::{self, Cidr},
    front,
    patient::Patient,
    peer::Peer,
    plain,
    route::Served,
    strict::Strict,
    tls::Tls,
};
use axum::{
    body::{Body, HttpBody as _},
    extract::Request,
    http::{StatusCode, Uri},
    response::Response,
};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a connection may take to show what it speaks, and how long its handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often a connection is asked whether it is idle or stuck.
const LOOK: Duration = Duration::from_secs(5);
/// The most headers that HTTP/2 decodes. More than the limit that is answered with 431 in words, so that what is a little
/// too large is told so; what is far too large ends in the protocol's own bare refusal.
const MOST_H2_HEADERS: u32 = 64 * 1024;
/// The first byte of every TLS handshake record (RFC 8446 section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// What an edge is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Host and port of the public address, where plain HTTP is sent.
    pub authority: String,
    /// The most connections at a time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// The proxies whose `X-Forwarded-For` is believed. From everybody else it is ignored.
    pub trusted: Vec<Cidr>,
    /// How long requests in flight may take to finish after the edge is told to stop.
    pub drain: Duration,
}

impl Settings {
    /// The usual limits, for a service at `public_url`.
    ///
    /// # Errors
    /// The address is not https or names no host.
    pub fn new(public_url: &str) -> Result<Self, EdgeError> {
        let uri: Uri = public_url.parse().map_err(|_| EdgeError::Address(public_url.to_owned()))?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("https"));
        let host = host.ok_or_else(|| EdgeError::Address(public_url.to_owned()))?;
        let authority = match uri.port_u16() {
            None | Some(443) => host.to_owned(),
            Some(port) => format!("{host}:{port}"),
        };
        Ok(Self { authority, connections: 2_048, trusted: Vec::new(), drain: Duration::from_secs(15) })
    }
}

/// Why an edge cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// Not the address of a service.
    #[error("`{0}` is no address of a service; expected one such as https://example.com")]
    Address(String),
    /// The listener is gone.
    #[error("the listener failed: {0}")]
    Listener(#[from] io::Error),
}

/// How an edge ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every request in flight was answered.
    Drained,
    /// So many connections had to be cut when the time to drain was over.
    Cut(usize),
}

/// The open doors of a service.
#[derive(Debug)]
pub struct Doors {
    /// TLS, and on the same port the redirect for plain HTTP.
    pub main: TcpListener,
    /// A further port for plain HTTP only, as port 80 beside 443.
    pub plain: Option<TcpListener>,
}

/// Serves `served` until `stop` is done; then accepts nothing more, lets HTTP/2 peers know, finishes what is in flight, and
/// cuts what is not finished when the time to drain is over.
///
/// # Errors
/// A listener failed for good.
pub async fn serve(
    doors: Doors,
    served: Served,
    tls: Tls,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> Result<Ended, EdgeError> {
    let room = Arc::new(Semaphore::new(settings.connections));
    let (told, stopping) = watch::channel(false);
    let drain = settings.drain;
    let edge = Edge { served: Arc::new(served), tls, settings: Arc::new(settings), stopping };
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&doors, &room) => match accepted {
                Ok(accepted) => drop(connections.spawn(edge.clone().connection(accepted))),
                Err(error) => endure(error).await?,
            },
        }
    }
    drop(doors);
    let _ = told.send(true);
    let drained = timeout(drain, async { while connections.join_next().await.is_some() {} }).await;
    let left = connections.len();
    connections.shutdown().await;
    Ok(drained.map_or(Ended::Cut(left), |()| Ended::Drained))
}

/// A connection as it was accepted.
struct Accepted {
    stream: TcpStream,
    only_plain: bool,
    _room: OwnedSemaphorePermit,
}

async fn accept(doors: &Doors, room: &Arc<Semaphore>) -> io::Result<Accepted> {
    let room = Arc::clone(room).acquire_owned().await.map_err(io::Error::other)?;
    let further = async {
        match &doors.plain {
            Some(listener) => listener.accept().await,
            None => pending().await,
        }
    };
    let (accepted, only_plain) = tokio::select! {
        accepted = doors.main.accept() => (accepted?, false),
        accepted = further => (accepted?, true),
    };
    Ok(Accepted { stream: accepted.0, only_plain, _room: room })
}

/// A failed accept concerns one peer, or passes when file descriptors are free again; anything else is final.
async fn endure(error: io::Error) -> Result<(), EdgeError> {
    if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected) {
        return Err(error.into());
    }
    tracing::warn!(%error, "a connection could not be accepted");
    sleep(Duration::from_millis(50)).await;
    Ok(())
}

#[derive(Clone)]
struct Edge {
    served: Arc<Served>,
    tls: Tls,
    settings: Arc<Settings>,
    stopping: watch::Receiver<bool>,
}

impl Edge {
    async fn connection(self, accepted: Accepted) {
        let Accepted { stream, only_plain, _room: room } = accepted;
        let mut first = [0];
        let spoke = matches!(timeout(HANDSHAKE, stream.peek(&mut first)).await, Ok(Ok(1)));
        if spoke && !only_plain && first == [TLS_HANDSHAKE] {
            let peer = stream.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
            self.secure(stream, Peer(peer)).await;
        } else if spoke {
            plain::answer(stream, &self.settings.authority).await;
        }
        drop(room);
    }

    async fn secure(self, stream: TcpStream, peer: Peer) {
        // Without this, small responses wait for acknowledgements of earlier ones.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.tls.config());
        match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, peer).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    }

    async fn speak(self, stream: TlsStream<TcpStream>, peer: Peer) {
        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (activity, served) = (Activity::new(), self.served);
        let service = {
            let (activity, settings) = (activity.clone(), self.settings);
            service_fn(move |request: hyper::Request<Incoming>| {
                let caller = forwarded::caller(peer, &settings.trusted, request.headers());
                respond(Arc::clone(&served), activity.clone(), caller, request.map(content))
            })
        };
        let stream = Patient::new(stream);
        if is_h2 {
            let connection = h2().serve_connection(TokioIo::new(stream), service);
            drive(connection, |it| it.graceful_shutdown(), activity, self.stopping).await;
        } else {
            let stream = TokioIo::new(Strict::new(stream, activity.clone()));
            let connection = h1().serve_connection(stream, service).with_upgrades();
            drive(connection, |it| it.graceful_shutdown(), activity, self.stopping).await;
        }
    }
}

/// The content of a request. As a rule there is none, and then nothing is made of it.
fn content(body: Incoming) -> Body {
    if body.is_end_stream() { Body::empty() } else { Body::new(body) }
}

async fn respond(
    served: Arc<Served>,
    activity: Activity,
    peer: Peer,
    mut request: Request,
) -> Result<Response<Tracked>, Infallible> {
    let in_flight = activity.begin();
    request.extensions_mut().insert(peer);
    let response = front::answer(&served, request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.upgrade();
    }
    Ok(response.map(|body| Tracked::new(body, in_flight)))
}

fn h1() -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Deadlines of heads are kept by `Strict`, which answers where this one would only hang up.
    builder.timer(TokioTimer::new()).header_read_timeout(None).keep_alive(true);
    builder
}

fn h2() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(MOST_H2_HEADERS)
        .max_concurrent_streams(128)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    builder
}

/// Runs a connection to its end, which comes by itself, by idleness, by a request that never ends, or by `stopping`.
async fn drive<C: Future>(
    connection: C,
    finish: impl Fn(Pin<&mut C>),
    activity: Activity,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connection = pin!(connection);
    let mut look = interval(LOOK);
    let mut told = false;
    loop {
        tokio::select! {
            _ = connection.as_mut() => return,
            () = asked(&mut stopping), if !told => {
                told = true;
                finish(connection.as_mut());
            }
            _ = look.tick() => match activity.advice() {
                Advice::Leave => {}
                Advice::Close if !told => {
                    told = true;
                    finish(connection.as_mut());
                }
                Advice::Close | Advice::Drop => return,
            },
        }
    }
}

/// Done when the edge is told to stop, or is gone.
async fn asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
