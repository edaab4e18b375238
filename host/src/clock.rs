//! The only place that reads the system clock. Everything else is handed the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mote_core::units::{Moment, Timestamp};

use crate::node::Now;

/// The wall clock, and a clock that only goes forward. Copies share their start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose moments count from now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The wall clock. A clock set before 1970 reads 0: the chain's rules refuse what it would mine.
    pub fn time(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(since_epoch.as_secs())
    }

    /// How long ago the clock was started.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The moment on the clock that only goes forward.
    pub fn moment(&self) -> Moment {
        Moment::from_millis(u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Both.
    pub fn now(&self) -> Now {
        Now { time: self.time(), moment: self.moment() }
    }
}
