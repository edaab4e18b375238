//! Devices without a card, and with one that is of little use.

use std::path::Path;

use mote_core::card::{IDENTITY_SECTORS, Mines, SECTOR_BYTES, STATE_SECTORS};
use mote_firmware::board::Sectors;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::{CardFile, identity};
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use serde_json::Value;

fn chain(blocks: usize) -> Branch {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 3);
    branch.grow_with_payments(1, blocks - 3, 1);
    branch
}

fn spoil(path: &Path, sectors: [u32; 2]) {
    let mut card = CardFile::open(path);
    for sector in sectors {
        let mut bytes = [0; SECTOR_BYTES];
        card.read(sector, &mut bytes).expect("the card has this sector");
        bytes[40] = bytes[40].wrapping_add(1);
        card.write(sector, &bytes).expect("the file is writable");
    }
}

#[test]
fn a_device_without_a_card_looks_for_a_node_beside_it() {
    let mut machine = Machine::new(Pace::Free);
    machine.switch_on();
    let status = machine.wait("it has an address", |status| status["ip"].is_string());
    assert_eq!(status["network"], "local");
    assert_eq!(status["card"]["state"], "none");
    assert_eq!(status["address"], Value::Null, "without a card there is no key");
    assert_eq!(status["peers"][0]["address"], "10.0.2.2:7700");
    machine.type_line("pay lmote1 1");
    machine.type_line("mine on");
    machine.wait("it goes on", |status| status["fault"].is_null());
}

#[test]
fn a_device_whose_card_keeps_nothing_still_survives_any_fork() {
    let branch = chain(250);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    machine.wear_out_card();
    machine.switch_on();
    machine.wait_for_tip(&branch.tip().id().to_string());
    // There is no snapshot, so a fork far below is checked from the first block on.
    let mut rival = branch.up_to(40);
    rival.grow(2, 1);
    rival.grow_with_payments(2, 211, 1);
    host.announce(rival.clone());
    let status = machine.wait_for_tip(&rival.tip().id().to_string());
    assert_eq!(status["state_root"], rival.tip().state_root.to_string().as_str());
    machine.restart();
    machine.wait_for_tip(&rival.tip().id().to_string());
}

#[test]
fn a_damaged_card_costs_what_was_on_it_and_no_more() {
    let branch = chain(70);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Free);
    machine.provision(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    machine.wait("the state is on the card", |status| status["card"]["saved"] == 70);
    machine.cut_power();
    // The newest state is one of two, and so is everything else.
    spoil(&machine.card(), [IDENTITY_SECTORS[0], STATE_SECTORS[0]]);
    machine.switch_on();
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    assert_eq!(status["fault"], Value::Null);
    machine.cut_power();
    spoil(&machine.card(), STATE_SECTORS);
    machine.switch_on();
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    assert_eq!(status["fault"]["name"], "card-unreadable");
    machine.cut_power();
    spoil(&machine.card(), IDENTITY_SECTORS);
    machine.switch_on();
    let status = machine.wait("it says so", |status| status["fault"]["name"] == "card-unreadable");
    assert_eq!(status["address"], Value::Null);
}
