//! What is counted while the world goes on.

use std::collections::BTreeMap;

use mote_core::hash::Hash32;
use mote_firmware::event::{Event, Miner};

use crate::node::report::Held;

/// What happened, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Events.
    pub steps: u64,
    /// Messages that arrived.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Connections that came about.
    pub connections: u64,
    /// Starts of nodes.
    pub starts: u64,
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
    /// Nodes that left.
    pub left: u64,
    /// Nodes that took the place of one that had left.
    pub joined: u64,
    /// When which fault struck.
    pub struck: Vec<(u64, &'static str)>,
    /// The most that any node held at any time.
    pub held: Held,
    /// The most bytes that any node's disk had at any time.
    pub stored_bytes: u64,
    /// Connections that ended for an offence.
    pub refusals: u64,
    /// Disks that had lost bits and were replaced by empty ones.
    pub replaced_disks: u64,
    /// Reorganisations of any node by their depth.
    pub reorganisations: BTreeMap<u64, u64>,
    /// Faults by their names.
    pub faults: BTreeMap<&'static str, u64>,
    /// Each node's tips with the times from which on it had them; none while it was off.
    pub course: Vec<Vec<(u64, Option<Hash32>)>>,
}

impl Tally {
    /// Nothing yet, of so many nodes.
    pub fn new(nodes: usize) -> Self {
        Self { course: vec![Vec::new(); nodes], ..Self::default() }
    }

    /// A fault of this name strikes.
    pub fn fault(&mut self, millis: u64, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
        self.struck.push((millis, name));
    }

    /// A node holds this much now.
    pub fn most(&mut self, held: Held, stored_bytes: u64) {
        self.held = self.held.max(held);
        self.stored_bytes = self.stored_bytes.max(stored_bytes);
    }

    /// A device told of this.
    pub fn device_told(&mut self, event: &Event) {
        match event {
            Event::Block { miner: Miner::Other, .. } => self.device_checks += 1,
            Event::Found { .. } => self.device_blocks += 1,
            Event::Reorganised { from, fork, .. } => {
                *self.device_reorganisations.entry(from.above(*fork)).or_default() += 1;
            }
            _ => {}
        }
    }

    /// From now on a node has this tip.
    pub fn tip_is(&mut self, millis: u64, place: usize, tip: Option<Hash32>) {
        if let Some(course) = self.course.get_mut(place) {
            course.push((millis, tip));
        }
    }
}
