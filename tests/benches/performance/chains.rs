//! Chains to measure on, the same in every run. Making them is not measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mote::store::disk::{Disk, FileDisk};
use mote::store::ledger::Ledger;
use mote_core::keys::PublicKey;
use mote_core::transaction::Transaction;
use mote_core::units::Timestamp;
use mote_tests::growth::{ACCOUNTS, FEE_GRAINS, Grower, add, on_all_processors};
use mote_tests::random::Random;

use crate::bench::Depth;

/// How many payments [`Chains::busy`] ends with, in how many blocks: what Bitcoin Core was measured with.
pub const PAYMENTS: u64 = 20_000;
pub const BLOCKS: u64 = 424;

/// How many blocks before the payments each of their senders gets what it pays with, and how much, in grains:
/// enough for eighty payments.
const FUNDING_BLOCKS: u64 = 10;
const FUNDS_GRAINS: u64 = 90_000;

/// How many payments a block of [`Chains::plain`] has that has any: as many in the shortest chain as in the longest.
const PER_BLOCK: u64 = 99;

/// Every so many blocks of [`Chains::plain`] one has payments.
const BLOCKS_PER_PAYING: u64 = 9;

/// How many payments a full block has.
pub const FULL: u64 = 1_000;

/// The chains.
pub struct Chains {
    folder: PathBuf,
    depth: Depth,
    made: BTreeMap<String, PathBuf>,
}

impl Chains {
    /// Chains in this folder; none is made yet.
    pub fn new(folder: PathBuf, depth: Depth) -> Self {
        Self { folder, depth, made: BTreeMap::new() }
    }

    /// The numbers of accounts at which laws of growth are looked at.
    pub fn sizes(&self) -> &'static [u64] {
        match self.depth {
            Depth::Full => &[100, 1_000, 10_000, 100_000, 1_000_000],
            Depth::Quick => &[100, 1_000, 10_000],
        }
    }

    /// The largest of them.
    pub fn largest(&self) -> u64 {
        self.sizes()[self.sizes().len() - 1]
    }

    /// A chain with so many accounts, one of [`Chains::sizes`] or none, in a tenth as many blocks.
    pub fn plain(&mut self, grower: &Grower, accounts: u64) -> PathBuf {
        let name = format!("plain-{accounts}");
        if let Some(made) = self.made.get(&name) {
            return made.clone();
        }
        let folder = self.folder.join(&name);
        if let Some(fewer) = [0].iter().chain(self.sizes()).copied().filter(|fewer| *fewer < accounts).max() {
            copy(&self.plain(grower, fewer), &folder);
        }
        let mut ledger = open(grower, &folder);
        grow(grower, &mut ledger, accounts);
        ledger.close().expect("the index can be written");
        self.made.insert(name, folder.clone());
        folder
    }

    /// The chain with so many accounts and behind it [`PAYMENTS`] payments in [`BLOCKS`] blocks, from a thousand
    /// senders in turn to accounts that there are.
    pub fn busy(&mut self, grower: &Grower, accounts: u64) -> PathBuf {
        let name = format!("busy-{accounts}");
        if !self.made.contains_key(&name) {
            let folder = self.folder.join(&name);
            copy(&self.plain(grower, accounts), &folder);
            let mut ledger = open(grower, &folder);
            add_payments(grower, &mut ledger, accounts);
            ledger.close().expect("the index can be written");
            self.made.insert(name.clone(), folder);
        }
        self.made[&name].clone()
    }

    /// The chain with most accounts, and as many blocks.
    pub fn long(&mut self, grower: &Grower) -> PathBuf {
        let name = "long".to_owned();
        if !self.made.contains_key(&name) {
            let (folder, blocks) = (self.folder.join(&name), self.largest());
            copy(&self.plain(grower, blocks), &folder);
            let mut ledger = open(grower, &folder);
            while ledger.tip().height().get() < blocks {
                add_block(grower, &mut ledger, Vec::new());
            }
            ledger.close().expect("the index can be written");
            self.made.insert(name.clone(), folder);
        }
        self.made[&name].clone()
    }
}

/// Somebody who only ever gets something: nobody has the key.
pub fn stranger(number: u64) -> PublicKey {
    let mut bytes = [0x52; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    PublicKey::from_bytes(bytes)
}

/// Opens the ledger in this folder.
pub fn open(grower: &Grower, folder: &Path) -> Ledger<FileDisk> {
    grower.open(FileDisk::new(folder).expect("the folder can be used"))
}

/// Copies the files of a folder into a new one.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for file in fs::read_dir(from).expect("the folder is there") {
        let file = file.expect("the folder can be read");
        fs::copy(file.path(), to.join(file.file_name())).expect("a file can be copied");
    }
}

