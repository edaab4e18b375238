//! What is in a folder after the power has failed in the midst of recorded operations.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;

use mote::store::disk::{Disk, DiskFile};
use mote::store::memory::{MemoryDisk, MemoryFile, PowerCut};

use super::recording::Operation;

/// The files of a folder, all of them durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// The files of a real folder, but for those of folders in it.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
                files.insert(name, std::fs::read(entry.path())?);
            }
        }
        Ok(Self(files))
    }

    /// Puts the files into a real folder, which has none yet.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        self.0.iter().try_for_each(|(name, bytes)| std::fs::write(folder.join(name), bytes))
    }

    /// The names and contents.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))
    }

    /// One file's content, to change.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        self.0.get_mut(name)
    }

    /// Takes a file away.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    fn on_disk(&self) -> io::Result<MemoryDisk> {
        let disk = MemoryDisk::new();
        for (name, bytes) in &self.0 {
            let file = disk.create(name)?;
            file.write_at(0, bytes)?;
            file.sync()?;
        }
        disk.sync_folder()?;
        Ok(disk)
    }

    fn of(disk: &MemoryDisk) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        for name in disk.list()? {
            let file = disk.open(&name)?;
            let mut bytes = vec![0; file.len()? as usize];
            file.read_at(0, &mut bytes)?;
            files.insert(name, bytes);
        }
        Ok(Self(files))
    }
}

/// What a power cut right behind `operations` leaves of a folder that had the files `before`.
pub fn left_after(before: &Files, operations: &[Operation], cut: PowerCut) -> io::Result<Files> {
    let disk = before.on_disk()?;
    let mut open: HashMap<usize, MemoryFile> = HashMap::new();
    for operation in operations {
        match operation {
            Operation::Open { name, file } => drop(open.insert(*file, disk.open(name)?)),
            Operation::Create { name, file } => drop(open.insert(*file, disk.create(name)?)),
            Operation::Write { file, offset, bytes } => open[file].write_at(*offset, bytes)?,
            Operation::Length { file, length } => open[file].set_len(*length)?,
            Operation::Sync { file } => open[file].sync()?,
            Operation::Remove { name } => disk.remove(name)?,
            Operation::Rename { from, to } => disk.rename(from, to)?,
            Operation::SyncFolder => disk.sync_folder()?,
        }
    }
    disk.crash(cut);
    Files::of(&disk)
}
