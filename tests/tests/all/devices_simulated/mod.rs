//! The portable device, whole, on a simulated board: every run is the same, and none takes long.

mod clocks;
mod connections;
mod forks;
mod joins;
mod mining;
mod nodes;
mod offences;
mod page;
mod payments;
mod power;

use mote_tests::devices::branch::Branch;
use mote_tests::fixtures::regtest;

/// A chain of this many blocks, nearly all with payments.
fn chain(blocks: usize) -> Branch {
    let mut branch = Branch::new(regtest());
    branch.grow(1, 4);
    branch.grow_with_payments(1, blocks - 4, 2);
    branch
}

/// A branch that leaves `from` at this height and goes on for so many blocks.
fn rival(from: &Branch, fork: u64, blocks: usize) -> Branch {
    let mut branch = from.up_to(fork);
    // Nobody else's, so that no block of it is one of the other branch.
    let miner = 300 + from.height();
    branch.grow(miner, 1);
    branch.grow_with_payments(miner, blocks - 1, 1);
    branch
}

/// The chain with one more block.
fn longer(branch: &Branch) -> Branch {
    let mut branch = branch.clone();
    branch.grow(9, 1);
    branch
}
