//! Reading the ledger: blocks and headers, the accounts after any block, where chains part.

use mote_core::block::Header;
use mote_core::chain::Tip;
use mote_core::codec;
use mote_core::hash::Hash32;
use mote_core::keys::{AccountKey, PublicKey};
use mote_core::pow::Work;
use mote_core::rules::{CheckedTransaction, Executed, Execution};
use mote_core::state::{Account, Proof};

use super::disk::Disk;
use super::error::StoreError;
use super::execution::{execute, place};
use super::index::Table;
use super::ledger::{AddError, Ledger};
use super::log::Position;
use super::nodes::NodeFile;
use super::opening::distance;
use super::rows::{NOT_IN_LOG, missing};
use super::tree::{Leaves, TreeUpdate};
use crate::block::{self, Block};

/// The most ids in a locator: the distances double, so that is enough for 2^30 blocks.
pub const LOCATOR_MAX_IDS: usize = 32;

/// Which chain a block is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// The chain of most work.
    Main,
    /// Another one.
    Side,
}

/// What is known of a block without its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockEntry {
    /// The block's id.
    pub id: Hash32,
    /// The block's header.
    pub header: Header,
    /// The work of the chain up to and including the block.
    pub work: Work,
    /// Which chain the block is on.
    pub branch: Branch,
}

/// What a status page says of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// How many blocks there are on all branches, the genesis block included.
    pub blocks: u64,
    /// How many blocks a start would have to apply again now.
    pub uncommitted_blocks: u64,
    /// Bytes of the log, taking each of its files but the last for full.
    pub log_bytes: u64,
}

impl<D: Disk> Ledger<D> {
    /// Whether the block was added before.
    pub fn contains(&self, id: &Hash32) -> Result<bool, StoreError> {
        Ok(self.index.get(Table::Blocks, id.as_bytes())?.is_some())
    }

    /// A block's header, and where it belongs.
    pub fn header(&self, id: &Hash32) -> Result<Option<BlockEntry>, StoreError> {
        let Some(row) = self.index.block(id)? else { return Ok(None) };
        let is_main = self.index.is_main(id, row.header.height)?;
        let branch = if is_main { Branch::Main } else { Branch::Side };
        Ok(Some(BlockEntry { id: *id, header: row.header, work: row.work, branch }))
    }

    /// The block of the main chain at `height`.
    pub fn id_at(&self, height: u64) -> Result<Option<Hash32>, StoreError> {
        self.index.main(height)
    }

    /// A block with its transactions.
    pub fn block(&self, id: &Hash32) -> Result<Option<Block>, StoreError> {
        let Some(bytes) = self.block_bytes(id)? else { return Ok(None) };
        let wrong = |error| StoreError::Encoding { what: format!("block {id}"), error };
        block::decode(&bytes).map(Some).map_err(wrong)
    }

