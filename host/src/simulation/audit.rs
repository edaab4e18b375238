//! What a node holds and says of it, held against what the replay of its blocks came to.

use std::collections::BTreeSet;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::state::Account;
use mote_core::transaction::Transaction;
use mote_core::units::{Moment, Timestamp};

use super::checker::Demand;
use super::place::MEMPOOL_TRANSACTIONS;
use super::replay::{Replay, Replayed, transaction_id};
use super::wide::Wide;
use crate::node::{Node, Now};
use crate::store::disk::Disk;
use crate::store::error::StoreError;

/// How many blocks below its tip are compared with the index of a node that has just started.
const LOOKED_BACK_BLOCKS: usize = 16;

/// How many payments of one block are looked up.
const LOOKED_UP_PAYMENTS: usize = 8;

/// Something that must never be, at a node that is known from elsewhere.
#[derive(Debug)]
pub struct Finding {
    /// What is demanded.
    pub demand: Demand,
    /// What there was.
    pub got: String,
    /// What there should have been.
    pub expected: String,
}

impl Finding {
    /// What was found.
    pub fn new(demand: Demand, got: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { demand, got: got.into(), expected: expected.into() }
    }
}

impl From<StoreError> for Finding {
    fn from(error: StoreError) -> Self {
        Self::new(Demand::Readable, error.to_string(), "a store that can be read")
    }
}

/// From which tip to which a node has moved.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The tip when it was last looked at.
    pub before: Hash32,
    /// Its tip.
    pub tip: Hash32,
    /// Whether it has just started, so that blocks that it never told of may be gone.
    pub is_start: bool,
}

/// The blocks that a node holds, on all branches.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    blocks: BTreeSet<Hash32>,
    /// How many the node says that there are, the genesis block included; 0 before it was looked at.
    count: u64,
    /// The open payments, as of this version of them.
    open: BTreeSet<Hash32>,
    open_version: Option<u64>,
    heaviest: Wide,
    is_settled: bool,
    /// The blocks that had come when it was last looked at.
    news: Vec<Hash32>,
}

impl Holdings {
    /// Whether nothing has come since the last look.
    pub fn is_complete<D: Disk>(&self, node: &Node<D>) -> bool {
        self.is_settled && node.ledger().statistics().blocks == self.count
    }

    /// Whether this is the first look at a node that has just started.
    pub fn is_fresh(&self) -> bool {
        !self.is_settled
    }

    /// Ends a look.
    pub fn settle(&mut self) {
        self.is_settled = true;
    }

    /// Goes through all blocks that have come, on the main chain and beside it, and judges each that no
    /// node had before.
    pub fn take_stock<D: Disk>(
        &mut self,
        node: &Node<D>,
        replay: &mut Replay,
        latest: u64,
    ) -> Result<(), Finding> {
        let ledger = node.ledger();
        let ends = ledger.branch_ends(usize::MAX)?;
        self.news.clear();
        for mut id in std::iter::once(ledger.tip().id()).chain(ends.iter().map(|end| end.id)) {
            let mut path = Vec::new();
            while id != replay.genesis() && !self.blocks.contains(&id) {
                let entry = ledger.header(&id)?.ok_or_else(|| {
                    Finding::new(Demand::Index, format!("no block {id}"), "a chain down to genesis")
                })?;
                path.push((id, entry.work));
                id = entry.header.previous;
            }
            for (id, work) in path.into_iter().rev() {
                if replay.get(&id).is_none() {
                    judge(node, replay, &id, latest)?;
                }
                let (got, expected) = (work.to_be_bytes(), replay.work(&id).to_be_bytes());
                if got != expected {
                    let [got, expected] = [got, expected].map(|work| Hash32::from_bytes(work).to_string());
                    return Err(Finding::new(
                        Demand::ForkChoice,
                        format!("work {got} for block {id}"),
                        expected,
                    ));
                }
                self.heaviest = self.heaviest.max(replay.work(&id));
                self.blocks.insert(id);
                self.news.push(id);
            }
        }
        self.count = ledger.statistics().blocks;
        let held = self.blocks.len() as u64 + 1;
        if held != self.count {
            let (got, expected) = (format!("{} blocks", self.count), format!("{held}, on all branches"));
            return Err(Finding::new(Demand::Index, got, expected));
        }
        Ok(())
    }

    /// Whether every open payment is one that its sender signed.
    pub fn check_open<D: Disk>(&mut self, node: &Node<D>, replay: &Replay) -> Result<(), Finding> {
        let version = Some(node.mempool_version());
        if std::mem::replace(&mut self.open_version, version) == version {
            return Ok(());
        }
        let before = std::mem::take(&mut self.open);
        for entry in node.mempool().by_priority() {
            if !before.contains(&entry.id()) && !replay.is_signed(entry.transaction()) {
                let got = format!("open payment {}", transaction_id(entry.transaction()));
                return Err(Finding::new(Demand::ValidChain, got, "payments that their senders signed"));
            }
            self.open.insert(entry.id());
        }
        Ok(())
    }

