//! The file operations that the store uses, so that a disk with faults can stand in for the real
//! one: [`Disk`] is one flat folder, [`DiskFile`] a file in it. [`FileDisk`] is the real folder;
//! [`MemoryDisk`](super::memory::MemoryDisk) is what tests and the simulator run on.

use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// One folder of files. Names are plain file names without a path.
pub trait Disk: Clone + Send + Sync + 'static {
    /// A file of this folder.
    type File: DiskFile;

    /// Opens a file that exists, to read and to write.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Makes a new, empty file; it is an error if there is one of this name. The name is on the disk
    /// for good only after [`Disk::sync_folder`].
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// The names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Removes a file. It may be there again after a power cut until [`Disk::sync_folder`].
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Gives a file another name at once; what had that name before is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Returns once the names of the files are on the disk.
    fn sync_folder(&self) -> io::Result<()>;

    /// Puts `bytes` in the place of a whole file: a crash leaves the old content or the new one.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let temporary = format!("{name}.tmp");
        match self.remove(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = self.create(&temporary)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        self.rename(&temporary, name)?;
        self.sync_folder()
    }

    /// All of a file of at most `limit` bytes; `None` where there is no such file.
    fn read_small(&self, name: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match self.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let length = file.len()?;
        if length > limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the file has {length} bytes, expected at most {limit}"),
            ));
        }
        let mut bytes = vec![0; length as usize];
        file.read_at(0, &mut bytes)?;
        Ok(Some(bytes))
    }

    /// How messages to people name the file.
    fn path(&self, name: &str) -> PathBuf;
}

/// One open file. Readers and a writer may share it: no operation moves a cursor.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset` on; `UnexpectedEof` where the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all of `bytes` from `offset` on and extends the file as needed. After an error any part
    /// may be written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file, or extends it with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Returns once content and length are on the disk. After an error, nobody knows what is: the
    /// call must not be repeated in the hope of a better answer.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct FileDisk {
    folder: PathBuf,
}

impl FileDisk {
    /// The folder at `path`, which is made (with its parents) where it does not exist.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = path.into();
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Where the folder is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Disk for FileDisk {
    type File = File;

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path(name))
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            // A name that is not Unicode is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl DiskFile for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Lets the embedded database keep its pages in a [`DiskFile`], so that it meets the same faults as
/// the log. It takes no locks: the folder's lock keeps other processes out, and the store opens one
/// database once.
#[derive(Debug)]
pub struct DiskBackend<F>(F);

impl<F: DiskFile> DiskBackend<F> {
    /// Keeps the database in `file`, which is empty or holds one.
    pub fn new(file: F) -> Self {
        Self(file)
    }
}

impl<F: DiskFile> redb::StorageBackend for DiskBackend<F> {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(offset, out)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::{Fault, MemoryDisk, PowerCut};

    const TABLE: redb::TableDefinition<'_, u64, u64> = redb::TableDefinition::new("numbers");

    fn put(database: &redb::Database, number: u64) -> Result<(), redb::Error> {
        let transaction = database.begin_write()?;
        transaction.open_table(TABLE)?.insert(number, number)?;
        Ok(transaction.commit()?)
    }

    #[test]
    fn the_database_keeps_what_it_committed() {
        let disk = MemoryDisk::new();
        let file = disk.create("index").unwrap();
        disk.sync_folder().unwrap();
        let open = || redb::Builder::new().create_with_backend(DiskBackend::new(file.clone())).unwrap();
        let database = open();
        put(&database, 1).unwrap();
        disk.set_fault(Fault::PowerFails(0));
        assert!(put(&database, 2).is_err());
        drop(database);
        disk.crash(PowerCut::Tears(3));
        let database = open();
        let transaction = redb::ReadableDatabase::begin_read(&database).unwrap();
        let table = transaction.open_table(TABLE).unwrap();
        assert_eq!(table.get(1).unwrap().unwrap().value(), 1);
    }

    #[test]
    fn files_are_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let disk = FileDisk::new(folder.path().join("a/b")).unwrap();
        let file = disk.create("name").unwrap();
        assert_eq!(disk.create("name").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        DiskFile::write_at(&file, 3, b"x").unwrap();
        assert_eq!(DiskFile::len(&file).unwrap(), 4);
        assert_eq!(disk.list().unwrap(), ["name"]);
        disk.remove("name").unwrap();
        disk.sync_folder().unwrap();
        assert_eq!(disk.open("name").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(disk.folder(), folder.path().join("a/b"));
    }
}
