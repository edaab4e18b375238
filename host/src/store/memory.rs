//! A disk in memory that knows what is synced and what is not: tests and the simulator cut its power
//! and break it.
//!
//! It keeps no promise that a real disk does not keep. Bytes are durable after [`DiskFile::sync`],
//! names after [`Disk::sync_folder`]; until then a power cut may leave any part of them. A failed
//! sync forgets what it should have written, though it can still be read: a later sync succeeds and
//! does not bring it back.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

/// Bytes that a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A folder in memory. Clones are the same folder, so that one of them can outlive a crash.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>);

impl fmt::Debug for MemoryDisk {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The contents would bury the message of a failed test.
        let state = self.state();
        formatter
            .debug_struct("MemoryDisk")
            .field("names", &state.names)
            .field("fault", &state.fault)
            .finish()
    }
}

/// A file of a [`MemoryDisk`].
#[derive(Clone, Debug)]
pub struct MemoryFile {
    disk: MemoryDisk,
    id: u64,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCut {
    /// Nothing.
    LosesAll,
    /// The first bytes of what was written to each file, this many in all, and all names.
    Keeps(u64),
    /// Any sectors and any names, drawn from the seed.
    Tears(u64),
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// It holds this many bytes in all; what does not fit is not written.
    Full(u64),
    /// Syncs fail, until the fault is healed.
    SyncFails,
    /// Nothing can be written.
    ReadOnly,
    /// The power fails in the sync after this many: what it should have written is as unsynced as
    /// before. [`MemoryDisk::crash`] is to follow, which ends the fault.
    PowerFails(u64),
}

#[derive(Debug, Default)]
struct State {
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    fault: Fault,
    syncs: u64,
    reads: u64,
}

/// A file as its readers see it, as the disk has it, and what lies between the two.
#[derive(Debug, Default)]
struct Content {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

impl MemoryDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cuts the power: what is not synced survives only as far as `cut` says.
    pub fn crash(&self, cut: PowerCut) {
        let mut state = self.state();
        if matches!(state.fault, Fault::PowerFails(_)) {
            state.fault = Fault::None;
        }
        let State { contents, names, durable_names, .. } = &mut *state;
        let (mut keep, mut random) = match cut {
            PowerCut::LosesAll => (0, None),
            PowerCut::Keeps(bytes) => (usize::try_from(bytes).unwrap_or(usize::MAX), None),
            PowerCut::Tears(seed) => (0, Some(Random(seed))),
        };
        for content in contents.values_mut() {
            for change in std::mem::take(&mut content.unsynced) {
                content.survive(change, &mut keep, random.as_mut());
            }
            content.current.clone_from(&content.durable);
        }
        let changed: Vec<String> = names.keys().chain(durable_names.keys()).cloned().collect();
        for name in changed {
            let survives = match &mut random {
                Some(random) => random.coin(),
                None => cut != PowerCut::LosesAll,
            };
            if survives {
                match names.get(&name) {
                    Some(id) => durable_names.insert(name, *id),
                    None => durable_names.remove(&name),
                };
            }
        }
        names.clone_from(durable_names);
        contents.retain(|id, _| names.values().any(|named| named == id));
    }

    /// Breaks the disk, or heals it.
    pub fn set_fault(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// Flips the bits of `mask` in one byte, as a decaying disk does. Without such a byte nothing
    /// happens.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) {
        let mut state = self.state();
        let Some(id) = state.names.get(name).copied() else { return };
        let Some(content) = state.contents.get_mut(&id) else { return };
        for bytes in [&mut content.current, &mut content.durable] {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= mask;
            }
        }
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.state().contents.values().map(|content| content.current.len() as u64).sum()
    }

    /// How many syncs of files and of the folder have succeeded.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many reads of files there were.
    pub fn reads(&self) -> u64 {
        self.state().reads
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics while it holds the lock leaves a state that is still a disk's.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, id: u64) -> MemoryFile {
        MemoryFile { disk: self.clone(), id }
    }
}

impl Disk for MemoryDisk {
    type File = MemoryFile;

    fn open(&self, name: &str) -> io::Result<MemoryFile> {
        let id = self.state().names.get(name).copied().ok_or(ErrorKind::NotFound)?;
        Ok(self.file(id))
    }

    fn create(&self, name: &str) -> io::Result<MemoryFile> {
        let mut state = self.state();
        state.check_writable()?;
        if state.names.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let id = state.contents.last_key_value().map_or(0, |(id, _)| id + 1);
        state.contents.insert(id, Content::default());
        state.names.insert(name.to_owned(), id);
        Ok(self.file(id))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        state.names.remove(name).map(drop).ok_or(ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.check_writable()?;
        let id = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), id);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.check_sync()?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}

