//! What has happened on the main chain, and what proves it: transactions, the history of an account,
//! inclusion in a block and in the log of all blocks.

use mote_core::block::Header;
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::merkle::{Path, path, root_of_hashes};
use mote_core::params::reward;
use mote_core::transaction::Transaction;
use mote_core::units::Amount;

use super::disk::Disk;
use super::error::StoreError;
use super::index::Places;
use super::ledger::Ledger;
use super::rows::Place;
use crate::block::Block;

/// What an account has to do with an entry of its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It paid.
    Sender,
    /// It was paid.
    Recipient,
    /// It paid itself.
    Both,
    /// It got the reward and the fees of a block.
    Miner,
}

/// Something that happened to an account on the main chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The block.
    pub block: Hash32,
    /// The block's header.
    pub header: Header,
    /// Where it happened.
    pub place: Place,
    /// What the account had to do with it.
    pub role: Role,
    /// The transaction; none where the account mined the block.
    pub transaction: Option<Transaction>,
    /// What the transaction moved, or what mining brought.
    pub amount: Amount,
    /// What the account held after the block.
    pub balance: Amount,
}

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

    /// Up to `limit` rows of a table of places, from `last` on down, the last first.
    pub fn places(&self, places: Places, last: u128, limit: usize) -> Result<Vec<u128>, StoreError> {
        self.index.last_places(places, 0..=last, limit)
    }

    /// Up to `limit` entries of an account's history on the main chain, newest first; those before the
    /// place `before`, where that is given.
    pub fn history(
        &self,
        account: &AccountKey,
        before: Option<Place>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut end = before.map_or(u64::MAX, Place::number);
        let mut entries = Vec::new();
        let mut last: Option<Page> = None;
        while entries.len() < limit
            && let Some(keys) = Place::keys(account, end)
        {
            let places = self.index.last_places(Places::History, keys, limit - entries.len())?;
            let Some(oldest) = places.last() else { break };
            end = Place::of_key(*oldest).number();
            for place in places.into_iter().map(Place::of_key) {
                // Entries of one block follow on each other, and reading it is what takes time.
                let page = match last.take() {
                    Some(page) if page.block.header.height.get() == place.height => page,
                    newer => self.page(account, place.height, newer.as_ref(), before)?,
                };
                entries.extend(page.entry(account, place));
                last = Some(page);
            }
        }
        Ok(entries)
    }

    /// The block at `height`, which the account has to do with. What it held after the block is what it held
    /// before the next one that it has to do with, or holds now.
    fn page(
        &self,
        account: &AccountKey,
        height: u64,
        newer: Option<&Page>,
        before: Option<Place>,
    ) -> Result<Page, StoreError> {
        let id = self.index.main_id(height)?;
        let block = self.block_or_missing(&id)?;
        let balance = match (newer, before) {
            (Some(newer), _) => newer.balance_before,
            (None, None) => self.account(account)?.balance,
            (None, Some(_)) => self.account_at(&id, account)?.unwrap_or_default().balance,
        };
        let change: i128 = changes(&block, account).sum();
        let before = i128::from(balance.grains()) - change;
        let what = || format!("an entry of what changed account {account} since block {id}");
        let missing = || StoreError::Missing { table: Places::History.name(), what: what() };
        let before = u64::try_from(before).map_err(|_| missing())?;
        Ok(Page { id, block, balance, balance_before: Amount::from_grains(before) })
    }

    /// Height, index and block of a transaction of the main chain.
    fn place(&self, id: &Hash32) -> Result<Option<(u64, u32, Hash32, Block)>, StoreError> {
        let Some(keys) = Place::keys(id, u64::MAX) else { return Ok(None) };
        // There is more than one only where somebody has searched for ids that begin alike.
        for place in
            self.index.last_places(Places::Transactions, keys, usize::MAX)?.into_iter().map(Place::of_key)
        {
            let block_id = self.index.main_id(place.height)?;
            let block = self.block_or_missing(&block_id)?;
            let Some(index) = place.index else { continue };
            if block.transactions.get(index as usize).is_some_and(|transaction| transaction.id() == *id) {
                return Ok(Some((place.height, index, block_id, block)));
            }
        }
        Ok(None)
    }
}

/// A block with what an account held around it.
struct Page {
    id: Hash32,
    block: Block,
    balance: Amount,
    balance_before: Amount,
}

impl Page {
    /// What the account has to do with the place; nothing where only the beginning of its key is the same.
    fn entry(&self, account: &AccountKey, place: Place) -> Option<HistoryEntry> {
        let Self { id, block, balance, .. } = self;
        let is_it = |owner: &PublicKey| owner.account_key() == *account;
        let (role, transaction, amount) = match place.index {
            None if is_it(&block.header.miner) => (Role::Miner, None, income(block)),
            None => return None,
            Some(index) => {
                let transaction = block.transactions.get(index as usize)?;
                let role = match (is_it(&transaction.sender), is_it(&transaction.recipient)) {
                    (true, true) => Role::Both,
                    (true, false) => Role::Sender,
                    (false, true) => Role::Recipient,
                    (false, false) => return None,
                };
                (role, Some(transaction.clone()), transaction.amount)
            }
        };
        let (block, header) = (*id, block.header.clone());
        Some(HistoryEntry { block, header, place, role, transaction, amount, balance: *balance })
    }
}

/// The reward and the fees of a block of the main chain.
fn income(block: &Block) -> Amount {
    let fees = block.transactions.iter().map(|transaction| transaction.fee);
    // Execution has checked the sum.
    fees.fold(reward(block.header.height), |sum, fee| sum.checked_add(fee).unwrap_or(sum))
}

/// What a block of the main chain adds to an account, and takes from it.
fn changes(block: &Block, account: &AccountKey) -> impl Iterator<Item = i128> {
    let part =
        move |owner: &PublicKey, grains: i128| if owner.account_key() == *account { grains } else { 0 };
    let grains = |amount: Amount| i128::from(amount.grains());
    let paid =
        block.transactions.iter().map(move |Transaction { sender, recipient, amount, fee, .. }| {
            part(recipient, grains(*amount)) - part(sender, grains(*amount) + grains(*fee))
        });
    paid.chain([part(&block.header.miner, grains(income(block)))])
}
