//! One file of a log: its name, its header and its records. Only [`super::log`] calls it; the byte
//! map stands there.

mod checksum;
mod header;
mod window;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use mote_core::frame::{self, FRAME_OVERHEAD_BYTES, Frame};
use mote_core::hash::Hash32;

use super::disk::{Disk, DiskFile};
use super::log_error::{LogError, Problem};
pub use window::Window;

/// Added to the kind of a record that starts a write: all before it was on the disk when it was
/// written.
pub const WRITE_START: u8 = 0x80;

/// Kind of the header record of a segment.
pub const KIND_HEADER: u8 = 0x7f;

/// How many bytes are read at a time where records are read in their order.
const SCAN_BYTES: usize = 256 * 1024;

/// How many bytes are read for a single record at first; most records are not longer.
const READ_BYTES: usize = 4 * 1024;

/// Where a record starts, or where the log ends. Positions are ordered as the records are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    segment: u32,
    offset: u32,
}

impl Position {
    /// Before every record of every log.
    pub const START: Self = Self { segment: 0, offset: 0 };

    /// The byte `offset` of the segment file with the number `segment`.
    pub const fn new(segment: u32, offset: u32) -> Self {
        Self { segment, offset }
    }

    /// Number of the segment file.
    pub const fn segment(self) -> u32 {
        self.segment
    }

    /// Offset in the segment file.
    pub const fn offset(self) -> u32 {
        self.offset
    }
}

impl From<Position> for u64 {
    fn from(position: Position) -> Self {
        Self::from(position.segment) << 32 | Self::from(position.offset)
    }
}

impl From<u64> for Position {
    fn from(number: u64) -> Self {
        let [s0, s1, s2, s3, o0, o1, o2, o3] = number.to_be_bytes();
        Self { segment: u32::from_be_bytes([s0, s1, s2, s3]), offset: u32::from_be_bytes([o0, o1, o2, o3]) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08}:{}", self.segment, self.offset)
    }
}

/// Which chain a log belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the network, at most 255 bytes.
    pub network: String,
    /// Id of the genesis block.
    pub genesis: Hash32,
}

/// A record as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the payload is.
    pub kind: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl From<Frame<'_>> for Record {
    fn from(frame: Frame<'_>) -> Self {
        Self { kind: frame.kind & !WRITE_START, payload: frame.payload.to_vec() }
    }
}

/// The bytes that a record takes.
pub const fn record_bytes(payload: usize) -> usize {
    FRAME_OVERHEAD_BYTES + payload
}

/// The file name of a segment.
pub fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:08}.seg")
}

/// The number of the segment with this file name, where it is one.
pub fn number(prefix: &str, file_name: &str) -> Option<u32> {
    let digits = file_name.strip_prefix(prefix)?.strip_prefix('-')?.strip_suffix(".seg")?;
    let number = digits.parse().ok()?;
    (name(prefix, number) == file_name).then_some(number)
}

/// An open segment file whose header was found right.
#[derive(Debug)]
pub struct Segment<F> {
    file: F,
    path: PathBuf,
    salt: u32,
    before: u32,
    header_bytes: u32,
}

/// What was found under the name of a segment.
pub enum Found<F> {
    /// A segment.
    Segment(Segment<F>),
    /// What remains when the power fails while a segment is made: no record was ever in it.
    Unfinished(Problem),
}

impl<F: DiskFile> Segment<F> {
    /// Makes the file, writes its header, and returns when both are on the disk. The file before it has the
    /// length `before`, and never gets longer.
    pub fn create<D: Disk<File = F>>(
        disk: &D,
        prefix: &str,
        number: u32,
        identity: &Identity,
        salt: u32,
        before: u32,
    ) -> Result<Self, LogError> {
        let name = name(prefix, number);
        let path = disk.path(&name);
        let header = header::encode(number, identity, salt, before);
        let head = frame::head(0, KIND_HEADER | WRITE_START, &header, checksum::feed);
        let head = head.ok_or(LogError::Unwritable {
            kind: KIND_HEADER,
            got: header.len(),
            limit: header::FIXED_BYTES + usize::from(u8::MAX),
        })?;
        let frame = [&head[..], &header].concat();
        let create = || {
            let file = disk.create(&name)?;
            file.write_at(0, &frame)?;
            file.sync()?;
            disk.sync_folder()?;
            Ok(file)
        };
        let file = create().map_err(|source| io_error("create", &path, source))?;
        Ok(Self { file, path, salt, before, header_bytes: frame.len() as u32 })
    }

