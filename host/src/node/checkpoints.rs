//! The checkpoints of keys that the operator named, kept over restarts in a file of one line each.
//!
//! Each is kept whatever becomes of it, as evidence; only those that are held or ahead bind the ledger.

use std::fmt::Write;

use mote_core::hash::Hash32;
use mote_core::keys::PublicKey;
use mote_core::params::Params;
use mote_core::units::Height;

use super::Node;
use crate::checkpoint::{Checkpoint, InvalidCheckpoint, ReadCheckpoint, TEXT_MAX_BYTES};
use crate::store::disk::Disk;
use crate::store::error::StoreError;
use crate::store::ledger::Ledger;
use crate::store::pins::PinConflict;

/// The file with the checkpoints, one a line.
pub const CHECKPOINTS_FILE: &str = "checkpoints.jsonl";

/// How many checkpoints a node keeps: one a day for years.
pub const CHECKPOINTS_MAX: usize = 4_096;

/// What became of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The main chain has the block and never leaves it.
    Held,
    /// The main chain is not that long yet; it will have this block at that height or none.
    Ahead,
    /// The main chain had another block at that height before, which it keeps.
    Conflict,
    /// The same key vouched for two blocks of one height, so neither counts.
    Equivocal,
    /// The operator does not name its key any more.
    Unnamed,
}

