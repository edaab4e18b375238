//! The mempool against a model without any order or index: every answer, and the whole content after
//! every step.

use std::collections::BTreeMap;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::mempool::{Inserted, Mempool, MempoolError, Positions, Slot};
use mote_core::rules::{RuleError, check_transaction};
use mote_core::state::Account;
use mote_core::transaction::Transaction;
use mote_core::units::Amount;
use mote_tests::fixtures::{account, pay, regtest};
use proptest::collection::vec;
use proptest::prelude::*;

/// Who sends; account 0 has nothing to begin with.
const SENDERS: u64 = 4;

/// An open transaction, and when it or the first that it replaced came.
#[derive(Clone, Debug)]
struct Open {
    transaction: Transaction,
    arrival: u64,
}

/// All open transactions by sender and nonce.
#[derive(Clone, Debug, Default)]
struct Model {
    open: BTreeMap<(PublicKey, u64), Open>,
    arrivals: u64,
}

impl Model {
    fn of_sender(&self, sender: &PublicKey) -> impl Iterator<Item = &Open> {
        self.open.range((*sender, 0)..=(*sender, u64::MAX)).map(|(_, open)| open)
    }

    /// The least fee up to a transaction among its sender's.
    fn priority(&self, open: &Open) -> Amount {
        let nonce = open.transaction.nonce;
        let earlier = self.of_sender(&open.transaction.sender).filter(|o| o.transaction.nonce <= nonce);
        earlier.map(|open| open.transaction.fee).min().unwrap_or_default()
    }

    /// Highest priority first, then first come.
    fn by_priority(&self) -> Vec<&Open> {
        let mut all: Vec<&Open> = self.open.values().collect();
        all.sort_by_key(|open| (std::cmp::Reverse(self.priority(open)), open.arrival));
        all
    }

    fn insert(
        &mut self,
        transaction: &Transaction,
        account: Account,
        capacity: usize,
    ) -> Result<Inserted, MempoolError> {
        let (sender, nonce, id) = (transaction.sender, transaction.nonce, transaction.id());
        if self.open.values().any(|open| open.transaction == *transaction) {
            return Err(MempoolError::Known { id });
        }
        if nonce < account.nonce {
            let expected = account.nonce;
            return Err(MempoolError::Rule(RuleError::LedgerNonce { got: nonce, expected }));
        }
        let replaced = self.open.get(&(sender, nonce)).cloned();
        let expected = account.nonce + self.of_sender(&sender).count() as u64;
        if replaced.is_none() && nonce != expected {
            return Err(MempoolError::NonceGap { got: nonce, expected });
        }
        let others = self.of_sender(&sender).filter(|open| open.transaction.nonce != nonce);
        let costs = others.map(|open| cost(&open.transaction)).sum::<u128>() + cost(transaction);
        let balance = account.balance;
        if costs > u128::from(balance.grains()) {
            let needed = Amount::from_grains(u64::try_from(costs).unwrap_or(u64::MAX));
            return Err(if self.of_sender(&sender).next().is_none() {
                MempoolError::Rule(RuleError::LedgerBalance { needed, balance })
            } else {
                MempoolError::Uncovered { needed, balance }
            });
        }
        if let Some(Open { transaction: old, arrival }) = replaced {
            let (id, got) = (old.id(), transaction.fee);
            // At least 1,000 grains more, and at least 10 % more.
            let enough = u128::from(got.grains()) >= u128::from(old.fee.grains()) + 1_000
                && u128::from(got.grains()) * 100 >= u128::from(old.fee.grains()) * 110;
            if !enough {
                let expected = (old.fee.grains() + 1_000).max((old.fee.grains() * 11).div_ceil(10));
                return Err(MempoolError::ReplacementFee {
                    id,
                    got,
                    expected: Amount::from_grains(expected),
                });
            }
            self.open.insert((sender, nonce), Open { transaction: transaction.clone(), arrival });
            return Ok(Inserted::Replaced { id });
        }
        self.arrivals += 1;
        let new = Open { transaction: transaction.clone(), arrival: self.arrivals };
        let mut with_new = self.clone();
        with_new.open.insert((sender, nonce), new);
        if with_new.open.len() <= capacity {
            *self = with_new;
            return Ok(Inserted::Added);
        }
        // The cheapest goes, which may be the one that just came.
        let cheapest = with_new.by_priority().last().map(|open| open.transaction.clone());
        let cheapest = cheapest.expect("there is the new one at least");
        if cheapest == *transaction {
            let floor = self.by_priority().last().map(|open| self.priority(open)).unwrap_or_default();
            return Err(MempoolError::Full { floor });
        }
        with_new.open.remove(&(cheapest.sender, cheapest.nonce));
        *self = with_new;
        Ok(Inserted::Evicted { id: cheapest.id() })
    }

