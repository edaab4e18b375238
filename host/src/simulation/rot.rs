//! Bits that flip on disks, and what is forgiven for them: the least that cannot be otherwise.

use std::collections::BTreeSet;

use super::checker::{Demand, Violation};
use super::network::PATIENCE_MS;
use super::world::World;
use crate::store::journal;
use crate::store::nodes::NODES_FILE;
use crate::store::opening::{INDEX_FILE, LOG_PREFIX};

/// Which files of a disk have lost a bit.
#[derive(Clone, Debug, Default)]
pub struct Rotten {
    files: BTreeSet<Rot>,
    /// When the last of them was mended, in milliseconds of the world.
    mended: Option<u64>,
}

/// What a file that lost a bit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rot {
    /// Blocks, each with a checksum.
    Log,
    /// Open payments, each with a checksum.
    Journal,
    /// What follows from the log, and can be made again.
    Index,
}

impl Rotten {
    /// None, since then.
    pub fn mended(millis: u64) -> Self {
        Self { files: BTreeSet::new(), mended: Some(millis) }
    }

    /// Whether somebody may still hear at this time what was read from such a file.
    pub fn is_felt(&self, millis: u64) -> bool {
        !self.files.is_empty() || self.mended.is_some_and(|then| millis < then + PATIENCE_MS)
    }

    /// Whether this can come of it.
    fn excuses(&self, demand: Demand) -> bool {
        match demand {
            Demand::Restart => self.files.contains(&Rot::Log) || self.files.contains(&Rot::Journal),
            Demand::Readable => self.files.contains(&Rot::Log),
            _ => false,
        }
    }
}

impl World {
    /// Flips a bit of a node's disk, which is off then; whether there was one.
    pub(super) fn rot(&mut self, number: usize) -> bool {
        // A device's card keeps what it was given.
        let number = number % self.places.len();
        let (file, offset) = (self.random.next(), self.random.next());
        let mask = 1 << self.random.below(8);
        self.power_off(number);
        let Some(place) = self.place(number) else { return false };
        let Some(name) = place.disk.rot(file, offset, mask) else { return false };
        let rot = if name.starts_with(LOG_PREFIX) {
            Rot::Log
        } else if name.starts_with(journal::PREFIX) {
            Rot::Journal
        } else if name == INDEX_FILE || name == NODES_FILE {
            Rot::Index
        } else {
            // A node does without what else it keeps.
            return true;
        };
        place.rotten.files.insert(rot);
        match rot {
            Rot::Log => self.checker.excuse_last_write(number),
            Rot::Journal => self.checker.excuse_payments(number),
            Rot::Index => {}
        }
        true
    }

    /// A violation, unless it comes of flipped bits. Then the index is removed, and all that was acknowledged is
    /// demanded when it was made again; where there is no index to blame, the disk is replaced.
    pub(super) fn forgive(&mut self, number: usize, violation: Violation) -> Result<(), Violation> {
        let Some(place) = self.places.get(number) else { return Err(violation) };
        if place.rotten.files.contains(&Rot::Index) && violation.demand != Demand::Bounds {
            self.power_off(number);
            self.remove_index(number);
            return Ok(());
        }
        if !place.rotten.excuses(violation.demand) {
            return Err(violation);
        }
        self.power_off(number);
        self.replace_disk(number);
        Ok(())
    }

    /// Removes the index of a node that is off; the node makes it again.
    fn remove_index(&mut self, number: usize) {
        let millis = self.millis;
        if let Some(place) = self.place(number) {
            place.disk.remove_for_good(INDEX_FILE);
            place.rotten.files.remove(&Rot::Index);
            place.rotten.mended = Some(millis);
        }
    }

    /// Replaces the disks, or removes the indexes, of all nodes whose disks have lost bits.
    pub(super) fn replace_rotten(&mut self) {
        for number in 0..self.places.len() {
            let Some(place) = self.places.get(number) else { return };
            let rotten = place.rotten.clone();
            if rotten.files.is_empty() {
                continue;
            }
            self.power_off(number);
            if rotten.excuses(Demand::Restart) {
                self.replace_disk(number);
            } else {
                self.remove_index(number);
            }
        }
    }
}
