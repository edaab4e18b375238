//! Looks at the world after every step: what no node may ever do, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};

use mote_core::hash::Hash32;
use mote_core::pow::Work;
use mote_core::transaction::Transaction;
use mote_core::units::Height;
use serde::Serialize;

use super::audit::{self, Finding, Holdings, Step};
use super::place::{MEMPOOL_TRANSACTIONS, START_SECONDS};
use super::replay::{Facts, Replay, transaction_id};
use crate::node::Node;
use crate::store::disk::Disk;
use crate::store::error::StoreError;

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// When, in milliseconds of the world.
    pub millis: u64,
    /// At which node, where it is one's.
    pub node: Option<usize>,
    /// What is demanded.
    pub demand: Demand,
    /// What there was.
    pub got: String,
    /// What there should have been.
    pub expected: String,
}

/// What is demanded of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// Every block that a node holds, on whatever branch, obeys every rule.
    ValidChain,
    /// Of all blocks that a node holds its tip has most work, and of equals it is the first.
    ForkChoice,
    /// What a node says of its blocks, payments and accounts is what the blocks say.
    Index,
    /// A payment of a block that left the chain is open again where it can still be mined.
    Returned,
    /// A payment that an honest node holds open is mined, or made impossible by others, once the world is healed.
    Inclusion,
    /// No honest node takes another one for a liar.
    Fairness,
    /// A node whose attackers fill its slots and addresses still hears of the heaviest chain in time.
    Eclipse,
    /// A node can read its chain, bits that flip excepted.
    Readable,
    /// All accounts together hold the rewards of all blocks and nothing else.
    Supply,
    /// No block or payment that was acknowledged is lost, in a crash or while the node runs.
    Durability,
    /// A node starts again after whatever its disk went through, bits that flip excepted.
    Restart,
    /// What a device shows as its account is what the chain says.
    Balance,
    /// A device tells of every payment of its owner that was mined, also by a branch that won.
    Told,
    /// Queues stay within their limits.
    Bounds,
    /// Within a stated time after the last fault all nodes have the same tip.
    Agreement,
    /// Blocks keep coming.
    Liveness,
    /// Nothing panics.
    Panic,
}

/// A block as the world got to know it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its parent.
    pub parent: Hash32,
    /// Its height.
    pub height: Height,
    /// When each node first had it on its chain, in milliseconds.
    pub known: BTreeMap<usize, u64>,
}

/// What a node has acknowledged, and must still have after a crash.
#[derive(Clone, Debug, Default)]
struct Acknowledged {
    blocks: BTreeSet<Hash32>,
    /// Those of the last step in which there were any: they were written together.
    last_blocks: (u64, Vec<Hash32>),
    work: Work,
    payments: BTreeMap<Hash32, Transaction>,
}

/// All that is known of all nodes.
pub struct Checker {
    replay: Replay,
    clock_tolerance_seconds: u64,
    seen: BTreeMap<Hash32, Seen>,
    acknowledged: Vec<Acknowledged>,
    holdings: Vec<Holdings>,
    tips: Vec<Hash32>,
}

impl Checker {
    /// A checker of so many nodes whose clocks are off by at most so many seconds.
    pub fn new(facts: Facts, nodes: usize, clock_tolerance_seconds: u64) -> Self {
        let replay = Replay::new(facts);
        let acknowledged = vec![Acknowledged::default(); nodes];
        let holdings = vec![Holdings::default(); nodes];
        let tips = vec![replay.genesis(); nodes];
        Self { replay, clock_tolerance_seconds, seen: BTreeMap::new(), acknowledged, holdings, tips }
    }

    /// Every block that was ever on a node's chain.
    pub fn seen(&self) -> &BTreeMap<Hash32, Seen> {
        &self.seen
    }

    /// Every block that obeys every rule.
    pub fn replay(&self) -> &Replay {
        &self.replay
    }

    /// Every block that obeys every rule, to tell of what wallets sign and of blocks that are told to nobody.
    pub fn replay_mut(&mut self) -> &mut Replay {
        &mut self.replay
    }

    /// The tip that a node had when it was last looked at.
    pub fn tip(&self, place: usize) -> Hash32 {
        self.tips.get(place).copied().unwrap_or(Hash32::ZERO)
    }

