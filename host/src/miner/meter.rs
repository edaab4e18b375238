//! How fast the miner is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// The time over which the rate is taken.
const WINDOW: Duration = Duration::from_secs(3);

/// Attempts within this time of each other are counted together.
const BUCKET: Duration = Duration::from_millis(100);

/// Counts attempts; clones count together.
#[derive(Clone, Debug)]
pub struct Meter {
    clock: Clock,
    window: Arc<Mutex<Window>>,
}

impl Meter {
    /// A meter that has counted nothing.
    pub fn new(clock: Clock) -> Self {
        Self { clock, window: Arc::default() }
    }

    /// Attempts a second over the last few seconds.
    pub fn rate(&self) -> f64 {
        self.window().rate(self.clock.elapsed())
    }

    /// Counts attempts that ended now and took `time`.
    pub(super) fn count(&self, attempts: u64, time: Duration) {
        self.window().count(self.clock.elapsed(), attempts, time);
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        // Nothing under the lock can stop half-way, so the content is whole even after a panic.
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Window {
    buckets: VecDeque<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    start: Duration,
    attempts: u64,
}

impl Window {
    fn count(&mut self, now: Duration, attempts: u64, time: Duration) {
        match self.buckets.back_mut() {
            Some(bucket) if now.saturating_sub(bucket.start) < BUCKET => bucket.attempts += attempts,
            _ => self.buckets.push_back(Bucket { start: now.saturating_sub(time), attempts }),
        }
        self.forget(now);
    }

    fn rate(&mut self, now: Duration) -> f64 {
        self.forget(now);
        let Some(oldest) = self.buckets.front() else { return 0.0 };
        let attempts: u64 = self.buckets.iter().map(|bucket| bucket.attempts).sum();
        // A miner that has only just begun is not measured over less than one bucket.
        attempts as f64 / now.saturating_sub(oldest.start).max(BUCKET).as_secs_f64()
    }

    fn forget(&mut self, now: Duration) {
        while self.buckets.front().is_some_and(|oldest| now.saturating_sub(oldest.start) > WINDOW) {
            self.buckets.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_millis(10);

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut window = Window::default();
        for step in 1..=1_000 {
            window.count(at(step * 10), 50, SLICE);
        }
        assert!((window.rate(at(10_000)) - 5_000.0).abs() < 200.0);
        assert!(window.buckets.len() <= 40);
    }

    #[test]
    fn a_resting_miner_slows_to_nothing() {
        let mut window = Window::default();
        window.count(at(1_000), 1_000, SLICE);
        assert!(window.rate(at(2_000)) < 1_100.0);
        assert_eq!(window.rate(at(5_000)), 0.0);
    }

    #[test]
    fn a_first_slice_is_no_record() {
        let mut window = Window::default();
        window.count(at(10), 10, Duration::from_millis(1));
        assert!(window.rate(at(10)) <= 100.0);
    }
}
