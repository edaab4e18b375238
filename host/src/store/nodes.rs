//! The file of the account tree: the nodes of its stored versions, one behind the other in the order in which they
//! were stored, and none ever changed. A node is named by where its bytes begin, so reading one takes a single
//! read; and by what it hashes to, so bytes that are not its own are found.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `motetree` |
//! | each at most 406 | a node: 0, key 32, balance 8, nonce 8 (an account); 1, offset 8, hash 32 (a node of this file); 2, bit index 1, node, node (a branch) |
//!
//! Integers are big-endian. The index says up to where the file counts: what lies behind is left over from before a
//! crash, and written over.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::{Disk, DiskFile};
use super::error::StoreError;
use super::tree::row::{ROW_BYTES_MAX, Rows, decode_node, encode_node};
use super::tree::{Node, NodeRef, Nodes, Search};

/// Name of the file.
pub const NODES_FILE: &str = "accounts.tree";

/// Where the first node of the file begins.
pub const NODES_BEGIN: u64 = MAGIC.len() as u64;

/// What the file begins with.
const MAGIC: &[u8; 8] = b"motetree";

/// Nodes are written once they take this many bytes.
const WRITTEN_AT_ONCE: usize = 1 << 20;

/// Rows are read and hashed so many at a time: enough for all lanes of a processor, few enough for its nearest cache.
const ROWS_AT_ONCE: usize = 64;

/// Nodes that are kept in memory because they were read.
const CACHED_NODES: usize = 1 << 13;

/// The file, with what is not written yet.
pub struct NodeFile {
    reader: Arc<NodeReader>,
    /// Why nothing can be written any more: after a failed write or sync nobody knows what the disk has.
    failure: Option<io::Error>,
    /// A node at the slot that its offset falls on.
    cache: Mutex<Vec<Option<(u64, Node)>>>,
}

/// Reads the nodes that there were when it was handed out, on whatever thread.
#[derive(Clone)]
pub struct NodeReader {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Up to where the file is written.
    written: u64,
    /// The nodes from there on.
    tail: Vec<u8>,
}

impl NodeFile {
    /// Opens the file in the folder `disk`, or makes it where there is none. It counts up to `end`; `None` where
    /// nothing in it counts.
    pub fn open<D: Disk>(disk: &D, end: Option<u64>) -> Result<Self, StoreError> {
        let path = disk.path(NODES_FILE);
        let file = open_file(disk, end).map_err(|source| StoreError::File { path: path.clone(), source })?;
        let written = end.unwrap_or(NODES_BEGIN);
        let reader = NodeReader { file: Arc::new(file), path, written, tail: Vec::new() };
        let got = reader.file.len().map_err(|source| reader.error(source))?;
        if got < written {
            return Err(StoreError::NodeFile { got, expected: written });
        }
        Ok(Self { reader: Arc::new(reader), failure: None, cache: Mutex::new(vec![None; CACHED_NODES]) })
    }

    /// Adds a node and returns where it begins.
    pub fn add(&mut self, node: &Node) -> u64 {
        let begin = self.end();
        let reader = Arc::make_mut(&mut self.reader);
        encode_node(&mut reader.tail, node);
        if reader.tail.len() >= WRITTEN_AT_ONCE && self.failure.is_none() {
            // Whoever syncs is told.
            self.failure = reader.write().err();
        }
        begin
    }

    /// Where the next node will begin.
    pub fn end(&self) -> u64 {
        self.reader.end()
    }

    /// What reads the nodes that there are now.
    pub fn reader(&self) -> Arc<NodeReader> {
        self.reader.clone()
    }

    /// Returns once all nodes are on the disk.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        if self.failure.is_none() {
            let reader = Arc::make_mut(&mut self.reader);
            self.failure = reader.write().and_then(|()| reader.file.sync()).err();
        }
        match &self.failure {
            Some(failure) => Err(self.reader.error(io::Error::new(failure.kind(), failure.to_string()))),
            None => Ok(()),
        }
    }
}

impl NodeReader {
    fn end(&self) -> u64 {
        self.written + self.tail.len() as u64
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_at(self.written, &self.tail)?;
        self.written = self.end();
        self.tail.clear();
        Ok(())
    }

    /// The bytes of the row at this offset, and of whatever stands behind it.
    fn read<'b>(&'b self, serial: u64, room: &'b mut [u8; ROW_BYTES_MAX]) -> Result<&'b [u8], StoreError> {
        if let Some(behind) = serial.checked_sub(self.written) {
            let behind = usize::try_from(behind).unwrap_or(usize::MAX);
            return Ok(self.tail.get(behind..).unwrap_or_default());
        }
        let length = usize::try_from(self.written - serial).unwrap_or(usize::MAX);
        let bytes = &mut room[..length.min(ROW_BYTES_MAX)];
        self.file.read_at(serial, bytes).map_err(|source| self.error(source))?;
        Ok(bytes)
    }

    fn error(&self, source: io::Error) -> StoreError {
        StoreError::File { path: self.path.clone(), source }
    }
}