    /// Opens the file and checks its header.
    pub fn open<D: Disk<File = F>>(
        disk: &D,
        prefix: &str,
        number: u32,
        identity: &Identity,
    ) -> Result<Found<F>, LogError> {
        let name = name(prefix, number);
        let path = disk.path(&name);
        let file = disk.open(&name).map_err(|source| io_error("open", &path, source))?;
        let length = file.len().map_err(|source| io_error("measure", &path, source))?;
        let too_long = LogError::SegmentTooLong { path: path.clone(), got: length, limit: u32::MAX };
        let length = u32::try_from(length).map_err(|_| too_long)?;
        let mut window = Window::new(READ_BYTES);
        let read = window.frame(&file, 0, length, 0).map_err(|source| io_error("read", &path, source))?;
        let header_bytes = record_bytes(header::FIXED_BYTES + identity.network.len());
        let header = match read {
            Ok(Some(frame)) if frame.kind == KIND_HEADER | WRITE_START => frame.payload,
            Ok(Some(_)) => return Err(LogError::NotALog { path }),
            Ok(None) => {
                return Ok(Found::Unfinished(Problem::Truncated { got: 0, expected: header_bytes }));
            }
            // The header is on the disk before anything is written behind it.
            Err(problem) if length as usize <= header_bytes => return Ok(Found::Unfinished(problem)),
            Err(problem) => return Err(LogError::Damaged { path, offset: 0, problem }),
        };
        let header_bytes = record_bytes(header.len()) as u32;
        let (salt, before) = header::check(header, number, identity, &path)?;
        Ok(Found::Segment(Self { file, path, salt, before, header_bytes }))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length that the file before it had when this one was made.
    pub fn before(&self) -> u32 {
        self.before
    }

    /// Offset of the first record behind the header.
    pub fn first_record(&self) -> u32 {
        self.header_bytes
    }

    /// Length of the file.
    pub fn length(&self) -> Result<u32, LogError> {
        let length = self.file.len().map_err(|source| io_error("measure", &self.path, source))?;
        let too_long = LogError::SegmentTooLong { path: self.path.clone(), got: length, limit: u32::MAX };
        u32::try_from(length).map_err(|_| too_long)
    }

    /// What stands before a payload in this file. There is none where the payload is too long for a record.
    pub fn head(&self, kind: u8, payload: &[u8]) -> Option<[u8; FRAME_OVERHEAD_BYTES]> {
        frame::head(self.salt, kind, payload, checksum::feed)
    }

    /// The record in `bytes` that were encoded for this file.
    pub fn decode<'b>(&self, bytes: &'b [u8]) -> Result<Option<Frame<'b>>, Problem> {
        parse(bytes, self.salt)
    }

    /// A window for reading many records in their order.
    pub fn scan_window() -> Window {
        Window::new(SCAN_BYTES)
    }

    /// A window for reading one record.
    pub fn read_window() -> Window {
        Window::new(READ_BYTES)
    }

    /// The record at `offset`, where the part of the file to read ends at `end`; `None` at the end.
    pub fn record<'w>(
        &self,
        window: &'w mut Window,
        offset: u32,
        end: u32,
    ) -> Result<Result<Option<Frame<'w>>, Problem>, LogError> {
        window
            .frame(&self.file, offset, end, self.salt)
            .map_err(|source| io_error("read", &self.path, source))
    }

    /// Offset of the first intact record behind `bad` that starts a write.
    ///
    /// After a bad record nothing is known about where the next one starts, so every offset is tried.
    /// A chance find is out of the question (one in 2^32 per offset that could be a record at all),
    /// and the salt keeps senders of memos from planting one.
    pub fn write_behind(&self, bad: u32, end: u32) -> Result<Option<u32>, LogError> {
        let mut rest = vec![0; end.saturating_sub(bad) as usize];
        let read = self.file.read_at(bad.into(), &mut rest);
        read.map_err(|source| io_error("read", &self.path, source))?;
        let starts_write = |start: &usize| {
            let candidate = rest.get(*start..).unwrap_or_default();
            candidate.get(4).is_some_and(|kind| kind & WRITE_START != 0)
                && matches!(parse(candidate, self.salt), Ok(Some(_)))
        };
        Ok((1..rest.len()).find(starts_write).map(|start| bad + start as u32))
    }

    /// Writes `bytes` at `offset` and returns when they are on the disk.
    pub fn write(&self, offset: u32, bytes: &[u8]) -> Result<(), LogError> {
        let write = || {
            self.file.write_at(offset.into(), bytes)?;
            self.file.sync()
        };
        write().map_err(|source| io_error("write", &self.path, source))
    }

    /// Cuts the file off at `end` and sees to it that what stands from `from` on is on the disk.
    ///
    /// After a failed fsync a kernel may keep pages as clean that never reached the disk: they read
    /// well, the next fsync succeeds, and the power cut after it takes them. So what was read is
    /// written again before it is synced.
    pub fn settle(&self, from: u32, end: u32) -> Result<(), LogError> {
        let settle = || {
            if self.file.len()? > end.into() {
                self.file.set_len(end.into())?;
            }
            let mut buffer = vec![0; SCAN_BYTES];
            let mut offset = from;
            while offset < end {
                let size = SCAN_BYTES.min((end - offset) as usize);
                let part = buffer.get_mut(..size).unwrap_or_default();
                self.file.read_at(offset.into(), part)?;
                self.file.write_at(offset.into(), part)?;
                offset += part.len() as u32;
            }
            self.file.sync()
        };
        settle().map_err(|source| io_error("settle", &self.path, source))
    }
}

/// Reads the record at the front of `bytes`.
fn parse(bytes: &[u8], salt: u32) -> Result<Option<Frame<'_>>, Problem> {
    frame::parse_with(bytes, salt, checksum::feed)
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> LogError {
    LogError::Io { action, path: path.to_owned(), source }
}
