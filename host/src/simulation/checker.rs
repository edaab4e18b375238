//! Looks at the world after every step: what no node may ever do, whatever happens to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mote_core::hash::Hash32;
use mote_core::params::{Params, reward};
use mote_core::pow::Work;
use mote_core::rules::{Clock, debit};
use mote_core::transaction::Transaction;
use mote_core::units::{Height, Moment, Timestamp};
use serde::Serialize;

use super::place::{MEMPOOL_TRANSACTIONS, START_SECONDS};
use crate::node::Node;
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::ledger::{AddError, Ledger};
use crate::store::memory::MemoryDisk;

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
    /// The chain that a node holds obeys every rule.
    ValidChain,
    /// A node can read its chain, bits that flip excepted.
    Readable,
    /// All accounts together hold the rewards of all blocks and nothing else.
    Supply,
    /// No block or payment that was acknowledged is lost in a crash.
    Durability,
    /// A node starts again after whatever its disk went through, bits that flip excepted.
    Restart,
    /// What a device shows as its account is what the chain says.
    Balance,
    /// A device tells of every payment of its owner that was mined, also by a branch that won.
    Told,
    /// No honest node drops an honest one for an offence.
    Blame,
    /// Queues stay within their limits.
    Bounds,
    /// Within a stated time after the last fault all nodes have the same tip.
    Agreement,
    /// Blocks keep coming.
    Liveness,
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
    work: Work,
    payments: BTreeMap<Hash32, Transaction>,
}

/// All that is known of all nodes.
pub struct Checker {
    reference: Ledger<MemoryDisk>,
    clock_tolerance_seconds: u64,
    seen: BTreeMap<Hash32, Seen>,
    acknowledged: Vec<Acknowledged>,
    tips: Vec<Hash32>,
}

impl Checker {
    /// A checker of so many nodes whose clocks are off by at most so many seconds.
    pub fn new(params: Arc<Params>, nodes: usize, clock_tolerance_seconds: u64) -> Result<Self, StoreError> {
        let genesis = params.genesis_id();
        let (reference, _) = Ledger::open(MemoryDisk::new(), params, 0, |_| {})?;
        let acknowledged = vec![Acknowledged::default(); nodes];
        let tips = vec![genesis; nodes];
        Ok(Self { reference, clock_tolerance_seconds, seen: BTreeMap::new(), acknowledged, tips })
    }

    /// The chain of all blocks, replayed.
    pub(super) fn reference(&self) -> &Ledger<MemoryDisk> {
        &self.reference
    }

