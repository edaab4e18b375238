//! How difficulty follows the hash rate: the integer formula aserti3-2d (CHIP-2020-11 of Bitcoin
//! Cash, <https://upgradespecs.bitcoincashnode.org/2020-11-15-asert/>), applied from tip to tip.

use super::target::{CompactTarget, Target};
use super::u256::U256;
use crate::chain::Tip;
use crate::params::{
    BLOCK_SPACING_SECONDS, FUTURE_MAX_SECONDS, HALF_LIFE_SECONDS, HALF_LIFE_YOUNG_SECONDS, IDLE_MAX_SECONDS,
    Params, Retarget, YOUNG_BELOW_BLOCKS,
};

/// The target of the block after the one that is `height_delta` blocks above the anchor, by
/// aserti3-2d. All targets are in compact form, times in seconds.
///
/// `time_delta` is the tip's time less that of the anchor's parent, `spacing` the interval aimed at,
/// `half_life` what doubles or halves the target, `floor` the easiest target. Every input gives a
/// result: the exponent and the target saturate, an anchor above 2^256 - 1 counts as the floor, a
/// negative or zero one as 1, and a half-life below 1 as 1.
pub fn asert(
    anchor_target: u32,
    time_delta: i64,
    height_delta: i64,
    spacing: i64,
    half_life: i64,
    floor: u32,
) -> u32 {
    let floor_value = expand_or_saturate(floor, U256::MAX);
    let anchor = expand_or_saturate(anchor_target, floor_value);
    let scheduled = i128::from(spacing).saturating_mul(i128::from(height_delta) + 1);
    let error = i128::from(time_delta).saturating_sub(scheduled);
    let exponent = error.saturating_mul(65_536) / i128::from(half_life.max(1));
    let (shift, fraction) = (exponent >> 16, (exponent & 0xffff) as u64);
    // 2^(fraction / 65536) in units of 2^-16, by the cubic of the specification.
    let cubic = 195_766_423_245_049 * u128::from(fraction)
        + 971_821_376 * u128::from(fraction).pow(2)
        + 5_127 * u128::from(fraction).pow(3)
        + (1 << 47);
    let factor = 65_536 + (cubic >> 48) as u64;
    let target = scale(anchor, factor, shift - 16).clamp(U256::ONE, floor_value);
    if target == floor_value { floor } else { Target(target).compact().bits() }
}

fn expand_or_saturate(bits: u32, overflow: U256) -> U256 {
    match CompactTarget::from_bits(bits).expand() {
        Some(Target(value)) => value,
        None if bits & 0x0080_0000 != 0 || bits & 0x007f_ffff == 0 || bits >> 24 <= 3 => U256::ONE,
        None => overflow,
    }
}

/// `value * factor * 2^shift`, at most 2^256 - 1.
fn scale(value: U256, factor: u64, shift: i128) -> U256 {
    let (low, high) = value.widening_mul(factor);
    let magnitude = u32::try_from(shift.unsigned_abs()).unwrap_or(u32::MAX);
    if shift < 0 {
        let remains_above = magnitude < 64 && high >> magnitude != 0;
        if remains_above {
            return U256::MAX;
        }
        let carried = U256::from_u64(high).shl(256_u32.saturating_sub(magnitude));
        let carried = if magnitude <= 256 { carried } else { U256::from_u64(high).shr(magnitude - 256) };
        return low.shr(magnitude.min(256)).overflowing_add(carried).0;
    }
    if high != 0 || low.bits().saturating_add(magnitude) > 256 { U256::MAX } else { low.shl(magnitude) }
}

