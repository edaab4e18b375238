//! The accounts after any block. Versions of the account tree are stored now and then only; one that lies between
//! is had by executing the blocks behind the nearest stored version below it again. On a main chain that grew block
//! by block its cost is bounded by [`KEPT_EVERY`], and where there are many accounts by what the index is committed
//! after. Those that were last used are kept in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use mote_core::block::Header;
use mote_core::hash::Hash32;

use super::disk::Disk;
use super::error::StoreError;
use super::execution::replay;
use super::index::{Changes, Table};
use super::ledger::Ledger;
use super::log::Position;
use super::nodes::NodeFile;
use super::rows::missing;
use super::tree::{TreeVersion, TreeView};

/// The accounts are stored once the blocks since they last were weigh this much, see [`weight`], where that is
/// cheap: see [`BYTES_PER_WEIGHT`]. Where there are many accounts they are stored with the index alone.
pub(super) const KEPT_EVERY: usize = 8_192;

/// Storing the accounts is cheap where it takes at most this many bytes for a weight of 1.
const BYTES_PER_WEIGHT: usize = 25;

/// The levels of the account tree that stay in memory when it is stored: at most 2^15 branches.
const LEVELS_IN_MEMORY: u32 = 15;

/// A version at the tip is kept in memory once the blocks since the last weigh this much. As long as it is, a later
/// block copies what it changes.
const RETAINED_EVERY: usize = 2_048;

/// How many versions are kept in memory, and what the blocks may weigh together in which they differ from stored
/// ones. One is always kept.
const VERSIONS_MAX: usize = 16;
const WEIGHT_MAX: usize = 4_096;

/// What executing a block takes, in payments.
pub(super) fn weight(header: &Header) -> usize {
    8 + header.transaction_count as usize
}

/// The versions that were last added or asked for, the last first.
#[derive(Debug, Default)]
pub(super) struct RecentStates(Mutex<VecDeque<Recent>>);

#[derive(Debug)]
struct Recent {
    id: Hash32,
    version: TreeVersion,
    /// What the blocks weigh that were executed to have it.
    weight: usize,
}

impl RecentStates {
    fn get(&self, id: &Hash32) -> Option<(TreeVersion, usize)> {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = versions.iter().position(|recent| recent.id == *id)?;
        let recent = versions.remove(place)?;
        let found = (recent.version.clone(), recent.weight);
        versions.push_front(recent);
        Some(found)
    }

    /// Keeps the accounts after block `id` in the place of the oldest.
    pub(super) fn insert(&self, id: Hash32, version: TreeVersion, weight: usize) {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.push_front(Recent { id, version, weight });
        let mut sum = 0;
        let fitting = versions.iter().take(VERSIONS_MAX).take_while(|recent| {
            sum += recent.weight;
            sum <= WEIGHT_MAX
        });
        // One is kept, whatever it weighs.
        let count = fitting.count().max(1);
        versions.truncate(count);
    }
}

impl<D: Disk> Ledger<D> {
    /// The accounts after block `id`; `None` where the block is not known.
    pub(super) fn state(&self, id: &Hash32) -> Result<Option<TreeVersion>, StoreError> {
        if let Some(state) = self.state.as_ref().filter(|_| *id == self.tip.id()) {
            return Ok(Some(state.clone()));
        }
        let (mut behind, mut at) = (Vec::new(), *id);
        let (mut version, mut executed) = loop {
            if let Some(found) = self.states.get(&at) {
                break found;
            }
            let row = match self.index.block(&at)? {
                Some(row) => row,
                None if behind.is_empty() => return Ok(None),
                None => return Err(missing(Table::Blocks, &at)),
            };
            if let Some(version) = row.accounts() {
                break (version, 0);
            }
            behind.push((at, Position::from(row.position)));
            at = row.header.previous;
        };
        for (id, position) in behind.into_iter().rev() {
            let block = self.block_or_missing(&id)?;
            version = replay(&self.params, &self.nodes, version, &block, position)?;
            executed += weight(&block.header);
        }
        self.states.insert(*id, version.clone(), executed);
        Ok(Some(version))
    }

    /// The accounts after block `id`, for its child to change them. Those at the tip are changed where they lie, as
    /// far as no other version has a part in them: a child that breaks a rule leaves none, and they are had again by
    /// executing the last blocks.
    pub(super) fn take_state(&mut self, id: &Hash32) -> Result<Option<TreeVersion>, StoreError> {
        match if *id == self.tip.id() { self.state.take() } else { None } {
            Some(state) => Ok(Some(state)),
            None => self.state(id),
        }
    }

    /// Keeps the accounts at a new tip in memory where it is time to.
    pub(super) fn retain_state(&mut self, state: &TreeVersion, weight: usize) {
        self.unretained += weight;
        if self.unretained >= RETAINED_EVERY {
            self.states.insert(self.tip.id(), state.clone(), self.unretained);
            self.unretained = 0;
        }
    }

    /// The accounts after block `id`, to look at.
    pub(super) fn view(&self, id: &Hash32) -> Result<Option<TreeView<'_, NodeFile>>, StoreError> {
        Ok(self.state(id)?.map(|version| TreeView::new(&self.nodes, version)))
    }

    /// Whether it is time to store the accounts, and cheap.
    pub(super) fn is_state_due(&self) -> bool {
        self.unkept >= KEPT_EVERY && self.last_stored_bytes <= self.unkept * BYTES_PER_WEIGHT
    }

    /// Stores the accounts at the tip, and returns where their root is.
    pub(super) fn keep_state(&mut self, mut state: TreeVersion, changes: &mut Changes) -> u64 {
        let begin = self.nodes.end();
        let root = state.store(&mut |node| self.nodes.add(node));
        changes.put(Table::Meta, b"nodes", &self.nodes.end().to_be_bytes());
        state.keep_levels(LEVELS_IN_MEMORY);
        self.state = Some(state);
        self.last_stored_bytes = (self.nodes.end() - begin) as usize;
        self.unkept = 0;
        root.serial
    }
}
