//! Open transactions: bounded, ordered by fee, and never one that could not be mined after its
//! sender's earlier ones.
//!
//! The pool lives in memory that its owner provides, an array on a device and a vector on a host.
//! Entries stay in their slots; three sorted lists of slot numbers give the orders that are asked
//! for, so an insertion moves a few bytes an entry and nothing is ever allocated. What most searches by id
//! compare stands in that list itself: entries lie far apart in memory.

use core::cmp::{Ordering, Reverse};

use crate::hash::Hash32;
use crate::keys::PublicKey;
use crate::params::{REPLACEMENT_MIN_GRAINS, REPLACEMENT_MIN_PERCENT};
use crate::rules::{CheckedTransaction, KeptTransaction, RuleError, debit};
use crate::state::Account;
use crate::transaction::Transaction;
use crate::units::Amount;

/// An open transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kept: KeptTransaction,
    /// The least fee among this and the sender's earlier open transactions: what a miner that takes
    /// them in order gives it its place by.
    priority: Amount,
    /// Counts arrivals; a replacement keeps the place of what it replaces.
    sequence: u64,
}

impl Entry {
    /// The transaction.
    pub fn transaction(&self) -> &Transaction {
        self.checked().transaction()
    }

    /// Its id.
    pub fn id(&self) -> Hash32 {
        self.checked().id()
    }

    /// The transaction, as checked as it came in.
    pub fn checked(&self) -> CheckedTransaction<'_> {
        self.kept.checked()
    }
}

/// Room for one entry.
pub type Slot = Option<Entry>;

/// One position of each sorted list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Positions {
    by_account: u16,
    by_id: u16,
    by_priority: u16,
    /// The first bytes of the id that stands here in the list by id.
    id_start: u16,
}

/// What became of a transaction that was taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It came in beside the others.
    Added,
    /// It took the place of the sender's transaction with the same nonce.
    Replaced {
        /// What it replaced.
        id: Hash32,
    },
    /// The pool was full, and what paid least had to go.
    Evicted {
        /// What had to go.
        id: Hash32,
    },
}

/// Why a transaction was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MempoolError {
    /// It is there already.
    #[error("transaction {id} is already open")]
    Known {
        /// The transaction.
        id: Hash32,
    },
    /// It could not be mined now.
    #[error(transparent)]
    Rule(RuleError),
    /// Transactions that come before it are missing.
    #[error("expected nonce {expected} after the sender's open transactions, got {got}")]
    NonceGap {
        /// The transaction's nonce.
        got: u64,
        /// The next nonce of the sender.
        expected: u64,
    },
    /// What the sender has does not cover it besides the sender's other open transactions.
    #[error("the balance of {balance} does not cover the sender's open transactions of {needed}")]
    Uncovered {
        /// What all of the sender's open transactions would need.
        needed: Amount,
        /// What the sender has.
        balance: Amount,
    },
    /// It would replace another one and does not pay enough more.
    #[error("expected a fee of at least {expected} to replace {id}, got {got}")]
    ReplacementFee {
        /// What it would replace.
        id: Hash32,
        /// Its fee.
        got: Amount,
        /// The least fee for a replacement.
        expected: Amount,
    },
    /// The pool is full of transactions that pay as much or more.
    #[error("the mempool is full; expected a fee above {floor}")]
    Full {
        /// What the cheapest open transaction counts for.
        floor: Amount,
    },
}

/// Open transactions in slots `S` with sorted lists in `P`.
#[derive(Debug)]
pub struct Mempool<S, P> {
    slots: S,
    positions: P,
    length: usize,
    next_sequence: u64,
}

#[derive(Clone, Copy)]
enum Order {
    Account,
    Id,
    Priority,
}

/// What moves where an entry comes or goes.
#[derive(Clone, Copy)]
enum Column {
    Slots(Order),
    IdStarts,
}

impl Positions {
    fn of(&mut self, column: Column) -> &mut u16 {
        match column {
            Column::Slots(Order::Account) => &mut self.by_account,
            Column::Slots(Order::Id) => &mut self.by_id,
            Column::Slots(Order::Priority) => &mut self.by_priority,
            Column::IdStarts => &mut self.id_start,
        }
    }