    /// Whether the tip has most work, and moved only for more.
    pub fn check_choice<D: Disk>(&self, node: &Node<D>, replay: &Replay, step: Step) -> Result<(), Finding> {
        let (work, tip) = (replay.work(&step.tip), node.ledger().tip());
        if tip.work().to_be_bytes() != work.to_be_bytes() {
            let got = format!("{} attempts for the chain of the tip", tip.work().saturating_u64());
            return Err(Finding::new(Demand::ForkChoice, got, format!("{} attempts", work.low())));
        }
        if work < self.heaviest {
            let got = format!("a tip of {} attempts", work.low());
            return Err(Finding::new(Demand::ForkChoice, got, format!("the one of {}", self.heaviest.low())));
        }
        if !step.is_start && step.before != step.tip && work <= replay.work(&step.before) {
            let got = format!("a move from {} to {} without more work", step.before, step.tip);
            return Err(Finding::new(Demand::ForkChoice, got, "the first of two equal chains"));
        }
        Ok(())
    }
}

fn judge<D: Disk>(node: &Node<D>, replay: &mut Replay, id: &Hash32, latest: u64) -> Result<(), Finding> {
    let Some(block) = node.ledger().block(id)? else {
        return Err(Finding::new(Demand::Index, format!("no block {id}"), "every block of the chain"));
    };
    replay.judge(id, &block, latest).map_err(|broken| {
        let (height, rule) = (block.header.height, broken.rule.id());
        let got = format!("block {id} at height {height} breaks {rule}: {}", broken.got);
        Finding::new(Demand::ValidChain, got, broken.expected)
    })?;
    let Some(replayed) = replay.get(id) else { return Ok(()) };
    // The node's own accounts, one by one: their sum is all that was ever minted.
    let (mut total, mut count) = (0_u128, 0);
    for leaf in node.ledger().accounts(id)?.into_iter().flatten() {
        total += u128::from(leaf?.account.balance.grains());
        count += 1;
    }
    if (total, count) != (replayed.minted, replayed.accounts.count()) {
        let got = format!("{total} grains in {count} accounts after block {id}");
        let expected = format!("{} grains in {} accounts", replayed.minted, replayed.accounts.count());
        return Err(Finding::new(Demand::Supply, got, expected));
    }
    Ok(())
}

/// What parts two chains: the blocks above their fork, those of `a` and those of `b`, the last first.
fn parted<'r>(replay: &'r Replay, a: &Hash32, b: &Hash32) -> [Vec<(Hash32, &'r Replayed)>; 2] {
    let (mut left, mut joined) = (Vec::new(), Vec::new());
    let (mut a, mut b) = (replay.chain(a).peekable(), replay.chain(b).peekable());
    while let (Some((old, at)), Some((new, above))) = (a.peek(), b.peek())
        && old != new
    {
        if at.height() >= above.height() { left.extend(a.next()) } else { joined.extend(b.next()) }
    }
    [left, joined]
}

/// Whether the node finds the blocks and payments of its chain, no others, and the accounts as they are.
pub fn check_index<D: Disk>(node: &Node<D>, replay: &Replay, step: Step) -> Result<(), Finding> {
    let ledger = node.ledger();
    let [left, mut joined] = parted(replay, &step.before, &step.tip);
    if step.is_start {
        joined = replay.chain(&step.tip).take(LOOKED_BACK_BLOCKS).collect();
    }
    let wrong = |got: String, expected: String| Err(Finding::new(Demand::Index, got, expected));
    let Some(tip) = replay.get(&step.tip) else { return Ok(()) };
    if let Some(id) = ledger.id_at(tip.height() + 1)? {
        return wrong(format!("block {id} above the tip"), "none".to_owned());
    }
    for (id, replayed) in &joined {
        let height = replayed.height();
        if ledger.id_at(height)? != Some(*id) {
            return wrong(format!("{:?} at height {height}", ledger.id_at(height)?), id.to_string());
        }
        for (index, transaction) in (0..).zip(&replayed.block.transactions).take(LOOKED_UP_PAYMENTS) {
            let payment = transaction_id(transaction);
            let found = ledger.transaction(&payment)?.map(|entry| (entry.block, entry.index));
            if found != Some((*id, index)) {
                let expected = format!("payment {payment} at place {index} of block {id}");
                return wrong(format!("{found:?}"), expected);
            }
        }
    }
    for transaction in gone(&left, &joined).take(LOOKED_UP_PAYMENTS) {
        let payment = transaction_id(transaction);
        if let Some(entry) = ledger.transaction(&payment)? {
            let got = format!("payment {payment} in block {}", entry.block);
            return wrong(got, "none: that block has left the chain".to_owned());
        }
    }
    let touched: BTreeSet<PublicKey> =
        left.iter().chain(&joined).flat_map(|(_, block)| keys_of(block)).collect();
    for key in touched {
        let (got, expected) = (node.account(&key)?, tip.accounts.account(&key));
        if got != expected {
            return wrong(format!("{got:?} for {key:?}"), format!("{expected:?}"));
        }
    }
    Ok(())
}

fn keys_of(replayed: &Replayed) -> Vec<PublicKey> {
    let paid = replayed.block.transactions.iter().flat_map(|paid| [paid.sender, paid.recipient]);
    paid.chain([replayed.block.header.miner]).filter(|key| key.as_bytes() != &[0; 32]).collect()
}

/// The payments that have left the chain.
fn gone<'r>(
    left: &'r [(Hash32, &'r Replayed)],
    joined: &[(Hash32, &Replayed)],
) -> impl Iterator<Item = &'r Transaction> {
    let paid = joined.iter().flat_map(|(_, block)| &block.block.transactions).map(transaction_id);
    let paid: BTreeSet<Hash32> = paid.collect();
    let unpaid = move |transaction: &&Transaction| !paid.contains(&transaction_id(transaction));
    left.iter().flat_map(|(_, block)| &block.block.transactions).filter(unpaid)
}

