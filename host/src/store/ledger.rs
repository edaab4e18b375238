//! The ledger: every block that was ever accepted, on whatever branch, and which of them form the
//! main chain. One task owns it; what it hands out are values.
//!
//! A block is judged by every rule before anything is changed, then appended to the log, then taken
//! into the index. The index is committed behind the log, in batches, and caught up at the start.

use std::sync::Arc;

use mote_core::chain::Tip;
use mote_core::hash::Hash32;
use mote_core::params::Params;
use mote_core::rules::{Clock, Execution, RuleError, check_header};
use mote_core::state::UpdateError;
use mote_core::units::Moment;

use super::disk::Disk;
use super::error::StoreError;
use super::execution::{execute, place};
use super::index::{Index, Table};
use super::log::{KIND_BLOCK, Log, Position};
use super::nodes::NodeFile;
use super::pending::Changes;
use super::pins::{PinConflict, Pins};
use super::rows::{BlockRow, missing};
use super::states::{RecentStates, weight};
use super::tips::RecentTips;
use super::together::{Candidate, CheckedBlock, check_together};
use super::tree::{Ahead, TreeUpdate, TreeVersion};
use crate::block::Block;
use crate::signatures::{Known, Verifier};

/// The index is committed once this many blocks are not in it yet: what a start after a crash has to
/// apply again. Smaller batches would rewrite and sync the same
/// pages more often; much larger ones need room for both versions of many pages, and keep others waiting.
pub const COMMIT_BLOCKS: u64 = 8_192;

/// The index is committed once what is not committed yet weighs this much, a payment 1 and a block 8: it takes
/// memory, the more the more accounts there are, and a start after a crash has to apply it again.
pub const COMMIT_WEIGHT: usize = 65_536;

/// Once no block has come for this long, in milliseconds, the index is told how far the log is durable, so that
/// damage of it does not pass for an unfinished write after a crash.
pub const NOTE_IDLE_MS: u64 = 2_000;

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was there already.
    Known,
    /// It obeys every rule, and its chain has no more work than the main chain.
    Side,
    /// It is the new tip, a child of the old one.
    Extended,
    /// It is the new tip, on another branch.
    Reorganised {
        /// The blocks that left the main chain, the old tip first.
        disconnected: Vec<Hash32>,
        /// The blocks that joined it, the child of the fork first and the new tip last.
        connected: Vec<Hash32>,
    },
}

/// Why a block was not added. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The parent is not known.
    #[error("the parent {parent} is not known")]
    Orphan {
        /// The parent's id.
        parent: Hash32,
    },
    /// A rule is broken.
    #[error("{}{error}", transaction.map(|index| format!("transaction {index}: ")).unwrap_or_default())]
    Rule {
        /// The rule, with what was got and what was expected.
        error: RuleError,
        /// The place of the transaction that breaks it; none where it is the block that does.
        transaction: Option<usize>,
    },
    /// The operator's checkpoints stand against it. It may obey every rule.
    #[error(transparent)]
    Pinned(#[from] PinConflict),
    /// The store fails. It says nothing about the block.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AddError {
    /// A rule that the block as a whole breaks.
    pub(super) fn block(error: RuleError) -> Self {
        Self::Rule { error, transaction: None }
    }

    /// What execution of the transaction at this place, or of the block, has come upon.
    pub(super) fn update(error: UpdateError<StoreError>, transaction: Option<usize>) -> Self {
        match error {
            UpdateError::Rule(error) => Self::Rule { error, transaction },
            UpdateError::Accounts(error) => Self::Store(error),
        }
    }
}

/// All blocks and the state after each of them.
pub struct Ledger<D: Disk> {
    pub(super) params: Arc<Params>,
    pub(super) log: Log<D>,
    pub(super) index: Index,
    pub(super) nodes: NodeFile,
    pub(super) tip: Tip,
    pub(super) recent: RecentTips,
    /// The accounts at the tip; none after a block that broke a rule on the way, until the next that breaks none.
    pub(super) state: Option<TreeVersion>,
    pub(super) states: RecentStates,
    /// What was read for blocks that are to be added.
    pub(super) ahead: Ahead,
    /// What the blocks weigh that came since a version of the accounts was last kept in memory.
    pub(super) unretained: usize,
    /// What the blocks weigh that came since accounts were last stored.
    pub(super) unkept: usize,
    /// How many bytes that took.
    pub(super) last_stored_bytes: usize,
    /// How many blocks there are, the genesis block included.
    pub(super) blocks: u64,
    /// Up to where the log is in the index, in memory or on the disk.
    pub(super) applied: Position,
    /// Up to where the index says that the log is durable.
    pub(super) noted: Position,
    /// How many blocks are in the index but not committed.
    pub(super) uncommitted_blocks: u64,
    /// What they weigh.
    pub(super) uncommitted_weight: usize,
    /// The number of blocks when [`Ledger::maintain`] last saw it change, and when that was.
    pub(super) last_change: Option<(u64, Moment)>,
    /// Up to where the journal of open transactions is durable, and where the index says so.
    pub(super) journal_now: Position,
    pub(super) journal_end: Position,
    pub(super) verifier: Verifier,
    /// Blocks that the main chain must have.
    pub(super) pins: Pins,
}

