//! Tests of the ledger as a whole: branches, catching up, crashes, damage, witnesses, cost, what must be on the main chain.

mod catch_up;
mod chains;
mod damage;
mod pins;
mod signatures;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use mote_core::block::{Header, history_leaf};
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey, SecretKey};
use mote_core::merkle::{leaf_hash, verify_inclusion};
use mote_core::params::{HEADER_VERSION, Network, Params};
use mote_core::rules::{CheckedTransaction, Clock, Execution, Rule, RuleError, check_transaction};
use mote_core::state::{Account, Proof, WitnessAccounts};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Height, Moment, Timestamp};

use crate::block::Block;
use crate::store::disk::{Disk, DiskFile};
use crate::store::error::StoreError;
use crate::store::history::Role;
use crate::store::index::{Places, SCHEMA, Table};
use crate::store::ledger::{AddError, Added, COMMIT_BLOCKS, Ledger, NOTE_IDLE_MS};
use crate::store::lookup::Branch;
use crate::store::memory::{Fault, MemoryDisk, PowerCut};
use crate::store::nodes::NODES_FILE;
use crate::store::opening::{INDEX_FILE, IndexState, Opened};
use crate::store::pending::Changes;
use crate::store::rows::Place;
use crate::store::states::{KEPT_EVERY, RETAINED_EVERY};
use crate::store::witness::WitnessPart;

/// Numbers that look random and are the same in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn params() -> Arc<Params> {
    Arc::new(Params::new(Network::Regtest))
}

fn open(disk: &MemoryDisk) -> (Ledger<MemoryDisk>, Opened) {
    Ledger::open(disk.clone(), params(), 7, |_| {}).unwrap()
}

fn key(number: u8) -> SecretKey {
    SecretKey::from_seed(&[number; 32])
}

fn account(number: u8) -> AccountKey {
    key(number).public_key().account_key()
}

fn pay(from: u8, to: u8, amount: u64, fee: u64, nonce: u64) -> Transaction {
    let (amount, fee) = (Amount::from_grains(amount), Amount::from_grains(fee));
    let recipient = key(to).public_key();
    Payment { recipient, amount, fee, nonce, memo: Memo::new() }.sign(&params(), &key(from))
}

fn check(transactions: &[Transaction]) -> Vec<CheckedTransaction<'_>> {
    transactions.iter().map(|transaction| check_transaction(&params(), transaction).unwrap()).collect()
}

fn seal(mut header: Header) -> Header {
    while !header.target.expand().unwrap().is_met_by(&header.id()) {
        header.nonce += 1;
    }
    header
}

/// A block on top of `parent` that obeys every rule.
fn make<D: Disk>(
    ledger: &Ledger<D>,
    parent: &Tip,
    miner: PublicKey,
    transactions: Vec<Transaction>,
) -> Block {
    let executed = ledger.execute(parent, &check(&transactions), miner).unwrap();
    let header = Header {
        version: HEADER_VERSION,
        height: parent.height().next(),
        previous: parent.id(),
        history_root: parent.history_root(),
        transactions_root: executed.transactions_root,
        transaction_count: executed.transaction_count,
        state_root: executed.state_root,
        miner,
        time: parent.median_time().plus(7),
        target: parent.next_target(&params()),
        nonce: 0,
    };
    Block { header: seal(header), transactions }
}

/// Payments between accounts 0 to 7 that the accounts after `parent` can make.
fn payments<D: Disk>(ledger: &Ledger<D>, parent: &Hash32, draw: &mut Draw) -> Vec<Transaction> {
    let mut nonces: HashMap<u8, (u64, u64)> = HashMap::new();
    let mut transactions = Vec::new();
    for _ in 0..draw.below(5) {
        let (from, to) = (draw.below(8) as u8, draw.below(8) as u8);
        let (balance, nonce) = nonces.entry(from).or_insert_with(|| {
            let Account { balance, nonce } = ledger.account_at(parent, &account(from)).unwrap().unwrap();
            (balance.grains(), nonce)
        });
        if *balance < 10_000 {
            continue;
        }
        let amount = 1 + draw.below(*balance / 2);
        transactions.push(pay(from, to, amount, 1_000, *nonce));
        *balance -= amount + 1_000;
        *nonce += 1;
    }
    transactions
}