impl DiskFile for MemoryFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().content(self.id)?.current.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.reads += 1;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let range = start..start.saturating_add(buffer.len());
        let bytes = state.content(self.id)?.current.get(range).ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check_writable()?;
        let named = state.names.values().filter_map(|id| state.contents.get(id));
        let used: usize = named.map(|content| content.current.len()).sum();
        let fault = state.fault;
        let content = state.content(self.id)?;
        let offset = usize::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
        let growth = (offset + bytes.len()).saturating_sub(content.current.len());
        let missing = match fault {
            Fault::Full(capacity) => (used + growth).saturating_sub(capacity as usize).min(growth),
            _ => 0,
        };
        let fits = bytes.len().saturating_sub(missing);
        let bytes = bytes.get(..fits).unwrap_or_default().to_vec();
        content.change(Change::Write { offset, bytes });
        if missing == 0 { Ok(()) } else { Err(ErrorKind::StorageFull.into()) }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.check_writable()?;
        let length = usize::try_from(length).map_err(|_| ErrorKind::FileTooLarge)?;
        state.content(self.id)?.change(Change::Length(length));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        if let Err(error) = state.check_sync() {
            if state.fault == Fault::SyncFails {
                state.content(self.id)?.unsynced.clear();
            }
            return Err(error);
        }
        let changes = std::mem::take(&mut state.content(self.id)?.unsynced);
        for change in changes {
            apply(&mut state.content(self.id)?.durable, change);
        }
        Ok(())
    }
}

impl State {
    fn content(&mut self, id: u64) -> io::Result<&mut Content> {
        self.contents.get_mut(&id).ok_or(ErrorKind::NotFound.into())
    }

    fn check_writable(&self) -> io::Result<()> {
        if self.fault == Fault::ReadOnly { Err(ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    fn check_sync(&mut self) -> io::Result<()> {
        match &mut self.fault {
            Fault::SyncFails => return Err(io::Error::other("input/output error")),
            Fault::PowerFails(0) => return Err(io::Error::other("the power failed")),
            Fault::PowerFails(syncs) => *syncs -= 1,
            Fault::None | Fault::Full(_) | Fault::ReadOnly => {}
        }
        self.syncs += 1;
        Ok(())
    }
}

impl Content {
    fn change(&mut self, change: Change) {
        apply(&mut self.current, change.clone());
        self.unsynced.push(change);
    }

    /// Applies as much of an unsynced change as the power cut leaves: the first `keep` bytes, or with
    /// `random` whatever sectors it draws.
    fn survive(&mut self, change: Change, keep: &mut usize, random: Option<&mut Random>) {
        match (change, random) {
            (Change::Write { offset, bytes }, Some(random)) => {
                for (index, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if random.coin() {
                        let (offset, bytes) = (offset + index * SECTOR_BYTES, sector.to_vec());
                        apply(&mut self.durable, Change::Write { offset, bytes });
                    }
                }
            }
            (Change::Write { offset, mut bytes }, None) => {
                bytes.truncate(*keep);
                *keep -= bytes.len();
                apply(&mut self.durable, Change::Write { offset, bytes });
            }
            (length, random) => {
                if random.map_or(*keep > 0, Random::coin) {
                    apply(&mut self.durable, length);
                }
            }
        }
    }
}

fn apply(content: &mut Vec<u8>, change: Change) {
    match change {
        Change::Length(length) => content.resize(length, 0),
        Change::Write { bytes, .. } if bytes.is_empty() => {}
        Change::Write { offset, bytes } => {
            let end = offset + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            if let Some(range) = content.get_mut(offset..end) {
                range.copy_from_slice(&bytes);
            }
        }
    }
}

/// SplitMix64: a power cut needs no better randomness, only the same one for the same seed.
struct Random(u64);

impl Random {
    fn coin(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(disk: &MemoryDisk, name: &str) -> Vec<u8> {
        let file = disk.open(name).unwrap();
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn only_synced_bytes_and_names_survive() {
        let disk = MemoryDisk::new();
        let file = disk.create("a").unwrap();
        file.write_at(0, b"one").unwrap();
        file.sync().unwrap();
        disk.crash(PowerCut::LosesAll);
        assert!(disk.list().unwrap().is_empty());

        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_at(0, b"one").unwrap();
        file.sync().unwrap();
        file.write_at(3, b"two").unwrap();
        disk.crash(PowerCut::Keeps(1));
        assert_eq!(content(&disk, "a"), b"onet");
        disk.crash(PowerCut::LosesAll);
        assert_eq!(content(&disk, "a"), b"onet");
    }

    #[test]
    fn a_failed_sync_forgets() {
        let disk = MemoryDisk::new();
        let file = disk.create("a").unwrap();
        disk.sync_folder().unwrap();
        file.write_at(0, b"lost").unwrap();
        disk.set_fault(Fault::SyncFails);
        assert!(file.sync().is_err());
        disk.set_fault(Fault::None);
        file.sync().unwrap();
        assert_eq!(content(&disk, "a"), b"lost");
        disk.crash(PowerCut::Keeps(u64::MAX));
        assert_eq!(content(&disk, "a"), b"");
    }

    #[test]
    fn a_full_disk_takes_what_fits() {
        let disk = MemoryDisk::new();
        disk.set_fault(Fault::Full(5));
        let file = disk.create("a").unwrap();
        assert_eq!(file.write_at(0, b"12345678").unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(content(&disk, "a"), b"12345");
        file.write_at(0, b"54321").unwrap();
        disk.set_fault(Fault::ReadOnly);
        assert_eq!(file.write_at(0, b"1").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
    }
}
