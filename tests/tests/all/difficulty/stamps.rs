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

const WAYS: [Stamps; 3] = [Stamps::Earliest, Stamps::Latest, Stamps::Either];

/// A young network follows ten times faster, and its genesis lies far back: the median of its first
/// blocks lets a block claim to be as old as that.
#[test]
fn a_young_network_bears_lies() {
    let rate = 100.0 * FLOOR_RATE;
    for stamps in WAYS {
        for share in [0.05, 0.3, 0.5] {
            for seed in 0..10 {
                let mut world = World::new(seed).with_stamps(share, stamps);
                while world.tip.height().get() < 100 {
                    world.mine(rate);
                }
                let mean = world.mean_interval(rate, 800);
                assert!(NOMINAL.contains(&mean), "{stamps:?} by {share}: {mean} s, seed {seed}");
            }
        }
    }
}

/// Behind a gap the median lies far back for six blocks. A block stamped just after it must not put the
/// next ones out of reach: one such block after a night would, if differences of times counted as they
/// are, make the next one 2^48 times harder than the one before it.
#[test]
fn one_lie_behind_a_gap_changes_little() {
    let rate = 1e4 * FLOOR_RATE;
    for gap in [600.0, 1_800.0, 3_600.0, 28_800.0, 31_536_000.0] {
        let mut world = World::at_level(3, rate);
        world.mean_interval(rate, 1_000);
        world.now += gap;
        world.mine(rate);
        let eased = world.attempts();
        let mut world = world.with_stamps(1.0, Stamps::Earliest);
        world.mine(rate);
        let factor = world.attempts() / eased;
        assert!((0.98..1.02).contains(&factor), "{factor} times harder behind {gap} s");
    }
}

#[test]
fn lies_do_not_make_a_burst_of_a_night() {
    let rate = 1e4 * FLOOR_RATE;
    for stamps in WAYS {
        for share in [0.05, 0.3, 0.5] {
            let mut world = World::at_level(3, rate).with_stamps(share, stamps);
            world.mean_interval(rate, 1_000);
            world.now += 28_800.0;
            let [first, rest @ ..] = [(); 6].map(|()| world.mine_for(rate, 600.0));
            assert!((120..=260).contains(&first), "{first} blocks after {stamps:?} by {share}");
            assert!(rest.iter().all(|count| (30..=120).contains(count)), "{rest:?}");
        }
    }
}

/// When intervals are long the median lags by hours, which is when a lie could reach furthest.
#[test]
fn lies_do_not_keep_a_step_down_from_being_followed() {
    let (low, high) = (1e4 * FLOOR_RATE, 1e6 * FLOOR_RATE);
    for stamps in WAYS {
        for share in [0.05, 0.3, 0.5] {
            for seed in 0..10 {
                let mut world = World::at_level(seed, high).with_stamps(share, stamps);
                world.mean_interval(high, 1_000);
                let end = world.now + 4.0 * 3_600.0;
                while world.attempts() > 1.33 * 10.0 * low && world.now < end {
                    world.mine(low);
                }
                assert!(world.now < end, "not followed within 4 h: {stamps:?} by {share}, seed {seed}");
            }
        }
    }
}

/// Headers that all stamp as early as they can move the latest time back once those that were ahead
/// are forgotten: by no more than the two minutes that anybody can be ahead.
#[test]
fn the_latest_time_falls_back_by_two_minutes_at_the_most() {
    let rate = 1e4 * FLOOR_RATE;
    let mut world = World::at_level(3, rate);
    world.mean_interval(rate, 100);
    world.now += 28_800.0;
    world.mine(rate);
    let mut world = world.with_stamps(1.0, Stamps::Earliest);
    let mut attempts = world.attempts();
    for _ in 0..30 {
        world.mine(rate);
        let factor = world.attempts() / attempts;
        // 2^(130 / 600) is 1.162.
        assert!(factor < 1.17, "{factor} times harder");
        attempts = world.attempts();
    }
}
