//! Hash rates that jump a hundredfold.

use super::NOMINAL;
use super::world::{FLOOR_RATE, World};

const LOW: f64 = 1e4 * FLOOR_RATE;
const HIGH: f64 = 100.0 * LOW;

/// The target halves once in 60 blocks at the fastest, so six and a half halvings take 400 blocks.
#[test]
fn a_step_up_is_followed_within_an_hour() {
    for seed in 0..5 {
        let mut world = World::at_level(seed, LOW);
        world.mean_interval(LOW, 1_000);
        let (height, start) = (world.tip.height().get(), world.now);
        while world.attempts() < 0.75 * 10.0 * HIGH {
            world.mine(HIGH);
        }
        let (blocks, seconds) = (world.tip.height().get() - height, world.now - start);
        assert!((300..600).contains(&blocks), "{blocks} blocks, seed {seed}");
        assert!(seconds < 3_600.0, "{seconds} s, seed {seed}");
        world.mean_interval(HIGH, 1_000);
        let mean = world.mean_interval(HIGH, 20_000);
        assert!(NOMINAL.contains(&mean), "{mean} s, seed {seed}");
    }
}

/// The first intervals are of a quarter of an hour; no retarget can know better.
#[test]
fn a_step_down_is_followed_within_two_hours() {
    for seed in 0..5 {
        let mut world = World::at_level(seed, HIGH);
        world.mean_interval(HIGH, 1_000);
        let start = world.now;
        while world.attempts() > 1.33 * 10.0 * LOW {
            world.mine(LOW);
        }
        let seconds = world.now - start;
        assert!(seconds < 7_200.0, "{seconds} s, seed {seed}");
        world.mean_interval(LOW, 1_000);
        let mean = world.mean_interval(LOW, 20_000);
        assert!(NOMINAL.contains(&mean), "{mean} s, seed {seed}");
    }
}
