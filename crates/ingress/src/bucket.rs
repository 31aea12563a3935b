//! A token bucket, for one process.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Allows a burst, and then one more after each interval.
#[derive(Debug)]
pub struct Bucket {
    size: u32,
    every: Duration,
    /// How many are left, and since when the next is due.
    level: Mutex<(u32, Option<Instant>)>,
}

impl Bucket {
    /// A full bucket of `size`, to which one is added `every` so often.
    #[must_use]
    pub const fn new(size: u32, every: Duration) -> Self {
        Self { size, every, level: Mutex::new((size, None)) }
    }

    /// Takes one, if there is one at `now`; else says how long to wait.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = *level;
        let since = since.unwrap_or(now);
        let passed = now.saturating_duration_since(since);
        let added = u32::try_from(passed.as_nanos() / self.every.as_nanos().max(1)).unwrap_or(u32::MAX);
        let filled = left.saturating_add(added).min(self.size);
        let since = if filled == self.size { now } else { since + self.every * added };
        *level = (filled.saturating_sub(1), Some(since));
        if filled == 0 { Err(self.every.saturating_sub(now.saturating_duration_since(since))) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_a_burst_and_then_a_trickle() {
        let bucket = Bucket::new(3, Duration::from_secs(1));
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert_eq!([0, 0, 0].map(|millis| bucket.take(at(millis)).is_ok()), [true; 3]);
        assert_eq!(bucket.take(at(400)), Err(Duration::from_millis(600)));
        assert_eq!(bucket.take(at(1_000)), Ok(()));
        assert_eq!(bucket.take(at(1_500)), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(at(2_000)), Ok(()));
        // However long it rests, it never holds more than its size.
        assert_eq!(
            [60_000, 60_000, 60_000, 60_000].map(|millis| bucket.take(at(millis)).is_ok()),
            [true, true, true, false]
        );
    }
}
