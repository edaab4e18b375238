//! Moving the main chain from one tip to another: what the index says of it is taken out for every
//! block that leaves and put in for every block that joins, one block in memory at a time.

use mote_core::block::history_leaf;
use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::merkle::{Frontier, leaf_hash};
use mote_core::params::reward;
use mote_core::pow::Work;
use mote_core::units::Amount;

use super::disk::Disk;
use super::error::StoreError;
use super::index::{Changes, Table};
use super::ledger::{Added, Ledger};
use super::rows::{HistoryEntry, MINER_INDEX, Role, encode_place, subtree_key};
use crate::block::Block;

impl<D: Disk> Ledger<D> {
    /// Adds to `changes` what makes `block`, whose chain ends in `tip`, the tip of the main chain.
    /// Only the index of the branches is held in memory, about 500 bytes a transaction.
    pub(super) fn stage_move(
        &self,
        changes: &mut Changes,
        parent: &Tip,
        tip: &Tip,
        block: &Block,
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
            disconnect(changes, &self.block_or_missing(&id)?);
            disconnected.push(id);
        }
        let mut log = if disconnected.is_empty() {
            self.tip.history().clone()
        } else {
            self.index.main_log(fork + 1)?
        };
        let mut connected = Vec::with_capacity(branch.len() + 1);
        for id in branch.into_iter().rev() {
            let work = self.index.row(&id)?.work;
            connect(changes, &mut log, &id, &work, &self.block_or_missing(&id)?);
            connected.push(id);
        }
        connect(changes, &mut log, &tip.id(), &tip.work(), block);
        connected.push(tip.id());
        if disconnected.is_empty() && connected.len() == 1 {
            return Ok(Added::Extended);
        }
        Ok(Added::Reorganised { disconnected, connected })
    }
}

/// Puts a block on the main chain, on top of the blocks of `log`.
pub(super) fn connect(changes: &mut Changes, log: &mut Frontier, id: &Hash32, work: &Work, block: &Block) {
    let height = block.header.height.get();
    changes.put(Table::Main, &height.to_be_bytes(), id.as_bytes());
    for_each_row(id, block, |table, key, value| changes.put(table, key, value));
    log.append_with(leaf_hash(&history_leaf(id, work)), |level, index, root| {
        changes.put(Table::Subtrees, &subtree_key(level, index), root.as_bytes());
    });
}

/// Takes a block off the main chain.
fn disconnect(changes: &mut Changes, block: &Block) {
    let height = block.header.height.get();
    changes.remove(Table::Main, &height.to_be_bytes());
    for_each_row(&Hash32::ZERO, block, |table, key, _| changes.remove(table, key));
    // These are the subtrees whose last leaf is this block.
    for level in 0..=height.trailing_ones() {
        let index = height.checked_shr(level).unwrap_or(0);
        changes.remove(Table::Subtrees, &subtree_key(level, index));
    }
}

/// Shows the rows of `transactions` and `history` that a block of the main chain has.
fn for_each_row(id: &Hash32, block: &Block, mut visit: impl FnMut(Table, &[u8], &[u8])) {
    let height = block.header.height.get();
    let history = |account: &PublicKey, index, role, id| {
        let key = HistoryEntry::key(&account.account_key(), height, index);
        (key, HistoryEntry { height, index, role, id }.value())
    };
    let mut income = reward(block.header.height);
    for (index, transaction) in (0..).zip(&block.transactions) {
        let id = transaction.id();
        visit(Table::Transactions, id.as_bytes(), &encode_place(height, index));
        let is_own = transaction.sender == transaction.recipient;
        let role = if is_own { Role::Both } else { Role::Sender };
        let (key, value) = history(&transaction.sender, index, role, id);
        visit(Table::History, &key, &value);
        if !is_own {
            let (key, value) = history(&transaction.recipient, index, Role::Recipient, id);
            visit(Table::History, &key, &value);
        }
        // Execution has checked the sum.
        income = income.checked_add(transaction.fee).unwrap_or(income);
    }
    if income != Amount::ZERO {
        let (key, value) = history(&block.header.miner, MINER_INDEX, Role::Miner, *id);
        visit(Table::History, &key, &value);
    }
}