    /// The wire form of a block.
    pub fn block_bytes(&self, id: &Hash32) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(row) = self.index.block(id)? else { return Ok(None) };
        if row.position == NOT_IN_LOG {
            return Ok(Some(block::encode(&Block { header: row.header, transactions: Vec::new() })));
        }
        let payload = self.log.read(row.position.into())?.payload;
        // Damage of the index must not pass one block off as another.
        let (header, _) = codec::decode_prefix::<Header>(&payload)
            .map_err(|error| StoreError::Encoding { what: format!("block {id}"), error })?;
        if header.id() != *id {
            let what = format!("the right position of block {id}, {} holds another", row.position);
            return Err(StoreError::Missing { table: Table::Blocks.name(), what });
        }
        Ok(Some(payload))
    }

    /// What the account holds at the tip.
    pub fn account(&self, key: &AccountKey) -> Result<Account, StoreError> {
        let view = self.view(&self.tip.id())?.ok_or_else(|| missing(Table::Blocks, &self.tip.id()))?;
        Ok(view.get(key)?.unwrap_or_default())
    }

    /// What the account held after block `id`; `None` where the block is not known.
    pub fn account_at(&self, id: &Hash32, key: &AccountKey) -> Result<Option<Account>, StoreError> {
        let Some(view) = self.view(id)? else { return Ok(None) };
        Ok(Some(view.get(key)?.unwrap_or_default()))
    }

    /// What proves the account, or its absence, against the state root of block `id`; `None` where the
    /// block is not known.
    pub fn account_proof(&self, id: &Hash32, key: &AccountKey) -> Result<Option<Proof>, StoreError> {
        let Some(view) = self.view(id)? else { return Ok(None) };
        view.proof(key).map(Some)
    }

    /// All accounts after block `id`, by their keys; `None` where the block is not known.
    pub fn accounts(&self, id: &Hash32) -> Result<Option<Leaves<'_, NodeFile>>, StoreError> {
        Ok(self.state(id)?.map(|version| Leaves::new(&self.nodes, version)))
    }

    /// What the header of a child of `parent` with these transactions must say. Nothing is stored.
    pub fn execute(
        &self,
        parent: &Tip,
        transactions: &[CheckedTransaction<'_>],
        miner: PublicKey,
    ) -> Result<Executed, AddError> {
        let orphan = AddError::Orphan { parent: parent.id() };
        let state = self.state(&parent.id())?.ok_or(orphan)?;
        let mut update = TreeUpdate::new(self.nodes.reader(), state);
        let execution = Execution::new(&self.params, parent.height().next(), miner);
        execute(execution, &mut update, &place(transactions))
    }

    /// The last block that the chains of `a` and `b` have in common; `None` where one is not known.
    pub fn fork_point(&self, a: &Hash32, b: &Hash32) -> Result<Option<BlockEntry>, StoreError> {
        let (Some(mut a), Some(mut b)) = (self.header(a)?, self.header(b)?) else { return Ok(None) };
        while a.id != b.id {
            // The one that is on the main chain jumps to the height of the other, or where both are,
            // the higher one to the lower.
            let (low, high) = if a.header.height <= b.header.height { (a, b) } else { (b, a) };
            (a, b) = match (low.branch, high.branch) {
                (Branch::Main, Branch::Main) => return Ok(Some(low)),
                (Branch::Side, Branch::Main) => {
                    let id = self.index.main_id(low.header.height.get())?;
                    (self.parent_entry(&low)?, self.entry(&id)?)
                }
                (_, Branch::Side) => {
                    let parent = self.parent_entry(&high)?;
                    (low, parent)
                }
            };
        }
        Ok(Some(a))
    }

    /// Ids of the main chain by which a peer finds where its own chain parts from it: the tip, then
    /// ever farther down, the genesis block last.
    pub fn locator(&self) -> Result<Vec<Hash32>, StoreError> {
        let tip = self.tip.height().get();
        let heights = (0..LOCATOR_MAX_IDS - 1).map(|step| (1 << step) - 1).take_while(|below| *below < tip);
        let heights = heights.map(|below| tip - below).chain([0]);
        heights.map(|height| self.index.main_id(height)).collect()
    }

    /// Up to `limit` headers of the main chain behind the first block of `locator` that is on it;
    /// from the child of the genesis block where none is.
    pub fn headers_after(&self, locator: &[Hash32], limit: usize) -> Result<Vec<Header>, StoreError> {
        let mut from = 0;
        for id in locator {
            if let Some(BlockEntry { header, branch: Branch::Main, .. }) = self.header(id)? {
                from = header.height.get();
                break;
            }
        }
        let heights = (from + 1..=self.tip.height().get()).take(limit);
        heights.map(|height| Ok(self.index.row(&self.index.main_id(height)?)?.header)).collect()
    }

    /// What a status page says of the store.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            blocks: self.blocks,
            uncommitted_blocks: self.uncommitted_blocks,
            log_bytes: distance(Position::START, self.log.end()),
        }
    }

    /// A block that a row has named.
    pub(super) fn block_or_missing(&self, id: &Hash32) -> Result<Block, StoreError> {
        self.block(id)?.ok_or_else(|| missing(Table::Blocks, id))
    }

    fn entry(&self, id: &Hash32) -> Result<BlockEntry, StoreError> {
        self.header(id)?.ok_or_else(|| missing(Table::Blocks, id))
    }

    fn parent_entry(&self, entry: &BlockEntry) -> Result<BlockEntry, StoreError> {
        self.entry(&entry.header.previous)
    }
}
