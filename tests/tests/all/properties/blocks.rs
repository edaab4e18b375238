//! Blocks: what the miner makes is valid, and nothing else that looks like it.

use mote::simulation::oracle::{header_id, log_root, transaction_leaf};
use mote_core::block::{Block, Header, transactions_root};
use mote_core::chain::Tip;
use mote_core::codec::decode;
use mote_core::miner::{Job, stamp, template};
use mote_core::rules::{Clock, Execution, Rule, RuleError, check_transaction};
use mote_core::transaction::Transaction;
use mote_tests::fixtures::{Chain, VecBlock, account, broken_rule, judge, network, pay, wire};
use proptest::prelude::*;

use super::strategies::{chain_and_block, intents, mutation, payments, rule};

/// The same block in the vector that the fixtures judge.
fn unboxed<const N: usize>(block: Block<N>) -> VecBlock {
    VecBlock { header: block.header, transactions: block.transactions.into_iter().collect() }
}

/// The block on the chain's tip that the bytes are, where they are a valid one.
fn accepted(chain: &Chain, bytes: &[u8]) -> Option<VecBlock> {
    let block = decode::<Block<16>>(bytes).map(unboxed).ok()?;
    chain.judge(&block).is_ok().then_some(block)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_the_miner_makes_is_valid(intents in intents(8, 0..8), miner in 1_u64..14, late in 0_u64..1_000) {
        let chain = Chain::funded();
        let transactions = payments(&chain, &intents);
        let now = chain.tip.time().plus(late);
        let mut accounts = chain.accounts.clone();
        let mut execution = Execution::new(&chain.params, chain.tip.height().next(), account(miner));
        for transaction in &transactions {
            let checked = check_transaction(&chain.params, transaction);
            prop_assert!(checked.is_ok(), "{checked:?}");
            let applied = execution.apply(&mut accounts, &checked.unwrap());
            prop_assert!(applied.is_ok(), "{applied:?}");
        }
        let executed = execution.finish(&mut accounts).map_err(broken_rule).unwrap();
        let time = stamp(&chain.tip, now).expect("the median is not ahead of the clock");
        let mut header = template(&chain.params, &chain.tip, account(miner), time, &executed);
        header.nonce = Job::new(&header).and_then(|job| job.search(0..1_000)).unwrap();
        let block = VecBlock { header, transactions };
        let mut judged = chain.accounts.clone();
        let verdict = judge(&chain.params, &chain.tip, Clock::Now(now), &block, &mut judged);
        prop_assert_eq!(verdict.map(|checked| checked.id()), Ok(block.header.id()));
        prop_assert_eq!(judged, accounts);
        // The builder of the other tests makes the same of it.
        let built = chain.block(account(miner), block.transactions.clone()).header;
        prop_assert_eq!(built.state_root, block.header.state_root);
        prop_assert_eq!(built.transactions_root, block.header.transactions_root);
    }

    #[test]
    fn changed_bytes_are_refused((chain, block) in chain_and_block(), mutation in mutation()) {
        prop_assert!(chain.judge(&block).is_ok());
        let bytes = wire(&block);
        let mut changed = bytes.clone();
        mutation.apply(&mut changed);
        prop_assume!(changed != bytes);
        if let Some(other) = accepted(&chain, &changed) {
            // With a target of two attempts, a changed nonce or time is a block of its own every
            // second time: one with its own proof of work.
            let header = Header { nonce: block.header.nonce, time: block.header.time, ..other.header.clone() };
            prop_assert_eq!(header, block.header, "only nonce or time can differ");
            prop_assert_eq!(other.transactions, block.transactions);
            prop_assert!(header_id(&other.header).as_bytes()[0] <= 0x7f, "without proof of work");
        }
    }

    #[test]
    fn each_rule_breaks_alone((chain, block) in chain_and_block(), rule in rule()) {
        let broken = chain.broken(&block, rule);
        prop_assert_eq!(chain.judge(&broken).map(drop).map_err(|error| error.rule()), Err(rule));
    }

    #[test]
    fn ids_and_roots_are_those_of_their_definition((_, block) in chain_and_block()) {
        prop_assert_eq!(block.header.id(), header_id(&block.header));
        let leaves: Vec<Vec<u8>> = block.transactions.iter().map(transaction_leaf).collect();
        prop_assert_eq!(transactions_root(&block.transactions), log_root(&leaves));
    }

    #[test]
    fn nothing_replays_on_this_network((mut chain, block) in chain_and_block()) {
        prop_assume!(!block.transactions.is_empty());
        chain.accept(&block).unwrap();
        // The block once more.
        let again = chain.judge(&block).map(drop).map_err(|error| error.rule());
        prop_assert_eq!(again, Err(Rule::HeaderPrevious));
        // Each of its transactions once more.
        for transaction in &block.transactions {
            let got = transaction.nonce;
            let expected = chain.accounts.account(&transaction.sender).nonce;
            let replayed = chain.block(account(20), vec![transaction.clone()]);
            prop_assert_eq!(chain.judge(&replayed).map(drop), Err(RuleError::LedgerNonce { got, expected }));
        }
        // And twice in one block.
        let accounts = chain.accounts.account(&account(1));
        let payment = pay(&chain.params, 1, account(2), 1, 1_000, accounts.nonce);
        prop_assume!(accounts.balance.grains() > 2_002);
        let twice = chain.block(account(20), vec![payment.clone(), payment.clone()]);
        let expected = RuleError::LedgerNonce { got: payment.nonce, expected: payment.nonce + 1 };
        prop_assert_eq!(chain.judge(&twice).map(drop), Err(expected));
    }

    #[test]
    fn nothing_replays_on_another_network(
        from in 1_u64..9, amount in 1_u64.., names in prop_oneof![
            Just(["regtest", "local"]), Just(["local", "local:group"]), Just(["local:group", "local:other"]),
            Just(["test", "main"]), Just(["main", "regtest"]),
        ],
    ) {
        let [here, there] = names.map(network);
        let payment = pay(&here, from, account(2), amount, 1_000, 0);
        prop_assert!(check_transaction(&here, &payment).is_ok());
        let expected = RuleError::TransactionSignature { transaction: payment.id() };
        prop_assert_eq!(check_transaction(&there, &payment).map(|_| ()), Err(expected));
    }
}

#[test]
fn a_block_of_another_network_has_another_parent() {
    let mut there = Chain::new(network("regtest"));
    // The same rules and the same easy target, and another genesis.
    there.tip = Tip::genesis(&network("local:group"));
    let here = Chain::new(network("regtest"));
    let block = there.block(account(1), Vec::new());
    let (got, expected) = (there.tip.id(), here.tip.id());
    assert_eq!(here.judge(&block).map(drop), Err(RuleError::HeaderPrevious { got, expected }));
}

/// On a network whose blocks take 65,536 attempts no change of a single bit is a block of its own.
#[test]
fn every_changed_bit_is_refused() {
    let mut chain = Chain::new(network("local"));
    for _ in 0..2 {
        let block = chain.block(account(1), Vec::new());
        chain.accept(&block).unwrap();
    }
    let pay = |amount, nonce| pay(&chain.params, 1, account(2), amount, 1_000, nonce);
    let transactions: Vec<Transaction> = vec![pay(5, 0), pay(1_000_000, 1)];
    let bytes = wire(&chain.block(account(3), transactions));
    assert!(accepted(&chain, &bytes).is_some(), "the block is valid as it is");
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << bit;
            assert_eq!(accepted(&chain, &changed), None, "bit {bit} of byte {index}");
        }
    }
}