/// Whether the payments of blocks that have left the chain are open again where they are next to be mined.
pub fn check_returned<D: Disk>(
    node: &Node<D>,
    replay: &Replay,
    holdings: &Holdings,
    step: Step,
) -> Result<(), Finding> {
    let [left, joined] = parted(replay, &step.before, &step.tip);
    // Where the pool was full when the branch won, better payments are open; what was mined then and since has left it.
    let won = joined.iter().filter(|(_, block)| block.work > replay.work(&step.before));
    let mined: usize = won.map(|(_, block)| block.block.transactions.len()).sum();
    if step.is_start || node.mempool().len() + mined >= MEMPOOL_TRANSACTIONS {
        return Ok(());
    }
    // A node judges them when the branch wins. One that its sender could not pay then is not kept, though a later
    // block of the same step may have paid the sender. So it is where yet another branch won on the way.
    let news = holdings.news.iter().filter_map(|id| replay.get(id));
    let between: Vec<_> = news.filter(|block| block.work > replay.work(&step.before)).collect();
    for transaction in gone(&left, &joined) {
        let stayed_payable = between.iter().all(|block| can_be_next(block, transaction));
        if stayed_payable
            && stays_payable(replay, step, transaction)
            && !is_open(node, transaction)
            && !is_read_only(node)
        {
            let got = format!("payment {}, mined before, is not open", transaction_id(transaction));
            return Err(Finding::new(Demand::Returned, got, "it is open again"));
        }
    }
    Ok(())
}

/// Whether a payment that a node took in, and dropped, could be mined no more.
pub fn check_dropped<'t, D: Disk>(
    node: &Node<D>,
    replay: &Replay,
    step: Step,
    mut dropped: impl Iterator<Item = &'t Transaction>,
) -> Result<(), Finding> {
    // Where the pool is full, better payments drive others out.
    if node.mempool().len() >= MEMPOOL_TRANSACTIONS || is_read_only(node) {
        return Ok(());
    }
    match dropped.find(|payment| stays_payable(replay, step, payment)) {
        Some(payment) => {
            let got = format!("no payment {}", transaction_id(payment));
            Err(Finding::new(Demand::Durability, got, "every payment that it took in, as it can be mined"))
        }
        None => Ok(()),
    }
}

/// The payments of the chain of one tip that are not in the chain of another.
pub fn joined(replay: &Replay, before: &Hash32, tip: &Hash32) -> Vec<(Hash32, Transaction)> {
    let [_, joined] = parted(replay, before, tip);
    let payments = joined.iter().flat_map(|(_, block)| &block.block.transactions);
    payments.map(|payment| (transaction_id(payment), payment.clone())).collect()
}

/// Whether a payment can be mined right after the block by which a branch wins, and after each one of that step on it.
pub fn stays_payable(replay: &Replay, step: Step, payment: &Transaction) -> bool {
    let [_, joined] = parted(replay, &step.before, &step.tip);
    let won = joined.into_iter().filter(|(_, block)| block.work > replay.work(&step.before));
    let mut since = won.map(|(_, block)| block).chain(replay.get(&step.tip));
    since.all(|block| can_be_next(block, payment))
}

/// Whether a payment can be mined right after a block.
pub fn can_be_next(tip: &Replayed, transaction: &Transaction) -> bool {
    can_pay(tip.accounts.account(&transaction.sender), transaction)
}

/// Whether a payment is the next one of a sender who has this.
pub fn can_pay(sender: Account, transaction: &Transaction) -> bool {
    let needed = u128::from(transaction.amount.grains()) + u128::from(transaction.fee.grains());
    sender.nonce == transaction.nonce && u128::from(sender.balance.grains()) >= needed
}

/// Whether a payment is open, or another one that would take its place.
fn is_open<D: Disk>(node: &Node<D>, transaction: &Transaction) -> bool {
    let nonces = node.mempool().of_sender(&transaction.sender).map(|entry| entry.transaction().nonce);
    nonces.into_iter().any(|nonce| nonce == transaction.nonce)
}

/// Whether a node has stopped writing: what it held in memory alone may be gone then.
fn is_read_only<D: Disk>(node: &Node<D>) -> bool {
    let now = Now { time: Timestamp::default(), moment: Moment::default() };
    node.status(now).read_only.is_some()
}
