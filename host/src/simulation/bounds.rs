//! What every node stays within after every step, and whom it may not drop.

use mote_core::codec;
use mote_core::peer::Offence;
use mote_core::wire::{Message, REFUSAL_MAX_BYTES};

use super::checker::{Demand, Violation};
use super::network::{End, UNDER_WAY_MAX_BYTES};
use super::place::MEMPOOL_TRANSACTIONS;
use super::world::World;
use crate::node::report::Held;

/// Bytes that a store takes before it holds anything: the least index, and files of the log.
const STORE_MIN_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes that a store may take for each block of a world, whose blocks are small: its record in the log, and
/// what changes in the index, whose pages are half full at worst and are copied before they are changed.
const STORE_BLOCK_BYTES: u64 = 64 * 1024;

/// The longest message that tells why a connection ends: its index, a length, and the text.
const REFUSED_MAX_BYTES: usize = REFUSAL_MAX_BYTES + 8;

impl World {
    /// Checks that a node holds no more than it may.
    pub(super) fn check_bounds(&mut self, number: usize) -> Result<(), Violation> {
        let millis = self.millis;
        let Some(place) = self.places.get(number) else { return Ok(()) };
        let Some(node) = &place.node else { return Ok(()) };
        let violation = |got: String, expected: String| {
            Err(Violation { millis, node: Some(number), demand: Demand::Bounds, got, expected })
        };
        let held = node.held();
        let limit = Held::limit(held.connections, MEMPOOL_TRANSACTIONS);
        if !held.is_within(&limit) {
            return violation(format!("{held:?}"), format!("at most {limit:?}"));
        }
        let stored = place.disk.bytes();
        let most = STORE_MIN_BYTES + STORE_BLOCK_BYTES * node.ledger().statistics().blocks;
        if stored > most {
            return violation(format!("{stored} bytes on the disk"), format!("at most {most}"));
        }
        let under_way = self.network.under_way_from(number);
        if under_way > UNDER_WAY_MAX_BYTES {
            let expected = format!("at most {UNDER_WAY_MAX_BYTES}");
            return violation(format!("{under_way} bytes under way on a connection"), expected);
        }
        self.tally.most(held, stored);
        Ok(())
    }

    /// Looks whether a message tells that its receiver is dropped.
    pub(super) fn notice_refusal(&mut self, from: End, message: &[u8]) {
        if message.len() > REFUSED_MAX_BYTES {
            return;
        }
        let Ok(Message::Refused(reason)) = codec::decode(message) else { return };
        let Some(to) = self.network.other(from).map(|end| end.place) else { return };
        // A node that has come upon itself by an address that it was told says so and goes.
        if reason != Offence::Itself.to_string() {
            self.blamed = self.blamed.take().or(self.drops(from.place, to, reason).err());
        }
    }

    /// A node or device has dropped another for an offence, which no honest one does to an honest one. What a
    /// disk with flipped bits holds is not what its node would say.
    pub(super) fn drops(&mut self, by: usize, whom: usize, offence: &str) -> Result<(), Violation> {
        let is_sound = |number: usize| {
            self.places.get(number).is_none_or(|place| !place.is_byzantine && !place.is_rotten)
        };
        if !(is_sound(by) && is_sound(whom)) {
            self.tally.refusals += 1;
            return Ok(());
        }
        Err(Violation {
            millis: self.millis,
            node: Some(by),
            demand: Demand::Blame,
            got: format!("node {whom} dropped for: {offence}"),
            expected: "no offence between honest nodes".to_owned(),
        })
    }
}