/// Adds blocks until there are so many accounts, and a tenth as many blocks. The first account mines all, and
/// pays a stranger each time, [`PER_BLOCK`] in a block, with blocks in between that have no payment.
fn grow<D: Disk>(grower: &Grower, ledger: &mut Ledger<D>, accounts: u64) {
    let blocks = accounts / 10;
    // What there was before has its miner, and one stranger for each of its payments.
    let mut nonce = nonce(grower, ledger, 0);
    while ledger.tip().height().get() < blocks {
        let height = ledger.tip().height().get();
        let missing = (accounts - 1).saturating_sub(nonce);
        let is_due = height % BLOCKS_PER_PAYING == 1 || missing.div_ceil(PER_BLOCK) >= blocks - height;
        let count = if is_due && height > 0 { missing.min(PER_BLOCK) } else { 0 };
        let nonces: Vec<u64> = (nonce..nonce + count).collect();
        let pay = |nonce: &u64| grower.pay_to(0, stranger(*nonce), 1, *nonce);
        add_block(grower, ledger, on_all_processors(&nonces, pay));
        nonce += count;
    }
}

/// Adds [`PAYMENTS`] payments in [`BLOCKS`] blocks.
fn add_payments<D: Disk>(grower: &Grower, ledger: &mut Ledger<D>, strangers: u64) {
    for _ in 0..FUNDING_BLOCKS {
        add_block(grower, ledger, Vec::new());
    }
    let first = nonce(grower, ledger, 0);
    let senders: Vec<u64> = (0..ACCOUNTS as u64).collect();
    let fund = |number: &u64| grower.pay_to(0, grower.owner(*number), FUNDS_GRAINS, first + number);
    add_block(grower, ledger, on_all_processors(&senders, fund));
    let mut ring = Ring::new(grower, ledger, strangers);
    let (blocks, payments) = (BLOCKS - FUNDING_BLOCKS - 1, PAYMENTS - ACCOUNTS as u64);
    for block in 0..blocks {
        let count = payments * (block + 1) / blocks - payments * block / blocks;
        let payments = ring.next(grower, count);
        add_block(grower, ledger, payments);
    }
}

/// Payments of a thousand senders in turn.
pub struct Ring {
    strangers: u64,
    random: Random,
    nonces: Vec<u64>,
    next: usize,
}

impl Ring {
    /// Payments to strangers of [`Chains::plain`], or where there is none to the next sender.
    pub fn new<D: Disk>(grower: &Grower, ledger: &Ledger<D>, strangers: u64) -> Self {
        let nonces = (0..ACCOUNTS as u64).map(|number| nonce(grower, ledger, number)).collect();
        Self { strangers, random: Random::new(ledger.tip().height().get()), nonces, next: 0 }
    }

    /// The next payments.
    pub fn next(&mut self, grower: &Grower, count: u64) -> Vec<Transaction> {
        let mut next = || {
            let sender = self.next % ACCOUNTS;
            self.next += 1;
            let nonce = self.nonces[sender];
            self.nonces[sender] += 1;
            let recipient = match self.strangers {
                0 => grower.owner(sender as u64 + 1),
                strangers => stranger(self.random.next_u64() % (strangers - 1)),
            };
            (sender as u64, recipient, nonce)
        };
        let orders: Vec<_> = (0..count).map(|_| next()).collect();
        const { assert!(FUNDS_GRAINS > 80 * (FEE_GRAINS + 1), "each sender can pay often") };
        on_all_processors(&orders, |(sender, recipient, nonce)| grower.pay_to(*sender, *recipient, 1, *nonce))
    }
}

/// Adds a block with these transactions on the tip, a second younger.
pub fn add_block<D: Disk>(grower: &Grower, ledger: &mut Ledger<D>, transactions: Vec<Transaction>) {
    let block = grower.block_at(time(ledger), ledger, 0, transactions);
    add(ledger, &block);
}

/// The time of the next block.
fn time<D: Disk>(ledger: &Ledger<D>) -> Timestamp {
    ledger.tip().time().plus(1)
}

fn nonce<D: Disk>(grower: &Grower, ledger: &Ledger<D>, number: u64) -> u64 {
    ledger.account(&grower.owner(number).account_key()).expect("the store works").nonce
}
