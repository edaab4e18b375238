//! Balances: none comes from nowhere, none is lost, and the oracle agrees on every one.

use mote::simulation::oracle::Oracle;
use mote_core::params::reward;
use mote_core::rules::Rule;
use mote_core::units::Height;
use mote_tests::fixtures::{Chain, account, regtest};
use proptest::collection::vec;
use proptest::prelude::*;

use super::strategies::{chain_and_block, intents, payments, rule};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From genesis on, with payments to oneself, to the miner and to accounts that were never touched.
    #[test]
    fn balances_add_up_to_the_rewards(blocks in vec((1_u64..5, intents(4, 0..6)), 1..12)) {
        let mut chain = Chain::new(regtest());
        let mut model = Oracle::default();
        let mut issued = 0;
        for (miner, intents) in blocks {
            let block = chain.block(account(miner), payments(&chain, &intents));
            prop_assert_eq!(chain.accept(&block), Ok(()));
            let reward = reward(block.header.height);
            issued += u128::from(reward.grains());
            prop_assert_eq!(chain.accounts.total(), issued);
            prop_assert_eq!(model.execute(reward, &account(miner), &block.transactions), Ok(()));
            prop_assert_eq!(&model, &chain.accounts);
            prop_assert_eq!(chain.tip.state_root(), model.root());
        }
    }

    /// Execution stops at the rule that the text of the rules stops at.
    #[test]
    fn the_oracle_agrees_on_broken_payments((chain, block) in chain_and_block(), rule in rule()) {
        prop_assume!(matches!(rule, Rule::LedgerNonce | Rule::LedgerBalance | Rule::LedgerOverflow));
        let broken = chain.broken(&block, rule);
        let reward = reward(broken.header.height);
        let model = chain.accounts.clone().execute(reward, &broken.header.miner, &broken.transactions);
        prop_assert_eq!(model, Err(rule));
        prop_assert_eq!(chain.judge(&broken).map(drop).map_err(|error| error.rule()), model);
    }

    #[test]
    fn rewards_halve(height in prop_oneof![any::<u64>(), 0..900_000_000_u64]) {
        let halvings = height / 12_600_000;
        let expected = if height == 0 || halvings > 63 { 0 } else { 10_000_000 / 2_u64.pow(halvings as u32) };
        prop_assert_eq!(reward(Height::new(height)).grains(), expected);
    }
}

/// About 252 million motes, ever.
#[test]
fn the_supply_is_bounded() {
    let mut supply = 0_u128;
    for halving in 0..64_u64 {
        let start = halving * 12_600_000;
        let blocks = if halving == 0 { 12_599_999 } else { 12_600_000 };
        supply += blocks * u128::from(reward(Height::new(start + 1)).grains());
        assert_eq!(reward(Height::new(start + 1)), reward(Height::new(start + 12_599_999)));
    }
    assert!(supply < 252_000_000 * 1_000_000, "{supply}");
    assert!(supply > 251_999_000 * 1_000_000, "{supply}");
}
