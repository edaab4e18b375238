//! Blocks, valid and not: who holds all accounts, who holds a witness, the ledger of a host and the text of the rules
//! come to the same verdict.

use std::sync::Arc;

use mote::store::ledger::{AddError, Added, Ledger};
use mote::store::memory::MemoryDisk;
use mote_core::block::Block;
use mote_core::codec::decode;
use mote_core::params::reward;
use mote_core::rules::{Clock, RuleError, check_header, check_transaction};
use mote_core::state::{ProofRef, UpdateError};

use super::grove::Grove;
use super::{Choices, blocks};
use crate::fixtures::{Chain, FUNDED_CAPACITY, VecBlock, broken_rule, judge, wire};

/// Reads a chain, a block on it, and perhaps changes of its bytes.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    if choices.byte().is_multiple_of(4) {
        over_a_ledger(&mut choices);
    } else {
        over_rich_accounts(&mut choices);
    }
}

/// Some blocks, from a few decisions each.
pub fn seeds() -> Vec<Vec<u8>> {
    (0..16_u8)
        .map(|seed| (0..120_u8).map(|index| index.wrapping_mul(2 * seed + 1).wrapping_add(seed)).collect())
        .collect()
}

/// Accounts with everything that can be had, which no chain comes to soon.
fn over_rich_accounts(choices: &mut Choices<'_>) {
    let chain = Chain::funded();
    let block = blocks::block(&chain, choices);
    let block = change_bytes(block, choices);
    let full = full(&chain, &block);
    agree_with_the_text(&chain, &block, &full);
    agree_with_a_witness(&chain, &block, &full);
}

/// A chain of payments from genesis on, in the ledger of a host.
fn over_a_ledger(choices: &mut Choices<'_>) {
    let grove = Grove::get();
    let (disk, params) = (MemoryDisk::new(), Arc::new(grove.params.clone()));
    let (mut ledger, _) = Ledger::open(disk, params, 7, |_| {}).expect("the ledger opens");
    let height = choices.below(grove.branches[0].len() + 1);
    for block in &grove.branches[0][..height] {
        ledger.add(block, Clock::AcceptedBefore).expect("the block is valid");
    }
    let chain = Chain::clone(&grove.chains[&ledger.tip().id()]);
    let block = blocks::block(&chain, choices);
    let block = change_bytes(block, choices);
    let full = full(&chain, &block);
    agree_with_a_witness(&chain, &block, &full);
    let before = ledger.tip().clone();
    let added = ledger.add(&block, chain.clock());
    match (added, full) {
        (Ok(added), Ok(accounts)) => {
            assert_eq!(added, Added::Extended);
            assert_eq!(ledger.tip().id(), block.header.id());
            assert_eq!(ledger.tip().state_root(), accounts.root());
        }
        // Whoever names another parent than the tip breaks a rule for the one, and is an orphan for the other.
        (Err(AddError::Orphan { .. } | AddError::Rule { .. }), Err(_)) => assert_eq!(*ledger.tip(), before),
        // Nor is it news what stands below the tip.
        (Ok(Added::Known | Added::Side), Err(RuleError::HeaderPrevious { .. })) => {
            assert_eq!(*ledger.tip(), before)
        }
        (added, full) => panic!("the ledger: {added:?}, the rules: {:?}", full.map(drop)),
    }
}

fn change_bytes(block: VecBlock, choices: &mut Choices<'_>) -> VecBlock {
    let mut bytes = wire(&block);
    while choices.once_in(5) {
        choices.mutate(&mut bytes);
    }
    let small = decode::<Block<16>>(&bytes);
    let Ok(changed) = decode::<VecBlock>(&bytes) else {
        assert!(small.is_err());
        return block;
    };
    assert_eq!(small.is_ok(), changed.transactions.len() <= 16);
    changed
}

fn full(chain: &Chain, block: &VecBlock) -> Result<mote::simulation::oracle::Oracle, RuleError> {
    let mut accounts = chain.accounts.clone();
    let judged = judge(&chain.params, &chain.tip, chain.clock(), block, &mut accounts);
    judged.map(|_| accounts).map_err(broken_rule)
}

/// Execution over one sorted map, by the text of the rules.
fn agree_with_the_text(
    chain: &Chain,
    block: &VecBlock,
    full: &Result<mote::simulation::oracle::Oracle, RuleError>,
) {
    let VecBlock { header, transactions } = block;
    if check_header(&chain.params, &chain.tip, header, chain.clock()).is_err() {
        assert!(full.is_err());
        return;
    }
    if transactions.len() > FUNDED_CAPACITY
        || transactions.iter().any(|paid| check_transaction(&chain.params, paid).is_err())
    {
        assert!(full.is_err());
        return;
    }
    let mut model = chain.accounts.clone();
    let executed = model.execute(reward(header.height), &header.miner, transactions);
    match (executed, full) {
        (Ok(()), Ok(accounts)) => {
            assert_eq!(model, *accounts);
            assert_eq!(header.state_root, model.root());
        }
        (Ok(()), Err(error)) => assert!(
            matches!(
                error,
                RuleError::BlockStateRoot { .. }
                    | RuleError::BlockTransactionsRoot { .. }
                    | RuleError::BlockTransactionCount { .. }
            ),
            "{error}"
        ),
        (Err(rule), Err(error)) => assert_eq!(rule, error.rule()),
        (Err(rule), Ok(_)) => panic!("the text refuses by {rule:?} what was accepted"),
    }
}

/// Execution over nothing but a root and the proofs of the accounts that are touched.
fn agree_with_a_witness(
    chain: &Chain,
    block: &VecBlock,
    full: &Result<mote::simulation::oracle::Oracle, RuleError>,
) {
    let proofs = chain.witness(block);
    let proofs: Vec<ProofRef> =
        proofs.iter().map(|bytes| decode(bytes).expect("a proof of the oracle")).collect();
    let mut accounts = chain.witnessed(proofs);
    let verdict = judge(&chain.params, &chain.tip, chain.clock(), block, &mut accounts);
    let root = accounts.root();
    match (verdict, full) {
        (Ok(_), Ok(full)) => assert_eq!(root, full.root()),
        (Err(UpdateError::Rule(error)), Err(expected)) => assert_eq!(error, *expected),
        (verdict, full) => {
            panic!("by the witness: {verdict:?}, by the accounts: {:?}", full.as_ref().map(drop))
        }
    }
}