impl Nodes for NodeFile {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut cache[slot(named.serial)];
        if let Some((_, node)) = slot.as_ref().filter(|(cached, _)| *cached == named.serial) {
            return checked(node.clone(), named);
        }
        let node = self.reader.node(named)?;
        *slot = Some((named.serial, node.clone()));
        Ok(node)
    }
}

impl Nodes for NodeReader {
    fn node(&self, named: NodeRef) -> Result<Node, StoreError> {
        let bytes = &mut [0; ROW_BYTES_MAX];
        checked(decode_node(named.serial, self.read(named.serial, bytes)?)?, named)
    }

    fn load(&self, searches: &mut [Search<'_, '_>]) -> Result<(), StoreError> {
        let mut rooms = vec![[0; ROW_BYTES_MAX]; searches.len().min(ROWS_AT_ONCE)];
        for searches in searches.chunks_mut(ROWS_AT_ONCE) {
            let (mut stored, mut rows) = (Vec::new(), Vec::new());
            for (Search { node, keys }, room) in searches.iter_mut().zip(&mut rooms) {
                if let Node::Stored(named) = **node {
                    rows.push((named.serial, self.read(named.serial, room)?));
                    stored.push((named, node, keys));
                }
            }
            let rows = Rows::decode(&rows)?;
            for ((named, node, keys), read) in stored.into_iter().zip(rows.heads()) {
                **node = checked(read.on_the_way_to(keys), named)?;
            }
        }
        Ok(())
    }
}

/// The node, where it is the one that was named.
fn checked(node: Node, named: NodeRef) -> Result<Node, StoreError> {
    if node.hash() != named.hash {
        return Err(StoreError::Node { serial: named.serial, problem: "not the one that was named" });
    }
    Ok(node)
}

/// Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3, section 6.4): offsets are not evenly spread.
fn slot(serial: u64) -> usize {
    (serial.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - CACHED_NODES.ilog2())) as usize
}

fn open_file<D: Disk>(disk: &D, end: Option<u64>) -> io::Result<D::File> {
    let is_there = disk.list()?.iter().any(|name| name == NODES_FILE);
    let file = if is_there { disk.open(NODES_FILE)? } else { disk.create(NODES_FILE)? };
    if !is_there || end.is_none() {
        file.set_len(0)?;
        file.write_at(0, MAGIC)?;
        file.sync()?;
        disk.sync_folder()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryDisk;
    use crate::store::tree::{TreeUpdate, TreeVersion};
    use mote_core::hash::sha256;
    use mote_core::keys::AccountKey;
    use mote_core::state::{Account, Accounts};

    /// Looks for all accounts at once, adds one to the nonce of each, and returns what they were.
    fn change(
        nodes: &NodeFile,
        version: TreeVersion,
        keys: &[AccountKey],
    ) -> Result<(TreeVersion, Vec<u64>), StoreError> {
        let mut update = TreeUpdate::new(nodes.reader(), version);
        update.look_for(keys)?;
        let mut nonces = Vec::new();
        for key in keys {
            let note = |account: Account| {
                nonces.push(account.nonce);
                Ok(Account { nonce: account.nonce + 1, ..account })
            };
            update.update(key, note).unwrap();
        }
        update.settle()?;
        Ok((update.into_version(), nonces))
    }

    #[test]
    fn many_rows_are_read_together_from_the_file_and_from_what_is_not_written_yet() {
        let disk = MemoryDisk::new();
        let mut nodes = NodeFile::open(&disk, None).unwrap();
        // Far more rows of a level than are read at once.
        let keys: Vec<AccountKey> = (0..2_000_u64).map(|number| sha256(&number.to_le_bytes())).collect();
        assert!(keys.len() / 8 > 2 * ROWS_AT_ONCE);
        let (mut version, mut expected) = (TreeVersion::default(), vec![0; keys.len()]);
        for round in 0..4 {
            // Some are changed in the file, and some in memory over it.
            let from = round * 700 % keys.len();
            let (changed, before) = change(&nodes, version, &keys[from..]).unwrap();
            assert_eq!(before, expected[from..]);
            expected[from..].iter_mut().for_each(|nonce| *nonce += 1);
            version = TreeVersion::stored(changed.store(&mut |node| nodes.add(node)));
            if round % 2 == 0 {
                nodes.sync().unwrap();
            }
        }
        let is_written = nodes.reader.tail.is_empty();
        assert!(!is_written && nodes.reader.written > NODES_BEGIN);
        assert_eq!(change(&nodes, version.clone(), &keys).unwrap().1, expected);
        // One row that is damaged is found among all.
        nodes.sync().unwrap();
        let (end, mut byte) = (nodes.end(), [0]);
        for offset in [end - 1, end - 20_000] {
            nodes.reader.file.read_at(offset, &mut byte).unwrap();
            nodes.reader.file.write_at(offset, &[byte[0] ^ 4]).unwrap();
            assert!(change(&nodes, version.clone(), &keys).is_err());
            nodes.reader.file.write_at(offset, &byte).unwrap();
        }
        assert_eq!(change(&nodes, version, &keys).unwrap().1, expected);
    }
}
