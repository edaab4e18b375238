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
use mote_tests::processes::PATIENCE;
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
    let lies = [
        ("an hour ahead", 3_600),
        ("a century ahead", 3_000_000_000),
        ("a day behind", -86_400),
        ("at 1970", -(now() as i64)),
    ];
    let mut machine = Machine::new(Pace::Free);
    let mut wrong = Vec::new();
    for (name, skew) in lies {
        for place in [0, 1] {
            // What the liar shows is true, but so old that it says nothing about the time.
            let liar = Host::start(living(3).up_to(3), Script::honest());
            liar.skew(skew);
            let honest = Host::start(living(30), Script::honest());
            let mut ports = vec![honest.port()];
            ports.insert(place, liar.port());
            machine.put_in_new_card(&identity("regtest", 1, &ports, Mines::WhenTold));
            machine.switch_on();
            if let Err(error) = follows(&machine, &honest) {
                wrong.push(format!("{name}, as peer {place}: {error}"));
            }
            machine.cut_power();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The device comes to the tip of a host, to one more block, and to the true time.
fn follows(machine: &Machine, host: &Host) -> Result<(), String> {
    let mut branch = host.branch();
    let is_at = |branch: &Branch| {
        let tip = branch.tip().id().to_string();
        machine.try_wait(PATIENCE, |status| status["tip"] == tip.as_str())
    };
    is_at(&branch)?;
    branch.extend_at(1, Timestamp::from_seconds(now()));
    host.announce(branch.clone());
    let status = is_at(&branch)?;
    let error = error(&status);
    if error < 130 { Ok(()) } else { Err(format!("the clock is off by {error} s")) }
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
