//! The content of a request on its way to the application: bounded in size and in time, without trailers, and with a note of
//! whose fault it was when it broke off.

use super::Content;
use http_body_util::LengthLimitError;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::{
    error::Error,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep};

/// What a sender did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderFault {
    /// Paused for too long.
    #[error("it paused for too long")]
    Slow,
    /// Sent more than is taken.
    #[error("it is larger than what is taken")]
    TooLarge,
    /// Broke off.
    #[error("it broke off")]
    Broke,
}

/// What is known of a request's content: when it last moved, and what went wrong.
#[derive(Debug)]
pub(super) struct Told {
    fault: AtomicU8,
    moved: Mutex<Option<Instant>>,
}

impl Told {
    pub(super) const fn new() -> Self {
        Self { fault: AtomicU8::new(0), moved: Mutex::new(None) }
    }

    pub(super) fn fault(&self) -> Option<SenderFault> {
        match self.fault.load(Ordering::Acquire) {
            1 => Some(SenderFault::Slow),
            2 => Some(SenderFault::TooLarge),
            3 => Some(SenderFault::Broke),
            _ => None,
        }
    }

    /// When the content last moved; `None` where it has not.
    pub(super) fn moved(&self) -> Option<Instant> {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn move_on(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn blame(&self, fault: SenderFault) -> io::Error {
        let number = match fault {
            SenderFault::Slow => 1,
            SenderFault::TooLarge => 2,
            SenderFault::Broke => 3,
        };
        self.fault.store(number, Ordering::Release);
        io::Error::other(fault)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Sent<B> {
    body: B,
    left: u64,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    told: Arc<Told>,
}

impl<B: Content> Sent<B> {
    pub(super) const fn new(body: B, largest: u64, patience: Duration, told: Arc<Told>) -> Self {
        Self { body, left: largest, patience, waiting: None, told }
    }
}

impl<B: Content> Body for Sent<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            let patience = this.patience;
            let timer = this.waiting.get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(this.told.blame(SenderFault::Slow))));
        };
        this.waiting = None;
        this.told.move_on();
        let Some(frame) = frame else { return Poll::Ready(None) };
        let frame = match frame {
            Ok(frame) => frame,
            // A layer before may have found it too large; other errors are about the sender's connection.
            Err(error) => return Poll::Ready(Some(Err(this.told.blame(fault(&*error.into()))))),
        };
        // Trailers end the content and are not passed on.
        let Ok(data) = frame.into_data() else { return Poll::Ready(None) };
        match this.left.checked_sub(data.len() as u64) {
            Some(left) => {
                this.left = left;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            None => Poll::Ready(Some(Err(this.told.blame(SenderFault::TooLarge)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn fault(error: &(dyn Error + 'static)) -> SenderFault {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<LengthLimitError>() {
            return SenderFault::TooLarge;
        }
        next = error.source();
    }
    SenderFault::Broke
}
