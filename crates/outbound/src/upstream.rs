//! The application behind the gate: plain HTTP/1.1 to one configured address, over kept connections. This is the only
//! place that dials it. A connection is driven by the task whose request it carries, so that an exchange wakes nobody
//! else; what lies between exchanges is looked at again before it is used.

mod answering;
mod link;
mod place;
pub mod reach;
mod sent;
mod tunnel;

pub use answering::Answering;
pub use place::{Place, PlaceError};
pub use sent::SenderFault;
pub use tunnel::{Tunnel, Waiting};

use crate::traffic::Traffic;
use hyper::{
    Method, Request, Response, StatusCode, Version,
    body::{Body, Bytes, Incoming},
    header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING},
};
use link::{Broken, Link, Pool};
use sent::{Sent, Told};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// What the content of a request must be to be sent: streamed, and empty by default.
pub trait Content:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Default + Send + Unpin + 'static
{
}

impl<B> Content for B where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Default + Send + Unpin + 'static
{
}

/// How much is asked of the application at a time, and how long is waited.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most exchanges at a time; further ones wait for a turn.
    pub exchanges: usize,
    /// The most connections that are kept between exchanges.
    pub kept: usize,
    /// How long a connection is kept without use. Shorter than common servers keep theirs (5 s).
    pub idle: Duration,
    /// How long a connection, or a turn, may take to come about.
    pub connect: Duration,
    /// How long the head of an answer may take after the last of the request was sent.
    pub answer: Duration,
    /// How long an answer may pause once it has begun.
    pub pause: Duration,
    /// How long a sender may pause within a request.
    pub sender: Duration,
    /// The largest content of a request, in bytes.
    pub largest: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exchanges: 512,
            kept: 128,
            idle: Duration::from_secs(4),
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(60),
            pause: Duration::from_secs(300),
            sender: Duration::from_secs(30),
            largest: 64 * 1024 * 1024,
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No connection came about.
    #[error("no connection to the application: {0}")]
    Unreachable(String),
    /// A connection took too long, or there was no turn in time.
    #[error("no connection to the application within {0} s")]
    Busy(u64),
    /// The application took the request and did not answer in time.
    #[error("no answer of the application within {0} s")]
    Silent(u64),
    /// The application broke off, or spoke no HTTP/1.1.
    #[error("the application broke off: {0}")]
    Broke(String),
    /// It is the sender who is to blame.
    #[error("the request's content was not sent as it should be: {0}")]
    Sender(SenderFault),
}

/// The application. Clones share connections.
pub struct Upstream<B: Content>(Arc<Inner<B>>);

struct Inner<B: Content> {
    place: Place,
    limits: Limits,
    pool: Pool<B>,
    turns: Arc<Semaphore>,
    traffic: Traffic,
}

impl<B: Content> Clone for Upstream<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Content> std::fmt::Debug for Upstream<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({})", self.0.place)
    }
}

/// What came of asking for another protocol.
#[derive(Debug)]
pub enum Switched<B: Content> {
    /// The application agreed; the head of its answer, and the way to it.
    Agreed(Response<()>, Box<Tunnel>),
    /// It answered as to any other request.
    Answered(Response<Answering<B>>),
}

impl<B: Content> Upstream<B> {
    /// The application at `place`. Nothing is dialled yet.
    #[must_use]
    pub fn new(place: Place, limits: Limits) -> Self {
        let pool = Pool::new(limits.kept, limits.idle);
        let turns = Arc::new(Semaphore::new(limits.exchanges));
        Self(Arc::new(Inner { place, limits, pool, turns, traffic: Traffic::default() }))
    }

    /// Where the application is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// What is asked at a time, and how long is waited.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Bytes to and from the application so far.
    #[must_use]
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    /// Sends a request, whose target must be in origin form, and returns the head of the answer with its content to come.
    /// `head` makes the head, alike each time: it is asked for once, as a rule.
    ///
    /// # Errors
    /// There is no answer; the error says whose fault it is.
    pub async fn send(&self, head: impl Fn() -> Request<()>, body: B) -> Result<Response<Answering<B>>, UpstreamError> {
        let turn = self.turn().await?;
        let (mut request, told) = self.wrap(head().map(|()| body));
        let patience = self.0.limits.answer;
        let again = is_safe(request.method()) && request.body().is_end_stream();
        while let Some(mut link) = self.0.pool.take() {
            // A kept connection may be closed just as it is used. Then what changes nothing and has no content is asked
            // again; what never left is, too.
            let answer = link.exchange(request, &told, patience).await;
            match answer.map_err(|broken| self.failed(broken, &told)) {
                Ok(response) => return self.answered(response, Some(link), turn),
                Err(Failed::Unsent(unsent)) => request = *unsent,
                Err(Failed::For(UpstreamError::Broke(_))) if again => {
                    request = self.told(head().map(|()| B::default()), &told);
                }
                Err(Failed::For(error)) => return Err(error),
            }
        }
        let mut link = self.connect().await?;
        let answer = link.exchange(request, &told, patience).await;
        match answer.map_err(|broken| self.failed(broken, &told)) {
            Ok(response) => self.answered(response, Some(link), turn),
            Err(Failed::For(error)) => Err(error),
            Err(Failed::Unsent(_)) => Err(UpstreamError::Broke("it closed the connection at once".to_owned())),
        }
    }