    /// Keeps what could be mined one after another; what goes, in order.
    fn refresh(&mut self, sender: &PublicKey, account: Account) -> Vec<Hash32> {
        let Account { balance, mut nonce } = account;
        let mut balance = u128::from(balance.grains());
        let mine: Vec<Transaction> = self.of_sender(sender).map(|open| open.transaction.clone()).collect();
        let mut gone = Vec::new();
        for transaction in mine {
            if transaction.nonce == nonce && cost(&transaction) <= balance {
                balance -= cost(&transaction);
                nonce += 1;
            } else {
                self.open.remove(&(transaction.sender, transaction.nonce));
                gone.push(transaction.id());
            }
        }
        gone
    }
}

fn cost(transaction: &Transaction) -> u128 {
    u128::from(transaction.amount.grains()) + u128::from(transaction.fee.grains())
}

#[derive(Clone, Debug)]
enum Step {
    /// A transaction whose nonce lies this far behind or ahead of the sender's next one.
    Insert { sender: u64, offset: i64, amount: u64, fee: u64 },
    /// The sender's first open transactions are mined.
    Mine { sender: u64, count: usize },
    /// The chain has another account for the sender: after other payments, or a reorganisation.
    Change { sender: u64, balance: u64, back: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    // Few different fees, so that there are ties, and replacements near the limit of what is enough.
    let fee = prop_oneof![
        4 => (1_u64..6).prop_map(|thousands| 1_000 * thousands),
        2 => 1_000_u64..30_000,
        1 => prop_oneof![Just(10_000_u64), Just(10_999), Just(11_000), Just(12_099), Just(12_100), Just(15_005)],
    ];
    let offset = prop_oneof![6 => Just(0_i64), 3 => -3_i64..0, 1 => 1_i64..3];
    let amount = prop_oneof![4 => 1_u64..50_000, 1 => any::<u64>()];
    let sender = 0..SENDERS;
    prop_oneof![
        8 => (sender.clone(), offset, amount, fee)
            .prop_map(|(sender, offset, amount, fee)| Step::Insert { sender, offset, amount: amount.max(1), fee }),
        1 => (sender.clone(), 0_usize..4).prop_map(|(sender, count)| Step::Mine { sender, count }),
        1 => (sender, 0_u64..400_000, 0_u64..3)
            .prop_map(|(sender, balance, back)| Step::Change { sender, balance, back }),
    ]
}

type Pool = Mempool<Vec<Slot>, Vec<Positions>>;

fn pool(capacity: usize) -> Pool {
    Mempool::new(vec![None; capacity], vec![Positions::default(); capacity])
}

/// What both hold, and that everything in there could be mined.
fn agree(pool: &Pool, model: &Model, accounts: &BTreeMap<PublicKey, Account>) -> Result<(), TestCaseError> {
    prop_assert_eq!(pool.len(), model.open.len());
    prop_assert_eq!(pool.is_empty(), model.open.is_empty());
    prop_assert!(pool.len() <= pool.capacity());
    let ids: Vec<Hash32> = pool.by_priority().map(|entry| entry.id()).collect();
    let expected: Vec<Hash32> = model.by_priority().iter().map(|open| open.transaction.id()).collect();
    prop_assert_eq!(&ids, &expected);
    // A miner that takes them in this order never comes to one that cannot be mined yet.
    let mut mined = accounts.clone();
    for entry in pool.by_priority() {
        let transaction = entry.transaction();
        let account = mined.get_mut(&transaction.sender).expect("all senders have an account");
        prop_assert_eq!(transaction.nonce, account.nonce);
        let rest = u128::from(account.balance.grains()).checked_sub(cost(transaction));
        prop_assert!(rest.is_some(), "{} is not covered", entry.id());
        account.balance = Amount::from_grains(rest.unwrap_or_default() as u64);
        account.nonce += 1;
        prop_assert_eq!(pool.get(&entry.id()).map(|entry| entry.transaction()), Some(transaction));
    }
    for (sender, account) in accounts {
        prop_assert_eq!(pool.pending(sender, *account), mined[sender]);
        let ids: Vec<Hash32> = pool.of_sender(sender).map(|entry| entry.id()).collect();
        let expected: Vec<Hash32> = model.of_sender(sender).map(|open| open.transaction.id()).collect();
        prop_assert_eq!(ids, expected);
    }
    Ok(())
}

/// Does the steps to both, and compares after each.
fn run(capacity: usize, steps: &[Step]) -> Result<(), TestCaseError> {
    let params = regtest();
    let (mut pool, mut model) = (pool(capacity), Model::default());
    prop_assert_eq!(pool.capacity(), capacity);
    let holding = |number| Account { balance: Amount::from_grains(150_000 * number), nonce: number };
    let mut accounts: BTreeMap<PublicKey, Account> =
        (0..SENDERS).map(|number| (account(number), holding(number))).collect();
    for step in steps {
        match *step {
            Step::Insert { sender: number, offset, amount, fee } => {
                let sender = account(number);
                let held = accounts[&sender];
                let next = held.nonce + model.of_sender(&sender).count() as u64;
                let nonce = next.saturating_add_signed(offset);
                let transaction = pay(&params, number, account(9), amount, fee, nonce);
                let checked = check_transaction(&params, &transaction);
                prop_assert!(checked.is_ok(), "{checked:?}");
                let inserted = pool.insert(&checked.unwrap(), held);
                prop_assert_eq!(inserted, model.insert(&transaction, held, capacity));
            }
            Step::Mine { sender, count } => {
                let sender = account(sender);
                let held = accounts.get_mut(&sender).expect("all senders have an account");
                for open in model.of_sender(&sender).take(count) {
                    let rest = u128::from(held.balance.grains()) - cost(&open.transaction);
                    *held = Account { balance: Amount::from_grains(rest as u64), nonce: held.nonce + 1 };
                }
                refresh(&mut pool, &mut model, &sender, *held)?;
            }
            Step::Change { sender, balance, back } => {
                let sender = account(sender);
                let held = accounts.get_mut(&sender).expect("all senders have an account");
                let nonce = held.nonce.saturating_sub(back);
                *held = Account { balance: Amount::from_grains(balance), nonce };
                refresh(&mut pool, &mut model, &sender, *held)?;
            }
        }
        agree(&pool, &model, &accounts)?;
    }
    Ok(())
}

fn refresh(
    pool: &mut Pool,
    model: &mut Model,
    sender: &PublicKey,
    account: Account,
) -> Result<(), TestCaseError> {
    let mut dropped = Vec::new();
    pool.refresh(sender, account, |entry| dropped.push(entry.id()));
    prop_assert_eq!(dropped, model.refresh(sender, account));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn agrees_with_the_model(capacity in 0_usize..14, steps in vec(step(), 0..60)) {
        run(capacity, &steps)?;
    }

    #[test]
    fn agrees_with_the_model_where_there_is_hardly_room(capacity in 0_usize..3, steps in vec(step(), 0..60)) {
        run(capacity, &steps)?;
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
