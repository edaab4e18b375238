//! Ledgers that grow without a node and as fast as they can: what benchmarks measure on.

use std::num::NonZero;
use std::sync::Arc;

use mote::block::Block;
use mote::store::disk::Disk;
use mote::store::ledger::{Added, Ledger};
use mote_core::keys::{PublicKey, SecretKey};
use mote_core::miner::template;
use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Clock, check_transaction};
use mote_core::transaction::{Memo, Payment, Transaction};
use mote_core::units::{Amount, Moment, Timestamp};

use crate::fixtures::{key, mine, regtest};

/// How many accounts take part. Each payment of a full block has a sender of its own: the worst case for
/// whoever checks signatures together.
pub const ACCOUNTS: usize = 1_000;

/// Every so many blocks of [`Grower::grow`] have a payment.
pub const BLOCKS_PER_PAYMENT: u64 = 10;

/// What each account is funded with, in grains: enough for [`Grower::ring`] in 80 blocks.
const FUNDS_GRAINS: u64 = 90_000;

/// Mines what all accounts are funded with: 1,000 times [`FUNDS_GRAINS`] and a fee.
const FUNDING_BLOCKS: usize = 10;

/// What each payment costs besides, in grains.
pub const FEE_GRAINS: u64 = 1_000;

/// Makes blocks on the tip of a ledger.
pub struct Grower {
    /// The network, `regtest`.
    pub params: Arc<Params>,
    keys: Vec<SecretKey>,
    owners: Vec<PublicKey>,
}

impl Default for Grower {
    fn default() -> Self {
        let keys: Vec<SecretKey> = (0..ACCOUNTS as u64).map(key).collect();
        let owners = keys.iter().map(SecretKey::public_key).collect();
        Self { params: Arc::new(regtest()), keys, owners }
    }
}

impl Grower {
    /// Opens the ledger on this disk.
    pub fn open<D: Disk>(&self, disk: D) -> Ledger<D> {
        Ledger::open(disk, self.params.clone(), 7, |_| {}).expect("the ledger opens").0
    }

    /// The account with this number, counted on from the first behind the last.
    pub fn owner(&self, number: u64) -> PublicKey {
        self.owners[number as usize % ACCOUNTS]
    }

    /// A block on the tip, mined for the account with this number.
    pub fn block<D: Disk>(&self, ledger: &Ledger<D>, miner: u64, transactions: Vec<Transaction>) -> Block {
        self.block_at(ledger.tip().time().plus(10), ledger, miner, transactions)
    }

    /// The same, of a time of its own.
    pub fn block_at<D: Disk>(
        &self,
        time: Timestamp,
        ledger: &Ledger<D>,
        miner: u64,
        transactions: Vec<Transaction>,
    ) -> Block {
        let (tip, miner) = (ledger.tip(), self.owner(miner));
        let executed = ledger.execute(tip, &self.check(&transactions), miner);
        let executed = executed.expect("the transactions obey every rule");
        let mut header = template(&self.params, tip, miner, time, &executed);
        mine(&mut header);
        Block { header, transactions }
    }

    /// The transactions, each of them checked alone, on all processors.
    pub fn check<'a>(&self, transactions: &'a [Transaction]) -> Vec<CheckedTransaction<'a>> {
        let check = |transaction| check_transaction(&self.params, transaction).expect("it obeys every rule");
        on_all_processors(transactions, check)
    }

    /// A payment from one account to another by their numbers, the next that the sender can make.
    pub fn pay<D: Disk>(&self, ledger: &Ledger<D>, from: u64, to: u64, grains: u64) -> Transaction {
        let nonce = ledger.account(&self.owner(from).account_key()).expect("the account is readable").nonce;
        self.sign(from, to, grains, nonce)
    }

    /// A payment from every account to the next one, each from a sender of its own.
    pub fn ring<D: Disk>(&self, ledger: &Ledger<D>) -> Vec<Transaction> {
        (0..ACCOUNTS as u64).map(|number| self.pay(ledger, number, number + 1, 1)).collect()
    }

    /// The blocks after which every account can pay: see [`Grower::ring`].
    pub fn fund<D: Disk>(&self, ledger: &mut Ledger<D>) -> Vec<Block> {
        let mut blocks = Vec::new();
        for _ in 0..FUNDING_BLOCKS {
            blocks.push(self.block(ledger, 0, Vec::new()));
            add(ledger, &blocks[blocks.len() - 1]);
        }
        let payments = (0..ACCOUNTS as u64).map(|number| self.sign(0, number, FUNDS_GRAINS, number));
        blocks.push(self.block(ledger, 0, payments.collect()));
        add(ledger, &blocks[blocks.len() - 1]);
        blocks
    }

    /// Adds blocks until the tip has this height. The accounts mine in turn, and now and then the last
    /// miner pays the next one.
    pub fn grow<D: Disk>(&self, ledger: &mut Ledger<D>, height: u64) {
        while ledger.tip().height().get() < height {
            let next = ledger.tip().height().next().get();
            let is_paid = next > 1 && next.is_multiple_of(BLOCKS_PER_PAYMENT);
            let payments = is_paid.then(|| self.pay(ledger, next - 1, next, 1_000)).into_iter().collect();
            let block = self.block(ledger, next, payments);
            add(ledger, &block);
        }
    }

    /// A payment from an account by its number to anybody, with this nonce and the least fee.
    pub fn pay_to(&self, from: u64, recipient: PublicKey, grains: u64, nonce: u64) -> Transaction {
        let (amount, fee) = (Amount::from_grains(grains), Amount::from_grains(FEE_GRAINS));
        Payment { recipient, amount, fee, nonce, memo: Memo::new() }
            .sign(&self.params, &self.keys[from as usize % ACCOUNTS])
    }

    fn sign(&self, from: u64, to: u64, grains: u64, nonce: u64) -> Transaction {
        self.pay_to(from, self.owner(to), grains, nonce)
    }
}

/// Does something with each of many items on all processors; what comes of it in the order of the items.
pub fn on_all_processors<'a, T: Sync, R: Send>(items: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let begin = |items: &'a [T]| scope.spawn(move || items.iter().map(work).collect::<Vec<R>>());
        let begun: Vec<_> = items.chunks(share).map(begin).collect();
        begun.into_iter().flat_map(|thread| thread.join().expect("the work succeeds")).collect()
    })
}

/// Adds a block that becomes the tip, as a node does but for waiting until it is durable.
pub fn add<D: Disk>(ledger: &mut Ledger<D>, block: &Block) {
    let added = ledger.add(block, Clock::AcceptedBefore).expect("the block obeys every rule");
    assert_eq!(added, Added::Extended, "the block is on the tip");
    // Time stands still, so that only full batches are committed.
    ledger.maintain(Moment::default()).expect("the index can be written");
}