/// Adds a block on top of `parent` and returns its id.
fn grow<D: Disk>(ledger: &mut Ledger<D>, parent: &Hash32, draw: &mut Draw) -> (Block, Added) {
    let tip = ledger.tip_of(parent).unwrap().unwrap();
    let transactions = payments(ledger, parent, draw);
    let block = make(ledger, &tip, key(draw.below(8) as u8).public_key(), transactions);
    let added = ledger.add(&block, Clock::AcceptedBefore).unwrap();
    (block, added)
}

type Dump = (Vec<Vec<(Vec<u8>, Vec<u8>)>>, Vec<Vec<u128>>);

/// All that the index says of the main chain.
fn main_rows<D: Disk>(ledger: &Ledger<D>) -> Dump {
    let tables = [Table::Main, Table::Subtrees];
    let tables = tables.map(|table| ledger.index.last(table, &[], &[0xff; 64], usize::MAX).unwrap());
    let places = [Places::Transactions, Places::History];
    let places = places.map(|places| ledger.index.last_places(places, 0..=u128::MAX, usize::MAX).unwrap());
    (tables.to_vec(), places.to_vec())
}

/// The main chain from the child of the genesis block up.
fn main_blocks<D: Disk>(ledger: &Ledger<D>) -> Vec<Block> {
    let heights = 1..=ledger.tip().height().get();
    heights.map(|height| ledger.block(&ledger.id_at(height).unwrap().unwrap()).unwrap().unwrap()).collect()
}

/// What the tables say of the blocks beside the main chain must be what looking at every block gives.
fn assert_branches<D: Disk>(ledger: &Ledger<D>, blocks: &HashMap<Hash32, Tip>) {
    let entries: Vec<_> = blocks.keys().map(|id| ledger.header(id).unwrap().unwrap()).collect();
    let mut aside: BTreeMap<u64, Vec<Hash32>> = BTreeMap::new();
    let mut ends = Vec::new();
    for entry in entries.iter().filter(|entry| entry.branch == Branch::Side) {
        let height = entry.header.height.get();
        aside.entry(height).or_default().push(entry.id);
        if entries.iter().all(|child| child.header.previous != entry.id) {
            ends.push((height, entry.id));
        }
    }
    for height in 0..=ledger.tip().height().get() + 1 {
        let mut expected = aside.remove(&height).unwrap_or_default();
        expected.sort_by_key(|id| std::cmp::Reverse(*id.as_bytes()));
        assert_eq!(ledger.aside(height, usize::MAX).unwrap(), expected, "at height {height}");
    }
    ends.sort_by_key(|(height, id)| std::cmp::Reverse((*height, *id.as_bytes())));
    let found = ledger.branch_ends(usize::MAX).unwrap();
    let found: Vec<_> = found.iter().map(|entry| (entry.header.height.get(), entry.id)).collect();
    assert_eq!(found, ends);
    ends.truncate(2);
    assert_eq!(ledger.branch_ends(2).unwrap().len(), ends.len());
}

/// A ledger that has seen nothing but the main chain of another one must say the same of it.
fn assert_as_if_replayed<D: Disk>(ledger: &Ledger<D>) {
    let (mut fresh, _) = open(&MemoryDisk::new());
    for block in main_blocks(ledger) {
        assert_eq!(fresh.add(&block, Clock::AcceptedBefore).unwrap(), Added::Extended);
    }
    assert_eq!(fresh.tip(), ledger.tip());
    assert_eq!(main_rows(&fresh), main_rows(ledger));
    for number in 0..8 {
        let key = account(number);
        assert_eq!(fresh.account(&key).unwrap(), ledger.account(&key).unwrap());
    }
}