    /// Every block that was ever on a node's chain.
    pub fn seen(&self) -> &BTreeMap<Hash32, Seen> {
        &self.seen
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

    /// Looks at a node after a step. The chain is replayed through the rules, each block once for all nodes.
    pub fn look<D: Disk>(&mut self, millis: u64, place: usize, node: &Node<D>) -> Result<(), Violation> {
        let violation =
            |demand, got, expected| Violation { millis, node: Some(place), demand, got, expected };
        if node.mempool().len() > MEMPOOL_TRANSACTIONS {
            let (got, most) = (node.mempool().len(), MEMPOOL_TRANSACTIONS);
            return Err(violation(Demand::Bounds, format!("{got} open payments"), format!("at most {most}")));
        }
        let tip = node.ledger().tip().id();
        if self.tip(place) == tip {
            return Ok(());
        }
        if let Some(last) = self.tips.get_mut(place) {
            *last = tip;
        }
        self.forget_dropped(place, node);
        let unreadable = |error: StoreError| {
            violation(Demand::Readable, error.to_string(), "a chain that can be read".to_owned())
        };
        let is_known = |seen: &BTreeMap<Hash32, Seen>, id: &Hash32| {
            seen.get(id).is_some_and(|seen| seen.known.contains_key(&place))
        };
        let (mut id, mut path) = (tip, Vec::new());
        while !is_known(&self.seen, &id) {
            let Some(entry) = node.ledger().header(&id).map_err(unreadable)? else {
                let got = format!("no block {id}");
                return Err(violation(Demand::ValidChain, got, "a chain down to genesis".to_owned()));
            };
            if entry.header.height == Height::GENESIS {
                break;
            }
            path.push(id);
            id = entry.header.previous;
        }
        for id in path.into_iter().rev() {
            if !self.seen.contains_key(&id) {
                let block = node.ledger().block(&id).map_err(unreadable)?;
                let Some(block) = block else {
                    let got = format!("no block {id}");
                    return Err(violation(Demand::ValidChain, got, "every block of the chain".to_owned()));
                };
                let latest = START_SECONDS + millis / 1_000 + self.clock_tolerance_seconds;
                let added = self.reference.add(&block, Clock::Now(Timestamp::from_seconds(latest)));
                added.map_err(|error: AddError| {
                    let got = format!("block {id} at height {}: {error}", block.header.height);
                    violation(Demand::ValidChain, got, "a block that obeys every rule".to_owned())
                })?;
                self.check_supply(&id, block.header.height)
                    .map_err(|(got, expected)| violation(Demand::Supply, got, expected))?;
                let seen = Seen {
                    parent: block.header.previous,
                    height: block.header.height,
                    known: BTreeMap::new(),
                };
                self.seen.insert(id, seen);
            }
            if let Some(seen) = self.seen.get_mut(&id) {
                seen.known.insert(place, millis);
            }
        }
        self.reference.maintain(Moment::from_millis(millis)).map_err(unreadable)
    }

    /// Another branch may have made payments impossible that were taken in: those are not to be found again.
    fn forget_dropped<D: Disk>(&mut self, place: usize, node: &Node<D>) {
        let Some(acknowledged) = self.acknowledged.get_mut(place) else { return };
        acknowledged.payments.retain(|_, Transaction { sender, nonce, .. }| {
            node.mempool().of_sender(sender).any(|entry| entry.transaction().nonce == *nonce)
                || node.account(sender).is_ok_and(|account| account.nonce > *nonce)
        });
    }

    fn check_supply(&self, id: &Hash32, height: Height) -> Result<(), (String, String)> {
        let expected: u128 =
            (1..=height.get()).map(|height| u128::from(reward(Height::new(height)).grains())).sum();
        let expected = format!("{expected} grains");
        let accounts = self.reference.accounts(id).map_err(|error| (error.to_string(), expected.clone()))?;
        let mut got = 0_u128;
        for leaf in accounts.into_iter().flatten() {
            let leaf = leaf.map_err(|error| (error.to_string(), expected.clone()))?;
            got += u128::from(leaf.account.balance.grains());
        }
        let got = format!("{got} grains");
        if got == expected { Ok(()) } else { Err((got, expected)) }
    }

    /// A node has told of a block, which it may only do once that is durable.
    pub fn block_acknowledged<D: Disk>(&mut self, place: usize, id: Hash32, node: &Node<D>) {
        if let Some(acknowledged) = self.acknowledged.get_mut(place) {
            acknowledged.blocks.insert(id);
            acknowledged.work = acknowledged.work.max(node.ledger().tip().work());
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

    /// Looks at a node that has started again.
    pub fn look_after_start<D: Disk>(
        &mut self,
        millis: u64,
        place: usize,
        node: &Node<D>,
    ) -> Result<(), Violation> {
        let Some(acknowledged) = self.acknowledged.get(place) else { return Ok(()) };
        let lost = |got: String, expected: String| Violation {
            millis,
            node: Some(place),
            demand: Demand::Durability,
            got,
            expected,
        };
        let failed = |error: StoreError| lost(error.to_string(), "a store that can be read".to_owned());
        for id in &acknowledged.blocks {
            if !node.ledger().contains(id).map_err(failed)? {
                return Err(lost(format!("no block {id}"), "every block that it told of".to_owned()));
            }
        }
        if node.ledger().tip().work() < acknowledged.work {
            let got = format!("a chain of work {}", node.ledger().tip().work().as_f64());
            return Err(lost(got, format!("at least {}", acknowledged.work.as_f64())));
        }
        for (id, payment) in &acknowledged.payments {
            // A payment is open until its nonce is used, by itself or by another of the same sender, or until
            // another branch, which may have won right before the power failed, leaves the sender too little.
            let account = node.pending(&payment.sender).map_err(failed)?;
            let is_covered = debit(payment, account).is_ok();
            if account.nonce == payment.nonce && is_covered {
                return Err(lost(format!("no payment {id}"), "every payment that it took in".to_owned()));
            }
        }
        self.look(millis, place, node)
    }
}
