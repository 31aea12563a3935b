//! Answers that must not tell by their time what was found leave at whole steps, as a rule quarters of a second.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Longer than any of the ways that an answer can come about takes, on a machine that is not overloaded.
pub const STEP: Duration = Duration::from_millis(250);

/// When work on an answer began, and at which steps it may leave.
pub(crate) struct Pace(Instant, Duration);

impl Pace {
    pub(crate) fn begin(step: Duration) -> Self {
        Self(Instant::now(), step)
    }

    /// Waits for the next step.
    pub(crate) async fn settle(&self) {
        sleep_until(self.0 + leaves_after(self.0.elapsed(), self.1)).await;
    }
}

/// When an answer leaves whose work took so long.
fn leaves_after(work: Duration, step: Duration) -> Duration {
    let steps = work.as_millis() / step.as_millis().max(1) + 1;
    step * u32::try_from(steps).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_leave_at_steps() {
        for (work, leaves) in [(0, 250), (10, 250), (249, 250), (251, 500), (700, 750)] {
            assert_eq!(leaves_after(Duration::from_millis(work), STEP).as_millis(), leaves, "{work}");
        }
    }
}
