//! Everything that is read from the node. Each function runs on the task that owns it, so it copies
//! out what was asked for and leaves the rest to its caller.

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::state::Account;
use mote_core::transaction::Transaction;
use mote_core::units::{Amount, Height};

use super::error::Problem;
use super::extract::parse_number;
use crate::block::Block;
use crate::node::Node;
use crate::receipt::{AccountProof, BlockProof, Place, TransactionProof};
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::history::HistoryEntry;
use crate::store::ledger::Ledger;
use crate::store::lookup::{BlockEntry, Branch};
use crate::store::rows::Place as HistoryPlace;

/// How a path names a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockName {
    /// Its place on the main chain.
    Height(u64),
    /// Its id, on any branch.
    Id(Hash32),
}

impl BlockName {
    /// Reads a height or an id.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if let Some(height) = parse_number(text) {
            return Ok(Self::Height(height));
        }
        text.parse().map(Self::Id).map_err(|error| {
            let got: String = text.chars().take(80).collect();
            Problem::malformed("block", format_args!("expected a height or an id, got {got:?}: {error}"))
        })
    }
}

impl std::fmt::Display for BlockName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Height(height) => write!(formatter, "at height {height}"),
            Self::Id(id) => id.fmt(formatter),
        }
    }
}

/// How many blocks confirm what is in a block of the main chain, itself included; 0 elsewhere.
pub fn confirmations(tip: Height, height: Height, branch: Branch) -> u64 {
    if branch == Branch::Main { tip.above(height).saturating_add(1) } else { 0 }
}

/// The block's header and where it belongs.
pub fn entry<D: Disk>(node: &Node<D>, name: BlockName) -> Result<Option<(BlockEntry, u64)>, StoreError> {
    let ledger = node.ledger();
    let id = match name {
        BlockName::Id(id) => Some(id),
        BlockName::Height(height) => ledger.id_at(height)?,
    };
    let Some(entry) = id.map(|id| ledger.header(&id)).transpose()?.flatten() else { return Ok(None) };
    let confirmations = confirmations(ledger.tip().height(), entry.header.height, entry.branch);
    Ok(Some((entry, confirmations)))
}

/// A block with where it belongs and its confirmations.
pub fn block<D: Disk>(
    node: &Node<D>,
    name: BlockName,
) -> Result<Option<(BlockEntry, u64, Block)>, StoreError> {
    let Some((entry, confirmations)) = entry(node, name)? else { return Ok(None) };
    Ok(node.ledger().block(&entry.id)?.map(|block| (entry, confirmations, block)))
}

/// The last blocks of the main chain below a height, newest first.
pub fn blocks<D: Disk>(
    node: &Node<D>,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<(BlockEntry, u64)>, StoreError> {
    let end = node.ledger().tip().height().next().get();
    let end = before.unwrap_or(end).min(end);
    let found = (0..end).rev().take(limit).map(|height| entry(node, BlockName::Height(height)).transpose());
    found.flatten().collect()
}

/// Where a transaction is.
#[derive(Clone, Debug)]
pub enum Located {
    /// Among the open ones.
    Open(Transaction),
    /// On the main chain.
    Mined {
        /// The transaction.
        transaction: Transaction,
        /// The block that it is in.
        block: Hash32,
        /// The block's height.
        height: u64,
        /// Its place in the block.
        index: u32,
        /// How many blocks confirm it.
        confirmations: u64,
    },
}

/// Looks a transaction up among the open ones and on the main chain.
pub fn transaction<D: Disk>(node: &Node<D>, id: &Hash32) -> Result<Option<Located>, StoreError> {
    if let Some(entry) = node.mempool().get(id) {
        return Ok(Some(Located::Open(entry.transaction().clone())));
    }
    let Some(found) = node.ledger().transaction(id)? else { return Ok(None) };
    let confirmations = confirmations(node.ledger().tip().height(), Height::new(found.height), Branch::Main);
    Ok(Some(Located::Mined {
        transaction: found.transaction,
        block: found.block,
        height: found.height,
        index: found.index,
        confirmations,
    }))
}

/// What leads from the block of the main chain at `height` to the tip.
fn block_proof<D: Disk>(ledger: &Ledger<D>, height: u64) -> Result<Option<BlockProof>, StoreError> {
    let Some(id) = ledger.id_at(height)? else { return Ok(None) };
    let (Some(block), Some(tip)) = (ledger.header(&id)?, ledger.header(&ledger.tip().id())?) else {
        return Ok(None);
    };
    let path = ledger.history_path(height, tip.header.height.get())?;
    let place = path.map(|path| Place { work: block.work, path: path.to_vec() });
    Ok(Some(BlockProof { header: block.header, place, tip: tip.header }))
}

/// What proves a mined transaction.
pub fn transaction_proof<D: Disk>(
    ledger: &Ledger<D>,
    id: &Hash32,
) -> Result<Option<TransactionProof>, StoreError> {
    let (Some(found), Some(path)) = (ledger.transaction(id)?, ledger.transaction_path(id)?) else {
        return Ok(None);
    };
    let Some(block) = block_proof(ledger, found.height)? else { return Ok(None) };
    let (transaction, index, path) = (found.transaction, path.index, path.path.to_vec());
    Ok(Some(TransactionProof { transaction, index, path, block }))
}

/// An account, and what open transactions will make of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountView {
    /// The account at the tip.
    pub account: Account,
    /// The nonce of its next transaction, those that are open counted.
    pub next_nonce: u64,
    /// What open transactions bring it.
    pub incoming: Amount,
    /// What its own open transactions take, fees included.
    pub outgoing: Amount,
}

