//! What has happened on the main chain, and what proves it: transactions, the history of an account,
//! inclusion in a block and in the log of all blocks.

use mote_core::hash::Hash32;
use mote_core::keys::AccountKey;
use mote_core::merkle::{Path, path, root_of_hashes};
use mote_core::transaction::Transaction;

use super::disk::Disk;
use super::error::StoreError;
use super::index::Table;
use super::ledger::Ledger;
use super::rows::HistoryEntry;
use crate::block::Block;

/// A transaction of the main chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionEntry {
    /// The block that it is in.
    pub block: Hash32,
    /// The block's height.
    pub height: u64,
    /// Its place among the block's transactions.
    pub index: u32,
    /// The transaction.
    pub transaction: Transaction,
}

/// What proves that a transaction is in a block: see [`mote_core::merkle::verify_inclusion`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionPath {
    /// The block.
    pub block: Hash32,
    /// The transaction's place in it.
    pub index: u32,
    /// How many transactions the block has.
    pub count: u32,
    /// The siblings on the way to the block's transactions root.
    pub path: Path,
}

impl<D: Disk> Ledger<D> {
    /// A transaction of the main chain.
    pub fn transaction(&self, id: &Hash32) -> Result<Option<TransactionEntry>, StoreError> {
        let Some((height, index, block, body)) = self.place(id)? else { return Ok(None) };
        let transaction = body.transactions.into_iter().nth(index as usize);
        Ok(transaction.map(|transaction| TransactionEntry { block, height, index, transaction }))
    }

    /// What proves that a transaction of the main chain is in its block.
    pub fn transaction_path(&self, id: &Hash32) -> Result<Option<TransactionPath>, StoreError> {
        let Some((_, index, block, body)) = self.place(id)? else { return Ok(None) };
        let leaves: Vec<Hash32> = body.transactions.iter().map(Transaction::id).collect();
        let subtree = |level: u32, index: u64| {
            let range = (index as usize) << level..(index as usize + 1) << level;
            Ok::<_, StoreError>(leaves.get(range).map(|leaves| root_of_hashes(leaves.iter().copied())))
        };
        let path = path(u64::from(index), leaves.len() as u64, subtree)?;
        let count = body.header.transaction_count;
        Ok(path.map(|path| TransactionPath { block, index, count, path }))
    }

    /// What proves that the block at `height` is among the first `size` blocks of the main chain, and so
    /// in the history root of the header at height `size`. The leaf is [`mote_core::block::history_leaf`].
    pub fn history_path(&self, height: u64, size: u64) -> Result<Option<Path>, StoreError> {
        if size > self.tip.height().next().get() {
            return Ok(None);
        }
        path(height, size, |level, index| self.index.subtree(level, index))
    }

    /// Up to `limit` entries of an account's history on the main chain, newest first; those before the
    /// height and index of `before`, where that is given.
    pub fn history(
        &self,
        account: &AccountKey,
        before: Option<(u64, u32)>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        // The last key that there can be is that of a credit at a height that no chain reaches.
        let (height, index) = before.unwrap_or((u64::MAX, u32::MAX));
        let from = HistoryEntry::key(account, 0, 0);
        let to = HistoryEntry::key(account, height, index);
        let rows = self.index.last(Table::History, &from, &to, limit)?;
        rows.iter().map(|(key, value)| HistoryEntry::decode(key, value)).collect()
    }

    /// Height, index and block of a transaction of the main chain.
    fn place(&self, id: &Hash32) -> Result<Option<(u64, u32, Hash32, Block)>, StoreError> {
        let Some((height, index)) = self.index.place(id)? else { return Ok(None) };
        let block = self.index.main_id(height)?;
        Ok(Some((height, index, block, self.block_or_missing(&block)?)))
    }
}