/// The target that a child of `tip` must have.
///
/// The anchor is the tip itself, so that a block's own time never sets its own target. The time that
/// passed is how far the tip moved the latest time of the last eleven headers: where times go forward,
/// the tip's time less its parent's. It counts as at most half an hour, so that an idle night is
/// forgiven, and as at least -120 s, which is as far as an honest chain's latest time can fall back when
/// the header that was furthest ahead is no longer among the eleven.
///
/// Differences of single times would not do: behind a gap the median lies hours back for six blocks,
/// and one block stamped just after it would make the next one 2^48 times harder after a night. The
/// child of genesis has the floor.
pub fn next_target(params: &Params, tip: &Tip) -> CompactTarget {
    let (Retarget::EveryBlock, Some(before)) = (params.retarget, tip.latest_time_before()) else {
        return params.floor;
    };
    // Times are below 2^40 by rule, so no difference comes near the limits of i64.
    let passed = tip.latest_time().seconds() as i64 - before.seconds() as i64;
    let passed = passed.clamp(-(FUTURE_MAX_SECONDS as i64), IDLE_MAX_SECONDS as i64);
    let is_young = tip.height().get() < YOUNG_BELOW_BLOCKS;
    let half_life = if is_young { HALF_LIFE_YOUNG_SECONDS } else { HALF_LIFE_SECONDS };
    let bits = asert(tip.target().bits(), passed, 0, BLOCK_SPACING_SECONDS, half_life, params.floor.bits());
    CompactTarget::from_bits(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle::Frontier;
    use crate::params::Network;
    use crate::pow::Work;
    use crate::units::{Height, Timestamp};
    use std::vec::Vec;

    const BITS: u32 = 0x1d7f_ffff;

    /// The target after headers at these times, and the one that asert gives for this much time.
    fn after(height: u64, times: &[u64]) -> u32 {
        let params = Params::new(Network::Local);
        let times: Vec<Timestamp> = times.iter().map(|time| params.genesis().time.plus(*time)).collect();
        let mut header = params.genesis().clone();
        (header.height, header.target) = (Height::new(height), CompactTarget::from_bits(BITS));
        Tip::restore(&header, Work::ZERO, &times, Frontier::new()).next_target(&params).bits()
    }

    fn expected(passed: i64, half_life: i64) -> u32 {
        asert(BITS, passed, 0, 10, half_life, 0x1f00_ffff)
    }

    #[test]
    fn the_time_that_passed_sets_the_target() {
        let table: [(&[u64], i64); 9] = [
            (&[0, 10], 10),
            (&[0, 7], 7),
            (&[0, 0], 0),
            // A gap counts as half an hour at the most.
            (&[0, 1_800], 1_800),
            (&[0, 1_801], 1_800),
            (&[0, 28_800], 1_800),
            // A time that is not the latest adds nothing, and the next one does not add it again.
            (&[0, 10, 28_800, 11], 0),
            (&[0, 10, 28_800, 11, 28_830], 30),
            // The twelfth header from the end counts as one before the tip, and not among the last.
            (&[100, 20, 30, 40, 50, 60, 70, 80, 85, 90, 91, 92], -8),
        ];
        for (times, passed) in table {
            assert_eq!(after(1_000, times), expected(passed, 600), "{times:?}");
            assert_eq!(after(999, times), expected(passed, 60), "{times:?}");
        }
        assert_eq!(expected(10, 600), BITS);
    }

    #[test]
    fn the_latest_time_falls_back_by_two_minutes_at_the_most() {
        let times = [50_000, 20, 30, 40, 50, 60, 70, 80, 85, 90, 91, 92];
        assert_eq!(after(1_000, &times), expected(-120, 600));
    }

    #[test]
    fn the_child_of_genesis_has_the_floor_and_regtest_nothing_else() {
        let params = Params::new(Network::Local);
        assert_eq!(Tip::genesis(&params).next_target(&params), params.floor);
        let regtest = Params::new(Network::Regtest);
        let header = regtest.genesis();
        let times = [header.time, header.time.plus(1)];
        let tip = Tip::restore(header, Work::ZERO, &times, Frontier::new());
        assert_eq!(tip.next_target(&regtest), regtest.floor);
    }
}
