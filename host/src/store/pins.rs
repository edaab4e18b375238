//! Blocks that the main chain must have because the operator says so. The log and the index know nothing of
//! it: a block that is refused here is refused before it is stored.

use std::collections::BTreeMap;

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::units::Height;

use super::disk::Disk;
use super::error::StoreError;
use super::ledger::{AddError, Added, Ledger};

/// Blocks by their heights.
pub(super) type Pins = BTreeMap<u64, Hash32>;

/// A block that stands against one that the main chain must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "block {block} at height {height} is on no chain with the checkpoint {pinned} at height {pinned_height}"
)]
pub struct PinConflict {
    /// The block.
    pub block: Hash32,
    /// Its height.
    pub height: Height,
    /// The one that the main chain must have.
    pub pinned: Hash32,
    /// Its height.
    pub pinned_height: Height,
}

impl<D: Disk> Ledger<D> {
    /// Lets the main chain keep this block, or have no other at its height once it comes there. An error
    /// where it has another already: nothing changes then.
    pub fn pin(&mut self, height: Height, id: Hash32) -> Result<Result<(), PinConflict>, StoreError> {
        let there = self.id_at(height.get())?.or_else(|| self.pins.get(&height.get()).copied());
        if let Some(block) = there.filter(|there| *there != id) {
            return Ok(Err(PinConflict { block, height, pinned: id, pinned_height: height }));
        }
        self.pins.insert(height.get(), id);
        Ok(Ok(()))
    }

    /// Lets the main chain have any block at this height again.
    pub fn unpin(&mut self, height: Height) {
        self.pins.remove(&height.get());
    }

    /// Whether the block of this header stands against what the main chain must have: another one at its
    /// height, or one that is new below what the main chain has of these.
    pub fn against_pins(&self, header: &Header) -> Result<Option<PinConflict>, StoreError> {
        if self.pins.is_empty() {
            return Ok(None);
        }
        let (block, height) = (header.id(), header.height);
        let conflict = |(pinned_height, pinned): (&u64, &Hash32)| PinConflict {
            block,
            height,
            pinned: *pinned,
            pinned_height: Height::new(*pinned_height),
        };
        let same = self.pins.get_key_value(&height.get());
        if let Some(pin) = same.filter(|(_, pinned)| **pinned != block) {
            return Ok(Some(conflict(pin)));
        }
        let held = self.pins.range(..=self.tip.height().get()).next_back();
        match held.filter(|(pinned_height, _)| height.get() <= **pinned_height) {
            Some(pin) if !self.contains(&block)? => Ok(Some(conflict(pin))),
            _ => Ok(None),
        }
    }

    /// Whether the main chain must have a block that lies above it and above this height: whether what is
    /// shown up to there leads to that block cannot be seen yet.
    pub fn awaits_pin_above(&self, height: Height) -> bool {
        let highest = self.pins.keys().next_back();
        highest.is_some_and(|pinned| *pinned > height.max(self.tip.height()).get())
    }

    /// Whether the main chain must have a certain block at this height.
    pub fn is_pinned(&self, height: Height) -> bool {
        self.pins.contains_key(&height.get())
    }

    /// Refuses a move of the main chain that would leave a block that it must have, or take another in its
    /// place: a side branch may have been there before the pin.
    pub(super) fn check_pins(&self, header: &Header, added: &Added) -> Result<(), AddError> {
        if let Some(conflict) = self.against_pins(header)? {
            return Err(AddError::Pinned(conflict));
        }
        let Added::Reorganised { disconnected, connected } = added else { return Ok(()) };
        let (block, height) = (header.id(), header.height);
        let left = self.pins.iter().find(|(_, pinned)| disconnected.contains(pinned));
        // The last of those that are taken is the new block, at its height.
        let heights = (0..=height.get()).rev();
        let taken = heights
            .zip(connected.iter().rev())
            .find_map(|(height, id)| self.pins.get_key_value(&height).filter(|(_, pinned)| *pinned != id));
        left.or(taken).map_or(Ok(()), |(pinned_height, pinned)| {
            let pinned_height = Height::new(*pinned_height);
            Err(AddError::Pinned(PinConflict { block, height, pinned: *pinned, pinned_height }))
        })
    }
}
