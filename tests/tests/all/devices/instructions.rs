//! What checking and mining cost in instructions of the device, counted by the emulator and not by a clock.

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::card::identity;
use mote_tests::devices::crowd::PAYMENTS;
use mote_tests::devices::host::Host;
use mote_tests::devices::script::Script;
use mote_tests::devices::{Machine, Pace};
use mote_tests::fixtures::regtest;
use mote_tests::processes::Launch;
use serde_json::Value;

use super::budgets::full_blocks;

/// The device counts cycles of its clock of 50 MHz, in which the emulator runs this many instructions of a
/// nanosecond each.
const INSTRUCTIONS_A_CYCLE: u64 = 20;

/// The most that a block of 128 payments may take: a 50 MHz processor has 500 million in a block's time.
const BLOCK_MAX: u64 = 280_000_000;

/// The most that a payment may take, its signature included.
const PAYMENT_MAX: u64 = 2_100_000;

/// How many headers are judged.
const HEADERS: usize = 600;

/// The most that one of them may take on average. Its id takes five compressions; what it must say of all
/// blocks before it takes two for each peak of the history but one, four on average up to this height, and
/// the history grows by a leaf and a node of two each: seventeen of 2,600 each. The rest is reading it twice,
/// its target, and what passes it on.
const HEADER_MAX: u64 = 75_000;

/// The most that an attempt may take: 1.15 times one compression by the hash library, 2,400.
const ATTEMPT_MAX: u64 = 2_760;

fn instructions(status: &Value, what: &str) -> u64 {
    status["cycles"][what].as_u64().expect("a count") * INSTRUCTIONS_A_CYCLE
}

#[test]
fn full_blocks_on_a_million_accounts_keep_to_their_budget() {
    let said = full_blocks(1_000_000, Pace::Counted);
    let checks: Vec<u64> = said.iter().map(|status| instructions(status, "checks")).collect();
    let blocks: Vec<u64> = checks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let block = *blocks.iter().max().expect("some blocks");
    let payment = block / PAYMENTS;
    println!("{block} instructions a block of {PAYMENTS} payments, {payment} a payment");
    assert!(block <= BLOCK_MAX, "{block} instructions a block");
    assert!(payment <= PAYMENT_MAX, "{payment} instructions a payment");
}

#[test]
fn headers_keep_to_their_budget() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, HEADERS);
    let host = Host::start(branch.clone(), Script::without_witnesses());
    let mut machine = Machine::new(Pace::Counted);
    machine.provision(&identity("regtest", 13, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    let status = machine.wait("all headers are judged", |status| status["stage"]["name"] == "validating");
    let header = instructions(&status, "checks") / branch.height();
    println!("{header} instructions a header");
    assert!(header <= HEADER_MAX, "{header} instructions a header");
}

#[test]
fn an_attempt_costs_its_compression_and_hardly_more() {
    let node = Launch::on("local:attempts").start();
    let mut machine = Machine::new(Pace::Counted);
    machine.provision(&identity("local:attempts", 11, &[node.port()], Mines::FromTheStart));
    machine.switch_on();
    let attempts = |status: &Value| status["mining"]["attempts"].as_u64().expect("a count");
    let status = machine.wait("it has mined for a while", |status| attempts(status) >= 200_000);
    let attempt = instructions(&status, "mining") / attempts(&status);
    println!("{attempt} instructions an attempt");
    assert!(attempt <= ATTEMPT_MAX, "{attempt} instructions an attempt");
}

#[test]
fn what_limits_the_first_sync_is_checking() {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 1);
    branch.grow_with_payments(1, 999, 1);
    let host = Host::start(branch.clone(), Script::honest());
    let mut machine = Machine::new(Pace::Counted);
    machine.provision(&identity("regtest", 12, &[host.port()], Mines::WhenTold));
    machine.switch_on();
    let status = machine.wait_for_tip(&branch.tip().id().to_string());
    let (checks, all) = (instructions(&status, "checks"), instructions(&status, "all"));
    println!("{checks} of {all} instructions check, {} a block", checks / branch.height());
    assert!(checks * 10 >= all * 8, "{checks} of {all} instructions check");
}
