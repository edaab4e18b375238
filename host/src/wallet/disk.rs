//! How the wallet file reaches the disk: whole or not at all, never over another, closed to others.
//!
//! A write goes to `NAME.tmp` in the same folder, is synced, then takes its place: by `link`, which
//! refuses when the name is taken, for a new wallet, and by `rename` for an update; then the folder
//! is synced. A crash leaves the old state or the new one, and perhaps a `NAME.tmp`, which the next
//! write removes. Writers take turns on a lock on the empty file `NAME.lock`.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::error::WalletError;
use super::file::{FormatError, MAX_FILE_BYTES};

/// Reading and writing for the owner alone.
const MODE: u32 = 0o600;

/// Others could read or write the wallet file; its mode is right again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    path: PathBuf,
    mode: u32,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: the mode was {:04o}, so others could reach the wallet file; it is 0600 now, but \
             what they may have read stays read",
            self.path.display(),
            self.mode
        )
    }
}

/// The bytes of a wallet file, and what its owner should hear of it.
pub(super) struct Found {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) warning: Option<Warning>,
}

/// Reads the file, none if there is none; a mode that lets others in is tightened first.
pub(super) fn read(path: &Path) -> Result<Option<Found>, WalletError> {
    // Not following links and not waiting for the other end of a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(WalletError::NotAFile { path: path.into() });
        }
        Err(error) => return Err(io_error("open", path)(error)),
    };
    let metadata = file.metadata().map_err(io_error("inspect", path))?;
    if !metadata.is_file() {
        return Err(WalletError::NotAFile { path: path.into() });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    let warning = (mode & 0o077 != 0).then(|| Warning { path: path.into(), mode });
    if warning.is_some() {
        file.set_permissions(PermissionsExt::from_mode(MODE))
            .map_err(io_error("restrict to its owner", path))?;
    }
    Ok(Some(Found { bytes: read_all(&mut file, metadata.len(), path)?, warning }))
}

/// Writes a new file; when this returns it is on the disk, and where one was it is untouched.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<(), WalletError> {
    let _turn = lock(path)?;
    let temporary = write_temporary(path, bytes)?;
    let linked = std::fs::hard_link(&temporary, path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => WalletError::Exists { path: path.into() },
        _ => io_error("create", path)(error),
    });
    let removed = remove(&temporary);
    linked?;
    // A wallet whose words its owner never sees must not stay: nothing was acknowledged, and the
    // lock makes sure that this is the file linked above.
    removed.and_then(|()| sync_folder(path)).inspect_err(|_| {
        let _ = remove(path);
    })
}

/// Replaces the file by what `change` makes of it; an error leaves it as it was, unless it is the
/// last sync that failed: then either text may be on the disk, and both are whole.
///
/// The warning, if any, is of the old file.
pub(super) fn update(
    path: &Path,
    change: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, WalletError>,
) -> Result<Option<Warning>, WalletError> {
    let _turn = lock(path)?;
    let found = read(path)?.ok_or_else(|| WalletError::Missing { path: path.into() })?;
    let temporary = write_temporary(path, &change(&found.bytes)?)?;
    if let Err(error) = std::fs::rename(&temporary, path) {
        // What stays is removed by the next write; the first error is the one to tell.
        let _ = remove(&temporary);
        return Err(io_error("replace", path)(error));
    }
    sync_folder(path)?;
    Ok(found.warning)
}

fn read_all(file: &mut File, length: u64, path: &Path) -> Result<Zeroizing<Vec<u8>>, WalletError> {
    // The room is reserved at once: a growing buffer would leave copies of the secret behind.
    let room = usize::try_from(length).map_or(MAX_FILE_BYTES, |length| length.min(MAX_FILE_BYTES));
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(io_error("read", path))?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(WalletError::Format { path: path.into(), source: FormatError::TooLong });
    }
    Ok(bytes)
}

/// Waits for this writer's turn, which lasts until the file returned is closed.
fn lock(path: &Path) -> Result<File, WalletError> {
    let path = beside(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(MODE)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&path)
        .map_err(io_error("open", &path))?;
    file.lock().map_err(io_error("lock", &path))?;
    Ok(file)
}

