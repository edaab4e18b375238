//! Miners that lie about the time, by as much as others let them.

use super::NOMINAL;
use super::world::{FLOOR_RATE, Stamps, World};

#[test]
fn lies_about_the_time_do_not_move_the_interval() {
    let rate = 1e4 * FLOOR_RATE;
    for stamps in [Stamps::Earliest, Stamps::Latest, Stamps::Either] {
        for share in [0.1, 0.3, 0.5] {
            let mut world = World::at_level(7, rate).with_stamps(share, stamps);
            world.mean_interval(rate, 1_000);
            let mean = world.mean_interval(rate, 50_000);
            assert!(NOMINAL.contains(&mean), "{stamps:?} by {share} of the hash rate: {mean} s");
        }
    }
}