    /// How high a block is.
    pub fn height(&self, id: &Hash32) -> u64 {
        self.seen.get(id).map_or(0, |seen| seen.height.get())
    }

    /// Whether all of these nodes have one tip.
    pub fn is_agreed(&self, mut places: impl Iterator<Item = usize>) -> bool {
        let first = places.next().map(|place| self.tip(place));
        places.all(|place| Some(self.tip(place)) == first)
    }

    /// Looks at a node after a step. What it holds is replayed by the text of the rules, each block once for
    /// all nodes.
    pub fn look<D: Disk>(&mut self, millis: u64, place: usize, node: &Node<D>) -> Result<(), Violation> {
        let violation =
            |demand, got, expected| Violation { millis, node: Some(place), demand, got, expected };
        if node.mempool().len() > MEMPOOL_TRANSACTIONS {
            let (got, most) = (node.mempool().len(), MEMPOOL_TRANSACTIONS);
            return Err(violation(Demand::Bounds, format!("{got} open payments"), format!("at most {most}")));
        }
        let (before, tip) = (self.tip(place), node.ledger().tip().id());
        let Some(holdings) = self.holdings.get_mut(place) else { return Ok(()) };
        holdings
            .check_open(node, &self.replay)
            .map_err(|found| violation(found.demand, found.got, found.expected))?;
        if before == tip && holdings.is_complete(node) {
            if node.mempool().len() == MEMPOOL_TRANSACTIONS {
                self.forget(&self.dropped(place, node), place);
            }
            return Ok(());
        }
        if let Some(last) = self.tips.get_mut(place) {
            *last = tip;
        }
        let latest = START_SECONDS + millis / 1_000 + self.clock_tolerance_seconds;
        let is_start = holdings.is_fresh();
        let found = (|| {
            holdings.take_stock(node, &mut self.replay, latest)?;
            let step = Step { before, tip, is_start };
            holdings.check_choice(node, &self.replay, step)?;
            if before != tip || step.is_start {
                audit::check_index(node, &self.replay, step)?;
                audit::check_returned(node, &self.replay, holdings, step)?;
            }
            holdings.settle();
            Ok(())
        })();
        found.map_err(|Finding { demand, got, expected }| violation(demand, got, expected))?;
        self.note_known(millis, place, &tip);
        let dropped = self.dropped(place, node);
        if !is_start {
            audit::check_dropped(node, &self.replay, Step { before, tip, is_start }, dropped.values())
                .map_err(|Finding { demand, got, expected }| violation(demand, got, expected))?;
        }
        self.forget(&dropped, place);
        let joined = audit::joined(&self.replay, &before, &tip);
        joined.iter().for_each(|(id, payment)| self.payment_prevails(place, id, payment));
        Ok(())
    }

    /// Notes when the blocks of its chain came to a node.
    fn note_known(&mut self, millis: u64, place: usize, tip: &Hash32) {
        for (id, replayed) in self.replay.chain(tip) {
            let header = &replayed.block.header;
            if header.height == Height::GENESIS {
                break;
            }
            let new = Seen { parent: header.previous, height: header.height, known: BTreeMap::new() };
            let known = &mut self.seen.entry(id).or_insert(new).known;
            if known.contains_key(&place) {
                // So was all below it.
                break;
            }
            known.insert(place, millis);
        }
    }

    /// The payments that a node has acknowledged and that are neither open nor mined there.
    fn dropped<D: Disk>(&self, place: usize, node: &Node<D>) -> BTreeMap<Hash32, Transaction> {
        let Some(acknowledged) = self.acknowledged.get(place) else { return BTreeMap::new() };
        let is_dropped = |(_, Transaction { sender, nonce, .. }): &(&Hash32, &Transaction)| {
            let is_used = node.account(sender).is_ok_and(|account| account.nonce > *nonce);
            !is_used && !node.mempool().of_sender(sender).any(|entry| entry.transaction().nonce == *nonce)
        };
        let dropped = acknowledged.payments.iter().filter(is_dropped);
        dropped.map(|(id, payment)| (*id, payment.clone())).collect()
    }