impl AccountView {
    /// The balance once every open transaction is mined.
    pub fn pending(&self) -> Amount {
        let left = self.account.balance.checked_sub(self.outgoing).unwrap_or_default();
        sum(left, self.incoming)
    }
}

/// Adds amounts for people to look at: all there are fit into 64 bits.
pub fn sum(a: Amount, b: Amount) -> Amount {
    a.checked_add(b).unwrap_or(Amount::from_grains(u64::MAX))
}

/// The accounts of these keys, in their order.
pub fn accounts<D: Disk>(node: &Node<D>, keys: &[PublicKey]) -> Result<Vec<AccountView>, StoreError> {
    let mut views = Vec::with_capacity(keys.len());
    for key in keys {
        let account = node.account(key)?;
        let next_nonce = node.pending(key)?.nonce;
        let own = node.mempool().of_sender(key).map(|entry| entry.transaction());
        let outgoing = own.map(|own| sum(own.amount, own.fee)).fold(Amount::ZERO, sum);
        views.push(AccountView { account, next_nonce, incoming: Amount::ZERO, outgoing });
    }
    for entry in node.mempool().by_priority() {
        let Transaction { recipient, amount, .. } = entry.transaction();
        for (_, view) in keys.iter().zip(&mut views).filter(|(key, _)| *key == recipient) {
            view.incoming = sum(view.incoming, *amount);
        }
    }
    Ok(views)
}

/// One account.
pub fn account<D: Disk>(node: &Node<D>, key: &PublicKey) -> Result<AccountView, StoreError> {
    Ok(accounts(node, std::slice::from_ref(key))?.pop().unwrap_or_default())
}

/// What proves an account after the block of the main chain at `height`, or after the last one.
pub fn account_proof<D: Disk>(
    ledger: &Ledger<D>,
    owner: PublicKey,
    height: Option<u64>,
) -> Result<Option<AccountProof>, StoreError> {
    let height = height.unwrap_or_else(|| ledger.tip().height().get());
    let Some(id) = ledger.id_at(height)? else { return Ok(None) };
    let (proof, block) = (ledger.account_proof(&id, &owner.account_key())?, block_proof(ledger, height)?);
    Ok(proof.zip(block).map(|(proof, block)| AccountProof { owner, proof, block }))
}

/// The last entries of an account's history before a place, newest first, each with the number of blocks that
/// confirm it.
pub fn history<D: Disk>(
    node: &Node<D>,
    key: &PublicKey,
    before: Option<HistoryPlace>,
    limit: usize,
) -> Result<Vec<(HistoryEntry, u64)>, StoreError> {
    let ledger = node.ledger();
    let tip = ledger.tip().height();
    let entries = ledger.history(&key.account_key(), before, limit)?.into_iter();
    let confirmed = |entry: HistoryEntry| {
        let confirmations = confirmations(tip, entry.header.height, Branch::Main);
        (entry, confirmations)
    };
    Ok(entries.map(confirmed).collect())
}
