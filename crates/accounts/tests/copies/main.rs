//! Copies of a person's data: what is in them, what is not, and the way back.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::panic,
    reason = "tests dial by hand and may fail loudly"
)]

mod controls;
mod copy;
#[path = "../accounts/system.rs"]
#[expect(dead_code, reason = "shared with other tests, which use more of it")]
mod system;

use std::time::Duration;
use system::System;
use tokio::{task::JoinHandle, time::sleep};

/// A service whose jobs are done.
async fn open() -> (System, Working) {
    let system = System::open().await;
    let store = system.db.store().clone();
    let working = tokio::spawn(async move {
        loop {
            // A job that fails is tried again; the test sees that what it waits for does not come.
            let _ = privacy::work::drain(&store).await;
            sleep(Duration::from_millis(50)).await;
        }
    });
    (system, Working(working))
}

/// Ends with the test.
struct Working(JoinHandle<()>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.abort();
    }
}
