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

/// Full blocks that a device is shown.
pub const FULL_BLOCKS: u64 = 3;

/// How often a device with a few accounts is shown as many.
const ROUNDS: usize = 10;

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

/// A device beside a ledger of so many accounts, and the host that shows it full blocks.
pub struct Beside {
    /// The device.
    pub machine: Machine,
    host: Host,
    crowd: Crowd,
}

impl Beside {
    /// Puts the ledger onto the device's card and waits until it is at the tip.
    pub fn ledger_of(accounts: u64, pace: Pace) -> Self {
        let mut branch = Branch::new(regtest());
        branch.grow(1, BELOW);
        let mut tip = Tip::genesis(branch.params());
        for shown in branch.shown() {
            let checked = check_header(branch.params(), &tip, &shown.header, Clock::AcceptedBefore);
            tip.extend(&checked.expect("the branch obeys the rules"));
        }
        let (crowd, first) = Crowd::new(branch.params(), &tip, accounts);
        branch.append(first);
        let mut machine = Machine::new(pace);
        let host = Host::start(branch.clone(), Script::honest());
        machine.put_in_new_card(&identity("regtest", 1, &[host.port()], Mines::WhenTold));
        CardFile::open(&machine.card()).remember(branch.params(), crowd.tip());
        machine.switch_on();
        machine.wait_for_tip(&branch.tip().id().to_string());
        Self { machine, host, crowd }
    }

    /// Shows the device some full blocks; what it says once it has checked them.
    pub fn check_full_blocks(&mut self, count: u64) -> Value {
        let mut branch = self.host.branch();
        (0..count).for_each(|_| branch.append(self.crowd.full_block()));
        self.host.announce(branch.clone());
        let status = self.machine.wait_for_tip(&branch.tip().id().to_string());
        assert_eq!(status["state_root"], branch.tip().state_root.to_string().as_str());
        assert_eq!(status["refused"], Value::Null);
        status
    }
}

#[test]
fn a_million_accounts_take_no_more_ram_than_a_few() {
    let many = ram_used(&Beside::ledger_of(1_000_000, Pace::Free).check_full_blocks(FULL_BLOCKS));
    assert!(many <= RAM_MAX, "{many} bytes");
    // An interrupt may come when the stack is deepest, or not: sooner or later it does with a few as well.
    let mut beside = Beside::ledger_of(2 * PAYMENTS, Pace::Free);
    let mut few = 0;
    for _ in 0..ROUNDS {
        few = ram_used(&beside.check_full_blocks(FULL_BLOCKS));
        if few >= many {
            return;
        }
    }
    panic!("{many} bytes with a million accounts, {few} with {}", 2 * PAYMENTS);
}
