//! Opening a ledger: the index is checked, or made anew, and caught up with the log.

use std::sync::Arc;

use mote_core::chain::Tip;
use mote_core::merkle::Frontier;
use mote_core::params::Params;

use super::disk::{Disk, DiskBackend};
use super::error::StoreError;
use super::index::{Index, SCHEMA, Table};
use super::ledger::Ledger;
use super::log::{Coverage, Identity, Log, Options, Position, SEGMENT_BYTES, TornTail};
use super::main_chain::connect;
use super::nodes::{NODES_BEGIN, NodeFile};
use super::pending::Changes;
use super::pins::Pins;
use super::rows::{BlockRow, NOT_IN_LOG, missing};
use super::states::RecentStates;
use super::tips::RecentTips;
use super::tree::{Ahead, TreeVersion};
use crate::signatures::Verifier;
use crate::workers::Workers;

/// Name of the file that holds the index.
pub const INDEX_FILE: &str = "index.redb";

/// What the names of the log's files start with.
pub const LOG_PREFIX: &str = "log";

/// How far the index has caught up with the log, in bytes of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What was done.
    pub done: u64,
    /// What there is to do.
    pub total: u64,
}

/// What opening a ledger found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What became of the index.
    pub index: IndexState,
    /// How many blocks of the log were not in the index: after a clean end none, after a crash those
    /// since the last commit.
    pub reapplied_blocks: u64,
    /// An unfinished write that was cut off the log's end. Nothing in it had been acknowledged.
    pub cut: Option<TornTail>,
}

/// What became of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// There was none.
    Created,
    /// It was used as it was.
    Kept,
    /// It could not be used and was built anew from the log.
    Rebuilt {
        /// Why it could not be used.
        reason: String,
    },
}

/// A salt for new files, from the system.
pub fn random_salt() -> Result<u32, StoreError> {
    getrandom::u32().map_err(StoreError::Entropy)
}

impl<D: Disk> Ledger<D> {
    /// Opens the ledger in the folder `disk`, or begins it. New files of the log get the salt `salt`, a number
    /// that nobody else knows: see [`random_salt`]. `progress` is told how far the index has caught up with the
    /// log, which takes long only where the index is built anew.
    pub fn open(
        disk: D,
        params: Arc<Params>,
        salt: u32,
        progress: impl FnMut(Progress),
    ) -> Result<(Self, Opened), StoreError> {
        Self::open_with(disk, params, salt, Verifier::new(), progress)
    }

    /// The same with a way to judge signatures of one's own.
    pub fn open_with(
        disk: D,
        params: Arc<Params>,
        salt: u32,
        verifier: Verifier,
        mut progress: impl FnMut(Progress),
    ) -> Result<(Self, Opened), StoreError> {
        let (index, nodes, found) = open_index(&disk, &params, verifier.workers())?;
        let Restored { tip, state, blocks, applied, trusted, journal_end } = restore(&index, &params)?;
        let identity = Identity { network: params.network().to_string(), genesis: params.genesis_id() };
        let options = Options { segment_bytes: SEGMENT_BYTES, coverage: Coverage::Whole, salt };
        let (log, opened) = Log::open(disk, LOG_PREFIX, &identity, options, trusted)?;
        // The last time is not known any more, but it took no more than all times together.
        let last_stored_bytes = nodes.end() as usize;
        let mut ledger = Self {
            params,
            log,
            index,
            nodes,
            tip,
            recent: RecentTips::default(),
            state: Some(state),
            states: RecentStates::default(),
            ahead: Ahead::default(),
            unretained: 0,
            unkept: 0,
            last_stored_bytes,
            blocks,
            applied,
            noted: trusted,
            uncommitted_blocks: 0,
            uncommitted_weight: 0,
            last_change: None,
            pins: Pins::default(),
            journal_now: journal_end,
            journal_end,
            verifier,
        };
        let reapplied_blocks = ledger.catch_up(&mut progress)?;
        Ok((ledger, Opened { index: found, reapplied_blocks, cut: opened.cut }))
    }
}

/// Bytes of the log between two positions, taking every file but the last for full.
pub(super) fn distance(from: Position, to: Position) -> u64 {
    let bytes = |at: Position| u64::from(at.segment()) * u64::from(SEGMENT_BYTES) + u64::from(at.offset());
    bytes(to).saturating_sub(bytes(from))
}

