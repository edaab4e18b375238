//! The mempool against its model, and where single rules of it lie.

use std::collections::BTreeSet;

use mote_core::mempool::{Inserted, Mempool, MempoolError, Positions};
use mote_core::rules::{IdentifiedTransaction, RuleError, check_transaction};
use mote_core::state::Account;
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_tests::fixtures::{account, pay, regtest};
use mote_tests::mempool_model::{Pool, SENDERS, Step, pool, run};
use proptest::collection::vec;
use proptest::prelude::*;

/// Grains to which an amount can be added that fits 64 bits, or one that does not.
fn nearly_all() -> impl Strategy<Value = u64> {
    (0_u64..50_000).prop_map(|less| u64::MAX - less)
}

fn step() -> impl Strategy<Value = Step> {
    // Few different fees, so that there are ties, and replacements near the limit of what is enough.
    let fee = prop_oneof![
        4 => (1_u64..6).prop_map(|thousands| 1_000 * thousands),
        2 => 1_000_u64..30_000,
        1 => prop_oneof![Just(10_000_u64), Just(10_999), Just(11_000), Just(12_099), Just(12_100), Just(15_005)],
        1 => nearly_all(),
    ];
    let balance = prop_oneof![4 => 0_u64..400_000, 1 => Just(u64::MAX), 1 => nearly_all()];
    let offset = prop_oneof![6 => Just(0_i64), 3 => -3_i64..0, 1 => 1_i64..3];
    let amount = prop_oneof![4 => 1_u64..50_000, 1 => any::<u64>()];
    let sender = 0..SENDERS;
    prop_oneof![
        8 => (sender.clone(), offset, amount, fee)
            .prop_map(|(sender, offset, amount, fee)| Step::Insert { sender, offset, amount: amount.max(1), fee }),
        1 => (sender.clone(), 0_usize..4).prop_map(|(sender, count)| Step::Mine { sender, count }),
        1 => (sender, balance, 0_u64..3)
            .prop_map(|(sender, balance, back)| Step::Change { sender, balance, back }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn agrees_with_the_model(capacity in 0_usize..14, steps in vec(step(), 0..60)) {
        run(capacity, &steps);
    }

    #[test]
    fn agrees_with_the_model_where_there_is_hardly_room(capacity in 0_usize..3, steps in vec(step(), 0..60)) {
        run(capacity, &steps);
    }
}

fn insert(
    pool: &mut Pool,
    transaction: &Transaction,
    balance: u64,
    nonce: u64,
) -> Result<Inserted, MempoolError> {
    let params = regtest();
    let checked = check_transaction(&params, transaction).expect("tests insert valid transactions");
    pool.insert(&checked, Account { balance: Amount::from_grains(balance), nonce })
}

#[test]
fn a_replacement_pays_a_thousand_grains_and_a_tenth_more() {
    // The old fee, and the least that replaces it.
    for (old, least) in [
        (1_000, 2_000),
        (9_999, 10_999),
        (10_000, 11_000),
        (10_001, 11_002),
        (15_005, 16_506),
        (100_000, 110_000),
    ] {
        let mut pool = pool(4);
        let with_fee = |fee| pay(&regtest(), 1, account(2), 1, fee, 0);
        assert_eq!(insert(&mut pool, &with_fee(old), 1_000_000, 0), Ok(Inserted::Added));
        let id = with_fee(old).id();
        let (got, expected) = (Amount::from_grains(least - 1), Amount::from_grains(least));
        let refused = insert(&mut pool, &with_fee(least - 1), 1_000_000, 0);
        assert_eq!(refused, Err(MempoolError::ReplacementFee { id, got, expected }));
        assert_eq!(insert(&mut pool, &with_fee(least), 1_000_000, 0), Ok(Inserted::Replaced { id }));
        assert_eq!(pool.len(), 1);
    }
}

#[test]
fn what_can_never_be_mined_stays_out() {
    let mut pool = pool(4);
    // No account can make a transaction after this nonce, so not even this one.
    let last = pay(&regtest(), 1, account(2), 1, 1_000, u64::MAX);
    let refused = insert(&mut pool, &last, 1_000_000, u64::MAX);
    let overflow = RuleError::LedgerOverflow { left: u64::MAX, right: 1 };
    assert_eq!(refused, Err(MempoolError::Rule(overflow)));
    assert!(pool.is_empty());
}

#[test]
fn without_room_nothing_comes_in() {
    let mut pool = pool(0);
    let refused = insert(&mut pool, &pay(&regtest(), 1, account(2), 1, 1_000, 0), 1_000_000, 0);
    assert_eq!(refused, Err(MempoolError::Full { floor: Amount::ZERO }));
}

#[test]
fn the_shorter_part_is_the_capacity() {
    for (slots, positions) in [(3, 5), (5, 3), (0, 5), (5, 0)] {
        let mut pool: Pool = Mempool::new(vec![None; slots], vec![Positions::default(); positions]);
        assert_eq!(pool.capacity(), slots.min(positions));
        for number in 1..=6 {
            let transaction = pay(&regtest(), number, account(9), 1, 1_000 * number, 0);
            // Each pays more than those before it, so each comes in while there is any room at all.
            let is_in = insert(&mut pool, &transaction, 1_000_000, 0).is_ok();
            assert_eq!(is_in, pool.capacity() > 0);
        }
        assert_eq!(pool.len(), pool.capacity());
    }
}

/// Among so many ids some begin alike, and are told apart by the rest.
#[test]
fn ids_that_begin_alike_are_told_apart() {
    let first = pay(&regtest(), 1, account(2), 1, 1_000, 0);
    let with_amount = |amount| Transaction { amount: Amount::from_grains(amount), ..first.clone() };
    let mut pool = pool(2_000);
    let mut beginnings = BTreeSet::new();
    for nonce in 0..2_000 {
        let transaction = Transaction { nonce, ..with_amount(nonce + 1) };
        beginnings.insert(transaction.id().as_bytes()[..2].to_vec());
        // Its signature is another's, which the pool does not look at.
        let inspected = IdentifiedTransaction::from(&transaction).inspect();
        let checked = inspected.expect("all but the signature is right").accepted_before();
        let account = Account { balance: Amount::from_grains(u64::MAX), nonce: 0 };
        assert_eq!(pool.insert(&checked, account), Ok(Inserted::Added));
    }
    assert!(beginnings.len() < 2_000, "none of them begin alike");
    // The first are mined, and leave the others where they are.
    let mined = Account { balance: Amount::from_grains(u64::MAX), nonce: 1_000 };
    pool.refresh(&first.sender, mined, |_| ());
    for nonce in 0..2_000 {
        let transaction = Transaction { nonce, ..with_amount(nonce + 1) };
        let found = pool.get(&transaction.id()).map(|entry| entry.transaction());
        assert_eq!(found, (nonce >= 1_000).then_some(&transaction));
    }
}
