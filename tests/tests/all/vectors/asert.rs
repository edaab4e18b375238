//! Difficulty: figures of the vectors published with aserti3-2d (CHIP-2020-11), which Bitcoin Cash
//! nodes are tested with: blocks of 600 s, a half-life of two days, Bitcoin's easiest target.

use mote_core::pow::asert;

/// Seconds from the anchor's parent to the tip, blocks from the anchor to the tip.
type Deltas = (i64, i64);

fn check(anchor_target: u32, figures: &[(Deltas, u32)]) {
    for ((time_delta, height_delta), target) in figures {
        let got = asert(anchor_target, *time_delta, *height_delta, 600, 172_800, 0x1d00_ffff);
        assert_eq!(got, *target, "{time_delta} s, {height_delta} blocks: {got:#010x}");
    }
}

#[test]
fn steady_blocks_keep_the_target() {
    for target in [0x1d00_ffff, 0x1a2b_3c4d, 0x0101_0000] {
        check(target, &[((1_200, 1), target), ((6_600, 10), target)]);
    }
}

#[test]
fn jumps_of_a_half_life_double_and_halve() {
    let doubling = [
        ((174_000, 1), 0x0102_0000),
        ((347_400, 2), 0x0104_0000),
        ((19_421_400, 112), 0x0f01_0000),
        ((37_628_400, 217), 0x1c02_0000),
        ((39_015_600, 225), 0x1d00_ffff),
    ];
    check(0x0101_0000, &doubling);
    let halving = [((0, 1), 0x1d00_fec5), ((0, 289), 0x1c7f_62c0), ((0, 64_513), 0x0101_0000)];
    check(0x1d00_ffff, &halving);
}

#[test]
fn random_block_times() {
    let steady = [((1_310, 2), 0x1802_ad91), ((589_738, 1_000), 0x1802_91ad)];
    check(0x1802_aee8, &steady);
    let rising_and_falling = [((33_365, 1_000), 0x1746_9789), ((7_462_933, 500), 0x1d00_ffff)];
    check(0x1802_aee8, &rising_and_falling);
    let backwards = [((1_496, 2), 0x1802_ae12), ((293_713, 1_000), 0x1800_c896)];
    check(0x1802_aee8, &backwards);
    let each_one_second_earlier = [((1_199, 2), 0x1802_ad44), ((-8_799, 10_000), 0x1364_3f64)];
    check(0x1802_aee8, &each_one_second_earlier);
}

#[test]
fn short_and_long_blocks() {
    let short = [((900, 1), 0x1802_ae16), ((1_200, 2), 0x1802_ad44), ((3_600, 10), 0x1802_a6b7)];
    check(0x1802_aee8, &short);
    let long = [((1_500, 1), 0x1802_afbb), ((2_400, 2), 0x1802_b08f), ((9_600, 10), 0x1802_b73d)];
    check(0x1802_aee8, &long);
}
