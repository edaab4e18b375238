//! The time of a device that has no clock, and blocks that are ahead of it.

use mote_core::card::Mines;
use mote_core::units::Timestamp;
use mote_tests::devices::simulated::{Bench, Running, START};
use serde_json::Value;

use super::{Branch, chain, longer};

fn clock(device: &mut Running<'_>) -> Option<u64> {
    device.status()["clock"].as_u64()
}

/// How far the device's clock is ahead of that of the tests.
#[track_caller]
fn ahead(device: &mut Running<'_>) -> i64 {
    let clock = clock(device).expect("it has a clock");
    clock as i64 - device.bench.now().seconds() as i64
}

/// A chain whose next blocks are made at these times, in seconds after power-on.
fn with_blocks_at(branch: &Branch, times: &[u64]) -> Branch {
    let mut branch = branch.clone();
    times.iter().for_each(|time| branch.extend_at(3, START.plus(*time)));
    branch
}

#[test]
fn a_block_from_the_future_is_set_aside_and_taken_later() {
    // What follows on it came in the same message, and is no reason to forget what came before.
    for behind in [&[][..], &[210], &[210, 220, 230]] {
        let now = with_blocks_at(&chain(10), &[5, 10, 100]);
        let future = with_blocks_at(&now, &[&[200][..], behind].concat());
        let mut bench = Bench::between(future.clone(), chain(10), Mines::WhenTold);
        bench.peer(0).skew_seconds = 300;
        bench.switch_on(|device| {
            let status = device.until_tip(&now);
            assert!(device.millis() < 3_000, "what is not ahead is taken at once");
            assert_eq!(status["stage"]["name"], "at-tip");
            device.pass(70_000);
            assert!(device.status()["height"] == 13, "{}", device.seen());
            let asked = device.peer(0).heard_of("GetHeaders");
            device.until_tip(&future);
            let time = device.bench.now().seconds() - START.seconds();
            assert!((80..135).contains(&time), "taken after {time} s");
            assert!(asked < 50, "asked for headers {asked} times meanwhile");
            assert!(!device.has_printed("refused"), "{}", device.seen());
        });
    }
}

#[test]
fn a_block_from_the_future_does_not_keep_the_device_from_another_peer() {
    let base = chain(10);
    let mut other = base.clone();
    let mut bench = Bench::between(with_blocks_at(&base, &[50_000; 1]), base, Mines::WhenTold);
    bench.peer(0).skew_seconds = 50_000;
    bench.switch_on(|device| {
        for _ in 0..5 {
            other = longer(&other);
            device.peer(1).show(other.clone());
            device.until_tip(&other);
            device.pass(1_000);
        }
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

/// A block must be checked again by the clock as it is then: the peers' is ahead by less and less.
#[test]
fn blocks_at_the_edge_of_the_future_are_followed() {
    let mut branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for _ in 0..100 {
            let edge = device.bench.now().plus(123);
            branch.extend_at(3, edge);
            device.peer(0).show(branch.clone());
            device.pass(1_000);
        }
        device.until_tip(&branch);
        assert!(!device.has_printed("refused"), "{}", device.seen());
    });
}

#[test]
fn there_is_no_time_before_a_peer_tells_it() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    bench.listen(0, false);
    bench.switch_on(|device| {
        device.pass(30_000);
        let status = device.status();
        assert_eq!((&status["clock"], &status["stage"]["name"]), (&Value::Null, &"no-peer".into()));
        device.bench.listen(0, true);
        device.until_tip_or_later(&branch);
        assert_eq!(ahead(device), 0);
    });
}

#[test]
fn of_two_clocks_the_earlier_counts_unless_it_is_behind_the_chain() {
    let branch = chain(10);
    for (first, second, expected) in [(7_200, 3, 3), (3, 7_200, 3), (-2_000_000, 30, 30), (60, 60, 60)] {
        let mut bench = Bench::between(branch.clone(), branch.clone(), Mines::WhenTold);
        bench.peer(0).skew_seconds = first;
        bench.peer(1).skew_seconds = second;
        let seen = bench.switch_on(|device| {
            device.until("there is a time", |device| clock(device).is_some());
            device.pass(10_000);
            ahead(device)
        });
        assert!((expected - 1..=expected).contains(&seen), "{first} and {second} s ahead lead to {seen}");
    }
}

#[test]
fn the_clock_moves_slowly_towards_that_of_the_peers() {
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for skew in [30, -30] {
            let before = ahead(device);
            device.peer(0).skew_seconds = skew;
            device.peer(0).hang_up();
            device.until("it is connected again", |device| device.peer(0).connected() == 1);
            device.pass(10 * 60_000);
            let moved = ahead(device) - before;
            assert!((9..=10).contains(&moved.abs()) && moved.signum() == skew.signum(), "moved by {moved} s");
        }
    });
}

#[test]
fn a_clock_that_most_peers_disagree_with_is_a_fault() {
    let branch = chain(10);
    let mut bench = Bench::between(branch.clone(), branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        for peer in [0, 1] {
            device.peer(peer).skew_seconds = 500;
            device.peer(peer).hang_up();
        }
        device.until_status("it says so", |status| status["fault"]["name"] == "clock-disagrees");
    });
}

/// A peer that is alone can put the clock wherever it likes, but not its own chain ahead of it.
#[test]
fn a_lying_clock_is_no_reason_to_stop() {
    for skew in [-1_000_000, -999_000, -100_000, 100_000, 1 << 41] {
        let branch = chain(10);
        let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
        bench.peer(0).skew_seconds = skew;
        bench.switch_on(|device| {
            device.until_tip_or_later(&branch);
            device.pass(20_000);
            assert_eq!(device.peer(0).refused, []);
            device.until("it still follows", |device| device.status()["peers"][0]["state"] == "connected");
        });
    }
    // Time that does not fit anything.
    let branch = chain(10);
    let mut bench = Bench::beside(branch.clone(), Mines::FromTheStart);
    let huge = mote_tests::devices::script::Script::claiming(|hello| {
        hello.time = Timestamp::from_seconds(u64::MAX);
    });
    bench.peer(0).script = huge;
    bench.switch_on(|device| {
        device.until_tip_or_later(&branch);
        device.pass(20_000);
        assert_eq!(device.peer(0).refused, []);
    });
}
