//! Networks on which nobody mines for a while: what waited is not made up for in a burst.

use super::world::{FLOOR_RATE, World};

const RATE: f64 = 1e4 * FLOOR_RATE;
const HOUR: f64 = 3_600.0;
const TEN_MINUTES: f64 = 600.0;

/// Half an hour of the gap eases the target 8-fold and so comes back as 180 blocks, over a while; the
/// other seven and a half hours, 2,700 blocks, never do.
#[test]
fn no_burst_follows_an_idle_night() {
    for seed in 0..20 {
        let mut world = World::at_level(seed, RATE);
        world.mine_for(RATE, 10.0 * HOUR);
        let before = world.attempts();
        world.now += 8.0 * HOUR;
        world.mine(RATE);
        let eased = before / world.attempts();
        assert!((7.0..9.0).contains(&eased), "eased {eased}-fold, seed {seed}");
        let after = [(); 6].map(|()| world.mine_for(RATE, TEN_MINUTES));
        let [first, second, ..] = after;
        assert!((120..=240).contains(&first) && second <= 120, "{after:?}, seed {seed}");
        let surplus = after.iter().sum::<usize>() as i64 - 360;
        assert!((100..=260).contains(&surplus), "{after:?}, seed {seed}");
    }
}

/// A young network is quicker to ease, and quicker to be back at its level.
#[test]
fn an_idle_night_of_a_young_network_is_over_at_once() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        while world.tip.height().get() < 500 {
            world.mine(RATE);
        }
        world.now += 8.0 * HOUR;
        let after = [(); 6].map(|()| world.mine_for(RATE, TEN_MINUTES));
        let [first, rest @ ..] = after;
        assert!(first <= 160 && rest.iter().all(|count| *count <= 80), "{after:?}, seed {seed}");
    }
}

/// Who mines every other hour gets 180 blocks extra for each, and those who mine at all times get
/// their share of them.
#[test]
fn hours_on_and_off_stay_bounded() {
    let mut world = World::at_level(1, RATE);
    let (mut count, mut worst) = (0, 0);
    for _ in 0..100 {
        let hour = [(); 6].map(|()| world.mine_for(RATE, TEN_MINUTES));
        count += hour.iter().sum::<usize>();
        worst = worst.max(hour.into_iter().max().unwrap_or_default());
        world.now += HOUR;
    }
    let interval_while_on = 100.0 * HOUR / count as f64;
    assert!((6.5..7.0).contains(&interval_while_on), "{interval_while_on} s");
    assert!(worst <= 240, "{worst} blocks in ten minutes");
}

/// Gaps below half an hour are made up for, so the interval over all is what it should be.
#[test]
fn minutes_on_and_off_keep_the_interval() {
    let mut world = World::at_level(2, RATE);
    let start = world.now;
    let (mut count, mut worst) = (0, 0);
    for _ in 0..1_000 {
        let found = world.mine_for(RATE, TEN_MINUTES);
        count += found;
        worst = worst.max(found);
        world.now += TEN_MINUTES;
    }
    let mean = (world.now - start) / count as f64;
    assert!(super::NOMINAL.contains(&mean), "{mean} s");
    assert!(worst <= 180, "{worst} blocks in ten minutes");
}
