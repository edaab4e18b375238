//! A device joins its peers, checks what they have, and follows them.

use mote_core::card::Mines;
use mote_tests::devices::branch::Branch;
use mote_tests::devices::simulated::Bench;
use mote_tests::fixtures::regtest;

/// A chain of this many blocks, nearly all with payments.
fn chain(blocks: usize) -> Branch {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 4);
    branch.grow_with_payments(1, blocks - 4, 2);
    branch
}

#[test]
fn a_device_validates_a_chain_and_follows_it() {
    let mut branch = chain(100);
    let mut bench = Bench::beside(branch.clone(), Mines::WhenTold);
    bench.switch_on(|device| {
        device.until_tip(&branch);
        eprintln!(
            "{} ms {} turns {:?}",
            device.millis(),
            device.turns(),
            device.peer(0).heard_of("GetHeaders")
        );
        for _ in 0..10 {
            branch.grow_with_payments(1, 1, 3);
            device.peer(0).show(branch.clone());
            device.until_tip(&branch);
        }
        eprintln!("{}", device.bench.lines().join("\n"));
    });
}
