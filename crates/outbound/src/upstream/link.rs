//! One connection to the application, and those that are kept.

use super::{
    Content, UpstreamError, reason,
    sent::{Sent, Told},
};
use crate::traffic::{Meter, Metered};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// A counted stream, as the HTTP library wants it.
pub(super) type Stream = TokioIo<Metered<TcpStream>>;
type Driver<B> = http1::Connection<Stream, Sent<B>>;

pub(super) fn metered(stream: TcpStream, meter: Arc<Meter>) -> Stream {
    TokioIo::new(Metered::new(stream, meter))
}

/// Begins HTTP/1.1. Nothing is sent yet.
pub(super) async fn handshake<B: Content>(stream: Stream) -> Result<(SendRequest<Sent<B>>, Driver<B>), UpstreamError> {
    // The library's parser of responses is strict by default: no folded lines, no blanks after names, no HTTP/0.9.
    http1::handshake(stream).await.map_err(|error| UpstreamError::Broke(reason(&error)))
}

/// Why a connection brought no answer.
pub(super) enum Broken<B> {
    /// The request never left.
    Unsent(Box<Request<Sent<B>>>),
    /// The head of the answer did not come in time.
    Silent,
    /// The application broke off.
    Off(String),
}

/// One connection. Nothing moves on it unless it is driven.
pub(super) struct Link<B: Content> {
    sender: SendRequest<Sent<B>>,
    driver: Pin<Box<Driver<B>>>,
    over: bool,
    /// Whether it has not been driven yet.
    new: bool,
    since: Instant,
    /// Ends the wait for an answer. One for all exchanges: it is set anew only when it runs out before its time.
    timer: Pin<Box<Sleep>>,
}

impl<B: Content> fmt::Debug for Link<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("over", &self.over).finish_non_exhaustive()
    }
}

impl<B: Content> Link<B> {
    pub(super) fn new(sender: SendRequest<Sent<B>>, driver: Driver<B>) -> Self {
        let since = Instant::now();
        Self { sender, driver: Box::pin(driver), over: false, new: true, since, timer: Box::pin(sleep_until(since)) }
    }

    /// Lets bytes move. `true` once the connection is over.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.over {
            self.over = self.driver.as_mut().poll(cx).is_ready();
        }
        self.over
    }

    /// Whether another request can be sent: the last exchange ended on both sides, and nothing came since that nobody
    /// asked for.
    fn is_ready(&mut self) -> bool {
        !self.drive(&mut Context::from_waker(Waker::noop())) && self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer, up to `patience` after the last of the request moved.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Sent<B>>,
        told: &Told,
        patience: Duration,
    ) -> Result<Response<Incoming>, Broken<B>> {
        // A new connection takes its first request once it has been driven.
        if self.new {
            self.new = false;
            let _ = self.drive(&mut Context::from_waker(Waker::noop()));
        }
        let mut answer = pin!(self.sender.try_send_request(request));
        let mut until = Instant::now() + patience;
        if self.timer.deadline() > until {
            self.timer.as_mut().reset(until);
        }
        poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            if !self.over {
                self.over = self.driver.as_mut().poll(cx).is_ready();
                if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                    return Poll::Ready(Some(answer));
                }
            }
            while self.timer.as_mut().poll(cx).is_ready() {
                // The time counts from the last byte of the request, however long that took.
                until = told.moved().map_or(until, |moved| until.max(moved + patience));
                if until <= Instant::now() {
                    return Poll::Ready(None);
                }
                self.timer.as_mut().reset(until);
            }
            Poll::Pending
        })
        .await
        .ok_or(Broken::Silent)?
        .map_err(|mut error| match error.take_message() {
            Some(request) => Broken::Unsent(Box::new(request)),
            None => Broken::Off(reason(error.error())),
        })
    }
}

/// The connections that are kept between exchanges; the one used last is used next.
pub(super) struct Pool<B: Content>(Arc<Shelf<B>>);

struct Shelf<B: Content> {
    links: Mutex<Vec<Link<B>>>,
    most: usize,
    idle: Duration,
}

impl<B: Content> Clone for Pool<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B: Content> fmt::Debug for Pool<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("most", &self.0.most).finish_non_exhaustive()
    }
}

impl<B: Content> Pool<B> {
    pub(super) fn new(most: usize, idle: Duration) -> Self {
        Self(Arc::new(Shelf { links: Mutex::new(Vec::new()), most, idle }))
    }

    /// A connection that is still good. Those that have become too old are closed.
    pub(super) fn take(&self) -> Option<Link<B>> {
        loop {
            let mut link = self.links().pop()?;
            if link.since.elapsed() >= self.0.idle {
                // Those below were put back earlier.
                self.links().clear();
                return None;
            }
            if link.is_ready() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection if another request can be sent over it, and closes it otherwise.
    pub(super) fn keep(&self, mut link: Link<B>) {
        // As a rule, what brought the end of the answer has made it ready.
        if !link.sender.is_ready() && !link.is_ready() {
            return;
        }
        link.since = Instant::now();
        let mut links = self.links();
        if links.len() < self.0.most {
            links.push(link);
        }
    }

    fn links(&self) -> std::sync::MutexGuard<'_, Vec<Link<B>>> {
        self.0.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
