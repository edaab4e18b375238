//! The time of a device that has no clock: ticks from an offset that it takes once, from its peers, and
//! that nobody moves by more than a second a minute afterwards.

use mote_core::params::FUTURE_MAX_SECONDS;
use mote_core::units::{Moment, Timestamp};

use crate::report::PEERS;

/// How long the other peer may take to tell the time as well, in milliseconds, once one has.
const GATHER_MS: u64 = 3_000;

/// How often the offset may move by a second, in milliseconds.
const SLEW_MS: u64 = 60_000;

/// A clock.
#[derive(Debug, Default)]
pub struct DeviceClock {
    /// What each peer's clock is ahead of the ticks by, in seconds.
    told: [Option<u64>; PEERS],
    first_told: Option<Moment>,
    offset: Option<u64>,
    last_slew: Moment,
}

impl DeviceClock {
    /// The time, once it is known.
    pub fn time(&self, now: Moment) -> Option<Timestamp> {
        self.offset.map(|offset| Timestamp::from_seconds(offset).plus(now.millis() / 1_000))
    }

    /// What a peer's clock shows now.
    pub fn time_of(&self, peer: usize, now: Moment) -> Option<Timestamp> {
        let told = self.told.get(peer).copied().flatten()?;
        Some(Timestamp::from_seconds(told).plus(now.millis() / 1_000))
    }

    /// A peer told the time.
    pub fn hear(&mut self, peer: usize, time: Timestamp, now: Moment) {
        if let Some(told) = self.told.get_mut(peer) {
            *told = Some(time.seconds().saturating_sub(now.millis() / 1_000));
            self.first_told.get_or_insert(now);
        }
    }

    /// A connection ended; what its peer said counts no more.
    pub fn forget(&mut self, peer: usize) {
        self.told.get_mut(peer).into_iter().for_each(|told| *told = None);
        if self.told.iter().all(Option::is_none) {
            self.first_told = None;
        }
    }

    /// A peer whose word was taken turned out to lie: the time is taken anew.
    pub fn distrust(&mut self, peer: usize) {
        let taken_from = self.told.get(peer).copied().flatten();
        self.forget(peer);
        if self.offset.is_some() && self.offset == taken_from {
            self.offset = None;
        }
    }

    /// A peer's word is taken for the time: it shows work that our clock speaks against.
    pub fn side_with(&mut self, peer: usize) {
        self.offset = self.told.get(peer).copied().flatten().or(self.offset);
    }

    /// Takes the offset, or moves it, where that is due. `expected` peers may still tell the time, and no
    /// clock starts before the newest validated block. Later ones do not move it: they may be ahead of the
    /// time, and whoever mines could draw it along.
    pub fn poll(&mut self, expected: usize, tip: Timestamp, now: Moment) {
        let least = tip.seconds().saturating_sub(now.millis() / 1_000);
        let Some(median) = self.median(least) else { return };
        let Some(offset) = self.offset else {
            let count = self.told.iter().flatten().count();
            let is_complete =
                count >= expected || self.first_told.is_some_and(|first| now.since(first) >= GATHER_MS);
            if is_complete {
                self.offset = Some(median.max(least));
                self.last_slew = now;
            }
            return;
        };
        if now.since(self.last_slew) >= SLEW_MS {
            self.last_slew = now;
            let step = |toward: u64| if toward > offset { offset + 1 } else { offset.saturating_sub(1) };
            self.offset = Some(if median == offset { offset } else { step(median) });
        }
    }

    /// Whether the clock and most of the peers' differ by more than a block may be ahead.
    pub fn disagrees(&self) -> bool {
        let Some(offset) = self.offset else { return false };
        let count = self.told.iter().flatten().count();
        let apart = self.told.iter().flatten().filter(|told| told.abs_diff(offset) > FUTURE_MAX_SECONDS);
        2 * apart.count() > count
    }

    /// The median of what was told. Of two, the earlier one that the newest validated block is not too far
    /// ahead of: a clock that is behind its own chain shows by itself, one that is ahead does not.
    fn median(&self, least: u64) -> Option<u64> {
        let told = || self.told.iter().flatten().copied();
        told().filter(|told| told.saturating_add(FUTURE_MAX_SECONDS) >= least).min().or_else(|| told().max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(1_000 * seconds)
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn the_first_offset_waits_for_the_other_peer_and_later_words_move_it_slowly() {
        let mut clock = DeviceClock::default();
        clock.hear(0, NOW.plus(7_200), at(1));
        clock.poll(2, Timestamp::default(), at(2));
        assert_eq!(clock.time(at(2)), None);
        clock.hear(1, NOW.plus(2), at(3));
        clock.poll(2, Timestamp::default(), at(3));
        assert_eq!(clock.time(at(3)), Some(NOW.plus(2)));
        assert_eq!(clock.time(at(13)), Some(NOW.plus(12)));
        clock.forget(1);
        for minute in 0..10 {
            clock.poll(1, Timestamp::default(), at(63 + 60 * minute));
        }
        assert_eq!(clock.time(at(603)), Some(NOW.plus(602 + 10)));
        assert!(clock.disagrees());
    }

    #[test]
    fn no_clock_stands_before_the_tip() {
        let mut clock = DeviceClock::default();
        clock.hear(0, NOW, at(1));
        clock.poll(1, NOW.plus(500), at(1));
        assert_eq!(clock.time(at(1)), Some(NOW.plus(500)));
        // The word of one peer alone is taken after a while.
        let mut clock = DeviceClock::default();
        clock.hear(0, NOW, at(1));
        clock.poll(2, Timestamp::default(), at(4));
        assert_eq!(clock.time(at(4)), Some(NOW.plus(3)));
        clock.distrust(0);
        assert_eq!(clock.time(at(5)), None);
    }

    #[test]
    fn blocks_that_are_ahead_of_the_time_do_not_draw_the_clock_along() {
        let mut clock = DeviceClock::default();
        clock.hear(0, NOW, at(0));
        for minute in 0..10 {
            let tip = NOW.plus(60 * minute + FUTURE_MAX_SECONDS);
            clock.poll(1, if minute == 0 { NOW } else { tip }, at(60 * minute));
            assert_eq!(clock.time(at(60 * minute)), Some(NOW.plus(60 * minute)));
        }
        // Nor do they make an honest clock one that counts for nothing.
        let mut clock = DeviceClock::default();
        clock.hear(0, NOW, at(0));
        clock.hear(1, NOW.plus(7_200), at(0));
        clock.poll(2, NOW.plus(FUTURE_MAX_SECONDS), at(0));
        assert_eq!(clock.time(at(0)), Some(NOW.plus(FUTURE_MAX_SECONDS)));
    }
}