    /// Takes note that another branch has made payments impossible that were taken in, or that better ones drove
    /// them out: those are not to be found again.
    fn forget(&mut self, dropped: &BTreeMap<Hash32, Transaction>, place: usize) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.payments.retain(|id, _| !dropped.contains_key(id));
        }
    }

    /// A node has told of a block, which it may only do once that is durable.
    pub fn block_acknowledged<D: Disk>(&mut self, place: usize, id: Hash32, node: &Node<D>, step: u64) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.blocks.insert(id);
            if acknowledged.last_blocks.0 != step {
                acknowledged.last_blocks = (step, Vec::new());
            }
            acknowledged.last_blocks.1.push(id);
            acknowledged.work = acknowledged.work.max(node.ledger().tip().work());
        }
    }

    /// A node has taken in a payment, or a block with it: another with the same nonce does not count any more.
    pub fn payment_prevails(&mut self, place: usize, id: &Hash32, payment: &Transaction) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.payments.retain(|other, Transaction { sender, nonce, .. }| {
                other == id || *sender != payment.sender || *nonce != payment.nonce
            });
        }
    }

    /// A node has acknowledged a payment.
    pub fn payment_acknowledged(&mut self, place: usize, id: Hash32, payment: Transaction) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.payments.insert(id, payment);
        }
    }

    /// What a node acknowledged does not count any more: its disk has lost bits that were synced.
    pub fn excuse(&mut self, place: usize) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            *acknowledged = Acknowledged::default();
        }
    }

    /// A bit of a node's log has flipped. What was written last may be taken for an unfinished write; all before
    /// it counts as ever, and so do payments that are in no such block, unless the node refuses to start.
    pub fn excuse_last_write(&mut self, place: usize) {
        let tip = self.tip(place);
        let Some(acknowledged) = self.acknowledged.get_mut(place) else { return };
        for id in std::mem::take(&mut acknowledged.last_blocks.1).into_iter().chain([tip]) {
            acknowledged.blocks.remove(&id);
            let mined = self.replay.get(&id).into_iter().flat_map(|block| &block.block.transactions);
            for payment in mined.map(transaction_id) {
                acknowledged.payments.remove(&payment);
            }
        }
        let works = acknowledged.blocks.iter().map(|id| self.replay.work(id)).max().unwrap_or_default();
        acknowledged.work = Work::from_be_bytes(&works.to_be_bytes());
    }

    /// A bit of a node's journal of open payments has flipped: it may do without all behind it.
    pub fn excuse_payments(&mut self, place: usize) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.payments.clear();
        }
    }

    /// Looks at a node that has started again.
    pub fn look_after_start<D: Disk>(
        &mut self,
        millis: u64,
        place: usize,
        node: &Node<D>,
    ) -> Result<(), Violation> {
        if let Some(holdings) = self.holdings.get_mut(place) {
            *holdings = Holdings::default();
        }
        let Some(acknowledged) = self.acknowledged.get(place) else { return Ok(()) };
        let lost = |got: String, expected: String| Violation {
            millis,
            node: Some(place),
            demand: Demand::Durability,
            got,
            expected,
        };
        let failed = |error: StoreError| Violation {
            demand: Demand::Readable,
            ..lost(error.to_string(), "a store that can be read".to_owned())
        };
        for id in &acknowledged.blocks {
            if !node.ledger().contains(id).map_err(failed)? {
                return Err(lost(format!("no block {id}"), "every block that it told of".to_owned()));
            }
        }
        if node.ledger().tip().work() < acknowledged.work {
            let got = format!("a chain of work {}", node.ledger().tip().work().as_f64());
            return Err(lost(got, format!("at least {}", acknowledged.work.as_f64())));
        }
        // Payments of blocks that the power cut took are open again, and may drive out others where there is no room.
        let is_full = node.mempool().len() == MEMPOOL_TRANSACTIONS;
        for (id, payment) in acknowledged.payments.iter().filter(|_| !is_full) {
            // A payment is open until its nonce is used, by itself or by another of the same sender, or until
            // another branch, which may have won right before the power failed, leaves the sender too little.
            let account = node.pending(&payment.sender).map_err(failed)?;
            if audit::can_pay(account, payment) {
                return Err(lost(format!("no payment {id}"), "every payment that it took in".to_owned()));
            }
        }
        self.look(millis, place, node)
    }
}
