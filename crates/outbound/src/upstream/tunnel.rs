//! A connection that speaks another protocol by now: bytes pass both ways, unread.

use crate::traffic::{Meter, Metered, Traffic};
use hyper::{
    Request,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::rt::TokioIo;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    io::copy_bidirectional,
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};

/// How long a caller's side may take to switch once it was told to.
const SWITCH: Duration = Duration::from_secs(10);

/// The caller's side, before it has switched.
#[derive(Debug)]
pub struct Waiting(OnUpgrade);

impl Waiting {
    /// The caller's side of this request.
    #[must_use]
    pub fn of<B>(request: &mut Request<B>) -> Self {
        Self(hyper::upgrade::on(request))
    }
}

/// The application's side.
pub struct Tunnel {
    upgraded: Upgraded,
    _turn: OwnedSemaphorePermit,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

impl Tunnel {
    pub(super) const fn new(upgraded: Upgraded, turn: OwnedSemaphorePermit) -> Self {
        Self { upgraded, _turn: turn }
    }

    /// Passes bytes between both sides until one of them ends, nothing moves for `idle`, or `end` is done.
    pub async fn run(self, caller: Waiting, idle: Duration, end: impl Future<Output = ()>) {
        let Ok(Ok(caller)) = timeout(SWITCH, caller.0).await else {
            tracing::debug!("a caller asked for another protocol and did not switch to it");
            return;
        };
        let meter = Traffic::default().meter("caller");
        let mut caller = Metered::new(TokioIo::new(caller), Arc::clone(&meter));
        let mut application = TokioIo::new(self.upgraded);
        tokio::select! {
            ended = copy_bidirectional(&mut caller, &mut application) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a tunnel broke");
                }
            }
            () = quiet(&meter, idle) => tracing::debug!("a tunnel was closed: nothing moved for too long"),
            () = end => tracing::debug!("a tunnel was closed: its time was over"),
        }
    }
}

/// Done when nothing has moved for `idle`.
async fn quiet(meter: &Meter, idle: Duration) {
    let mut before = None;
    loop {
        let moved = (meter.sent(), meter.received());
        if before.replace(moved) == Some(moved) {
            return;
        }
        sleep(idle).await;
    }
}
