//! Why a log cannot be opened, read or written: with the file, the offset, what was found there and
//! what was expected, and the way back.

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use mote_core::frame::ReadError;
use mote_core::hash::Hash32;

use super::segment::Position;

/// What is wrong with a record.
pub type Problem = ReadError<Infallible>;

/// Why an operation on a log failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A record is not as it was written.
    #[error("{} is damaged at offset {offset}: {problem}; {}", path.display(), way_back(path))]
    Damaged {
        /// The segment file.
        path: PathBuf,
        /// Offset of the bad record.
        offset: u32,
        /// What is wrong with it.
        problem: Problem,
    },
    /// A record is not as it was written, and later ones prove that it once was on the disk.
    #[error(
        "{} is damaged at offset {offset}: {problem}; this is no torn write, for a later write \
         stands intact at offset {behind}; {}",
        path.display(),
        way_back(path)
    )]
    DamagedWithin {
        /// The segment file.
        path: PathBuf,
        /// Offset of the bad record.
        offset: u32,
        /// What is wrong with it.
        problem: Problem,
        /// Offset of the intact write behind it.
        behind: u32,
    },
    /// A segment file of the row is not there.
    #[error("{} is missing, although there are later files; {}", path.display(), way_back(path))]
    MissingSegment {
        /// The file that should be there.
        path: PathBuf,
    },
    /// The log ends before what is known to have been in it.
    #[error(
        "{} ends at {got}, but records up to {expected} were written; {}",
        path.display(),
        way_back(path)
    )]
    Shorter {
        /// The last segment file.
        path: PathBuf,
        /// Where the log ends.
        got: Position,
        /// Up to where it is known to have been written.
        expected: Position,
    },
    /// The file is no segment of a log.
    #[error("{} is no log of mote: its header has another form", path.display())]
    NotALog {
        /// The segment file.
        path: PathBuf,
    },
    /// The file has a format that this program does not know.
    #[error("{} has format version {got}, this program reads {expected}", path.display())]
    Version {
        /// The segment file.
        path: PathBuf,
        /// The version that stands in it.
        got: u16,
        /// The version of this program.
        expected: u16,
    },
    /// The file belongs to another network.
    #[error("{} belongs to the network {got:?}, expected {expected:?}", path.display())]
    Network {
        /// The segment file.
        path: PathBuf,
        /// The network that stands in it.
        got: String,
        /// The network of this node.
        expected: String,
    },
    /// The file belongs to a chain with another genesis block.
    #[error("{} belongs to the chain with genesis {got}, expected {expected}", path.display())]
    Genesis {
        /// The segment file.
        path: PathBuf,
        /// The genesis id that stands in it.
        got: Hash32,
        /// The genesis id of this node.
        expected: Hash32,
    },
    /// The file says that it is another one, so files were renamed or mixed.
    #[error("{} says that it is segment {got}, its name says {expected}", path.display())]
    Number {
        /// The segment file.
        path: PathBuf,
        /// The number that stands in it.
        got: u32,
        /// The number in its name.
        expected: u32,
    },
    /// The file is longer than a position can say.
    #[error("{} has {got} bytes, a segment has at most {limit}", path.display())]
    SegmentTooLong {
        /// The segment file.
        path: PathBuf,
        /// Its length.
        got: u64,
        /// The longest segment.
        limit: u32,
    },
    /// There is no record at the position.
    #[error("there is no record at {position}, the log reaches from {start} to {end}")]
    NoRecord {
        /// What was asked for.
        position: Position,
        /// The first position of the log.
        start: Position,
        /// The end of the log.
        end: Position,
    },
    /// The record cannot be written by anybody. The log is as before.
    #[error(
        "a record of kind {kind} with {got} bytes cannot be written: kinds are 1 to 126, the limit is {limit} bytes"
    )]
    Unwritable {
        /// Kind of the record.
        kind: u8,
        /// Length of its payload.
        got: usize,
        /// The longest payload.
        limit: usize,
    },
    /// A write failed before. What is on the disk is unknown until the log is opened again.
    #[error("an earlier write to {} failed: nothing more is written until the node is restarted", path.display())]
    Poisoned {
        /// The segment file.
        path: PathBuf,
    },
}

/// What to do about damage. Open transactions can be sent again; the chain can be had from others.
fn way_back(path: &Path) -> &'static str {
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("open-")) {
        "to give up the open transactions, move the open-*.seg files away; their senders can send them again"
    } else {
        "to have the chain anew, move the log-*.seg files and index.redb away: the next start fetches it from peers, or \
         `mote import` takes it from an export; the wallet is not touched"
    }
}
