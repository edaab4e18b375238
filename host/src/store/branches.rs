//! What stands beside the main chain: blocks that lost, by height, and the last block of each branch.
//! Two tables say it, so nobody has to walk the chain to find a branch.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::units::Height;

use super::disk::Disk;
use super::error::StoreError;
use super::index::Table;
use super::ledger::{Added, Ledger};
use super::lookup::BlockEntry;
use super::pending::Changes;
use super::rows::{missing, place_key, place_of};

impl<D: Disk> Ledger<D> {
    /// Up to `limit` blocks at `height` that are not on the main chain.
    pub fn aside(&self, height: u64, limit: usize) -> Result<Vec<Hash32>, StoreError> {
        let from = place_key(height, &Hash32::ZERO);
        let to = match height.checked_add(1) {
            Some(above) => place_key(above, &Hash32::ZERO),
            None => return Ok(Vec::new()),
        };
        let rows = self.index.last(Table::Aside, &from, &to, limit)?;
        rows.iter().map(|(key, _)| place_of(Table::Aside, key).map(|(_, id)| id)).collect()
    }

    /// The last blocks of up to `limit` branches beside the main chain, highest first.
    pub fn branch_ends(&self, limit: usize) -> Result<Vec<BlockEntry>, StoreError> {
        // No chain reaches the height that this leaves out.
        let (from, to) = (place_key(0, &Hash32::ZERO), place_key(u64::MAX, &Hash32::ZERO));
        let rows = self.index.last(Table::Ends, &from, &to, limit)?;
        let entry = |key: &[u8]| {
            let (_, id) = place_of(Table::Ends, key)?;
            self.header(&id)?.ok_or_else(|| missing(Table::Blocks, &id))
        };
        rows.iter().map(|(key, _)| entry(key)).collect()
    }

    /// Adds to `changes` what becomes of the branches when the block with `header` is added as `added`.
    pub(super) fn stage_branches(
        &self,
        changes: &mut Changes,
        header: &Header,
        added: &Added,
    ) -> Result<(), StoreError> {
        let (height, id) = (header.height.get(), header.id());
        match added {
            Added::Known | Added::Extended => return Ok(()),
            Added::Side => {
                changes.put(Table::Aside, &place_key(height, &id), &[]);
                changes.put(Table::Ends, &place_key(height, &id), &[]);
            }
            Added::Reorganised { disconnected, connected } => {
                for (height, id) in (0..=self.tip.height().get()).rev().zip(disconnected) {
                    changes.put(Table::Aside, &place_key(height, id), &[]);
                }
                for (height, id) in (0..=height).rev().zip(connected.iter().rev()) {
                    changes.remove(Table::Aside, &place_key(height, id));
                }
                // Nothing stands on the old tip, or it would have lost before.
                changes.put(Table::Ends, &place_key(self.tip.height().get(), &self.tip.id()), &[]);
            }
        }
        // What the block stands on is no end any more; on the main chain it was none.
        if header.height > Height::GENESIS {
            changes.remove(Table::Ends, &place_key(height - 1, &header.previous));
        }
        Ok(())
    }
}
