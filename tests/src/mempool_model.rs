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

use crate::fixtures::{account, pay, regtest};

/// Who sends; account 0 has nothing to begin with.
pub const SENDERS: u64 = 4;

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
                let old = u128::from(old.fee.grains());
                let expected = (old + 1_000).max((old * 11).div_ceil(10));
                let expected = Amount::from_grains(u64::try_from(expected).unwrap_or(u64::MAX));
                return Err(MempoolError::ReplacementFee { id, got, expected });
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

/// Something that happens to a mempool.
#[derive(Clone, Debug)]
pub enum Step {
    /// A transaction whose nonce lies this far behind or ahead of the sender's next one.
    Insert {
        /// Who pays, by number.
        sender: u64,
        /// How far the nonce lies ahead.
        offset: i64,
        /// How much, in grains.
        amount: u64,
        /// The fee, in grains.
        fee: u64,
    },
    /// The sender's first open transactions are mined.
    Mine {
        /// Whose.
        sender: u64,
        /// How many.
        count: usize,
    },
    /// The chain has another account for the sender: after other payments, or a reorganisation.
    Change {
        /// Whose.
        sender: u64,
        /// What it has then, in grains.
        balance: u64,
        /// By how many its nonce is lower.
        back: u64,
    },
}

/// A mempool of any capacity.
pub type Pool = Mempool<Vec<Slot>, Vec<Positions>>;

/// An empty one.
pub fn pool(capacity: usize) -> Pool {
    Mempool::new(vec![None; capacity], vec![Positions::default(); capacity])
}

/// What both hold, and that everything in there could be mined.
fn agree(pool: &Pool, model: &Model, accounts: &BTreeMap<PublicKey, Account>) {
    assert_eq!(pool.len(), model.open.len());
    assert_eq!(pool.is_empty(), model.open.is_empty());
    assert!(pool.len() <= pool.capacity());
    let ids: Vec<Hash32> = pool.by_priority().map(|entry| entry.id()).collect();
    let expected: Vec<Hash32> = model.by_priority().iter().map(|open| open.transaction.id()).collect();
    assert_eq!(&ids, &expected);
    // A miner that takes them in this order never comes to one that cannot be mined yet.
    let mut mined = accounts.clone();
    for entry in pool.by_priority() {
        let transaction = entry.transaction();
        let account = mined.get_mut(&transaction.sender).expect("all senders have an account");
        assert_eq!(transaction.nonce, account.nonce);
        let rest = u128::from(account.balance.grains()).checked_sub(cost(transaction));
        assert!(rest.is_some(), "{} is not covered", entry.id());
        account.balance = Amount::from_grains(rest.unwrap_or_default() as u64);
        account.nonce += 1;
        assert_eq!(pool.get(&entry.id()).map(|entry| entry.transaction()), Some(transaction));
    }
    for (sender, account) in accounts {
        assert_eq!(pool.pending(sender, *account), mined[sender]);
        let ids: Vec<Hash32> = pool.of_sender(sender).map(|entry| entry.id()).collect();
        let expected: Vec<Hash32> = model.of_sender(sender).map(|open| open.transaction.id()).collect();
        assert_eq!(ids, expected);
    }
}

/// Does the steps to both, and compares after each.
///
/// # Panics
///
/// Where they differ.
pub fn run(capacity: usize, steps: &[Step]) {
    let params = regtest();
    let (mut pool, mut model) = (pool(capacity), Model::default());
    assert_eq!(pool.capacity(), capacity);
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
                assert!(checked.is_ok(), "{checked:?}");
                let inserted = pool.insert(&checked.unwrap(), held);
                assert_eq!(inserted, model.insert(&transaction, held, capacity));
            }
            Step::Mine { sender, count } => {
                let sender = account(sender);
                let held = accounts.get_mut(&sender).expect("all senders have an account");
                for open in model.of_sender(&sender).take(count) {
                    let rest = u128::from(held.balance.grains()) - cost(&open.transaction);
                    *held = Account { balance: Amount::from_grains(rest as u64), nonce: held.nonce + 1 };
                }
                refresh(&mut pool, &mut model, &sender, *held);
            }
            Step::Change { sender, balance, back } => {
                let sender = account(sender);
                let held = accounts.get_mut(&sender).expect("all senders have an account");
                let nonce = held.nonce.saturating_sub(back);
                *held = Account { balance: Amount::from_grains(balance), nonce };
                refresh(&mut pool, &mut model, &sender, *held);
            }
        }
        agree(&pool, &model, &accounts);
    }
}

fn refresh(pool: &mut Pool, model: &mut Model, sender: &PublicKey, account: Account) {
    let mut dropped = Vec::new();
    pool.refresh(sender, account, |entry| dropped.push(entry.id()));
    assert_eq!(dropped, model.refresh(sender, account));
}