    /// Sends a request that asks for another protocol, over a connection of its own.
    ///
    /// # Errors
    /// There is no answer; the error says whose fault it is.
    pub async fn switch(&self, request: Request<B>) -> Result<Switched<B>, UpstreamError> {
        let turn = self.turn().await?;
        let (request, _) = self.wrap(request);
        let stream = self.dial().await?;
        let (mut sender, driver) = link::handshake(stream).await?;
        tokio::spawn(driver.with_upgrades());
        let limit = self.0.limits.answer;
        let answer = timeout(limit, sender.send_request(request)).await;
        let answer = answer.map_err(|_| UpstreamError::Silent(limit.as_secs()))?;
        let mut response = answer.map_err(|error| UpstreamError::Broke(reason(&error)))?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return self.answered(response, None, turn).map(Switched::Answered);
        }
        let upgraded = hyper::upgrade::on(&mut response);
        let upgraded = timeout(limit, upgraded).await.map_err(|_| UpstreamError::Silent(limit.as_secs()))?;
        let upgraded = upgraded.map_err(|error| UpstreamError::Broke(reason(&error)))?;
        Ok(Switched::Agreed(response.map(drop), Box::new(Tunnel::new(upgraded, turn))))
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, UpstreamError> {
        let turns = Arc::clone(&self.0.turns);
        if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            return Ok(turn);
        }
        let busy = || UpstreamError::Busy(self.0.limits.connect.as_secs());
        timeout(self.0.limits.connect, turns.acquire_owned()).await.map_err(|_| busy())?.map_err(|_| busy())
    }

    fn wrap(&self, request: Request<B>) -> (Request<Sent<B>>, Arc<Told>) {
        let told = Arc::new(Told::new());
        (self.told(request, &told), told)
    }

    fn told(&self, request: Request<B>, told: &Arc<Told>) -> Request<Sent<B>> {
        let limits = self.0.limits;
        let mut request = request.map(|body| Sent::new(body, limits.largest, limits.sender, Arc::clone(told)));
        *request.version_mut() = Version::HTTP_11;
        request
    }

    fn failed(&self, broken: Broken<B>, told: &Told) -> Failed<B> {
        match (broken, told.fault()) {
            (Broken::Unsent(request), None) => Failed::Unsent(request),
            (Broken::Unsent(_), Some(fault)) | (_, Some(fault)) => Failed::For(UpstreamError::Sender(fault)),
            (Broken::Silent, None) => Failed::For(UpstreamError::Silent(self.0.limits.answer.as_secs())),
            (Broken::Off(why), None) => Failed::For(UpstreamError::Broke(why)),
        }
    }

    fn answered(
        &self,
        response: Response<Incoming>,
        link: Option<Link<B>>,
        turn: OwnedSemaphorePermit,
    ) -> Result<Response<Answering<B>>, UpstreamError> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(UpstreamError::Broke("it switched protocols, which nobody asked for".to_owned()));
        }
        if !is_framed_once(response.headers()) {
            return Err(UpstreamError::Broke(
                "its answer is framed in two ways, or in one that is not read".to_owned(),
            ));
        }
        let pause = self.0.limits.pause;
        Ok(response.map(|body| Answering::new(body, link, self.0.pool.clone(), pause, turn)))
    }

    async fn connect(&self) -> Result<Link<B>, UpstreamError> {
        let (sender, driver) = link::handshake(self.dial().await?).await?;
        Ok(Link::new(sender, driver))
    }

    async fn dial(&self) -> Result<link::Stream, UpstreamError> {
        let limit = self.0.limits.connect;
        let dialled = timeout(limit, self.0.place.dial()).await.map_err(|_| UpstreamError::Busy(limit.as_secs()))?;
        let stream = dialled.map_err(|error| UpstreamError::Unreachable(error.to_string()))?;
        Ok(link::metered(stream, self.0.traffic.meter(self.0.place.host())))
    }
}

/// Why one connection brought no answer.
enum Failed<B> {
    /// Nothing of the request left; it can be sent over another.
    Unsent(Box<Request<Sent<B>>>),
    /// Final.
    For(UpstreamError),
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether the content has one length for every reader: chunks or a number, not both (RFC 9112 section 6.3), and no other
/// coding of the transfer, which would be passed on undecoded.
fn is_framed_once(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked") && !headers.contains_key(CONTENT_LENGTH)
        }
        (Some(_), Some(_)) => false,
    }
}

/// An error with its cause, in one line.
fn reason(error: &(dyn Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
