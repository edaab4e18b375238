//! Steady hash rates: the level that a network finds, and the interval that it keeps.

use super::NOMINAL;
use super::world::{FLOOR_RATE, World};

#[test]
fn the_mean_interval_is_ten_seconds() {
    for (seed, factor) in [(1, 10.0), (2, 1_000.0), (3, 1e6), (4, 1e9)] {
        let rate = factor * FLOOR_RATE;
        let mut world = World::at_level(seed, rate);
        let mean = world.mean_interval(rate, 50_000);
        assert!(NOMINAL.contains(&mean), "x{factor}: {mean} s");
    }
}

/// From the rate that the floor is made for to ten thousand times that. Twenty networks each, so that
/// the mean of 200 blocks, which scatters by 0.2 s from run to run, is known to 0.05 s.
#[test]
fn a_new_network_finds_its_level_within_about_100_blocks() {
    for factor in [1.0, 10.0, 100.0, 1_000.0, 10_000.0] {
        let rate = factor * FLOOR_RATE;
        let mut intervals = Vec::new();
        for seed in 0..20 {
            let mut world = World::new(seed);
            while world.attempts() < 0.75 * 10.0 * rate {
                world.mine(rate);
            }
            let found = world.tip.height().get();
            assert!(found <= 100, "x{factor}: found at block {found}, seed {seed}");
            while world.tip.height().get() < 100 {
                world.mine(rate);
            }
            intervals.push(world.mean_interval(rate, 200));
        }
        let mean = intervals.iter().sum::<f64>() / intervals.len() as f64;
        // At the floor's own rate every second error is clamped, since nothing is easier than the floor.
        let expected = if factor == 1.0 { 10.0..13.0 } else { NOMINAL };
        assert!(expected.contains(&mean), "x{factor}: {mean} s");
    }
}

/// Below the floor's rate blocks are rarer, and nothing else happens.
#[test]
fn nothing_is_easier_than_the_floor() {
    let rate = FLOOR_RATE / 10.0;
    let mut world = World::new(5);
    for _ in 0..2_000 {
        world.mine(rate);
        let attempts = world.attempts();
        assert!(attempts >= 65_536.0, "{attempts}");
    }
    // Independent intervals now: 100 s, known to 2.2 % (one standard deviation) after 2,000 of them.
    let mean = world.mean_interval(rate, 2_000);
    assert!((90.0..115.0).contains(&mean), "{mean} s");
}