fn write_temporary(path: &Path, bytes: &[u8]) -> Result<PathBuf, WalletError> {
    let temporary = beside(path, ".tmp");
    // Under the lock, what is here was left by a crash.
    remove(&temporary)?;
    let written =
        OpenOptions::new().create_new(true).write(true).mode(MODE).open(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    if let Err(error) = written {
        // What stays is removed by the next write; the first error is the one to tell.
        let _ = remove(&temporary);
        return Err(io_error("write", &temporary)(error));
    }
    Ok(temporary)
}

fn remove(path: &Path) -> Result<(), WalletError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<(), WalletError> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("sync", folder))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WalletError {
    move |source| WalletError::Io { action, path: path.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wallet.json");
        (folder, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn bytes(path: &Path) -> Vec<u8> {
        read(path).unwrap().unwrap().bytes.to_vec()
    }

    #[test]
    fn a_file_is_created_once_and_for_its_owner_alone() {
        let (_folder, path) = folder();
        assert!(read(&path).unwrap().is_none());
        create(&path, b"one").unwrap();
        assert!(matches!(create(&path, b"two"), Err(WalletError::Exists { .. })));
        assert_eq!(bytes(&path), b"one");
        assert_eq!(mode(&path), 0o600);
        update(&path, |old| Ok(Zeroizing::new([old, b"+"].concat()))).unwrap();
        assert_eq!(bytes(&path), b"one+");
        assert_eq!(mode(&path), 0o600);
        assert!(!beside(&path, ".tmp").exists());
    }

    #[test]
    fn an_open_mode_is_tightened_and_reported() {
        let (_folder, path) = folder();
        create(&path, b"one").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        let warning = read(&path).unwrap().unwrap().warning.unwrap();
        assert_eq!(warning.mode, 0o644);
        assert_eq!(mode(&path), 0o600);
        assert_eq!(read(&path).unwrap().unwrap().warning, None);
    }

    #[test]
    fn what_a_crash_leaves_is_harmless() {
        // Before the link: a temporary file cut short. After it: a second name of the wallet.
        let (_folder, path) = folder();
        let temporary = beside(&path, ".tmp");
        fs::write(&temporary, b"on").unwrap();
        assert!(read(&path).unwrap().is_none());
        create(&path, b"one").unwrap();
        assert!(!temporary.exists());

        fs::hard_link(&path, &temporary).unwrap();
        assert_eq!(bytes(&path), b"one");
        update(&path, |_| Ok(Zeroizing::new(b"two".to_vec()))).unwrap();
        assert_eq!(bytes(&path), b"two");
        assert!(!temporary.exists());

        fs::write(&temporary, b"th").unwrap();
        assert_eq!(bytes(&path), b"two");
        assert!(matches!(create(&path, b"four"), Err(WalletError::Exists { .. })));
        assert_eq!(bytes(&path), b"two");
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let (_folder, path) = folder();
        // A folder in the place of the temporary file makes every write fail.
        let temporary = beside(&path, ".tmp");
        fs::create_dir(&temporary).unwrap();
        let error = create(&path, b"one").unwrap_err().to_string();
        assert!(error.starts_with("cannot remove "), "{error}");
        assert!(!path.exists());

        fs::remove_dir(&temporary).unwrap();
        create(&path, b"one").unwrap();
        fs::create_dir(&temporary).unwrap();
        assert!(update(&path, |_| Ok(Zeroizing::new(b"two".to_vec()))).is_err());
        assert_eq!(bytes(&path), b"one");
    }

    #[test]
    fn links_folders_pipes_and_giants_are_refused() {
        let (folder, path) = folder();
        let elsewhere = folder.path().join("elsewhere");
        symlink(&elsewhere, &path).unwrap();
        assert!(matches!(read(&path), Err(WalletError::NotAFile { .. })));
        assert!(matches!(create(&path, b"one"), Err(WalletError::Exists { .. })));
        assert!(!elsewhere.exists());

        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(read(&path), Err(WalletError::NotAFile { .. })));

        fs::remove_dir(&path).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        assert!(matches!(read(&path), Err(WalletError::NotAFile { .. })));

        fs::remove_file(&path).unwrap();
        create(&path, &vec![b' '; MAX_FILE_BYTES + 1]).unwrap();
        assert!(matches!(read(&path), Err(WalletError::Format { source: FormatError::TooLong, .. })));
    }

    #[test]
    fn one_of_many_concurrent_creations_wins() {
        let (_folder, path) = folder();
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16u8)
                .map(|n| {
                    let path = &path;
                    scope.spawn(move || (n, create(path, &[n; 100])))
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let winners: Vec<u8> = results.iter().filter(|(_, result)| result.is_ok()).map(|(n, _)| *n).collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(bytes(&path), [winners[0]; 100]);
        for (n, result) in results {
            assert!(n == winners[0] || matches!(result, Err(WalletError::Exists { .. })), "{n}");
        }
    }
}
