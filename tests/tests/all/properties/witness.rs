//! Devices that hold only a root come to the verdict of nodes that hold all accounts, and what is
//! forged convinces them of nothing.

use mote_core::codec::decode;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::rules::RuleError;
use mote_core::state::{ProofRef, UpdateError, WitnessError};
use mote_tests::fixtures::{Chain, VecBlock, account, judge, pay, wire};
use proptest::prelude::*;
use proptest::sample::Index;

use super::strategies::{chain_and_block, rule};

/// The verdict and the root after it.
type Verdict = Result<Hash32, UpdateError<WitnessError>>;

/// Judges a block over proofs in their wire form; `None` where one has no such form.
fn witnessed(chain: &Chain, block: &VecBlock, proofs: &[Vec<u8>]) -> Option<Verdict> {
    let proofs: Result<Vec<ProofRef>, _> = proofs.iter().map(|bytes| decode(bytes)).collect();
    let mut accounts = chain.witnessed(proofs.ok()?);
    let verdict = judge(&chain.params, &chain.tip, chain.clock(), block, &mut accounts);
    Some(verdict.map(|_| accounts.root()))
}

fn full(chain: &Chain, block: &VecBlock) -> Result<Hash32, RuleError> {
    chain.judge(block).map(|(_, accounts)| accounts.root())
}

/// What a forged witness may lead to: that it is not believed, or, where execution ended before it came
/// to the forgery, the verdict that is right.
fn is_right(forged: Option<Verdict>, right: Result<Hash32, RuleError>) -> Result<(), TestCaseError> {
    match forged {
        None | Some(Err(UpdateError::Accounts(_))) => Ok(()),
        Some(Err(UpdateError::Rule(error))) => {
            prop_assert_eq!(Err(error), right);
            Ok(())
        }
        Some(Ok(root)) => {
            prop_assert!(false, "a forged witness leads to root {root}");
            Ok(())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn both_executions_agree((chain, block) in chain_and_block(), rule in proptest::option::of(rule())) {
        let block = rule.map_or(block.clone(), |rule| chain.broken(&block, rule));
        let right = full(&chain, &block);
        let verdict = witnessed(&chain, &block, &chain.witness(&block)).expect("the proofs are well formed");
        prop_assert_eq!(verdict, right.map_err(UpdateError::Rule));
        prop_assert_eq!(right.err().map(|error| error.rule()), rule);
    }

    #[test]
    fn a_changed_bit_convinces_nobody(
        (chain, block) in chain_and_block(),
        rule in proptest::option::of(rule()),
        (proof, byte, bit) in any::<(Index, Index, u8)>(),
    ) {
        let block = rule.map_or(block.clone(), |rule| chain.broken(&block, rule));
        let mut proofs = chain.witness(&block);
        let proof = proof.index(proofs.len());
        let byte = byte.index(proofs[proof].len());
        proofs[proof][byte] ^= 1 << (bit % 8);
        is_right(witnessed(&chain, &block, &proofs), full(&chain, &block))?;
    }

    #[test]
    fn swapped_proofs_convince_nobody((chain, block) in chain_and_block(), a in any::<Index>(), b in any::<Index>()) {
        let mut proofs = chain.witness(&block);
        let (a, b) = (a.index(proofs.len()), b.index(proofs.len()));
        prop_assume!(proofs[a] != proofs[b]);
        proofs.swap(a, b);
        is_right(witnessed(&chain, &block, &proofs), full(&chain, &block))?;
    }

    #[test]
    fn a_missing_proof_is_missed((chain, block) in chain_and_block(), gone in any::<Index>()) {
        let mut proofs = chain.witness(&block);
        let gone = gone.index(proofs.len());
        proofs.remove(gone);
        let verdict = witnessed(&chain, &block, &proofs);
        if gone == proofs.len() {
            let key = block.header.miner.account_key();
            let missing = UpdateError::Accounts(WitnessError::Missing { key });
            prop_assert_eq!(verdict, Some(Err(missing)));
        } else {
            is_right(verdict, full(&chain, &block))?;
        }
    }

    #[test]
    fn the_proof_of_another_account_convinces_nobody(
        (chain, block) in chain_and_block(), number in 1_u64..30, at in any::<Index>(),
    ) {
        let mut proofs = chain.witness(&block);
        let at = at.index(proofs.len());
        let other = wire(&chain.accounts.prove(&account(number).account_key()));
        prop_assume!(proofs[at] != other);
        proofs[at] = other;
        is_right(witnessed(&chain, &block, &proofs), full(&chain, &block))?;
    }

    /// The proofs of the state before the block, all of them genuine, are those of the wrong moment.
    #[test]
    fn proofs_of_another_moment_convince_nobody((chain, block) in chain_and_block()) {
        prop_assume!(!block.transactions.is_empty());
        let old = |key: &PublicKey| wire(&chain.accounts.prove(&key.account_key()));
        let mut proofs = Vec::new();
        for transaction in &block.transactions {
            proofs.extend([old(&transaction.sender), old(&transaction.recipient)]);
        }
        proofs.push(old(&block.header.miner));
        let verdict = witnessed(&chain, &block, &proofs);
        let is_forged = matches!(verdict, Some(Err(UpdateError::Accounts(WitnessError::Forged { .. }))));
        prop_assert!(is_forged, "{verdict:?}");
    }
}

/// Every bit of every proof of one block.
#[test]
fn no_changed_bit_at_all_convinces() {
    let mut chain = Chain::funded();
    let params = chain.params.clone();
    let payment = |from, to, nonce| pay(&params, from, account(to), 7, 1_000, nonce);
    let first = chain.block(account(1), vec![payment(1, 2, 0)]);
    chain.accept(&first).unwrap();
    let block = chain.block(account(31), vec![payment(1, 1, 1), payment(2, 30, 0)]);
    let proofs = chain.witness(&block);
    assert!(matches!(witnessed(&chain, &block, &proofs), Some(Ok(_))));
    for proof in 0..proofs.len() {
        for bit in 0..8 * proofs[proof].len() {
            let mut forged = proofs.clone();
            forged[proof][bit / 8] ^= 1 << (bit % 8);
            let verdict = witnessed(&chain, &block, &forged);
            let is_refused = matches!(verdict, None | Some(Err(UpdateError::Accounts(_))));
            assert!(is_refused, "bit {bit} of proof {proof}: {verdict:?}");
        }
    }
}
