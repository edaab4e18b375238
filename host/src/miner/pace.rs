//! How much a miner thread may try, and when.

use std::time::Duration;

use crate::node::request::RateLimit;

/// How long a slice should take: a new order is looked for between slices.
const SLICE_TIME: Duration = Duration::from_micros(500);

/// The most attempts of a slice, for a clock too coarse to measure them.
const SLICE_MAX: u64 = 1 << 16;

/// A thread that was kept from running may catch up on this much time, no more.
const CATCH_UP: Duration = Duration::from_millis(100);

/// A limited thread does its attempts in about this many bursts a second at the least.
const BURSTS_PER_SECOND: f64 = 100.0;

/// The pace of one thread: slices short enough to notice a new order soon, and no more of them than
/// the limit allows. Times are those of one clock, whichever that is.
#[derive(Debug)]
pub(super) struct Pace {
    slice: u64,
    /// Attempts a second, or as many as there can be.
    rate: Option<f64>,
    /// When the next slice may begin.
    next: Duration,
}

impl Pace {
    /// The pace of a thread that has not tried anything yet.
    pub fn new() -> Self {
        Self { slice: 256, rate: None, next: Duration::ZERO }
    }

    /// Sets the limit that this thread shares with the others of `threads`.
    pub fn limit(&mut self, limit: RateLimit, threads: usize) {
        let rate = match limit {
            RateLimit::PerSecond(attempts) => Some(attempts as f64 / threads.max(1) as f64),
            RateLimit::Unlimited => None,
        };
        if rate != self.rate {
            // What was owed at the rate before says nothing about this one.
            (self.rate, self.next) = (rate, Duration::ZERO);
        }
    }

    /// How many attempts to make in one go; 0 where none are allowed at all.
    pub fn slice(&self) -> u64 {
        match self.rate {
            None => self.slice,
            Some(rate) if rate <= 0.0 => 0,
            Some(rate) => self.slice.min((rate / BURSTS_PER_SECOND) as u64).max(1),
        }
    }

    /// Notes a slice of `attempts` that ended `now` and took `time`; returns how long to rest.
    pub fn done(&mut self, attempts: u64, time: Duration, now: Duration) -> Duration {
        if time < SLICE_TIME / 2 && attempts >= self.slice {
            self.slice = (self.slice * 2).min(SLICE_MAX);
        } else if time > SLICE_TIME {
            self.slice = (self.slice / 2).max(1);
        }
        let Some(rate) = self.rate.filter(|rate| *rate > 0.0) else { return Duration::ZERO };
        let begun = now.saturating_sub(time);
        self.next = self.next.max(begun.saturating_sub(CATCH_UP));
        self.next += Duration::from_secs_f64(attempts as f64 / rate);
        self.next.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attempts that a thread makes in ten seconds if one takes it `cost`.
    fn attempts_in_ten_seconds(pace: &mut Pace, cost: Duration) -> u64 {
        let (mut now, mut attempts) = (Duration::ZERO, 0);
        while now < Duration::from_secs(10) {
            let slice = pace.slice();
            let time = cost * u32::try_from(slice).unwrap();
            now += time;
            attempts += slice;
            now += pace.done(slice, time, now);
        }
        attempts
    }

    #[test]
    fn the_limit_is_kept_and_used() {
        for limit in [3, 200, 10_000, 1_000_000] {
            let mut pace = Pace::new();
            pace.limit(RateLimit::PerSecond(limit), 2);
            let attempts = attempts_in_ten_seconds(&mut pace, Duration::from_nanos(200)) as f64;
            let wanted = limit as f64 * 5.0;
            assert!((wanted * 0.95 - 1.0..=wanted * 1.05 + 1.0).contains(&attempts), "{limit}: {attempts}");
        }
    }

    #[test]
    fn an_unlimited_thread_never_rests_and_its_slices_are_short() {
        let mut pace = Pace::new();
        pace.limit(RateLimit::Unlimited, 2);
        attempts_in_ten_seconds(&mut pace, Duration::from_nanos(200));
        let time = Duration::from_nanos(200) * u32::try_from(pace.slice()).unwrap();
        assert!((Duration::from_micros(100)..=SLICE_TIME).contains(&time), "{time:?}");
        assert_eq!(pace.done(pace.slice(), time, Duration::from_secs(99)), Duration::ZERO);
    }

    #[test]
    fn nothing_is_tried_at_a_limit_of_zero() {
        let mut pace = Pace::new();
        pace.limit(RateLimit::PerSecond(0), 1);
        assert_eq!(pace.slice(), 0);
    }

    #[test]
    fn time_lost_is_not_made_up_for_without_bound() {
        let mut pace = Pace::new();
        pace.limit(RateLimit::PerSecond(1_000), 1);
        pace.done(10, Duration::ZERO, Duration::from_secs(1));
        let hour = Duration::from_secs(3_600);
        let rests = (0..20).map(|_| pace.done(10, Duration::ZERO, hour)).filter(|rest| rest.is_zero());
        assert!(rests.count() <= 10);
    }
}
