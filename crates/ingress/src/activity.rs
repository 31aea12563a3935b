//! What one connection is doing, so that it can be left alone, drained or dropped at the right time.

use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;
use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// After so long without a request a connection is closed.
const IDLE: Duration = Duration::from_secs(60);
/// After so long without an end a request is given up, whoever is slow.
const STUCK: Duration = Duration::from_secs(300);

/// What one connection is doing. Clones look at the same connection.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    begun: AtomicU64,
    ended: AtomicU64,
    /// How often something moved.
    moves: AtomicU64,
    /// How often it had when that was last looked at, and since when it is so.
    seen: Mutex<(u64, Instant)>,
    upgraded: AtomicBool,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Leave it.
    Leave,
    /// Close it once what is in flight is done.
    Close,
    /// Drop it.
    Drop,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            moves: AtomicU64::new(0),
            seen: Mutex::new((0, Instant::now())),
            upgraded: AtomicBool::new(false),
        }))
    }

    /// A request begins; it ends when what is returned is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.0.begun.fetch_add(1, Ordering::AcqRel);
        self.touch();
        InFlight(self.clone())
    }

    /// What follows on the connection is no HTTP any more.
    pub(crate) fn upgrade(&self) {
        self.0.upgraded.store(true, Ordering::Release);
    }

    /// Whether the connection speaks another protocol now.
    pub(crate) fn is_upgraded(&self) -> bool {
        self.0.upgraded.load(Ordering::Acquire)
    }

    /// How many requests have ended.
    pub(crate) fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::Acquire)
    }

    /// What is known since it was last asked: whoever asks often enough is told in time, and no request looks at a clock.
    pub(crate) fn advice(&self) -> Advice {
        let quiet = self.quiet();
        let in_flight = self.0.begun.load(Ordering::Acquire) > self.ended();
        match in_flight {
            true if quiet >= STUCK => Advice::Drop,
            false if quiet >= IDLE => Advice::Close,
            _ => Advice::Leave,
        }
    }

    fn quiet(&self) -> Duration {
        let moves = self.0.moves.load(Ordering::Relaxed);
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != moves {
            *seen = (moves, Instant::now());
        }
        seen.1.elapsed()
    }

    fn touch(&self) {
        self.0.moves.fetch_add(1, Ordering::Relaxed);
    }
}

/// One request in flight.
#[derive(Debug)]
pub(crate) struct InFlight(Activity);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.ended.fetch_add(1, Ordering::AcqRel);
        self.0.touch();
    }
}

/// A response's body that ends its request when it has been sent or given up.
#[derive(Debug)]
pub(crate) struct Tracked {
    body: Body,
    in_flight: InFlight,
}

impl Tracked {
    pub(crate) const fn new(body: Body, in_flight: InFlight) -> Self {
        Self { body, in_flight }
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body.frame()).poll(cx);
        // Events that come one by one, and long downloads, are not stuck.
        if frame.is_ready() {
            self.in_flight.0.touch();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
