//! How fast something goes, from a count that is looked at now and then.

use mote_core::units::Moment;

/// How long a count is watched before its rate is taken, in milliseconds.
const WINDOW_MS: u64 = 2_000;

/// A rate, smoothed over the last seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    since: Option<Moment>,
    count: u64,
    rate_tenths: u32,
}

impl Meter {
    /// A meter that has seen nothing.
    pub const fn new() -> Self {
        Self { since: None, count: 0, rate_tenths: 0 }
    }

    /// Takes note of a count and returns its rate a second, in tenths; 0 where none is known. A count that
    /// goes back starts anew.
    pub fn observe(&mut self, now: Moment, count: u64) -> u32 {
        let Some(since) = self.since.filter(|_| count >= self.count) else {
            *self = Self { since: Some(now), count, rate_tenths: 0 };
            return 0;
        };
        let elapsed = now.since(since);
        if elapsed >= WINDOW_MS {
            let rate = (count - self.count).saturating_mul(10_000) / elapsed;
            let rate = u32::try_from(rate).unwrap_or(u32::MAX);
            // A rate of 0 is the mark of one that is not known, and no mean would ever get there.
            self.rate_tenths = match self.rate_tenths {
                0 => rate,
                before => before / 2 + rate / 2 + (before & rate & 1),
            };
            (self.since, self.count) = (Some(now), count);
        }
        self.rate_tenths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_rate_and_starts_anew_when_the_count_goes_back() {
        let mut meter = Meter::new();
        let rates = (0..20).map(|second| meter.observe(Moment::from_millis(second * 1_000), second * 7));
        assert_eq!(rates.last(), Some(70));
        let halved = (20..60)
            .map(|second| meter.observe(Moment::from_millis(second * 1_000), 133 + (second - 19) * 3));
        assert_eq!(halved.last(), Some(30));
        assert_eq!(meter.observe(Moment::from_millis(70_000), 5), 0);
        assert_eq!(meter.observe(Moment::from_millis(80_000), u64::MAX), u32::MAX);
    }
}
