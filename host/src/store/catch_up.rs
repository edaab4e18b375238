//! Catching the index up with the log: while one thread applies blocks, others decode those behind them and judge
//! their signatures.

use std::collections::VecDeque;

use mote_core::params::Params;
use mote_core::rules::{CheckedTransaction, Signatures};

use super::disk::Disk;
use super::error::StoreError;
use super::ledger::{AddError, Added, Ledger};
use super::log::{KIND_BLOCK, LogError, Position, Record};
use super::opening::{Progress, distance};
use super::segment::record_bytes;
use super::together::{Candidate, CheckedBlock, KeptBlock, check_together};
use crate::block::{self, Block};
use crate::workers::Answer;

/// Records are made ready in batches that are read until they are this long. Longer ones would hardly cost less for a
/// signature, and leave less to do side by side.
const BATCH_BYTES: usize = 192 * 1024;

/// How many batches are made ready ahead for each core, and how many at the most, to bound memory.
const AHEAD_PER_CORE: usize = 2;
const AHEAD_MAX: usize = 16;

impl<D: Disk> Ledger<D> {
    /// Applies what the log has behind the index, and returns how many blocks that were.
    pub(super) fn catch_up(&mut self, progress: &mut impl FnMut(Progress)) -> Result<u64, StoreError> {
        let (from, mut count) = (self.applied, 0);
        let total = distance(from, self.log.end());
        let mut ahead = Batches { next: Some(from), coming: VecDeque::new() };
        while let Some(Ready { found, error }) = ahead.next_ready(self) {
            let checked: Vec<_> = found.iter().map(|found| found.content.checked()).collect();
            let transactions = checked.iter().flatten().flat_map(CheckedBlock::transactions);
            self.read_ahead(transactions.map(CheckedTransaction::transaction));
            for (Found { position, end, content }, checked) in found.iter().zip(&checked) {
                match (content, checked) {
                    (_, Some(block)) => {
                        count += self.apply_again(*position, *end, Candidate::Checked(block))?
                    }
                    (Content::Block(block), None) => {
                        count += self.apply_again(*position, *end, Candidate::Block(block, &()))?;
                    }
                    (_, None) => self.applied = *end,
                }
            }
            if let Some(error) = error {
                return Err(error);
            }
            if self.is_batch_full() {
                self.commit()?;
            }
            progress(Progress { done: distance(from, self.applied), total });
        }
        Ok(count)
    }

    /// Applies a block of the log, and returns how many blocks that added.
    fn apply_again(
        &mut self,
        position: Position,
        end: Position,
        block: Candidate<'_>,
    ) -> Result<u64, StoreError> {
        match self.add_again(block, position, end) {
            Ok(Added::Known) => Ok(0),
            Ok(_) => Ok(1),
            Err(AddError::Store(error)) => Err(error),
            Err(AddError::Rule { error, .. }) => {
                Err(StoreError::Replay { id: block.header().id(), position, error })
            }
            // Nothing is pinned before the index has caught up. Were it, the start would have to say so.
            Err(AddError::Pinned(conflict)) => Err(StoreError::Pinned { position, conflict }),
            Err(AddError::Orphan { parent }) => {
                Err(StoreError::ReplayOrphan { id: block.header().id(), position, parent })
            }
        }
    }

    /// The records from `from` on that form a batch; none at the end of the log.
    fn read_batch(&self, from: Position) -> Option<Batch> {
        let (mut batch, mut bytes) = (Batch { records: Vec::new(), error: None }, 0);
        for record in self.log.scan(from) {
            match record {
                Ok(record) => {
                    bytes += record_bytes(record.1.payload.len());
                    batch.records.push(record);
                }
                Err(error) => batch.error = Some(error),
            }
            if bytes >= BATCH_BYTES {
                break;
            }
        }
        (!batch.records.is_empty() || batch.error.is_some()).then_some(batch)
    }
}

