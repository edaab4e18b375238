//! How much work stands upon a block, in blocks at the highest difficulty of the last day.

use mote_core::pow::{CompactTarget, Work};
use mote_core::units::Timestamp;

/// Hours that are looked back on.
const HOURS: usize = 24;

/// The highest difficulty of each of the last hours.
#[derive(Clone, Debug, Default)]
pub struct DailyPeak {
    /// The hour's number since 1970, and the hardest target that was validated in it.
    hours: [(u32, Option<CompactTarget>); HOURS],
}

impl DailyPeak {
    /// Notes a validated block.
    pub fn note(&mut self, time: Timestamp, target: CompactTarget) {
        let hour = (time.seconds() / 3_600) as u32;
        let Some(slot) = self.hours.get_mut(hour as usize % HOURS) else { return };
        let is_harder = work(target) > slot.1.map_or(Work::ZERO, work);
        if slot.0 < hour || (slot.0 == hour && is_harder) {
            *slot = (hour, Some(target));
        }
    }

    /// The work of one block at the highest difficulty of the day up to `time`.
    pub fn block_work(&self, time: Timestamp) -> Work {
        let hour = (time.seconds() / 3_600) as u32;
        let recent = self.hours.iter().filter(|(at, _)| hour.saturating_sub(*at) < HOURS as u32);
        recent.filter_map(|(_, target)| target.map(work)).max().unwrap_or(Work::ZERO)
    }

    /// Whether a block of `target` at `time` takes a sixteenth or less of the day's most.
    pub fn has_fallen(&self, time: Timestamp, target: CompactTarget) -> bool {
        work(target).saturating_mul(16) <= self.block_work(time)
    }

    /// The difference between two amounts of work in tenths of a block at the day's highest difficulty.
    pub fn tenths(&self, from: Work, to: Work, time: Timestamp) -> u32 {
        let (block, mut gap) = (self.block_work(time), to.saturating_sub(from).saturating_mul(10));
        if block == Work::ZERO {
            return 0;
        }
        // Long division, a bit at a time: 32 bits of quotient are more than anybody reads.
        let mut tenths = 0_u32;
        for bit in (0..32).rev() {
            let part = block.saturating_mul(1 << bit);
            if part <= gap {
                gap = gap.saturating_sub(part);
                tenths |= 1 << bit;
            }
        }
        tenths
    }
}

fn work(target: CompactTarget) -> Work {
    target.expand().map_or(Work::ZERO, |target| target.work())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirmations_count_blocks_at_the_highest_difficulty_of_the_day() {
        let (easy, hard) = (CompactTarget::from_bits(0x1f00_ffff), CompactTarget::from_bits(0x1e0e_ffff));
        let at = |hour: u64| Timestamp::from_seconds(3_600 * (500_000 + hour));
        let mut peak = DailyPeak::default();
        assert_eq!(peak.tenths(Work::ZERO, work(easy), at(0)), 0);
        peak.note(at(0), easy);
        assert_eq!(peak.tenths(Work::ZERO, work(easy).saturating_mul(3), at(0)), 30);
        assert!(!peak.has_fallen(at(0), easy));
        peak.note(at(1), hard);
        peak.note(at(1), easy);
        assert_eq!(peak.tenths(Work::ZERO, work(easy).saturating_mul(8), at(1)), 4);
        assert!(peak.has_fallen(at(23), easy));
        assert!(!peak.has_fallen(at(25), easy));
        assert_eq!(peak.block_work(at(24)), work(hard));
        peak.note(at(25), easy);
        assert_eq!(peak.block_work(at(25)), work(easy));
    }
}
