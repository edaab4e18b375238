//! A folder of the file system that takes down what is done to it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mote::store::disk::{Disk, DiskFile, FileDisk};

/// Something that was done to a folder, and succeeded. Open files are numbered.
#[derive(Clone, Debug)]
pub enum Operation {
    /// A file was opened, which changes nothing.
    Open {
        /// Its name.
        name: String,
        /// Its number from now on.
        file: usize,
    },
    /// A file was made.
    Create {
        /// Its name.
        name: String,
        /// Its number from now on.
        file: usize,
    },
    /// Bytes were written.
    Write {
        /// To which file.
        file: usize,
        /// From where on.
        offset: u64,
        /// What.
        bytes: Vec<u8>,
    },
    /// A file was cut or extended.
    Length {
        /// Which file.
        file: usize,
        /// Its length, in bytes.
        length: u64,
    },
    /// A file was synced.
    Sync {
        /// Which file.
        file: usize,
    },
    /// A file was removed.
    Remove {
        /// Its name.
        name: String,
    },
    /// A file was given another name.
    Rename {
        /// Its old name.
        from: String,
        /// Its new name.
        to: String,
    },
    /// The names were synced.
    SyncFolder,
}

/// A real folder that records. Clones are the same folder and the same record.
#[derive(Clone, Debug)]
pub struct RecordingDisk {
    folder: FileDisk,
    record: Arc<Mutex<Record>>,
}

/// A file of a [`RecordingDisk`].
#[derive(Debug)]
pub struct RecordingFile {
    file: File,
    number: usize,
    record: Arc<Mutex<Record>>,
}

#[derive(Debug, Default)]
struct Record {
    operations: Vec<Operation>,
    files: usize,
}

impl RecordingDisk {
    /// The folder at `path`, with nothing recorded yet.
    pub fn new(path: &Path) -> io::Result<Self> {
        Ok(Self { folder: FileDisk::new(path)?, record: Arc::default() })
    }

    /// How many operations there were.
    pub fn count(&self) -> usize {
        lock(&self.record).operations.len()
    }

    /// All operations up to now.
    pub fn operations(&self) -> Vec<Operation> {
        lock(&self.record).operations.clone()
    }

    fn file(&self, file: File, operation: impl FnOnce(usize) -> Operation) -> RecordingFile {
        let mut record = lock(&self.record);
        let number = record.files;
        record.files += 1;
        record.operations.push(operation(number));
        RecordingFile { file, number, record: self.record.clone() }
    }

    fn note(&self, operation: Operation) {
        lock(&self.record).operations.push(operation);
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    // Nothing that holds the lock can panic.
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RecordingFile {
    fn note(&self, operation: Operation) {
        lock(&self.record).operations.push(operation);
    }
}

impl Disk for RecordingDisk {
    type File = RecordingFile;

    fn open(&self, name: &str) -> io::Result<RecordingFile> {
        let file = self.folder.open(name)?;
        Ok(self.file(file, |number| Operation::Open { name: name.to_owned(), file: number }))
    }

    fn create(&self, name: &str) -> io::Result<RecordingFile> {
        let file = self.folder.create(name)?;
        Ok(self.file(file, |number| Operation::Create { name: name.to_owned(), file: number }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)?;
        self.note(Operation::Remove { name: name.to_owned() });
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)?;
        self.note(Operation::Rename { from: from.to_owned(), to: to.to_owned() });
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.folder.sync_folder()?;
        self.note(Operation::SyncFolder);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }
}

impl DiskFile for RecordingFile {
    fn len(&self) -> io::Result<u64> {
        DiskFile::len(&self.file)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        DiskFile::read_at(&self.file, offset, buffer)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        DiskFile::write_at(&self.file, offset, bytes)?;
        self.note(Operation::Write { file: self.number, offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        DiskFile::set_len(&self.file, length)?;
        self.note(Operation::Length { file: self.number, length });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        self.note(Operation::Sync { file: self.number });
        Ok(())
    }
}
