//! Moving the main chain from one tip to another: what the index says of it is taken out for every
//! block that leaves and put in for every block that joins, one block in memory at a time.

use mote_core::block::{Header, history_leaf};
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::merkle::{Frontier, leaf_hash};
use mote_core::params::reward;
use mote_core::pow::Work;
use mote_core::rules::PlacedTransaction;
use mote_core::units::Amount;

use super::disk::Disk;
use super::error::StoreError;
use super::execution::accepted;
use super::index::{Places, Table};
use super::ledger::{Added, Ledger};
use super::pending::Changes;
use super::rows::{BlockRow, Place, subtree_key};

impl<D: Disk> Ledger<D> {
    /// Adds to `changes` what makes the block of `header`, whose chain ends in `tip`, the tip of the main chain.
    /// Only the index of the branches is held in memory, about 500 bytes a transaction.
    pub(super) fn stage_move(
        &self,
        changes: &mut Changes,
        parent: &Tip,
        tip: &Tip,
        header: &Header,
        transactions: &[PlacedTransaction<'_>],
    ) -> Result<Added, StoreError> {
        let (mut branch, mut at) = (Vec::new(), parent.id());
        let fork = loop {
            let header = self.index.row(&at)?.header;
            if self.index.is_main(&at, header.height)? {
                break header.height.get();
            }
            branch.push(at);
            at = header.previous;
        };
        let mut disconnected = Vec::new();
        for height in (fork + 1..=self.tip.height().get()).rev() {
            let id = self.index.main_id(height)?;
            let (position, block) = (self.index.row(&id)?.position, self.block_or_missing(&id)?);
            disconnect(changes, &block.header, &accepted(&block, position.into())?);
            disconnected.push(id);
        }
        let mut log = if disconnected.is_empty() {
            self.tip.history().clone()
        } else {
            self.index.main_log(fork + 1)?
        };
        let mut connected = Vec::with_capacity(branch.len() + 1);
        for id in branch.into_iter().rev() {
            let BlockRow { work, position, .. } = self.index.row(&id)?;
            let block = self.block_or_missing(&id)?;
            let transactions = accepted(&block, position.into())?;
            connect(changes, &mut log, (&id, &work), &block.header, &transactions);
            connected.push(id);
        }
        connect(changes, &mut log, (&tip.id(), &tip.work()), header, transactions);
        connected.push(tip.id());
        if disconnected.is_empty() && connected.len() == 1 {
            return Ok(Added::Extended);
        }
        Ok(Added::Reorganised { disconnected, connected })
    }
}

/// Puts a block on the main chain, on top of the blocks of `log`, with its id and the work of its chain.
pub(super) fn connect(
    changes: &mut Changes,
    log: &mut Frontier,
    (id, work): (&Hash32, &Work),
    header: &Header,
    transactions: &[PlacedTransaction<'_>],
) {
    let height = header.height.get();
    changes.put(Table::Main, &height.to_be_bytes(), id.as_bytes());
    for_each_place(header, transactions, |places, key| changes.put_place(places, key));
    log.append_with(leaf_hash(&history_leaf(id, work)), |level, index, root| {
        changes.put(Table::Subtrees, &subtree_key(level, index), root.as_bytes());
    });
}

/// Takes a block off the main chain.
fn disconnect(changes: &mut Changes, header: &Header, transactions: &[PlacedTransaction<'_>]) {
    let height = header.height.get();
    changes.remove(Table::Main, &height.to_be_bytes());
    for_each_place(header, transactions, |places, key| changes.remove_place(places, key));
    // These are the subtrees whose last leaf is this block.
    for level in 0..=height.trailing_ones() {
        let index = height.checked_shr(level).unwrap_or(0);
        changes.remove(Table::Subtrees, &subtree_key(level, index));
    }
}

/// Shows the rows of the tables of places that a block of the main chain has.
fn for_each_place(
    header: &Header,
    transactions: &[PlacedTransaction<'_>],
    mut visit: impl FnMut(Places, u128),
) {
    let height = header.height.get();
    let mut income = reward(header.height);
    for (index, placed) in (0..).zip(transactions) {
        let (place, checked) = (Place { height, index: Some(index) }, placed.checked());
        visit(Places::Transactions, place.key(&checked.id()));
        visit(Places::History, place.key(&placed.sender()));
        if placed.sender() != placed.recipient() {
            visit(Places::History, place.key(&placed.recipient()));
        }
        // Execution has checked the sum.
        income = income.checked_add(checked.transaction().fee).unwrap_or(income);
    }
    if income != Amount::ZERO {
        let place = Place { height, index: None };
        visit(Places::History, place.key(&header.miner.account_key()));
    }
}
