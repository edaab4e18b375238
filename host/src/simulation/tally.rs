//! What is counted while the world goes on.

use std::collections::BTreeMap;

use mote_core::hash::Hash32;

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

    /// From now on a node has this tip.
    pub fn tip_is(&mut self, millis: u64, place: usize, tip: Option<Hash32>) {
        if let Some(course) = self.course.get_mut(place) {
            course.push((millis, tip));
        }
    }
}