/// Why a checkpoint was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is none for this network.
    #[error(transparent)]
    Invalid(#[from] InvalidCheckpoint),
    /// The operator did not name its key.
    #[error("no --checkpoint-key names the key of this checkpoint")]
    UnknownKey,
    /// The main chain, or the checkpoint of another key, has another block there.
    #[error("{0}: it is not followed")]
    Conflict(PinConflict),
    /// The same key vouched for another block of that height.
    #[error("its key has vouched for {first} and for {second} at height {height}: neither counts any more")]
    Equivocal {
        /// The height.
        height: Height,
        /// The block that it vouched for first.
        first: Hash32,
        /// The other one.
        second: Hash32,
    },
    /// There is no room for more.
    #[error("there are already {limit} checkpoints")]
    Full {
        /// How many there may be.
        limit: usize,
    },
    /// A line of the file is no checkpoint.
    #[error("{path}:{line}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be kept over a restart.
    #[error("the checkpoint cannot be kept: {0}")]
    NotWritten(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The checkpoints of a folder, and what became of each.
#[derive(Default)]
pub struct Checkpoints {
    keys: Vec<PublicKey>,
    kept: Vec<(Checkpoint, Standing)>,
    /// What a peer showed last on this tip that stands against one of them.
    refused: Option<PinConflict>,
}

impl Checkpoints {
    /// Reads those that a folder keeps, and binds the ledger to those of these keys. An error where the file
    /// is damaged: it may have held what the main chain must not leave.
    pub fn read<D: Disk>(
        disk: &D,
        params: &Params,
        keys: Vec<PublicKey>,
        ledger: &mut Ledger<D>,
    ) -> Result<Self, CheckpointError> {
        let limit = (CHECKPOINTS_MAX * TEXT_MAX_BYTES) as u64;
        let path = disk.path(CHECKPOINTS_FILE);
        let bytes = disk.read_small(CHECKPOINTS_FILE, limit);
        let bytes =
            bytes.map_err(|source| StoreError::File { path: path.clone(), source })?.unwrap_or_default();
        let damaged = |line, reason| CheckpointError::File { path: path.display().to_string(), line, reason };
        let text = String::from_utf8(bytes).map_err(|error| damaged(1, error.to_string()))?;
        let mut checkpoints = Self { keys, ..Self::default() };
        for (number, line) in (1..).zip(text.lines()) {
            let read = serde_json::from_str::<ReadCheckpoint>(line);
            let read = read.map_err(|error| damaged(number, error.to_string()))?;
            let checkpoint = read.check(params).map_err(|error| damaged(number, error.to_string()))?;
            let standing = checkpoints.judge(&checkpoint, ledger)?;
            if let Standing::Conflict | Standing::Equivocal = standing {
                tracing::error!(height = %checkpoint.height, block = %checkpoint.block, ?standing,
                    "checkpoint-conflict: a checkpoint cannot be followed");
            }
            checkpoints.kept.push((checkpoint, standing));
        }
        Ok(checkpoints)
    }

    /// What becomes of a checkpoint that comes after those that are kept; binds the ledger accordingly.
    fn judge<D: Disk>(
        &mut self,
        checkpoint: &Checkpoint,
        ledger: &mut Ledger<D>,
    ) -> Result<Standing, StoreError> {
        if !self.keys.contains(&checkpoint.key) {
            return Ok(Standing::Unnamed);
        }
        if self.other_vote(checkpoint).is_none() {
            let pinned = ledger.pin(checkpoint.height, checkpoint.block)?;
            return Ok(if pinned.is_ok() { Standing::Held } else { Standing::Conflict });
        }
        let height = checkpoint.height;
        ledger.unpin(height);
        for (kept, standing) in self.kept.iter_mut().filter(|(kept, _)| kept.height == height) {
            if kept.key == checkpoint.key {
                *standing = Standing::Equivocal;
            } else if *standing == Standing::Held {
                // Another key may vouch for one of the two, and still does.
                *standing = Standing::Conflict;
            }
        }
        self.retry_conflicts(ledger)?;
        Ok(Standing::Equivocal)
    }

    /// Binds the ledger to what it could not be bound to before, where it now can.
    fn retry_conflicts<D: Disk>(&mut self, ledger: &mut Ledger<D>) -> Result<(), StoreError> {
        for (kept, standing) in &mut self.kept {
            if *standing == Standing::Conflict && ledger.pin(kept.height, kept.block)?.is_ok() {
                *standing = Standing::Held;
            }
        }
        Ok(())
    }

    /// The checkpoint of the same key for another block of the same height.
    fn other_vote(&self, checkpoint: &Checkpoint) -> Option<&Checkpoint> {
        let mut kept = self.kept.iter().map(|(kept, _)| kept);
        kept.find(|kept| {
            kept.key == checkpoint.key && kept.height == checkpoint.height && kept.block != checkpoint.block
        })
    }
}

impl<D: Disk> Node<D> {
    /// Follows the checkpoints of these keys from now on: those in the file, and those that will be added.
    pub fn name_checkpoint_keys(&mut self, keys: Vec<PublicKey>) -> Result<(), CheckpointError> {
        self.checkpoints = Checkpoints::read(&self.disk, &self.params, keys, &mut self.ledger)?;
        Ok(())
    }

    /// What the main chain's move to another branch makes of the checkpoints.
    pub(super) fn review_checkpoints(&mut self) -> Result<(), StoreError> {
        self.checkpoints.refused = None;
        self.checkpoints.retry_conflicts(&mut self.ledger)
    }

    /// Takes in a checkpoint of a named key, and keeps it over restarts.
    pub(super) fn add_checkpoint(
        &mut self,
        read: ReadCheckpoint,
    ) -> Result<(Checkpoint, Standing), CheckpointError> {
        if let Some(reason) = &self.read_only {
            return Err(CheckpointError::NotWritten(reason.clone()));
        }
        let checkpoint = read.check(&self.params)?;
        if !self.checkpoints.keys.contains(&checkpoint.key) {
            return Err(CheckpointError::UnknownKey);
        }
        let same = |(kept, _): &&(Checkpoint, Standing)| {
            (kept.key, kept.height, kept.block) == (checkpoint.key, checkpoint.height, checkpoint.block)
        };
        if let Some((_, standing)) = self.checkpoints.kept.iter().find(same) {
            return Ok((checkpoint.clone(), self.standing_now(&checkpoint, *standing)));
        }
        if self.checkpoints.kept.len() >= CHECKPOINTS_MAX {
            return Err(CheckpointError::Full { limit: CHECKPOINTS_MAX });
        }
        let first = self.checkpoints.other_vote(&checkpoint).map(|other| other.block);
        if first.is_none()
            && let Err(conflict) = self.ledger.pin(checkpoint.height, checkpoint.block)?
        {
            return Err(CheckpointError::Conflict(conflict));
        }
        let standing = self.checkpoints.judge(&checkpoint, &mut self.ledger)?;
        let (height, second) = (checkpoint.height, checkpoint.block);
        self.checkpoints.kept.push((checkpoint.clone(), standing));
        self.write_checkpoints()?;
        // What other branches were asked for may stand against it now; it is judged again as it comes.
        match first {
            Some(first) => Err(CheckpointError::Equivocal { height, first, second }),
            None => Ok((checkpoint.clone(), self.standing_now(&checkpoint, standing))),
        }
    }

    /// The checkpoints with what became of them, highest first.
    pub fn checkpoints(&self) -> Vec<(Checkpoint, Standing)> {
        let kept = self.checkpoints.kept.iter();
        let mut list: Vec<_> =
            kept.map(|(kept, standing)| (kept.clone(), self.standing_now(kept, *standing))).collect();
        list.sort_by_key(|(checkpoint, _)| std::cmp::Reverse(checkpoint.height));
        list
    }

    /// What stands against a checkpoint, where something does: this node's chain, the key itself, or what a
    /// peer showed last.
    pub(super) fn checkpoint_conflict(&self) -> Option<String> {
        let own = self.checkpoints.kept.iter().find_map(|(kept, standing)| match standing {
            Standing::Conflict => Some(format!(
                "this node's chain does not have block {} at height {}, which a named key vouches for",
                kept.block, kept.height
            )),
            Standing::Equivocal => {
                Some(format!("a named key vouches for two blocks at height {}: neither counts", kept.height))
            }
            Standing::Held | Standing::Ahead | Standing::Unnamed => None,
        });
        own.or_else(|| self.checkpoints.refused.map(|conflict| format!("refused: {conflict}")))
    }

    /// Leaves a peer that follows a chain which the operator's checkpoints are not on. It broke no rule, so
    /// its address is as good as before.
    pub(super) fn refuse_branch(
        &mut self,
        peers: impl IntoIterator<Item = super::PeerId>,
        conflict: PinConflict,
    ) {
        // Once a block: anybody can mine any number of headers on the genesis block.
        if self.checkpoints.refused.replace(conflict).is_none() {
            tracing::warn!("checkpoint-conflict: {conflict}");
        }
        for peer in peers {
            self.hang_up(peer, "its chain contradicts a checkpoint of this node's operator");
        }
    }

    fn standing_now(&self, checkpoint: &Checkpoint, standing: Standing) -> Standing {
        match standing {
            Standing::Held if checkpoint.height > self.ledger.tip().height() => Standing::Ahead,
            other => other,
        }
    }

    fn write_checkpoints(&mut self) -> Result<(), CheckpointError> {
        let mut text = String::new();
        for (checkpoint, _) in &self.checkpoints.kept {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", checkpoint.line(self.params.address_prefix));
        }
        if let Err(error) = self.disk.replace(CHECKPOINTS_FILE, text.as_bytes()) {
            let reason = error.to_string();
            self.fail(StoreError::File { path: self.disk.path(CHECKPOINTS_FILE), source: error });
            return Err(CheckpointError::NotWritten(reason));
        }
        Ok(())
    }
}
