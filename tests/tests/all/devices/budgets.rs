//! What the image may take of a board, and what checking may cost.

use mote_core::card::Mines;
use mote_core::chain::Tip;
use mote_core::rules::{Clock, check_header};
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::{CardFile, identity};
use mote_tests::devices::crowd::{Crowd, PAYMENTS};
use mote_tests::devices::host::Host;
use mote_tests::devices::image;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use serde_json::Value;

/// The most bytes of flash: the rest is room for what comes later.
const FLASH_MAX: u32 = 200 * 1_024;

/// The most bytes of RAM, static and at the deepest of the stack.
const RAM_MAX: u64 = 56 * 1_024;

/// What an interrupt puts on the stack, which comes at its deepest one time and not another.
const INTERRUPT_BYTES: u64 = 128;

/// Full blocks that a device is shown.
const FULL_BLOCKS: usize = 4;

/// Below the crowd lies a chain of this many blocks.
const BELOW: usize = 70;

#[test]
fn the_image_leaves_room_in_flash_and_ram() {
    let sizes = image::sizes(&image::path());
    assert!(sizes.flash <= FLASH_MAX, "{sizes:?}");
    assert!(u64::from(sizes.ram) < RAM_MAX, "{sizes:?}");
}

/// The bytes of RAM that a device has used, static and at the deepest of its stack.
pub fn ram_used(status: &Value) -> u64 {
    let bytes = |name: &str| status["memory"][name].as_u64().expect("a number of bytes");
    bytes("fixed") + bytes("stack_peak")
}

/// What a device says before and after each of some full blocks that it checks on a ledger of so many
/// accounts.
pub fn full_blocks(accounts: u64, pace: Pace) -> Vec<Value> {
    let mut branch = Branch::new(regtest());
    branch.grow(1, BELOW);
    let mut tip = Tip::genesis(branch.params());
    for shown in branch.shown() {
        let checked = check_header(branch.params(), &tip, &shown.header, Clock::AcceptedBefore);
        tip.extend(&checked.expect("the branch obeys the rules"));
    }
    let (mut crowd, first) = Crowd::new(branch.params(), &tip, accounts);
    branch.append(first);
    let mut machine = Machine::new(pace);
    let host = Host::start(branch.clone(), Script::honest());
    machine.put_in_new_card(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
    CardFile::open(&machine.card()).remember(branch.params(), crowd.tip());
    machine.switch_on();
    let mut said = vec![machine.wait_for_tip(&branch.tip().id().to_string())];
    for _ in 0..FULL_BLOCKS {
        branch.append(crowd.full_block());
        host.announce(branch.clone());
        let status = machine.wait_for_tip(&branch.tip().id().to_string());
        assert_eq!(status["state_root"], branch.tip().state_root.to_string().as_str());
        assert_eq!(status["refused"], Value::Null);
        said.push(status);
    }
    said
}

#[test]
fn a_million_accounts_take_no_more_ram_than_a_few() {
    let peak = |accounts| full_blocks(accounts, Pace::Free).last().map_or(u64::MAX, ram_used);
    let few = peak(2 * PAYMENTS);
    let many = peak(1_000_000);
    println!("{few} bytes of RAM with few accounts, {many} with many");
    assert!(few <= RAM_MAX && many <= RAM_MAX, "{few} and {many} bytes");
    assert!(
        many <= few + INTERRUPT_BYTES,
        "{many} bytes with a million accounts, {few} with {}",
        2 * PAYMENTS
    );
}