/// What the index says of the ledger as a whole.
struct Restored {
    tip: Tip,
    /// The accounts at the tip.
    state: TreeVersion,
    blocks: u64,
    /// Up to where the log is in the index.
    applied: Position,
    /// Up to where the log is durable.
    trusted: Position,
    journal_end: Position,
}

fn restore(index: &Index, params: &Params) -> Result<Restored, StoreError> {
    let number = |name| index.meta_number(name)?.ok_or_else(|| missing(Table::Meta, &name));
    let tip = index.meta_hash("tip")?.ok_or_else(|| missing(Table::Meta, &"tip"))?;
    let state =
        index.row(&tip)?.accounts().ok_or_else(|| missing(Table::Meta, &"the accounts at the tip"))?;
    let tip = index.tip_of(params, &tip)?.ok_or_else(|| missing(Table::Meta, &"the block of the tip"))?;
    let blocks = number("blocks")?;
    let journal_end = index.meta_number("journal")?.map_or(Position::START, Position::from);
    let (applied, trusted) = (number("applied")?.into(), number("trusted")?.into());
    Ok(Restored { tip, state, blocks, applied, trusted, journal_end })
}

/// The index and the file of accounts that it speaks of, made anew where there are none that can be used.
fn open_index<D: Disk>(
    disk: &D,
    params: &Params,
    workers: &Workers,
) -> Result<(Index, NodeFile, IndexState), StoreError> {
    let file_error = |source| StoreError::IndexFile { path: disk.path(INDEX_FILE), source };
    let mut state = IndexState::Created;
    if disk.list().map_err(file_error)?.iter().any(|name| name == INDEX_FILE) {
        let file = disk.open(INDEX_FILE).map_err(file_error)?;
        match Index::open(DiskBackend::new(file)).and_then(|index| check(disk, index, params)) {
            Ok(Some((index, nodes))) => return Ok((index, nodes, IndexState::Kept)),
            // The power failed while it was made.
            Ok(None) => {}
            Err(error) if error.is_index_damage() => {
                state = IndexState::Rebuilt { reason: error.to_string() };
            }
            Err(error) => return Err(error),
        }
        disk.remove(INDEX_FILE).map_err(file_error)?;
    }
    // That the index is gone is durable before anything is written over what it spoke of.
    disk.sync_folder().map_err(file_error)?;
    let nodes = NodeFile::open(disk, None)?;
    let file = disk.create(INDEX_FILE).map_err(file_error)?;
    disk.sync_folder().map_err(file_error)?;
    let mut index = Index::open(DiskBackend::new(file))?;
    index.apply(genesis(params), workers);
    index.commit()?;
    Ok((index, nodes, state))
}

/// The index and its file of accounts, where it is one of this network that can be used; `None` where nothing is in it.
fn check<D: Disk>(disk: &D, index: Index, params: &Params) -> Result<Option<(Index, NodeFile)>, StoreError> {
    let Some(got) = index.meta_number("schema")? else { return Ok(None) };
    if got != SCHEMA {
        return Err(StoreError::Schema { got, expected: SCHEMA });
    }
    let expected = params.genesis_id();
    match index.meta_hash("genesis")? {
        Some(got) if got != expected => Err(StoreError::Genesis { got, expected }),
        _ => {
            restore(&index, params)?;
            let end = index.meta_number("nodes")?.ok_or_else(|| missing(Table::Meta, &"nodes"))?;
            Ok(Some((index, NodeFile::open(disk, Some(end))?)))
        }
    }
}

/// The index of a ledger that has the genesis block alone.
fn genesis(params: &Params) -> Changes {
    let (mut changes, id, tip) = (Changes::default(), params.genesis_id(), Tip::genesis(params));
    let header = params.genesis().clone();
    let row = BlockRow { position: NOT_IN_LOG, work: tip.work(), root: 0, header: header.clone() };
    changes.put(Table::Blocks, id.as_bytes(), &row.encode());
    connect(&mut changes, &mut Frontier::new(), (&id, &tip.work()), &header, &[]);
    let start = Position::START.into();
    for (name, number) in
        [("schema", SCHEMA), ("nodes", NODES_BEGIN), ("blocks", 1), ("applied", start), ("trusted", start)]
    {
        changes.put(Table::Meta, name.as_bytes(), &u64::to_be_bytes(number));
    }
    changes.put(Table::Meta, b"genesis", id.as_bytes());
    changes.put(Table::Meta, b"tip", id.as_bytes());
    changes
}