/// A block that obeys every rule, with all that will change.
struct Staged {
    changes: Changes,
    row: BlockRow,
    tip: Tip,
    state: TreeVersion,
    weight: usize,
    /// How often the accounts at the tip are kept in memory.
    retained_every: usize,
    added: Added,
}

impl<D: Disk> Ledger<D> {
    /// Checks every rule of `block` and takes it in. It is durable after the next [`Ledger::sync`].
    pub fn add(&mut self, block: &Block, clock: Clock) -> Result<Added, AddError> {
        self.add_knowing(block, clock, &())
    }

    /// The same, but no signature is judged of a transaction that is known.
    pub fn add_knowing(&mut self, block: &Block, clock: Clock, known: &dyn Known) -> Result<Added, AddError> {
        self.append(Candidate::Block(block, known), clock)
    }

    /// The same for a block whose transactions were checked by [`Ledger::check_together`].
    pub fn add_checked(&mut self, block: &CheckedBlock<'_>, clock: Clock) -> Result<Added, AddError> {
        self.append(Candidate::Checked(block), clock)
    }

    fn append(&mut self, block: Candidate<'_>, clock: Clock) -> Result<Added, AddError> {
        let staged = self.stage(block, clock)?;
        let Some(staged) = staged else { return Ok(Added::Known) };
        let position = self.log.append(KIND_BLOCK, &block.encode()).map_err(StoreError::from)?;
        Ok(self.take_in(staged, position, self.log.end()))
    }

