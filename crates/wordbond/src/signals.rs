//! SIGTERM and SIGINT: whoever runs the program asks it to stop.

use std::io;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Becomes true when the process is asked to stop.
pub(crate) fn stopping() -> io::Result<watch::Receiver<bool>> {
    let (told, stop) = watch::channel(false);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        let _ = told.send(true);
        // Kept alive: a channel that is gone would look like a signal.
        told.closed().await;
    });
    Ok(stop)
}

/// Waits for that.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
