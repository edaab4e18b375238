//! The append-only log: the truth, of which everything else in the store is a cache.
//!
//! # Byte map
//!
//! A log is the files `PREFIX-00000000.seg`, `PREFIX-00000001.seg`, … (the number in decimal, at
//! least 8 digits), one after another. The chain has the prefix `log`, open transactions have `open`.
//! Each file is a row of records without gaps. All integers are little-endian.
//!
//! | offset in record | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | `length` of the payload, at most 262,144 |
//! | 4 | 1 | `kind`; 0x80 is added to it in the first record of each write |
//! | 5 | 4 | checksum over salt (4 bytes), `length` (4), `kind` (1), payload: CRC-32C, that is the polynomial 0x1EDC6F41 reflected, start value and final XOR 0xFFFFFFFF |
//! | 9 | `length` | payload |
//!
//! The first record of each file is its header, whose checksum has the salt 0; all others have the
//! salt that stands in the header. A file with a header alone has no records yet.
//!
//! | kind | payload |
//! | --- | --- |
//! | 0x01 [`KIND_BLOCK`] | a block in its wire form ([`mote_core::codec`], [`mote_core::block::BlockOf`]) |
//! | 0x02 [`KIND_TRANSACTION`] | a transaction in its wire form |
//! | 0x7f header | see below |
//!
//! | offset in header payload | bytes | field |
//! | --- | --- | --- |
//! | 0 | 8 | the letters `mote log` |
//! | 8 | 2 | version of this format, 2 |
//! | 10 | 4 | number of the segment, as in its name |
//! | 14 | 4 | salt: random, and known to nobody but this node |
//! | 18 | 4 | length of the file before it, 0 where there is none |
//! | 22 | 32 | id of the genesis block |
//! | 54 | 1 | `n`, length of the network's name |
//! | 55 | `n` | name of the network, UTF-8 |
//!
//! So the chain is read by going through the files in the order of their numbers, skipping each
//! header, checking each checksum, and taking the payload of each record of kind 1 or 0x81. Blocks
//! stand in the order in which the node accepted them: a parent before its children, branches that
//! lost included.
//!
//! # What survives
//!
//! Records are collected in memory; [`Log::sync`] writes them with one write and one fdatasync. Until
//! it returns nothing of the group may be acknowledged, afterwards all of it is durable. A file is
//! synced before the next one is made, and the header of the next one (and the folder) before any
//! record goes into it, so only the last file can end in a torn write.
//!
//! A power cut may leave any part of the last write, in any order of its blocks. So a bad record in
//! the last file is a **torn tail** and is cut off if no write starts intact behind it (0x80): what
//! else is intact there belongs to the same write, and nobody was told that it is there. If a write
//! does start behind it, the record was on the disk before that write: it is **damage**, as is any
//! bad record in an earlier file, and the log does not open (or, where it was not looked at, does
//! not read).
//!
//! Opening reads from a trusted position on: the place up to which the index was committed. So it
//! takes as long as that is behind, whatever the length of the chain; [`Log::scan`] checks it all.

mod open;
mod read;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::OnceLock;

use mote_core::params::FRAME_PAYLOAD_MAX_BYTES;

pub use self::read::Scan;
use super::disk::Disk;
pub use super::log_error::{LogError, Problem};
use super::segment::{self, KIND_HEADER, Segment, WRITE_START, record_bytes};
pub use super::segment::{Identity, Position, Record};

/// Kind of a record that holds a block.
pub const KIND_BLOCK: u8 = 1;

/// Kind of a record that holds a transaction.
pub const KIND_TRANSACTION: u8 = 2;

/// How long segment files get where nothing else is asked for.
pub const SEGMENT_BYTES: u32 = 64 * 1024 * 1024;

/// A group is written and synced when it gets longer than this, so that memory stays bounded while a
/// chain is imported.
const GROUP_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Which part of its rows of files a log must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All files from number 0 on.
    Whole,
    /// Older files may have been removed by [`Log::remove_before`].
    Recent,
}

/// How a log is laid out.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A new file is begun where a record would make the last one longer than this.
    pub segment_bytes: u32,
    /// Which files must be there.
    pub coverage: Coverage,
    /// The salt of new files: a random number that nobody else knows.
    pub salt: u32,
}

/// What was cut off when a log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file that was cut.
    pub path: PathBuf,
    /// Where the log ends now.
    pub position: Position,
    /// How many bytes were cut off.
    pub bytes: u32,
    /// What was wrong with the first record behind the cut.
    pub problem: Problem,
}

impl fmt::Display for TornTail {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, position, bytes, problem } = self;
        let (path, offset) = (path.display(), position.offset());
        write!(formatter, "cut {bytes} bytes of an unfinished write off {path} at offset {offset}: {problem}")
    }
}

/// What opening a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The unfinished write that was cut off, where there was one.
    pub cut: Option<TornTail>,
    /// Whether records are known to have been written, and no file is there any more.
    pub is_missing: bool,
}

/// An open log, which one writer owns.
#[derive(Debug)]
pub struct Log<D: Disk> {
    disk: D,
    prefix: String,
    identity: Identity,
    options: Options,
    /// Every segment; all but the last are opened when they are first read.
    segments: BTreeMap<u32, OnceLock<Segment<D::File>>>,
    /// Number of the last segment.
    last: u32,
    /// How much of the last segment is on the disk.
    synced: u32,
    /// The records behind `synced`.
    pending: Vec<u8>,
    health: Health,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Sound,
    /// A write failed, so nobody knows what the disk holds behind the synced end.
    Poisoned,
}

