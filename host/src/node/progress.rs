//! The rate of something that is counted, over the last seconds.

use std::collections::VecDeque;

use mote_core::units::Moment;

/// Counts are kept for so many seconds.
const WINDOW_SECONDS: usize = 10;

/// Counts of the last seconds.
#[derive(Debug, Default)]
pub struct Progress {
    /// Seconds and what was counted in each, oldest first.
    seconds: VecDeque<(u64, u64)>,
}

impl Progress {
    /// Counts one.
    pub fn count(&mut self, now: Moment) {
        let second = now.millis() / 1_000;
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
        if self.seconds.len() > WINDOW_SECONDS {
            self.seconds.pop_front();
        }
    }

    /// How many a second there were lately.
    pub fn per_second(&self, now: Moment) -> f64 {
        let oldest = (now.millis() / 1_000).saturating_sub(WINDOW_SECONDS as u64 - 1);
        let recent = || self.seconds.iter().filter(|(second, _)| *second >= oldest);
        let Some((first, _)) = recent().next() else { return 0.0 };
        let total: u64 = recent().map(|(_, count)| count).sum();
        let span = (now.millis().saturating_sub(first * 1_000) as f64 / 1_000.0).max(1.0);
        total as f64 / span
    }
}
