//! A disk in memory whose power can fail at any operation, and which may be made to lie.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::knobs::Planted;
use crate::store::disk::{Disk, DiskFile};
use crate::store::memory::{Fault, MemoryDisk, MemoryFile, PowerCut};

/// A disk of the simulated world. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    memory: MemoryDisk,
    power: Arc<Mutex<Power>>,
    planted: Option<Planted>,
}

/// A file of a [`SimulatedDisk`].
#[derive(Debug)]
pub struct SimulatedFile {
    file: MemoryFile,
    disk: SimulatedDisk,
}

#[derive(Debug, Default)]
struct Power {
    /// How many more operations there is power for, where it is to fail.
    left: Option<u64>,
    /// Whether it is to fail soon after the next file is removed.
    fails_after_removal: bool,
    is_off: bool,
}

impl SimulatedDisk {
    /// An empty disk, which makes a planted mistake where that is one of disks.
    pub fn new(planted: Option<Planted>) -> Self {
        Self { memory: MemoryDisk::new(), power: Arc::default(), planted }
    }

    /// Lets the power fail after so many more operations.
    pub fn cut_after(&self, operations: u64) {
        self.power().left = Some(operations);
    }

    /// Lets the power fail after the next file is removed and the folder is synced: what gave the file up should
    /// be durable by then.
    pub fn cut_after_removal(&self) {
        self.power().fails_after_removal = true;
    }

    /// Lets the power stay after all.
    pub fn keep_power(&self) {
        let mut power = self.power();
        (power.left, power.fails_after_removal) = (None, false);
    }

    /// Whether the power has failed.
    pub fn is_off(&self) -> bool {
        self.power().is_off
    }

    /// Removes a file, so that no power cut brings it back.
    pub fn remove_for_good(&self, name: &str) {
        // It may never have been there; a folder in memory can always be synced.
        let _ = self.memory.remove(name).and_then(|()| self.memory.sync_folder());
    }

    /// Gives the disk power again, after `cut` has taken what was not synced.
    pub fn power_on(&self, cut: PowerCut) {
        self.memory.crash(cut);
        let mut power = self.power();
        *power = Power::default();
    }

    /// Breaks the disk, or heals it.
    pub fn set_fault(&self, fault: Fault) {
        self.memory.set_fault(fault);
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// How many files have names that begin with `prefix`.
    pub fn files(&self, prefix: &str) -> usize {
        let names = self.memory.list().unwrap_or_default();
        names.iter().filter(|name| name.starts_with(prefix)).count()
    }

    /// Flips the bits of `mask` in one byte of the file with this number, counted around; the file's name. None
    /// where that file has no bytes.
    pub fn rot(&self, file: u64, offset: u64, mask: u8) -> Option<String> {
        let names = self.memory.list().unwrap_or_default();
        let name = names.get((file % names.len().max(1) as u64) as usize)?;
        let length = self.memory.open(name).and_then(|file| file.len()).unwrap_or_default();
        self.memory.flip(name, offset.checked_rem(length)? as usize, mask);
        Some(name.clone())
    }

    fn power(&self) -> MutexGuard<'_, Power> {
        // Nothing that holds the lock can panic.
        self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation that changes something; an error once the power is off.
    fn change(&self) -> io::Result<()> {
        let mut power = self.power();
        if power.left == Some(0) {
            power.is_off = true;
        }
        if power.is_off {
            return Err(io::Error::other("the power failed"));
        }
        power.left = power.left.map(|left| left - 1);
        Ok(())
    }

    /// An error once the power is off.
    fn read(&self) -> io::Result<()> {
        if self.is_off() { Err(io::Error::other("the power failed")) } else { Ok(()) }
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn open(&self, name: &str) -> io::Result<SimulatedFile> {
        self.read()?;
        Ok(SimulatedFile { file: self.memory.open(name)?, disk: self.clone() })
    }

    fn create(&self, name: &str) -> io::Result<SimulatedFile> {
        self.change()?;
        Ok(SimulatedFile { file: self.memory.create(name)?, disk: self.clone() })
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.read()?;
        self.memory.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change()?;
        let mut power = self.power();
        if std::mem::take(&mut power.fails_after_removal) {
            power.left = Some(1);
        }
        self.memory.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change()?;
        self.memory.rename(from, to)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.change()?;
        if self.planted == Some(Planted::NamesNotSynced) { Ok(()) } else { self.memory.sync_folder() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.memory.path(name)
    }
}

impl DiskFile for SimulatedFile {
    fn len(&self) -> io::Result<u64> {
        self.disk.read()?;
        self.file.len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.disk.read()?;
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.change()?;
        self.file.write_at(offset, bytes)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.change()?;
        self.file.set_len(length)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change()?;
        if self.disk.planted == Some(Planted::FilesNotSynced) { Ok(()) } else { self.file.sync() }
    }
}
