//! What came of a world, in whole numbers: the same bytes for the same seed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::adversary::Revenue;
use super::checker::Violation;
use super::knobs::Knobs;
use super::world::World;

/// What came of a world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What the world was like; with it everything happens again.
    pub knobs: Knobs,
    /// What must never be and was, where there was something.
    pub violation: Option<Violation>,
    /// How long it went on, in milliseconds of the world.
    pub millis: u64,
    /// How long after the last fault all honest nodes had one tip, in milliseconds.
    pub agreed_after_ms: Option<u64>,
    /// Id of the first node's tip.
    pub tip: String,
    /// Height of the first node's tip.
    pub height: u64,
    /// Blocks that were on some node's chain.
    pub blocks: u64,
    /// How many of a thousand blocks are not on the first node's chain.
    pub forks_per_mille: u64,
    /// How long it took until a node had a block on its chain.
    pub propagation: Propagation,
    /// Reorganisations of any node by their depth.
    pub reorganisations: BTreeMap<u64, u64>,
    /// Payments that were acknowledged.
    pub payments: u64,
    /// Starts of devices.
    pub device_starts: u64,
    /// Payments of devices that left.
    pub device_payments: u64,
    /// Blocks that devices have checked by their witnesses.
    pub device_checks: u64,
    /// Blocks that devices have mined.
    pub device_blocks: u64,
    /// Reorganisations of devices by their depth.
    pub device_reorganisations: BTreeMap<u64, u64>,
    /// Connections that ended for an offence, all of attackers, byzantine nodes or disks with flipped bits.
    pub refusals: u64,
    /// The most connections of a node.
    pub connections_max: usize,
    /// The most headers whose blocks a node was waiting for.
    pub wanted_max: usize,
    /// The most open payments of a node.
    pub transactions_max: usize,
    /// The most bytes of a node's disk.
    pub stored_bytes_max: u64,
    /// Faults by their names.
    pub faults: BTreeMap<&'static str, u64>,
    /// What a miner who withholds blocks got, where there is one.
    pub revenue: Option<Revenue>,
    /// Messages that byzantine nodes have tampered with.
    pub lies: u64,
    /// Disks that had lost bits and were replaced by empty ones.
    pub replaced_disks: u64,
    /// Nodes that left for good.
    pub left: u64,
    /// Nodes that joined in the place of one that had left.
    pub joined: u64,
    /// Starts of nodes.
    pub starts: u64,
    /// Connections that came about.
    pub connections: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events of any kind.
    pub steps: u64,
}

/// Milliseconds from the moment at which the first node had a block to that at which another had it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Propagation {
    /// Half of all were faster.
    pub median_ms: u64,
    /// Nine of ten were faster.
    pub p90_ms: u64,
    /// Ninety-nine of a hundred were faster.
    pub p99_ms: u64,
    /// The slowest: a node that was off, most often.
    pub slowest_ms: u64,
}

impl Summary {
    /// Sums up a world.
    pub(super) fn new(world: &World, agreed_after_ms: Option<u64>, violation: Option<Violation>) -> Self {
        let (tally, seen) = (world.tally.clone(), world.checker.seen());
        let chain = world.main_chain();
        let tip = world.checker.tip(0);
        let blocks = seen.len() as u64;
        let forks = blocks.saturating_sub(chain.len() as u64);
        Self {
            knobs: world.knobs.clone(),
            violation,
            millis: world.millis,
            agreed_after_ms,
            tip: tip.to_string(),
            height: world.checker.height(&tip),
            blocks,
            forks_per_mille: forks * 1_000 / blocks.max(1),
            propagation: Propagation::of(delays(world)),
            reorganisations: tally.reorganisations,
            payments: tally.payments,
            device_starts: tally.device_starts,
            device_payments: tally.device_payments,
            device_checks: tally.device_checks,
            device_blocks: tally.device_blocks,
            device_reorganisations: tally.device_reorganisations,
            refusals: tally.refusals,
            connections_max: tally.held.connections,
            wanted_max: tally.held.wanted,
            transactions_max: tally.held.transactions,
            stored_bytes_max: tally.stored_bytes,
            faults: tally.faults,
            revenue: world.revenue(),
            lies: world.lies(),
            replaced_disks: tally.replaced_disks,
            left: tally.left,
            joined: tally.joined,
            starts: tally.starts,
            connections: tally.connections,
            messages: tally.messages,
            bytes: tally.bytes,
            steps: tally.steps,
        }
    }
}

/// How long each block took to each node, in milliseconds.
pub(super) fn delays(world: &World) -> Vec<u64> {
    let mut delays = Vec::new();
    for seen in world.checker.seen().values() {
        let first = seen.known.values().min().copied().unwrap_or_default();
        let mut others: Vec<u64> = seen.known.values().map(|then| then - first).collect();
        others.sort_unstable();
        delays.extend(others.into_iter().skip(1));
    }
    delays.sort_unstable();
    delays
}

impl Propagation {
    /// The percentiles of sorted delays.
    fn of(delays: Vec<u64>) -> Self {
        let at = |per_cent: usize| {
            delays
                .get((delays.len() * per_cent / 100).min(delays.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0)
        };
        Self { median_ms: at(50), p90_ms: at(90), p99_ms: at(99), slowest_ms: at(100) }
    }
}
