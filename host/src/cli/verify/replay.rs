//! Every record of the log, and every block of it by every rule.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mote_core::codec;
use mote_core::params::Params;
use mote_core::rules::Clock as RuleClock;
use mote_core::transaction::Transaction;

use super::super::error::CliError;
use super::super::output::scaled;
use super::super::progress::{Progress, rate};
use crate::block;
use crate::cli::overlay::OverlayDisk;
use crate::clock::Clock;
use crate::store::disk::{Disk, FileDisk};
use crate::store::error::StoreError;
use crate::store::journal;
use crate::store::ledger::{AddError, Added, Ledger};
use crate::store::log::{
    Coverage, Identity, KIND_BLOCK, KIND_TRANSACTION, Log, Options, Position, Record, SEGMENT_BYTES, TornTail,
};
use crate::store::opening::{LOG_PREFIX, random_salt};
use crate::store::segment;

/// What is in the folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Blocks, those of other branches included.
    pub blocks: u64,
    /// Their transactions.
    pub transactions: u64,
}

/// What was found.
pub struct Replayed {
    /// A fresh ledger of all blocks.
    pub ledger: Ledger<FileDisk>,
    /// What is in the folder.
    pub counts: Counts,
    /// Unfinished writes at the end of a log, which the next start cuts off.
    pub torn: Vec<TornTail>,
    /// Where the fresh ledger is.
    _room: Room,
}

/// Reads everything and applies every rule.
pub fn replay(disk: &OverlayDisk, params: &Arc<Params>) -> Result<Replayed, CliError> {
    let room = Room::make()?;
    let fresh = FileDisk::new(&room.0).map_err(|source| CliError::File {
        action: "use",
        path: room.0.clone(),
        source,
    })?;
    let (mut ledger, _) = Ledger::open(fresh, params.clone(), random_salt()?, |_| {})?;
    // The genesis block is in no log.
    let (mut counts, mut torn) = (Counts { blocks: 1, ..Counts::default() }, Vec::new());
    let log = open(disk, LOG_PREFIX, Coverage::Whole, params, &mut torn)?;
    let (clock, mut bar, total) = (Clock::start(), Progress::new("verify"), place(log.end()));
    for read in log.scan(Position::START) {
        let (position, record) = read.map_err(StoreError::from)?;
        if record.kind != KIND_BLOCK {
            continue;
        }
        let transactions = apply(&mut ledger, position, &record, disk)?;
        ledger.maintain(clock.moment())?;
        counts.blocks += 1;
        counts.transactions += transactions;
        let detail = format!("{} blocks/s", scaled(rate(counts.blocks, bar.elapsed())));
        bar.update(place(position), total, &detail);
    }
    bar.finish();
    Ok(Replayed { ledger, counts, torn, _room: room })
}

/// Adds one block and returns how many transactions it has.
fn apply(
    ledger: &mut Ledger<FileDisk>,
    position: Position,
    record: &Record,
    disk: &OverlayDisk,
) -> Result<u64, CliError> {
    let damage = |reason: String| CliError::Failed(format!("{}: {reason}", at(disk, LOG_PREFIX, position)));
    let block = block::decode(&record.payload)
        .map_err(|error| damage(format!("the record holds no block: {error}")))?;
    let (id, height) = (block.header.id(), block.header.height);
    match ledger.add(&block, RuleClock::AcceptedBefore) {
        Ok(Added::Known) => Err(damage(format!("block {id} at height {height} stands in the log twice"))),
        Ok(_) => Ok(block.transactions.len() as u64),
        Err(AddError::Store(error)) => Err(error.into()),
        Err(error) => Err(damage(format!("block {id} at height {height} is not acceptable: {error}"))),
    }
}

/// What the open transactions have become since a node wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// They are all there.
    Whole,
    /// Somebody has moved their files away, which gives them up.
    GivenUp,
}

/// Reads the journal, which a node knows to have written up to `end`.
pub fn read_journal(
    disk: &OverlayDisk,
    params: &Params,
    end: Position,
    torn: &mut Vec<TornTail>,
) -> Result<(u64, Journal), CliError> {
    let listed =
        disk.list().map_err(|source| CliError::File { action: "list", path: disk.path(""), source })?;
    let is_there = listed.iter().any(|name| segment::number(journal::PREFIX, name).is_some());
    let log = open(disk, journal::PREFIX, Coverage::Recent, params, torn)?;
    let mut count = 0;
    for read in log.scan(Position::START) {
        let (position, record) = read.map_err(StoreError::from)?;
        if record.kind == KIND_TRANSACTION {
            codec::decode::<Transaction>(&record.payload).map_err(|error| {
                let place = at(disk, journal::PREFIX, position);
                CliError::Failed(format!("{place}: the record holds no transaction: {error}"))
            })?;
            count += 1;
        }
    }
    if !is_there && end > Position::START {
        return Ok((count, Journal::GivenUp));
    }
    // What was cut off as unfinished may have been acknowledged.
    let known = Log::open(disk.clone(), journal::PREFIX, &identity(params), options(Coverage::Recent), end);
    known.map_err(StoreError::from)?;
    Ok((count, Journal::Whole))
}

fn identity(params: &Params) -> Identity {
    Identity { network: params.network().to_string(), genesis: params.genesis_id() }
}

fn options(coverage: Coverage) -> Options {
    // The salt is for files that are begun, and those stay in the overlay.
    Options { segment_bytes: SEGMENT_BYTES, coverage, salt: 0 }
}

fn open(
    disk: &OverlayDisk,
    prefix: &str,
    coverage: Coverage,
    params: &Params,
    torn: &mut Vec<TornTail>,
) -> Result<Log<OverlayDisk>, CliError> {
    let opened = Log::open(disk.clone(), prefix, &identity(params), options(coverage), Position::START);
    let (log, opened) = opened.map_err(StoreError::from)?;
    torn.extend(opened.cut);
    Ok(log)
}

fn at(disk: &OverlayDisk, prefix: &str, position: Position) -> String {
    let path = disk.path(&segment::name(prefix, position.segment()));
    format!("{} at offset {}", path.display(), position.offset())
}

/// How far a position is, taking every file but the last for full.
fn place(position: Position) -> u64 {
    u64::from(position.segment()) * u64::from(SEGMENT_BYTES) + u64::from(position.offset())
}

/// A temporary folder that goes when this is dropped.
struct Room(PathBuf);

impl Room {
    fn make() -> Result<Self, CliError> {
        let number =
            getrandom::u64().map_err(|error| CliError::Failed(format!("no random number: {error}")))?;
        let path = std::env::temp_dir().join(format!("mote-verify-{number:016x}"));
        let made = std::fs::create_dir(&path);
        let error = |path: &Path, source| CliError::File { action: "make", path: path.to_owned(), source };
        made.map_err(|source| error(&path, source)).map(|()| Self(path))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // The system clears its temporary folder by itself in the end.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
