//! The content of an answer as it comes from the application. Once it has come whole, its connection is kept for the next
//! exchange; in any other case the connection is closed, and whoever reads sees an error, never an end.

use super::{
    Content,
    link::{Link, Pool},
};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

/// See the module.
#[derive(Debug)]
pub struct Answering<B: Content> {
    incoming: Incoming,
    /// The connection, unless somebody else drives it.
    link: Option<Link<B>>,
    pool: Pool<B>,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    _turn: OwnedSemaphorePermit,
}

impl<B: Content> Answering<B> {
    pub(super) const fn new(
        incoming: Incoming,
        link: Option<Link<B>>,
        pool: Pool<B>,
        pause: Duration,
        turn: OwnedSemaphorePermit,
    ) -> Self {
        Self { incoming, link, pool, pause, waiting: None, _turn: turn }
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        // Whoever waits for the content is who moves it.
        if let Some(link) = &mut self.link {
            link.drive(cx);
            return Pin::new(&mut self.incoming).poll_frame(cx);
        }
        Poll::Pending
    }
}

impl<B: Content> Body for Answering<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Poll::Ready(frame) = self.poll_incoming(cx) else {
            let pause = self.pause;
            let timer = self.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(timer.as_mut().poll(cx));
            self.link = None;
            return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
        };
        self.waiting = None;
        match frame {
            // Trailers end the content and are not passed on.
            Some(Ok(frame)) => Poll::Ready(frame.into_data().ok().map(|data| Ok(Frame::data(data)))),
            Some(Err(error)) => {
                self.link = None;
                tracing::debug!(%error, "the application broke off within an answer");
                Poll::Ready(Some(Err(io::Error::other(error))))
            }
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

impl<B: Content> Drop for Answering<B> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|_| self.incoming.is_end_stream()) {
            self.pool.keep(link);
        }
    }
}
