//! An HTTP/1 connection behind the strict reader of [`crate::http1`]: the server's own parser sees whole, unambiguous heads
//! only. A refusal is answered here, after whatever is still being sent, with the headers that every response has.

use crate::{
    activity::Activity,
    headers::Channel,
    http1::{Refusal, Scanner},
    wire,
};
use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a head may take from its first byte to its last.
pub(crate) const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long the rest of a refused request is read away, so that the refusal is not lost in a reset.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Strict<S> {
    inner: S,
    activity: Activity,
    scanner: Scanner,
    /// Bytes from the peer that have not been scanned.
    raw: Vec<u8>,
    /// Scanned bytes for the server, and how many of them it has.
    ready: Vec<u8>,
    given: usize,
    /// How many heads the server has been given.
    heads: u64,
    head_timer: Option<Pin<Box<Sleep>>>,
    refusal: Option<Refusal>,
    closing: Closing,
}

#[derive(Debug)]
enum Closing {
    Open,
    Writing(Vec<u8>, usize),
    Ending,
    Draining(Pin<Box<Sleep>>),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Strict<S> {
    pub(crate) const fn new(inner: S, activity: Activity) -> Self {
        Self {
            inner,
            activity,
            scanner: Scanner::new(),
            raw: Vec::new(),
            ready: Vec::new(),
            given: 0,
            heads: 0,
            head_timer: None,
            refusal: None,
            closing: Closing::Open,
        }
    }

    /// Whether the server still answers a request. The next head waits until it does not: an end of input, which is how
    /// the server learns of a refusal, would cut the answer off.
    fn is_answering(&self) -> bool {
        self.scanner.is_at_head() && self.activity.ended() < self.heads
    }

    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let rest = self.ready.get(self.given..).unwrap_or_default();
        let now = rest.len().min(buf.remaining());
        buf.put_slice(rest.get(..now).unwrap_or_default());
        self.given += now;
        if self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
        }
        now > 0
    }

    fn scan(&mut self) {
        match self.scanner.feed(&self.raw, &mut self.ready) {
            Ok((taken, head)) => {
                self.raw.drain(..taken);
                self.heads += u64::from(head.is_some());
                if !self.scanner.is_at_head() || !self.scanner.is_inside() {
                    self.head_timer = None;
                }
            }
            Err(refusal) => {
                tracing::debug!(%refusal, "a request was refused before it was parsed");
                // Inside a body the server notices the end by itself and its answer must stay the only one.
                self.refusal = self.scanner.is_at_head().then_some(refusal);
                self.raw.clear();
                self.closing = Closing::Ending;
            }
        }
    }

    /// Reads more from the peer. `false` is the end of input.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        // Not zeroed: that would cost more than everything else here.
        let mut space = [MaybeUninit::<u8>::uninit(); 8 * 1024];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut buf))?;
        self.raw.extend_from_slice(buf.filled());
        Poll::Ready(Ok(!buf.filled().is_empty()))
    }

    /// Whether a begun head has taken too long.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        if !(self.scanner.is_at_head() && self.scanner.is_inside()) {
            return false;
        }
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep(HEAD_DEADLINE)));
        timer.as_mut().poll(cx).is_ready()
    }

    /// After the connection has turned to another protocol, bytes are no HTTP any more. What was read ahead goes first.
    fn pass(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ready.is_empty() {
            std::mem::swap(&mut self.ready, &mut self.raw);
            self.given = 0;
        }
        if self.give(buf) { Poll::Ready(Ok(())) } else { Pin::new(&mut self.inner).poll_read(cx, buf) }
    }

    fn is_refused(&self) -> bool {
        !matches!(self.closing, Closing::Open)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Strict<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.activity.is_upgraded() {
            return self.pass(cx, buf);
        }
        loop {
            if self.give(buf) || self.is_refused() {
                return Poll::Ready(Ok(()));
            }
            if self.is_answering() {
                // The server asks again once it has answered; until then only the end of the connection is news.
                let news = self.raw.is_empty() && !ready!(self.fill(cx))?;
                return if news { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            if !self.raw.is_empty() {
                self.scan();
            } else if self.is_late(cx) {
                self.refusal = Some(Refusal::Late);
                self.closing = Closing::Ending;
            } else if !ready!(self.fill(cx))? {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(refusal) = self.refusal.take() {
            self.closing = Closing::Writing(wire::refusal(refusal, Channel::Secure), 0);
        }
        loop {
            let this = &mut *self;
            match &mut this.closing {
                Closing::Writing(bytes, sent) => {
                    let rest = bytes.get(*sent..).unwrap_or_default();
                    if rest.is_empty() {
                        ready!(Pin::new(&mut this.inner).poll_flush(cx))?;
                        this.closing = Closing::Ending;
                    } else {
                        *sent += ready!(Pin::new(&mut this.inner).poll_write(cx, rest))?;
                    }
                }
                Closing::Open | Closing::Ending => {
                    ready!(Pin::new(&mut this.inner).poll_shutdown(cx))?;
                    // Nothing is left to read after a clean end.
                    if matches!(this.closing, Closing::Open) && !this.scanner.is_inside() {
                        return Poll::Ready(Ok(()));
                    }
                    this.closing = Closing::Draining(Box::pin(sleep(LINGER)));
                }
                Closing::Draining(timer) => {
                    if timer.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                    this.raw.clear();
                    if !ready!(this.fill(cx)).unwrap_or(false) {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}
