//! The image of a card ([`mote_core::card`]): made whole or not at all, and open to its owner alone, since
//! it holds a key.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use mote_core::card::{
    IDENTITY_KIND, IDENTITY_SECTORS, IMAGE_BYTES, Identity, SECTOR_BYTES, SectorError, read_sector,
    write_sector,
};
use mote_core::codec::EncodeError;
use zeroize::Zeroizing;

/// Reading and writing for the owner alone.
const MODE: u32 = 0o600;

/// Why there is no card.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file has the name already.
    #[error("{} is there already, and may hold a key that is nowhere else; --force replaces it", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds no identity.
    #[error("{} is not the card of a device: {source}", path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with its first copy.
        source: SectorError,
    },
    /// What has the name of the image is a folder, a device, a pipe.
    #[error("{} is no regular file: make the image in a file, and copy that to the card", .path.display())]
    NotAFile {
        /// What has the name.
        path: PathBuf,
    },
    /// The identity does not fit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What to do where a file has the name of a new image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it.
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// Makes the image of a new card. When this returns it is on the disk; before, whatever was there is
/// untouched.
pub fn create(path: &Path, identity: &Identity, existing: Existing) -> Result<(), ImageError> {
    let error = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ImageError::File { action, path, source }
    };
    if existing == Existing::Keep && path.symlink_metadata().is_ok() {
        return Err(ImageError::Exists { path: path.to_owned() });
    }
    // A link is followed: whoever made it wants the file that it names.
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(ImageError::NotAFile { path: path.to_owned() });
    }
    let mut name = OsString::from(path);
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(name);
    let file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&temporary);
    let file = file.map_err(error("create", &temporary))?;
    let made = file
        .set_len(IMAGE_BYTES)
        .map_err(error("write", &temporary))
        .and_then(|()| write_identity(&file, &temporary, identity))
        .and_then(|()| take_place(&temporary, path, existing));
    // What is left is the second name of the image, or was never one.
    if existing == Existing::Keep || made.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    made?;
    let folder = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(error("sync", folder))
}

/// Gives the finished file its name. A link, unlike a new name, never replaces another file.
fn take_place(temporary: &Path, path: &Path, existing: Existing) -> Result<(), ImageError> {
    let placed = match existing {
        Existing::Keep => std::fs::hard_link(temporary, path),
        Existing::Replace => std::fs::rename(temporary, path),
    };
    placed.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => ImageError::Exists { path: path.to_owned() },
        _ => ImageError::File { action: "create", path: path.to_owned(), source },
    })
}

/// Whose card it is.
pub fn read(path: &Path) -> Result<Identity, ImageError> {
    let file_error = |source| ImageError::File { action: "read", path: path.to_owned(), source };
    let file = File::open(path).map_err(file_error)?;
    let mut sector = Zeroizing::new([0; SECTOR_BYTES]);
    let mut first = None;
    for at in IDENTITY_SECTORS {
        file.read_exact_at(&mut *sector, offset(at)).map_err(file_error)?;
        match read_sector(&sector, IDENTITY_KIND) {
            Ok(identity) => return Ok(identity),
            Err(error) => first = first.or(Some(error)),
        }
    }
    let source = first.unwrap_or(SectorError::Blank);
    Err(ImageError::Identity { path: path.to_owned(), source })
}

/// Changes who the device is and keeps all else that stands on its card. One of the two copies is whole
/// at any moment.
pub fn rewrite(path: &Path, identity: &Identity) -> Result<(), ImageError> {
    let file = OpenOptions::new().write(true).open(path);
    let file = file.map_err(|source| ImageError::File { action: "open", path: path.to_owned(), source })?;
    write_identity(&file, path, identity)
}

fn write_identity(file: &File, path: &Path, identity: &Identity) -> Result<(), ImageError> {
    let mut sector = Zeroizing::new([0; SECTOR_BYTES]);
    write_sector(&mut sector, IDENTITY_KIND, identity)?;
    for at in IDENTITY_SECTORS {
        file.write_all_at(&*sector, offset(at))
            .and_then(|()| file.sync_all())
            .map_err(|source| ImageError::File { action: "write", path: path.to_owned(), source })?;
    }
    Ok(())
}

fn offset(sector: u32) -> u64 {
    u64::from(sector) * SECTOR_BYTES as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use mote_core::card::Mines;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn identity(name: &str) -> Identity {
        Identity {
            network: "local".parse().unwrap(),
            name: name.parse().unwrap(),
            seed: Some([1; 32]),
            entropy: [2; 32],
            peers: Default::default(),
            mines: Mines::WhenTold,
        }
    }

    #[test]
    fn an_image_is_made_once_sparse_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.img");
        create(&path, &identity("one"), Existing::Keep).unwrap();
        let metadata = path.metadata().unwrap();
        assert_eq!((metadata.permissions().mode() & 0o7777, metadata.len()), (MODE, IMAGE_BYTES));
        assert!(metadata.blocks() * 512 < 64 * 1_024);
        let again = create(&path, &identity("two"), Existing::Keep);
        assert!(matches!(again, Err(ImageError::Exists { .. })));
        assert_eq!(read(&path).unwrap(), identity("one"));
        create(&path, &identity("two"), Existing::Replace).unwrap();
        assert_eq!(read(&path).unwrap(), identity("two"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_identity_changes_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("card.img");
        create(&path, &identity("one"), Existing::Keep).unwrap();
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.write_all_at(b"state", offset(32)).unwrap();
        rewrite(&path, &identity("two")).unwrap();
        let mut state = [0; 5];
        file.read_exact_at(&mut state, offset(32)).unwrap();
        assert_eq!((read(&path).unwrap(), &state), (identity("two"), b"state"));
        // One copy is enough.
        for at in IDENTITY_SECTORS {
            rewrite(&path, &identity("three")).unwrap();
            file.write_all_at(&[0xaa; 100], offset(at)).unwrap();
            assert_eq!(read(&path).unwrap(), identity("three"));
        }
        file.write_all_at(&[0xaa; 100], offset(IDENTITY_SECTORS[0])).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("card.img is not the card of a device: "), "{error}");
        file.set_len(100).unwrap();
        assert!(read(&path).unwrap_err().to_string().starts_with("cannot read "));
    }
}
