//! What is around the node of a device, and its state as it is written.

use std::collections::BTreeMap;

use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::units::Height;
use mote_firmware::event::Event;
use mote_firmware::node::{RECORD_MAX_BYTES, Records, Surroundings};
use serde::Serialize;

use crate::fixtures::wire;

/// What is around the node.
#[derive(Default)]
pub(super) struct Outside {
    snapshots: BTreeMap<Height, Tip>,
    work: u64,
    pub(super) events: Vec<Event>,
}

impl Surroundings for Outside {
    fn keep_snapshot(&mut self, tip: &Tip) {
        self.snapshots.insert(tip.height(), tip.clone());
    }

    fn load_snapshot(&mut self, height: Height, into: &mut Tip) -> bool {
        let found = self.snapshots.get(&height);
        found.into_iter().for_each(|tip| into.copy_from(tip));
        found.is_some()
    }

    fn snapshot_id(&mut self, height: Height) -> Option<Hash32> {
        self.snapshots.get(&height).map(Tip::id)
    }

    fn work(&mut self) -> u64 {
        self.work += 1;
        self.work
    }

    fn count_checks(&mut self, _before: u64) {}

    fn tell(&mut self, event: Event) {
        self.events.push(event);
    }
}

/// The state as it is written.
pub(super) struct Writer(pub(super) Vec<(u8, Vec<u8>)>);

impl Records for Writer {
    type Error = std::convert::Infallible;

    fn record<T: Serialize>(&mut self, kind: u8, value: &T) -> Result<(), Self::Error> {
        let bytes = wire(value);
        assert!(bytes.len() <= RECORD_MAX_BYTES, "a record of {} bytes", bytes.len());
        self.0.push((kind, bytes));
        Ok(())
    }
}
