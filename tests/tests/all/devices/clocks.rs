//! Peers whose clocks lie to a device that has none.

use std::time::UNIX_EPOCH;

use mote_core::card::Mines;
use mote_core::units::Timestamp;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use serde_json::Value;

fn now() -> u64 {
    UNIX_EPOCH.elapsed().expect("it is after 1970").as_secs()
}

/// A chain whose last blocks are as young as those of a living network.
fn living(blocks: usize) -> Branch {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 3);
    let start = now() - 10 * blocks as u64;
    (0..blocks as u64).for_each(|number| branch.extend_at(1, Timestamp::from_seconds(start + 10 * number)));
    branch
}

/// How far the device's clock is off, in seconds.
fn error(status: &Value) -> u64 {
    status["clock"].as_u64().map_or(u64::MAX, |clock| clock.abs_diff(now()))
}

#[test]
fn one_clock_that_lies_does_not_move_the_device_from_the_honest_chain() {
    for (name, skew) in [
        ("an hour ahead", 3_600),
        ("a century ahead", 3_000_000_000),
        ("a day behind", -86_400),
        ("at 1970", -(now() as i64)),
    ] {
        for liar_first in [true, false] {
            let old = living(30).up_to(3);
            let liar = Host::start(old, Script::honest());
            liar.skew(skew);
            let mut branch = living(12);
            let honest = Host::start(branch.clone(), Script::honest());
            let mut ports = vec![liar.port(), honest.port()];
            if !liar_first {
                ports.reverse();
            }
            let mut machine = Machine::new(Pace::Free);
            machine.provision(&identity("regtest", 1, &ports, Mines::WhenTold));
            machine.switch_on();
            machine.wait_for_tip(&branch.tip().id().to_string());
            branch.extend_at(1, Timestamp::from_seconds(now()));
            honest.announce(branch.clone());
            let status = machine.wait_for_tip(&branch.tip().id().to_string());
            assert!(error(&status) < 130, "{name}: the clock is off by {} s", error(&status));
        }
    }
}

#[test]
fn a_device_alone_with_a_clock_that_lies_heals() {
    // The only peer is far behind its own chain, which no honest node can be; then it is put right.
    let branch = living(12);
    let host = Host::start(branch.clone(), Script::honest());
    host.skew(-86_400);
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    machine.wait("the lie is named", |status| status["refused"]["name"] == "clock");
    host.become_another(branch.clone(), Script::honest());
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    assert!(error(&status) < 130, "the clock is off by {} s", error(&status));
}

#[test]
fn a_block_from_the_future_is_set_aside_until_its_time_has_come() {
    // Its clock is two minutes ahead, as a node's may be, and so are its blocks.
    let branch = living(12);
    let (mut early, mut later) = (branch.clone(), branch.clone());
    early.extend_at(7, Timestamp::from_seconds(now() + 135));
    let ahead = Host::start(early.clone(), Script::honest());
    ahead.skew(140);
    let honest = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[ahead.port(), honest.port()], Mines::WhenTold));
    machine.switch_on();
    machine.wait_for_tip(&branch.tip().id().to_string());
    let status = machine.wait_for_tip(&early.tip().id().to_string());
    assert!(early.tip().time.seconds() <= now() + 125, "the device took a block too early");
    assert_eq!(status["refused"], Value::Null, "nobody is blamed");
    assert!(ahead.partings().is_empty() && honest.partings().is_empty());
    later.extend_at(8, Timestamp::from_seconds(now()));
    later.extend_at(8, Timestamp::from_seconds(now() + 1));
    honest.announce(later.clone());
    machine.wait_for_tip(&later.tip().id().to_string());
}
