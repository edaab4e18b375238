//! Branches that take the place of what a device has validated, near and far below its tip.

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;

/// A chain of this many blocks, some with payments.
fn chain(blocks: usize) -> Branch {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 4);
    branch.grow_with_payments(1, blocks - 4, 1);
    branch
}

/// A branch that leaves `from` at this height and gets one block further.
fn rival(from: &Branch, fork: u64) -> Branch {
    let mut branch = from.up_to(fork);
    let miner = 2 + fork % 7;
    branch.grow(miner, 1);
    let missing = (from.height() + 1 - branch.height()) as usize;
    branch.grow_with_payments(miner, missing, 1);
    branch
}

fn device(host: &Host) -> Machine {
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    machine
}

/// The host changes its mind, and the device with it.
fn follows(machine: &Machine, host: &Host, branch: &Branch) {
    host.announce(branch.clone());
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    assert_eq!(status["state_root"], branch.tip().state_root.to_string().as_str());
    assert_eq!(status["work"], branch.work().to_string().as_str());
    assert_eq!(status["refused"], serde_json::Value::Null);
}

#[test]
fn a_device_goes_back_within_its_ring_and_far_below_it() {
    let mut branch = chain(300);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = device(&host);
    machine.switch_on();
    follows(&machine, &host, &branch);
    // From the tip, over what the ring holds, to far below it: 200 blocks and more.
    for depth in [1, 2, 30, 79, 80, 81, 200, 250] {
        branch = rival(&branch, branch.height() - depth);
        follows(&machine, &host, &branch);
    }
    // What was done last is there after a power cut.
    machine.wait("the state is on the card", |status| status["card"]["saved"] == branch.height());
    machine.restart();
    follows(&machine, &host, &branch);
}

#[test]
fn a_device_that_was_off_goes_back_two_hundred_blocks() {
    let branch = chain(260);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = device(&host);
    machine.switch_on();
    follows(&machine, &host, &branch);
    machine.wait("the state is on the card", |status| status["card"]["saved"] == branch.height());
    machine.cut_power();
    let branch = rival(&branch, 60);
    host.announce(branch.clone());
    machine.switch_on();
    follows(&machine, &host, &branch);
}

#[test]
fn a_rival_that_turns_out_invalid_changes_nothing() {
    // The blocks of the rival are checked far below the tip, and the last one that it needs is no good.
    let branch = chain(150);
    let mut bad = branch.up_to(20);
    bad.grow_with_payments(1, 130, 1);
    bad.append_broken(mote_core::rules::Rule::BlockStateRoot, mote_core::units::Timestamp::default());
    let honest = Host::start(branch.clone(), Script::honest());
    let liar = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[liar.port(), honest.port()], Mines::WhenTold));
    machine.switch_on();
    machine.wait_for_tip(&branch.tip().id().to_string());
    machine.wait("both are there", |status| {
        status["peers"].as_array().is_some_and(|peers| peers.iter().all(|peer| peer["state"] == "connected"))
    });
    liar.announce(bad);
    let status = machine.wait("the device refuses it", |status| status["refused"]["rule"] == "B4-state-root");
    assert_eq!(status["tip"], branch.tip().id().to_string().as_str());
    let mut longer = branch.clone();
    longer.grow(1, 1);
    honest.announce(longer.clone());
    machine.wait_for_tip(&longer.tip().id().to_string());
}
