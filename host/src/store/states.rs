//! The accounts after any block. Versions of the account tree are stored now and then only; one that lies between
//! is had by executing the blocks behind the nearest stored version below it again. On a main chain that grew block
//! by block its cost is bounded by [`KEPT_EVERY`], and where there are many accounts by what the index is committed
//! after. Those that were last used are kept in memory.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::transaction::Transaction;

use super::disk::Disk;
use super::error::StoreError;
use super::execution::replay;
use super::index::Table;
use super::ledger::{Added, Ledger};
use super::log::Position;
use super::nodes::NodeFile;
use super::pending::Changes;
use super::rows::missing;
use super::tree::{Ahead, TreeUpdate, TreeVersion, TreeView};
use crate::sha256::many::SideBySide;

/// The accounts are stored once the blocks since they last were weigh this much, see [`weight`], where that is
/// cheap: see [`BYTES_PER_WEIGHT`]. Where there are many accounts they are stored with the index alone.
pub(super) const KEPT_EVERY: usize = 8_192;

/// Storing the accounts is cheap where it takes at most this many bytes for a weight of 1.
const BYTES_PER_WEIGHT: usize = 25;

/// The levels of the account tree that stay in memory when it is stored: at most 2^15 branches.
const LEVELS_IN_MEMORY: u32 = 15;

/// A version at the tip is kept in memory once the blocks since the last weigh this much. As long as it is, a later
/// block copies what it changes.
pub(super) const RETAINED_EVERY: usize = 4_096;

/// The same where blocks come together, as they do while a node is behind: each version that is kept costs a copy of
/// what changes after it, and more may have to be executed again.
pub(super) const RETAINED_EVERY_OF_MANY: usize = 16_384;

/// How many versions are kept in memory besides that at the tip, and what the blocks may weigh together in which they
/// differ from stored ones. One is always kept.
const VERSIONS_MAX: usize = 16;
const WEIGHT_MAX: usize = 4_096;

/// What executing a block takes, in payments.
pub(super) fn weight(header: &Header) -> usize {
    8 + header.transaction_count as usize
}

/// Versions that are kept in memory.
#[derive(Debug, Default)]
pub(super) struct RecentStates(Mutex<Versions>);

#[derive(Debug, Default)]
struct Versions {
    /// One that was at the tip, the last that was kept: however much else is asked for, the accounts at the tip are
    /// never far from it.
    at_tip: Option<Recent>,
    /// Those that were last added or asked for, the last first.
    others: VecDeque<Recent>,
}

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
        if let Some(recent) = versions.at_tip.as_ref().filter(|recent| recent.id == *id) {
            return Some((recent.version.clone(), recent.weight));
        }
        let place = versions.others.iter().position(|recent| recent.id == *id)?;
        let recent = versions.others.remove(place)?;
        let found = (recent.version.clone(), recent.weight);
        versions.others.push_front(recent);
        Some(found)
    }

    /// Keeps the accounts after block `id` in the place of the oldest.
    fn insert(&self, recent: Recent) -> Dropped {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(recent)
    }

    /// Keeps the accounts at a tip until a later tip's are kept.
    fn insert_tip(&self, recent: Recent) -> Dropped {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        versions.at_tip.replace(recent).map(|earlier| versions.insert(earlier)).unwrap_or_default()
    }
}

/// Versions that are kept no longer. To take them apart can take longer than a block.
type Dropped = VecDeque<Recent>;

impl Versions {
    fn insert(&mut self, recent: Recent) -> Dropped {
        self.others.push_front(recent);
        let mut sum = 0;
        let fitting = self.others.iter().take(VERSIONS_MAX).take_while(|recent| {
            sum += recent.weight;
            sum <= WEIGHT_MAX
        });
        // One is kept, whatever it weighs.
        let count = fitting.count().max(1);
        self.others.split_off(count)
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
            let update = TreeUpdate::new(self.nodes.reader(), version);
            version = replay(&self.params, update, &block, position)?;
            executed += weight(&block.header);
        }
        self.keep_recent(*id, version.clone(), executed);
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

    /// Has the accounts read that these transactions change, where they are for the tip.
    pub(super) fn read_ahead<'b>(&mut self, transactions: impl Iterator<Item = &'b Transaction>) {
        let Some(state) = &self.state else { return };
        let preimages: Vec<_> = transactions
            .flat_map(|transaction| [transaction.sender, transaction.recipient])
            .map(|account| account.account_preimage())
            .collect();
        let keys = SideBySide::fastest().hash_each(&preimages);
        self.ahead = Ahead::begin(&self.nodes.reader(), self.verifier.workers(), state, keys);
    }

    /// Keeps the accounts at a new tip in memory where it is time to, as it is on another branch: so that what has to
    /// be executed again after a block that breaks a rule is bounded.
    pub(super) fn retain_state(&mut self, state: &TreeVersion, weight: usize, every: usize, added: &Added) {
        self.unretained += weight;
        if self.unretained >= every || matches!(added, Added::Reorganised { .. }) {
            let recent = Recent { id: self.tip.id(), version: state.clone(), weight: self.unretained };
            self.let_go(self.states.insert_tip(recent));
            self.unretained = 0;
        }
    }

    /// Keeps the accounts after block `id` in memory, for which blocks of this weight were executed.
    pub(super) fn keep_recent(&self, id: Hash32, version: TreeVersion, weight: usize) {
        self.let_go(self.states.insert(Recent { id, version, weight }));
    }

    /// Has versions taken apart beside whatever comes next.
    fn let_go(&self, dropped: Dropped) {
        if !dropped.is_empty() {
            self.verifier.workers().run(move || drop(dropped));
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
