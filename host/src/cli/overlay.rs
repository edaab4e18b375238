//! A folder that can be written without being changed: what is written stays in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::disk::{Disk, DiskFile};

/// How much is copied where a byte is written.
const PAGE_BYTES: usize = 4_096;

/// A folder and what was written over it. Clones share both.
#[derive(Clone, Debug)]
pub struct OverlayDisk {
    folder: PathBuf,
    changes: Arc<Mutex<Changes>>,
}

#[derive(Debug, Default)]
struct Changes {
    files: BTreeMap<String, OverlayFile>,
    removed: BTreeSet<String>,
}

/// A file and what was written over it. Clones share both.
#[derive(Clone, Debug)]
pub struct OverlayFile {
    base: Option<Arc<File>>,
    written: Arc<Mutex<Written>>,
}

#[derive(Debug, Default)]
struct Written {
    length: u64,
    /// Up to where the file below shows through.
    base_length: u64,
    pages: BTreeMap<u64, Vec<u8>>,
}

impl OverlayDisk {
    /// Nothing is written over the folder yet.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), changes: Arc::default() }
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        // Nothing panics while it holds the lock.
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for OverlayDisk {
    type File = OverlayFile;

    fn open(&self, name: &str) -> io::Result<OverlayFile> {
        let mut changes = self.changes();
        if let Some(file) = changes.files.get(name) {
            return Ok(file.clone());
        }
        if changes.removed.contains(name) {
            return Err(ErrorKind::NotFound.into());
        }
        let base = File::open(self.path(name))?;
        let length = base.metadata()?.len();
        let written = Written { length, base_length: length, pages: BTreeMap::new() };
        let file = OverlayFile { base: Some(Arc::new(base)), written: Arc::new(Mutex::new(written)) };
        changes.files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn create(&self, name: &str) -> io::Result<OverlayFile> {
        if self.list()?.iter().any(|other| other == name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let file = OverlayFile { base: None, written: Arc::default() };
        self.changes().files.insert(name.to_owned(), file.clone());
        Ok(file)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(&self.folder)? {
            // A name that is not Unicode is none of ours.
            names.extend(entry?.file_name().into_string());
        }
        let changes = self.changes();
        names.retain(|name| !changes.removed.contains(name));
        names.extend(changes.files.keys().cloned());
        Ok(names.into_iter().collect())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.open(name)?;
        let mut changes = self.changes();
        changes.files.remove(name);
        changes.removed.insert(name.to_owned());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let file = self.open(from)?;
        let mut changes = self.changes();
        changes.files.remove(from);
        changes.removed.insert(from.to_owned());
        changes.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl OverlayFile {
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads where nothing was written: the file below as far as it shows through, then zeros.
    fn read_base(&self, base_length: u64, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let size = base_length.saturating_sub(offset).min(buffer.len() as u64) as usize;
        let (shown, zeros) = buffer.split_at_mut(size);
        zeros.fill(0);
        match &self.base {
            Some(base) if !shown.is_empty() => base.read_at(offset, shown),
            _ => Ok(()),
        }
    }
}

impl DiskFile for OverlayFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        let end = offset.checked_add(buffer.len() as u64).ok_or(ErrorKind::InvalidInput)?;
        if end > written.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.read_base(written.base_length, offset, buffer)?;
        if end == offset {
            return Ok(());
        }
        for (number, page) in written.pages.range(offset / PAGE_BYTES as u64..=(end - 1) / PAGE_BYTES as u64)
        {
            let start = number * PAGE_BYTES as u64;
            // The part of the page that is asked for, as places in the buffer and in the page.
            let (from, to) = (start.max(offset), (start + PAGE_BYTES as u64).min(end));
            let target = buffer.get_mut((from - offset) as usize..(to - offset) as usize);
            let source = page.get((from - start) as usize..(to - start) as usize);
            if let (Some(target), Some(source)) = (target, source) {
                target.copy_from_slice(source);
            }
        }
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        let end = offset.checked_add(bytes.len() as u64).ok_or(ErrorKind::InvalidInput)?;
        let (mut offset, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (number, within) = (offset / PAGE_BYTES as u64, (offset % PAGE_BYTES as u64) as usize);
            if !written.pages.contains_key(&number) {
                let mut page = vec![0; PAGE_BYTES];
                self.read_base(written.base_length, number * PAGE_BYTES as u64, &mut page)?;
                written.pages.insert(number, page);
            }
            let (part, behind) = rest.split_at(rest.len().min(PAGE_BYTES - within));
            if let Some(target) =
                written.pages.get_mut(&number).and_then(|page| page.get_mut(within..within + part.len()))
            {
                target.copy_from_slice(part);
            }
            (offset, rest) = (offset + part.len() as u64, behind);
        }
        written.length = written.length.max(end);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut written = self.written();
        // What is cut off must not show again where the file grows later.
        let (whole, rest) = (length / PAGE_BYTES as u64, (length % PAGE_BYTES as u64) as usize);
        written.pages.split_off(&(whole + u64::from(rest > 0)));
        if let Some(cut) = written.pages.get_mut(&whole).and_then(|page| page.get_mut(rest..)) {
            cut.fill(0);
        }
        written.base_length = written.base_length.min(length);
        written.length = length;
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let content: Vec<u8> = (0..10_000).map(|byte| byte as u8).collect();
        std::fs::write(folder.path().join("a"), &content).unwrap();
        let disk = OverlayDisk::new(folder.path());
        let (file, mut expected) = (disk.open("a").unwrap(), content.clone());
        for (offset, size) in [(0, 1), (4_090, 10), (9_990, 20), (8_000, 5_000)] {
            expected.resize(expected.len().max(offset + size), 0);
            expected[offset..offset + size].fill(0xee);
            file.write_at(offset as u64, &vec![0xee; size]).unwrap();
        }
        for length in [5_000, 9_000, 20_000] {
            expected.resize(length, 0);
            file.set_len(length as u64).unwrap();
            let mut got = vec![1; length];
            file.read_at(0, &mut got).unwrap();
            assert_eq!(got, expected);
        }
        assert!(file.read_at(19_999, &mut [0; 2]).is_err());
        disk.create("b").unwrap();
        assert!(disk.create("a").is_err());
        disk.remove("a").unwrap();
        assert_eq!(disk.list().unwrap(), ["b"]);
        assert!(disk.open("a").is_err());
        disk.rename("b", "a").unwrap();
        assert_eq!(disk.list().unwrap(), ["a"]);
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), content);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