impl<D: Disk> Log<D> {
    /// Opens the log of the files `prefix-….seg`, or begins it. Everything before `trusted` is taken
    /// to be in order, as an index was committed behind it; what follows in the last file is checked.
    pub fn open(
        disk: D,
        prefix: &str,
        identity: &Identity,
        options: Options,
        trusted: Position,
    ) -> Result<(Self, Opened), LogError> {
        let mut log = Self {
            segments: BTreeMap::new(),
            prefix: prefix.to_owned(),
            identity: identity.clone(),
            options,
            last: 0,
            synced: 0,
            pending: Vec::new(),
            health: Health::Sound,
            disk,
        };
        log.list()?;
        let opened = log.open_last(trusted)?;
        Ok((log, opened))
    }

    /// Where the first record is, if there is one.
    pub fn start(&self) -> Position {
        Position::new(self.first(), 0)
    }

    /// Behind the last record that was appended.
    pub fn end(&self) -> Position {
        Position::new(self.last, self.synced + self.pending.len() as u32)
    }

    /// Behind the last record that is durable.
    pub fn synced_end(&self) -> Position {
        Position::new(self.last, self.synced)
    }

    /// Adds a record and returns where it will stand. It can be read at once, and is durable after the
    /// next [`Log::sync`].
    pub fn append(&mut self, kind: u8, payload: &[u8]) -> Result<Position, LogError> {
        self.check_health()?;
        let bytes = record_bytes(payload.len());
        if payload.len() > FRAME_PAYLOAD_MAX_BYTES || !(1..KIND_HEADER).contains(&kind) {
            let (got, limit) = (payload.len(), FRAME_PAYLOAD_MAX_BYTES);
            return Err(LogError::Unwritable { kind, got, limit });
        }
        let full = self.end().offset() as usize + bytes > self.options.segment_bytes as usize;
        if full && self.end().offset() > self.segment(self.last)?.first_record() {
            self.roll()?;
        } else if self.pending.len() + bytes > GROUP_MAX_BYTES {
            self.sync()?;
        }
        let position = self.end();
        let mark = if self.pending.is_empty() { WRITE_START } else { 0 };
        let unwritable = LogError::Unwritable { kind, got: payload.len(), limit: FRAME_PAYLOAD_MAX_BYTES };
        let head = self.segment(self.last)?.head(kind | mark, payload).ok_or(unwritable)?;
        self.pending.extend_from_slice(&head);
        self.pending.extend_from_slice(payload);
        Ok(position)
    }

    /// Makes durable what was appended: one write and one fdatasync. An error is final: nothing more
    /// is written until the log is opened again, as a second fsync would succeed without having
    /// written what the first one failed to write.
    pub fn sync(&mut self) -> Result<(), LogError> {
        self.check_health()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        self.health = Health::Poisoned;
        self.segment(self.last)?.write(self.synced, &self.pending)?;
        self.health = Health::Sound;
        self.synced += self.pending.len() as u32;
        self.pending.clear();
        Ok(())
    }

    /// The record at a position that [`Log::append`] or [`Log::scan`] gave, durable or not.
    pub fn read(&self, position: Position) -> Result<Record, LogError> {
        match self.record(&mut Segment::<D::File>::read_window(), position)? {
            Some((found, record)) if found == position => Ok(record),
            _ => Err(self.no_record(position)),
        }
    }

    /// All records from a position on, each with its own position, to the end or the first error.
    pub fn scan(&self, from: Position) -> Scan<'_, D> {
        let next = Some(from.max(self.start()));
        Scan { log: self, window: Segment::<D::File>::scan_window(), next }
    }

    /// Removes all files in which every record is before `position`.
    pub fn remove_before(&mut self, position: Position) -> Result<(), LogError> {
        self.check_health()?;
        while self.first() < position.segment().min(self.last) {
            let number = self.first();
            let name = segment::name(&self.prefix, number);
            let removed = self.disk.remove(&name).and_then(|()| {
                // Each removal reaches the disk before the next, so that no cut of power leaves a gap.
                self.disk.sync_folder()
            });
            removed.map_err(|source| self.io_error("remove", &name, source))?;
            self.segments.remove(&number);
        }
        Ok(())
    }

    /// Begins the next segment file. All before it is synced first.
    fn roll(&mut self) -> Result<(), LogError> {
        self.sync()?;
        self.health = Health::Poisoned;
        self.create(self.last.saturating_add(1), self.synced)?;
        self.health = Health::Sound;
        Ok(())
    }

    fn first(&self) -> u32 {
        self.segments.first_key_value().map_or(self.last, |(number, _)| *number)
    }

    fn check_health(&self) -> Result<(), LogError> {
        match self.health {
            Health::Sound => Ok(()),
            Health::Poisoned => Err(LogError::Poisoned { path: self.path(self.last) }),
        }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.disk.path(&segment::name(&self.prefix, number))
    }

    fn io_error(&self, action: &'static str, name: &str, source: std::io::Error) -> LogError {
        LogError::Io { action, path: self.disk.path(name), source }
    }
}

#[cfg(test)]
mod tests;