/// The batches that are being made ready.
struct Batches {
    /// Where the next one starts, unless the log ends there.
    next: Option<Position>,
    coming: VecDeque<Answer<Ready>>,
}

impl Batches {
    /// The next batch, once it is ready; until then, this thread makes others ready.
    fn next_ready<D: Disk>(&mut self, ledger: &Ledger<D>) -> Option<Ready> {
        let cores = ledger.verifier.workers().cores().get();
        while self.coming.len() < (AHEAD_PER_CORE * cores).min(AHEAD_MAX)
            && let Some(batch) = self.next.and_then(|next| ledger.read_batch(next))
        {
            self.next = batch.end();
            let (params, alone) = (ledger.params.clone(), ledger.verifier.alone());
            let make_ready = move || batch.make_ready(&params, &alone);
            self.coming.push_back(ledger.verifier.workers().run(make_ready));
        }
        while !self.coming.front()?.is_ready() && self.coming.iter().any(Answer::work_out) {}
        self.coming.pop_front().map(Answer::wait)
    }
}

/// Records that are made ready together.
struct Batch {
    records: Vec<(Position, Record)>,
    /// Why there are no more of them in the log.
    error: Option<LogError>,
}

/// What stands in a batch.
struct Ready {
    found: Vec<Found>,
    /// What is wrong behind that.
    error: Option<StoreError>,
}

/// A record of the log.
struct Found {
    position: Position,
    end: Position,
    content: Content,
}

/// What a record holds.
enum Content {
    /// A block with transactions that need not be checked again.
    Checked(KeptBlock),
    /// A block whose batch has something in it that breaks a rule.
    Block(Block),
    /// Something else.
    Other,
}

impl Content {
    fn checked(&self) -> Option<CheckedBlock<'_>> {
        match self {
            Self::Checked(block) => Some(block.checked()),
            Self::Block(_) | Self::Other => None,
        }
    }
}

impl Batch {
    /// Where the next one starts, if there can be one.
    fn end(&self) -> Option<Position> {
        let (position, record) = self.records.last().filter(|_| self.error.is_none())?;
        Some(end(*position, record))
    }

    fn make_ready(self, params: &Params, signatures: &dyn Signatures) -> Ready {
        let mut error = self.error.map(StoreError::from);
        let mut decoded = Vec::with_capacity(self.records.len());
        for (position, record) in &self.records {
            match decode(*position, record) {
                Ok(block) => decoded.push((*position, end(*position, record), block)),
                Err(first) => {
                    error = Some(first);
                    break;
                }
            }
        }
        let blocks: Vec<&Block> = decoded.iter().filter_map(|(_, _, block)| block.as_ref()).collect();
        let checked = check_together(params, &blocks, &(), signatures).unwrap_or_default();
        let kept: Vec<KeptBlock> = checked.iter().map(CheckedBlock::keep).collect();
        let mut kept = kept.into_iter();
        let mut content = |block: Option<Block>| match block {
            Some(block) => kept.next().map_or(Content::Block(block), Content::Checked),
            None => Content::Other,
        };
        let found = |(position, end, block)| Found { position, end, content: content(block) };
        Ready { found: decoded.into_iter().map(found).collect(), error }
    }
}

/// The block in a record, where it holds one.
fn decode(position: Position, record: &Record) -> Result<Option<Block>, StoreError> {
    if record.kind != KIND_BLOCK {
        return Ok(None);
    }
    let block = block::decode(&record.payload)
        .map_err(|error| StoreError::Encoding { what: format!("the log's block at {position}"), error })?;
    Ok(Some(block))
}

/// Behind the record at a position.
fn end(position: Position, record: &Record) -> Position {
    // A record was found to fit its segment, whose offsets are 32-bit.
    let end = position.offset().saturating_add(record_bytes(record.payload.len()) as u32);
    Position::new(position.segment(), end)
}