    /// Checks all that can be said of the transactions of `blocks` without the accounts, and judges the signatures of
    /// those that are not known together, which takes a fraction of judging them block by block; meanwhile the accounts
    /// of the blocks are read. There is no answer where one of them breaks a rule: adding the blocks one by one tells
    /// which.
    pub fn check_together<'a>(
        &mut self,
        blocks: &[&'a Block],
        known: &dyn Known,
    ) -> Option<Vec<CheckedBlock<'a>>> {
        self.read_ahead(blocks.iter().flat_map(|block| &block.transactions));
        check_together(&self.params, blocks, known, &self.verifier)
    }

    /// How many signatures were judged since the ledger was opened.
    pub fn signatures_judged(&self) -> u64 {
        self.verifier.judged()
    }

    /// Takes in a block that stands in the log at `position`, up to `end`.
    pub(super) fn add_again(
        &mut self,
        block: Candidate<'_>,
        position: Position,
        end: Position,
    ) -> Result<Added, AddError> {
        match self.stage(block, Clock::AcceptedBefore)? {
            Some(staged) => Ok(self.take_in(staged, position, end)),
            None => {
                self.applied = end;
                Ok(Added::Known)
            }
        }
    }

    /// Returns once every block that was added is on the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        Ok(self.log.sync()?)
    }

    /// Commits the index when that is due, after [`COMMIT_BLOCKS`] or [`COMMIT_WEIGHT`]; and when no
    /// block has come for [`NOTE_IDLE_MS`], tells it how far the log is durable. Worth calling after each block
    /// and once a second.
    pub fn maintain(&mut self, now: Moment) -> Result<(), StoreError> {
        let last = match self.last_change {
            Some((blocks, last)) if blocks == self.blocks => last,
            _ => now,
        };
        self.last_change = Some((self.blocks, last));
        if self.is_batch_full() {
            return self.commit();
        }
        // Where only payments came, the end of the journal can wait for the next block or the end.
        let is_idle = now.since(last) >= NOTE_IDLE_MS;
        if is_idle && self.noted != self.log.synced_end() { self.note() } else { Ok(()) }
    }

    /// Tells the index how far log and journal are durable.
    fn note(&mut self) -> Result<(), StoreError> {
        let (log, journal) = (self.log.synced_end(), self.journal_now);
        self.index.note(&[("trusted", log.into()), ("journal", journal.into())])?;
        (self.noted, self.journal_end) = (log, journal);
        Ok(())
    }

    /// Up to where the journal of open transactions was durable when the index was last committed.
    pub fn journal_end(&self) -> Position {
        self.journal_end
    }

    /// Takes note up to where the journal is durable, for the index to keep.
    pub fn note_journal_end(&mut self, end: Position) {
        self.journal_now = end;
    }

    /// Commits what is not committed yet, so that the next start has nothing to catch up.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.commit()
    }

    /// Whether so much is not committed that it is time to.
    pub(super) fn is_batch_full(&self) -> bool {
        self.uncommitted_blocks >= COMMIT_BLOCKS || self.uncommitted_weight >= COMMIT_WEIGHT
    }

    /// Brings the log and then the index to the disk, due or not.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        // The index must never speak of a block that the log could lose.
        self.log.sync()?;
        if self.index.has_pending() {
            let mut changes = Changes::default();
            if self.unkept > 0 {
                let id = self.tip.id();
                let (mut row, state) = (self.index.row(&id)?, self.state(&id)?);
                row.root = self.keep_state(state.ok_or_else(|| missing(Table::Blocks, &id))?, &mut changes);
                changes.put(Table::Blocks, id.as_bytes(), &row.encode());
            }
            // In one step: what the index has of the log must never be more than what it knows to be durable.
            let (log, journal) = (self.log.synced_end(), self.journal_now);
            for (name, position) in [("applied", self.applied), ("trusted", log), ("journal", journal)] {
                changes.put(Table::Meta, name.as_bytes(), &u64::from(position).to_be_bytes());
            }
            // Nor of accounts that their file could lose.
            self.nodes.sync()?;
            self.index.apply(changes, self.verifier.workers());
            self.index.commit()?;
            (self.noted, self.journal_end) = (log, journal);
            (self.uncommitted_blocks, self.uncommitted_weight) = (0, 0);
        }
        if self.noted != self.log.synced_end() || self.journal_end != self.journal_now {
            self.note()?;
        }
        Ok(())
    }

    /// Judges `block` and works out what changes with it; `None` where it is known.
    fn stage(&mut self, block: Candidate<'_>, clock: Clock) -> Result<Option<Staged>, AddError> {
        let header = block.header();
        if self.contains(&header.id())? {
            return Ok(None);
        }
        self.check_pins(header, &Added::Side)?;
        let orphan = AddError::Orphan { parent: header.previous };
        let parent = self.tip_of(&header.previous)?.ok_or(orphan)?;
        let checked = check_header(&self.params, &parent, header, clock).map_err(AddError::block)?;
        let transactions = block.check(&self.params, &self.verifier)?;
        let state = self.take_state(&parent.id())?.ok_or(AddError::Orphan { parent: parent.id() })?;
        let mut update = TreeUpdate::with_ahead(self.nodes.reader(), state, &mut self.ahead);
        let transactions = place(&transactions);
        let execution = Execution::of_compared(&self.params, header);
        let executed = execute(execution, &mut update, &transactions)?;
        executed.check(header).map_err(AddError::block)?;

        let (mut changes, state) = (Changes::default(), update.into_version());
        let mut tip = parent.clone();
        tip.extend(&checked);
        let added = if tip.work() > self.tip.work() {
            self.stage_move(&mut changes, &parent, &tip, header, &transactions)?
        } else {
            Added::Side
        };
        self.check_pins(header, &added)?;
        self.stage_branches(&mut changes, header, &added)?;
        // The position is known once the block is in the log.
        let row = BlockRow { position: 0, work: tip.work(), root: 0, header: header.clone() };
        let (weight, retained_every) = (weight(header), block.retained_every());
        Ok(Some(Staged { changes, row, tip, state, weight, retained_every, added }))
    }

    /// Makes what was staged the state of the ledger. Nothing here can fail.
    fn take_in(&mut self, staged: Staged, position: Position, end: Position) -> Added {
        let Staged { mut changes, mut row, tip, state, weight, retained_every, added } = staged;
        row.position = position.into();
        self.blocks += 1;
        self.uncommitted_blocks += 1;
        self.uncommitted_weight += weight;
        self.applied = end;
        changes.put(Table::Meta, b"blocks", &self.blocks.to_be_bytes());
        self.recent.insert(tip.clone());
        let id = tip.id();
        if added == Added::Side {
            self.keep_recent(id, state, weight);
        } else {
            changes.put(Table::Meta, b"tip", id.as_bytes());
            self.tip = tip;
            self.unkept += weight;
            self.retain_state(&state, weight, retained_every, &added);
            if self.is_state_due() {
                row.root = self.keep_state(state, &mut changes);
            } else {
                self.state = Some(state);
            }
        }
        changes.put(Table::Blocks, id.as_bytes(), &row.encode());
        self.index.apply(changes, self.verifier.workers());
        added
    }
}
