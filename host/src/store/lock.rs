//! One process per data folder. The operating system holds the lock, so it ends with the process,
//! however that ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Name of the lock file in the data folder. It stays there: only the lock on it counts.
pub const LOCK_FILE: &str = "lock";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "the data folder {} is in use by another mote{}; stop that one, or give this one another --data",
        path.display(),
        pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Held {
        /// The data folder.
        path: PathBuf,
        /// The process that has it, where it has already said so.
        pid: Option<u32>,
    },
    /// The lock file cannot be used.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The lock file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// The right to use a data folder, until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    /// The lock belongs to the open file.
    _file: File,
}

impl FolderLock {
    /// Takes the folder, or says who has it.
    pub fn acquire(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_FILE);
        let io_error = |source| LockError::Io { path: path.clone(), source };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let mut file = options.open(&path).map_err(io_error)?;
        lock(&mut file, folder, io_error)?;
        let write = |file: &mut File| {
            file.set_len(0)?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(io_error)?;
        Ok(Self { _file: file })
    }

    /// Takes the folder without leaving a trace in it, for those who only read.
    pub fn hold(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(LOCK_FILE);
        let io_error = |source| LockError::Io { path: path.clone(), source };
        let mut file = match File::open(&path) {
            // Without a lock file nobody has ever used the folder; the folder itself is locked instead.
            Err(error) if error.kind() == io::ErrorKind::NotFound => File::open(folder).map_err(io_error)?,
            opened => opened.map_err(io_error)?,
        };
        lock(&mut file, folder, io_error)?;
        Ok(Self { _file: file })
    }
}

fn lock(file: &mut File, folder: &Path, io_error: impl Fn(io::Error) -> LockError) -> Result<(), LockError> {
    match flock(&*file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => {
            let mut text = String::new();
            // Whoever has the lock may not have written its number yet.
            let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            Err(LockError::Held { path: folder.to_owned(), pid })
        }
        Err(errno) => Err(io_error(errno.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::acquire(folder.path()).unwrap();
        let error = FolderLock::acquire(folder.path()).unwrap_err();
        let own = std::process::id();
        assert!(matches!(error, LockError::Held { pid: Some(pid), .. } if pid == own), "{error}");
        drop(lock);
        FolderLock::acquire(folder.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = FolderLock::acquire(Path::new("/nonexistent/mote")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/mote/lock"), "{error}");
    }
}