    fn get(mut self, order: Order) -> u16 {
        *self.of(Column::Slots(order))
    }
}

impl<S, P> Mempool<S, P>
where
    S: AsRef<[Slot]> + AsMut<[Slot]>,
    P: AsRef<[Positions]> + AsMut<[Positions]>,
{
    /// An empty pool. It holds as many transactions as the shorter of the two, at most 65,535.
    pub fn new(mut slots: S, mut positions: P) -> Self {
        slots.as_mut().fill(None);
        // Beyond the pool's length, the list by id keeps the numbers of the free slots.
        for (number, position) in (0..u16::MAX).zip(positions.as_mut()) {
            position.by_id = number;
        }
        Self { slots, positions, length: 0, next_sequence: 0 }
    }

    /// How many transactions are open.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many transactions the pool can hold.
    pub fn capacity(&self) -> usize {
        self.slots.as_ref().len().min(self.positions.as_ref().len()).min(usize::from(u16::MAX))
    }

    /// The open transaction with this id.
    pub fn get(&self, id: &Hash32) -> Option<&Entry> {
        self.entry_at(Order::Id, self.find_id(id).ok()?)
    }

    /// All open transactions in the order in which a miner takes them: by fee, a sender's by nonce.
    pub fn by_priority(&self) -> impl Iterator<Item = &Entry> {
        (0..self.length).filter_map(|position| self.entry_at(Order::Priority, position))
    }

    /// The open transactions of `sender`, by nonce.
    pub fn of_sender(&self, sender: &PublicKey) -> impl Iterator<Item = &Entry> {
        (self.first_of(sender)..self.length)
            .map_while(|position| self.entry_at(Order::Account, position))
            .take_while(move |entry| entry.transaction().sender == *sender)
    }

    /// The account of `sender` as it will be when its open transactions are mined and nothing comes in.
    pub fn pending(&self, sender: &PublicKey, account: Account) -> Account {
        self.of_sender(sender)
            .fold(account, |account, entry| debit(entry.transaction(), account).unwrap_or(account))
    }

    /// Takes a transaction in. `account` is the sender's as the chain has it.
    pub fn insert(
        &mut self,
        checked: &CheckedTransaction<'_>,
        account: Account,
    ) -> Result<Inserted, MempoolError> {
        let (transaction, id) = (checked.transaction(), checked.id());
        if self.get(&id).is_some() {
            return Err(MempoolError::Known { id });
        }
        let replaced = self.check(transaction, account)?;
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let mut entry = Entry { kept: checked.keep(), priority: transaction.fee, sequence };
        if let Some(replaced) = replaced {
            entry.sequence = self.get(&replaced).map_or(sequence, |old| old.sequence);
            self.take_out(&replaced);
            self.put_in(entry);
            self.reprioritise(&transaction.sender);
            return Ok(Inserted::Replaced { id: replaced });
        }
        let earlier = self.of_sender(&transaction.sender).last().map(|entry| entry.priority);
        entry.priority = earlier.map_or(transaction.fee, |priority| priority.min(transaction.fee));
        if self.length < self.capacity() {
            self.put_in(entry);
            return Ok(Inserted::Added);
        }
        // What counts least is never followed by another of its sender, so its going leaves no gap.
        let cheapest = self.length.checked_sub(1).and_then(|last| self.entry_at(Order::Priority, last));
        let (victim, floor) =
            cheapest.map_or((None, Amount::ZERO), |entry| (Some(entry.id()), entry.priority));
        match victim {
            Some(victim) if entry.priority > floor => {
                self.take_out(&victim);
                self.put_in(entry);
                Ok(Inserted::Evicted { id: victim })
            }
            _ => Err(MempoolError::Full { floor }),
        }
    }

    /// Drops what can no longer be mined now that the chain has `account` for `sender`, and hands it
    /// to `dropped`: what was mined, what the balance does not cover, and what comes after those.
    pub fn refresh(&mut self, sender: &PublicKey, account: Account, mut dropped: impl FnMut(&Entry)) {
        let mut state = account;
        let mut position = self.first_of(sender);
        while let Some(entry) = self.entry_at(Order::Account, position).filter(|entry| is_of(entry, sender)) {
            let id = entry.id();
            match debit(entry.transaction(), state) {
                Ok(next) => {
                    state = next;
                    position += 1;
                }
                Err(_) => {
                    if let Some(entry) = self.take_out(&id) {
                        dropped(&entry);
                    }
                }
            }
        }
        self.reprioritise(sender);
    }

    /// Checks that the transaction fits among the sender's others; returns the one that it replaces.
    fn check(&self, transaction: &Transaction, account: Account) -> Result<Option<Hash32>, MempoolError> {
        let Transaction { sender, nonce, fee, .. } = transaction;
        if *nonce < account.nonce {
            return Err(MempoolError::Rule(RuleError::LedgerNonce { got: *nonce, expected: account.nonce }));
        }
        let mut replaced = None;
        let mut expected = account.nonce;
        let mut needed = cost(transaction);
        for other in self.of_sender(sender) {
            if other.transaction().nonce == *nonce {
                replaced = Some((other.id(), other.transaction().fee));
            } else {
                needed = needed.and_then(|sum| sum.checked_add(cost(other.transaction())?));
            }
            expected = other.transaction().nonce.saturating_add(1);
        }
        if replaced.is_none() && *nonce != expected {
            return Err(MempoolError::NonceGap { got: *nonce, expected });
        }
        // A sum that does not fit is more than anybody has.
        if needed.is_none_or(|sum| sum > account.balance) {
            let is_alone = expected == account.nonce;
            let (needed, balance) = (needed.unwrap_or(MOST), account.balance);
            return Err(if is_alone {
                MempoolError::Rule(RuleError::LedgerBalance { needed, balance })
            } else {
                MempoolError::Uncovered { needed, balance }
            });
        }
        // No account can have a nonce beyond it, so it cannot be mined.
        if *nonce == u64::MAX {
            return Err(MempoolError::Rule(RuleError::LedgerOverflow { left: *nonce, right: 1 }));
        }
        if let Some((id, old)) = replaced {
            // Rounded up, so that it is never less than the percentage.
            let percent = old.grains() / 100 * REPLACEMENT_MIN_PERCENT
                + (old.grains() % 100 * REPLACEMENT_MIN_PERCENT).div_ceil(100);
            let raise = Amount::from_grains(percent.max(REPLACEMENT_MIN_GRAINS));
            let expected = old.checked_add(raise);
            if expected.is_none_or(|expected| *fee < expected) {
                let expected = expected.unwrap_or(MOST);
                return Err(MempoolError::ReplacementFee { id, got: *fee, expected });
            }
        }
        Ok(replaced.map(|(id, _)| id))
    }

    /// Puts every transaction of `sender` in its place by priority again.
    fn reprioritise(&mut self, sender: &PublicKey) {
        let mut least = MOST;
        let mut position = self.first_of(sender);
        // Taking an entry out and putting it in again leaves its place by account as it was.
        while let Some(entry) = self.entry_at(Order::Account, position).filter(|entry| is_of(entry, sender)) {
            least = least.min(entry.transaction().fee);
            let (id, has_moved) = (entry.id(), entry.priority != least);
            if has_moved && let Some(mut entry) = self.take_out(&id) {
                entry.priority = least;
                self.put_in(entry);
            }
            position += 1;
        }
    }

    /// Where the transactions of `sender` begin by account, or would.
    fn first_of(&self, sender: &PublicKey) -> usize {
        self.find(Order::Account, |entry| account_order(entry, sender, 0)).unwrap_or_else(|at| at)
    }

    fn put_in(&mut self, entry: Entry) {
        let Some(number) = self.positions.as_ref().get(self.length).map(|free| free.by_id) else { return };
        let by_id = self.find_id(&entry.id());
        let by_account = {
            let Transaction { sender, nonce, .. } = entry.transaction();
            self.find(Order::Account, |other| account_order(other, sender, *nonce))
        };
        let by_priority = self.find(Order::Priority, |other| priority_key(other).cmp(&priority_key(&entry)));
        let places = [
            (Column::Slots(Order::Id), by_id, number),
            (Column::IdStarts, by_id, id_start(&entry.id())),
            (Column::Slots(Order::Account), by_account, number),
            (Column::Slots(Order::Priority), by_priority, number),
        ];
        for (column, place, new) in places {
            let place = place.unwrap_or_else(|at| at);
            let moved = self.positions.as_mut().get_mut(place..=self.length).unwrap_or_default();
            moved.iter_mut().fold(new, |carried, position| core::mem::replace(position.of(column), carried));
        }
        if let Some(slot) = self.slots.as_mut().get_mut(usize::from(number)) {
            *slot = Some(entry);
            self.length += 1;
        }
    }

    fn take_out(&mut self, id: &Hash32) -> Option<Entry> {
        let entry = self.get(id)?;
        let Transaction { sender, nonce, .. } = entry.transaction();
        let key = priority_key(entry);
        let by_id = self.find_id(id).ok()?;
        let by_account = self.find(Order::Account, |other| account_order(other, sender, *nonce)).ok()?;
        let by_priority = self.find(Order::Priority, |other| priority_key(other).cmp(&key)).ok()?;
        // The slot becomes the first of the free ones, which have no id.
        let number = self.positions.as_ref().get(by_id)?.by_id;
        let places = [
            (Column::Slots(Order::Id), by_id, number),
            (Column::IdStarts, by_id, 0),
            (Column::Slots(Order::Account), by_account, number),
            (Column::Slots(Order::Priority), by_priority, number),
        ];
        let last = self.length - 1;
        for (column, place, freed) in places {
            let moved = self.positions.as_mut().get_mut(place..=last).unwrap_or_default();
            moved
                .iter_mut()
                .rev()
                .fold(freed, |carried, position| core::mem::replace(position.of(column), carried));
        }
        self.length = last;
        self.slots.as_mut().get_mut(usize::from(number))?.take()
    }

    fn entry_at(&self, order: Order, position: usize) -> Option<&Entry> {
        let number = self.live().get(position)?.get(order);
        self.slots.as_ref().get(usize::from(number))?.as_ref()
    }

    /// Binary search in one of the sorted lists, as `slice::binary_search_by`.
    fn find(&self, order: Order, compare: impl Fn(&Entry) -> Ordering) -> Result<usize, usize> {
        self.live().binary_search_by(|position| self.compare(position.get(order), &compare))
    }

    /// The same in the list by id.
    fn find_id(&self, id: &Hash32) -> Result<usize, usize> {
        let start = id_start(id);
        self.live().binary_search_by(|position| {
            let starts = position.id_start.cmp(&start);
            starts.then_with(|| self.compare(position.by_id, |entry| entry.id().cmp(id)))
        })
    }

    /// The positions that are in use.
    fn live(&self) -> &[Positions] {
        self.positions.as_ref().get(..self.length).unwrap_or_default()
    }

    fn compare(&self, slot: u16, compare: impl Fn(&Entry) -> Ordering) -> Ordering {
        let entry = self.slots.as_ref().get(usize::from(slot));
        entry.and_then(Option::as_ref).map_or(Ordering::Greater, compare)
    }
}

/// The first bytes of an id as a number, in whose order ids are as far as they differ in it.
fn id_start(id: &Hash32) -> u16 {
    id.as_bytes().first_chunk().map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

const MOST: Amount = Amount::from_grains(u64::MAX);

fn cost(transaction: &Transaction) -> Option<Amount> {
    transaction.amount.checked_add(transaction.fee)
}

fn is_of(entry: &Entry, sender: &PublicKey) -> bool {
    entry.transaction().sender == *sender
}

fn account_order(entry: &Entry, sender: &PublicKey, nonce: u64) -> Ordering {
    (&entry.transaction().sender, entry.transaction().nonce).cmp(&(sender, nonce))
}

/// Highest priority first, then first come; unique, since the sequence is.
fn priority_key(entry: &Entry) -> (Reverse<Amount>, u64) {
    (Reverse(entry.priority), entry.sequence)
}
